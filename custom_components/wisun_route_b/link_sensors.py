"""Sensors of the link itself: nothing has to be read for most of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import SIGNAL_STRENGTH_DECIBELS_MILLIWATT, EntityCategory, UnitOfTime
from homeassistant.util import dt as dt_util

from .coordinator import RouteBCoordinator
from .entity import RouteBEntityDescription
from .error_texts import failure_key
from .history.import_notice import progress_text
from .link_state import LINK_STATES, link_state
from .stack import LinkStatistics, properties


@dataclass(frozen=True, kw_only=True)
class HealthSensorDescription(RouteBEntityDescription, SensorEntityDescription):
    """A sensor of the link, and where its value is found."""

    value_fn: Callable[[RouteBCoordinator], str | float | datetime | None]
    details_fn: Callable[[RouteBCoordinator], dict[str, object]] | None = None
    """Attributes beside the value."""
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False


def _signal(coordinator: RouteBCoordinator) -> float | None:
    signal = coordinator.meter.signal
    return None if signal is None else round(signal.dbm, 1)


def _link_quality(coordinator: RouteBCoordinator) -> float | None:
    signal = coordinator.meter.signal
    return None if signal is None else signal.lqi


def _clock_offset(coordinator: RouteBCoordinator) -> float | None:
    offset = coordinator.clock_offset
    return None if offset is None else round(offset.total_seconds())


def _link_details(coordinator: RouteBCoordinator) -> dict[str, object]:
    """Return why there is no link, since when, and when the values shown meanwhile are of.

    The cause has the words of the dialogs' errors. All are None while there is a link: then the
    last answer changes with each poll, and is of no use.
    """
    status = coordinator.keeper.status
    is_up = status.usable
    return {
        "cause": None if status.error is None else failure_key(status.error),
        "down_since": None if is_up else coordinator.down_since,
        "last_answer": None if is_up else coordinator.last_answer,
    }


def _counter(key: str, count: Callable[[LinkStatistics], int]) -> HealthSensorDescription:
    return HealthSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda coordinator: count(coordinator.meter.statistics),
    )


def _last_repair(coordinator: RouteBCoordinator) -> datetime | None:
    found = coordinator.backfill.last_repair
    return None if found is None else dt_util.parse_datetime(str(found["at"]))


def _repair_details(coordinator: RouteBCoordinator) -> dict[str, object]:
    """Return what the last repair corrected, and the progress of a reading of the history."""
    found = coordinator.backfill.last_repair
    progress = coordinator.backfill.import_progress or coordinator.backfill.progress
    details: dict[str, object] = (
        {"days_to_read": progress.days - progress.days_done} if progress else {}
    )
    if found is not None:
        details |= {key: found[key] for key in ("hours", "from", "to")}
        sensors = found["sensors"]
        if isinstance(sensors, dict):
            details |= {key: sensor["energy"] for key, sensor in sensors.items()}
    return details


def _import(coordinator: RouteBCoordinator) -> str:
    """Return how far an import that was ordered is; what is no number has a text of its own."""
    backfill = coordinator.backfill
    if (progress := backfill.import_progress) is not None:
        return progress_text(coordinator.hass, progress)
    if backfill.imported is not None:
        return "done"
    return "waiting" if backfill.to_import else "none"


def _import_details(coordinator: RouteBCoordinator) -> dict[str, object]:
    """Return the numbers: of an import that is going on, or what the last one came to."""
    backfill = coordinator.backfill
    if (progress := backfill.import_progress) is not None:
        return {"days_done": progress.days_done, "days": progress.days}
    if (totals := backfill.imported) is None:
        return {}
    return {
        "days_done": totals.days,
        "days": totals.days,
        "hours": totals.hours,
        **{key: round(energy, 3) for key, energy in totals.energy.items()},
    }


HEALTH_SENSORS: Final = (
    HealthSensorDescription(
        key="link_state",
        translation_key="link_state",
        device_class=SensorDeviceClass.ENUM,
        options=list(LINK_STATES),
        entity_registry_enabled_default=True,
        value_fn=lambda coordinator: link_state(
            coordinator.keeper.status, coordinator.meter.signal
        ),
        details_fn=_link_details,
    ),
    HealthSensorDescription(
        key="signal_strength",
        entity_registry_enabled_default=True,
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        suggested_display_precision=0,
        value_fn=_signal,
    ),
    HealthSensorDescription(
        key="link_quality",
        translation_key="link_quality",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=_link_quality,
    ),
    HealthSensorDescription(
        key="session_start",
        translation_key="session_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda coordinator: coordinator.session_start,
    ),
    HealthSensorDescription(
        key="clock_offset",
        translation_key="clock_offset",
        properties=(properties.CURRENT_DATE, properties.CURRENT_TIME),
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        value_fn=_clock_offset,
    ),
    HealthSensorDescription(
        key="last_repair",
        translation_key="last_repair",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=True,
        value_fn=_last_repair,
        details_fn=_repair_details,
    ),
    HealthSensorDescription(
        key="history_import",
        translation_key="history_import",
        entity_registry_enabled_default=True,
        value_fn=_import,
        details_fn=_import_details,
    ),
    _counter("requests", lambda statistics: statistics.requests),
    _counter("retries", lambda statistics: statistics.retries),
    _counter("lost_answers", lambda statistics: statistics.lost),
    _counter("reconnects", lambda statistics: statistics.reconnects),
)
