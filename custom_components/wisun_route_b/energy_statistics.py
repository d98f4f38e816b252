"""The long-term statistics of one energy sensor: found, read, and put right.

Every rule here comes from reading the recorder of Home Assistant 2026.10: an hour that it has
not compiled must not exist when it does so (it would roll back the hour of every sensor in
the house), the metadata are overwritten by what is imported, and an adjustment shifts all
rows from a moment on in both tables.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from homeassistant.components.recorder.db_schema import Statistics, StatisticsRuns
from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMetaData,
    process_timestamp,
)
from homeassistant.components.recorder.statistics import (
    StatisticsRow,
    async_import_statistics,
    get_last_short_term_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import func, select

from .backfill import History, Plan, Row, Tail
from .const import DOMAIN

_PERIOD: Final = timedelta(minutes=5)
_KWH: Final = UnitOfEnergy.KILO_WATT_HOUR
#: Decimals that are left of a stored number: finer than any register (E1: 0.0001 kWh).
_DIGITS: Final = 6


class Obstacle(StrEnum):
    """Why there are no statistics that could be put right."""

    NO_RECORDER = "no_recorder"
    NO_ENTITY = "no_entity"
    """There is no such sensor, or it is disabled."""
    NOT_RECORDED = "not_recorded"
    """The recorder is told to leave the sensor out."""
    NOT_COMPILED = "not_compiled"
    """The recorder has written nothing of it yet, or nothing for so long that it was purged."""
    OTHER_UNIT = "other_unit"
    """What is stored is no energy."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is stored of one sensor, at one moment."""

    metadata: StatisticMetaData
    history: History
    compiled_until: datetime
    """The end of the last hour that the recorder has finished."""


def recorded_entity(hass: HomeAssistant, unique_id: str) -> str | Obstacle:
    """Return the sensor's present entity id, or why it has no statistics."""
    if "recorder" not in hass.config.components:
        return Obstacle.NO_RECORDER
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id)
    entry = registry.async_get(entity_id) if entity_id else None
    if entity_id is None or entry is None or entry.disabled:
        return Obstacle.NO_ENTITY
    return entity_id if is_entity_recorded(hass, entity_id) else Obstacle.NOT_RECORDED


async def read_statistics(
    hass: HomeAssistant, entity_id: str, since: datetime, *, and_before: bool = False
) -> Snapshot | Obstacle:
    """Return the finished hours of a sensor from ``since`` on, perhaps with the last before."""
    return await get_instance(hass).async_add_executor_job(
        _read, hass, entity_id, since, and_before
    )


def _read(
    hass: HomeAssistant,
    entity_id: str,
    since: datetime,
    and_before: bool,  # noqa: FBT001 - executor jobs know no keywords
) -> Snapshot | Obstacle:
    # The bound first: what is compiled while this reads only comes in addition.
    bound = _compiled_until(hass)
    known = get_metadata(hass, statistic_ids={entity_id}).get(entity_id)
    if bound is None or known is None:
        return Obstacle.NOT_COMPILED
    number, metadata = known
    if metadata["unit_of_measurement"] not in EnergyConverter.VALID_UNITS:
        return Obstacle.OTHER_UNIT
    first = _hour_before(hass, number, since) if and_before else since
    stored = statistics_during_period(
        hass,
        first,
        bound,
        {entity_id},
        "hour",
        {"energy": _KWH},
        {"state", "sum"},
    )
    rows = {
        datetime.fromtimestamp(item["start"], UTC): row
        for item in stored.get(entity_id, ())
        if (row := _row(item, _KWH)) is not None
    }
    tail = _tail(hass, entity_id, metadata)
    return Snapshot(metadata, History(rows, tail), bound) if tail else Obstacle.NOT_COMPILED


def _compiled_until(hass: HomeAssistant) -> datetime | None:
    """Return the end of the last hour that is finished for all sensors.

    From the recorder's own book of its runs, because events come before the commit, and
    before what had to be tried again.
    """
    with session_scope(hass=hass, read_only=True) as session:
        start = session.execute(select(func.max(StatisticsRuns.start))).scalar()
    if start is None:
        return None
    end = process_timestamp(start) + _PERIOD
    return end.replace(minute=0, second=0, microsecond=0)


def _hour_before(hass: HomeAssistant, number: int, since: datetime) -> datetime:
    """Return the last hour before ``since`` that has a row, or ``since``."""
    with session_scope(hass=hass, read_only=True) as session:
        earlier = select(func.max(Statistics.start_ts)).where(
            Statistics.metadata_id == number, Statistics.start_ts < since.timestamp()
        )
        start = session.execute(earlier).scalar()
    return since if start is None else datetime.fromtimestamp(start, UTC)


def _tail(hass: HomeAssistant, entity_id: str, metadata: StatisticMetaData) -> Tail | None:
    newest = get_last_short_term_statistics(hass, 1, entity_id, False, {"state", "sum"})  # noqa: FBT003 - the recorder's signature
    for item in newest.get(entity_id, ()):
        row = _row(item, metadata["unit_of_measurement"])
        if row is not None:
            return Tail(datetime.fromtimestamp(item["start"], UTC), row)
    return None


def _row(item: StatisticsRow, unit: str | None) -> Row | None:
    state, total = item.get("state"), item.get("sum")
    if state is None or total is None:
        return None
    return Row(_kwh(state, unit), _kwh(total, unit))


def _kwh(value: float, unit: str | None) -> Decimal:
    energy = EnergyConverter.convert(value, unit, _KWH)
    return round(Decimal(energy), _DIGITS)


async def apply_plan(hass: HomeAssistant, snapshot: Snapshot, plan: Plan) -> None:
    """Have the recorder do what was planned, and wait until it has.

    The recorder works its queue off in order: nothing comes between the two steps.
    """
    recorder, metadata = get_instance(hass), snapshot.metadata
    if plan.shift_from is not None:
        recorder.async_adjust_statistics(
            metadata["statistic_id"], plan.shift_from, float(plan.shift), _KWH
        )
    if plan.changes:
        unit = metadata["unit_of_measurement"]
        rows = [
            StatisticData(
                start=change.start,
                state=EnergyConverter.convert(float(change.row.state), _KWH, unit),
                sum=EnergyConverter.convert(float(change.row.sum), _KWH, unit),
            )
            for change in plan.changes
        ]
        async_import_statistics(hass, metadata, rows)
    await recorder_settled(hass)


async def recorder_settled(hass: HomeAssistant) -> None:
    """Wait until the recorder has committed all that it was told to do until now."""
    # Not async_block_till_done(): it does not wait for a task that has left the queue.
    done: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done
