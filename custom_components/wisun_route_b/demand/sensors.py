"""Sensors of the demand: the running half-hour, and the largest ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfPower
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.util import dt as dt_util

from ..coordinator import RouteBCoordinator
from ..entity import RouteBEntity, RouteBEntityDescription
from ..stack import properties
from .peaks import Peak, Peaks
from .running import RunningDemand

#: Decimals of a demand in kW: half a step of 0.1 kWh and less must be seen.
_DECIMALS: Final = 2


@dataclass(frozen=True, kw_only=True)
class _DemandDescription(RouteBEntityDescription, SensorEntityDescription):
    device_class: SensorDeviceClass | None = SensorDeviceClass.POWER
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT
    native_unit_of_measurement: str | None = UnitOfPower.KILO_WATT
    suggested_display_precision: int | None = _DECIMALS


@dataclass(frozen=True, kw_only=True)
class RunningDemandDescription(_DemandDescription):
    """A sensor of the running half-hour, and which of its numbers it shows."""

    value_fn: Callable[[RunningDemand], Decimal]


@dataclass(frozen=True, kw_only=True)
class PeakDescription(_DemandDescription):
    """A sensor of a largest half-hour, and how it is found."""

    value_fn: Callable[[Peaks, datetime], Peak | None]


_LIVE: Final = (
    properties.INSTANTANEOUS_POWER,
    properties.CUMULATIVE_ENERGY_NORMAL,
    properties.FIXED_TIME_ENERGY_NORMAL,
)

RUNNING_DEMAND_SENSORS: Final = (
    RunningDemandDescription(
        key="demand",
        translation_key="demand",
        properties=_LIVE,
        value_fn=lambda demand: demand.average,
    ),
    RunningDemandDescription(
        key="projected_demand",
        translation_key="projected_demand",
        properties=_LIVE,
        value_fn=lambda demand: demand.projected,
    ),
)
PEAK_SENSORS: Final = (
    PeakDescription(
        key="peak_demand_month",
        translation_key="peak_demand_month",
        properties=(properties.FIXED_TIME_ENERGY_NORMAL,),
        value_fn=lambda peaks, now: peaks.of_month(now),
    ),
    PeakDescription(
        key="peak_demand_12_months",
        translation_key="peak_demand_12_months",
        properties=(properties.FIXED_TIME_ENERGY_NORMAL,),
        value_fn=lambda peaks, now: peaks.of_twelve_months(now),
    ),
)


class RunningDemandSensor(RouteBEntity, SensorEntity):
    """The average power of the running half-hour; kept no longer than the power itself."""

    entity_description: RunningDemandDescription

    def __init__(
        self, coordinator: RouteBCoordinator, description: RunningDemandDescription
    ) -> None:
        """Be shown while there is a power; the announcement of the half-hour comes later."""
        super().__init__(coordinator, description)
        self._needed = frozenset((properties.INSTANTANEOUS_POWER.epc,))

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.shows(self._needed) and self.native_value is not None

    @property
    @override
    def native_value(self) -> Decimal | None:
        demand = self.coordinator.demand.running
        return None if demand is None else round(self.entity_description.value_fn(demand), 3)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        demand = self.coordinator.demand.running
        return None if demand is None else {"half_hour": demand.start.isoformat()}


class PeakSensor(RouteBEntity, SensorEntity):
    """A largest half-hour: stored, so it needs no link."""

    entity_description: PeakDescription

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.demand.async_add_listener(self.async_write_ha_state))
        # A month ends, and a half-hour becomes older than twelve, with or without an announcement.
        self.async_on_remove(
            async_track_utc_time_change(self.hass, self._async_half_hour, minute=(0, 30), second=0)
        )

    @callback
    def _async_half_hour(self, _now: datetime) -> None:
        self.async_write_ha_state()

    @property
    def _peak(self) -> Peak | None:
        return self.entity_description.value_fn(self.coordinator.demand.peaks, dt_util.utcnow())

    @property
    @override
    def available(self) -> bool:
        return self._peak is not None

    @property
    @override
    def native_value(self) -> Decimal | None:
        return self._peak.power if self._peak else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        """Return when it was, and of which time the half-hours are known; times of Japan."""
        peaks = self.coordinator.demand.peaks
        peak = self._peak
        if peak is None:
            return None
        return {
            "half_hour": peak.start.isoformat(),
            "known_since": peaks.since and peaks.since.isoformat(),
            "known_until": peaks.until and peaks.until.isoformat(),
        }
