"""Sensors: properties of the meter as entities of Home Assistant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, cast, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfEnergy,
    UnitOfPower,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .billing.sensors import TARIFF_SENSORS, async_tariff_sensors
from .contract.entities import CURRENT_T, LOAD_SENSORS, LoadSensor, has_contract
from .coordinator import RouteBCoordinator
from .demand.sensors import (
    PEAK_SENSORS,
    RUNNING_DEMAND_SENSORS,
    PeakSensor,
    RunningDemandSensor,
)
from .entity import RouteBEntity, RouteBEntityDescription, add_offered_entities
from .entry_data import RouteBConfigEntry
from .half_hours import Direction, HalfHour
from .link_sensors import HEALTH_SENSORS, HealthSensorDescription
from .stack import ReadReport, properties, readings

#: The coordinator reads.
PARALLEL_UPDATES = 0

#: Class and description of a sensor, and whether a report shows that it exists.
type _Pending = tuple[
    Callable[[RouteBCoordinator, Any], SensorEntity],
    RouteBEntityDescription,
    Callable[[ReadReport], bool],
]
type SensorValue = Decimal | datetime | float | None


def _always(_: ReadReport) -> bool:
    return True


def _no_attributes(_: ReadReport) -> dict[str, object] | None:
    return None


@dataclass(frozen=True, kw_only=True)
class RouteBSensorDescription(RouteBEntityDescription, SensorEntityDescription):
    """A sensor of any kind."""


@dataclass(frozen=True, kw_only=True)
class PropertySensorDescription(RouteBSensorDescription):
    """A sensor and where its value is found in a report."""

    value_fn: Callable[[ReadReport], SensorValue]
    exists_fn: Callable[[ReadReport], bool] = _always
    """Whether this meter has the value, where its list of properties does not show it."""
    attributes_fn: Callable[[ReadReport], dict[str, object] | None] = _no_attributes
    """Attributes beside the value."""


def _current(
    key: str,
    phase: Callable[[ReadReport], Decimal | None],
    exists_fn: Callable[[ReadReport], bool] = _always,
) -> PropertySensorDescription:
    return PropertySensorDescription(
        key=key,
        translation_key=key,
        properties=(properties.INSTANTANEOUS_CURRENT,),
        device_class=SensorDeviceClass.CURRENT,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        suggested_display_precision=1,
        value_fn=phase,
        exists_fn=exists_fn,
    )


def _current_r(report: ReadReport) -> Decimal | None:
    currents = report.value(properties.INSTANTANEOUS_CURRENT)
    return currents.r if currents else None


def _current_t(report: ReadReport) -> Decimal | None:
    currents = report.value(properties.INSTANTANEOUS_CURRENT)
    return currents.t if currents else None


def _has_current_t(report: ReadReport) -> bool:
    """Return whether there is a T phase: a single-phase two-wire connection has none."""
    return _current_t(report) is not None


def _register(
    key: str, register: properties.MeterProperty[Decimal | None]
) -> PropertySensorDescription:
    return PropertySensorDescription(
        key=key,
        translation_key=key,
        properties=(register,),
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        value_fn=lambda report: report.value(register),
    )


# No sensor of half-hours has a state class: long-term statistics of them would be offered in the
# Energy dashboard beside the registers, which those of Imported and Exported energy come from.


def _half_hourly(
    key: str, register: properties.MeterProperty[readings.FixedTimeEnergy]
) -> PropertySensorDescription:
    def energy(report: ReadReport) -> Decimal | None:
        reading = report.value(register)
        return reading.energy if reading else None

    return PropertySensorDescription(
        key=key,
        translation_key=key,
        properties=(register,),
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        entity_registry_enabled_default=False,
        value_fn=energy,
    )


def _minutely(
    key: str,
    side: Callable[[readings.RegisterPair], Decimal | None],
    *others: properties.AnyProperty,
) -> PropertySensorDescription:
    """Return a register at the last full minute, which meters of the second generation have.

    No power is made of it: with steps of 0.1 kWh (E1) one step in a minute would be 6 kW.
    """

    def energy(report: ReadReport) -> Decimal | None:
        reading = report.value(properties.ONE_MINUTE_CUMULATIVE_ENERGY)
        return side(reading.registers) if reading else None

    def minute(report: ReadReport) -> dict[str, object] | None:
        reading = report.value(properties.ONE_MINUTE_CUMULATIVE_ENERGY)
        return {"measured_at": reading.measured_at.isoformat()} if reading else None

    return PropertySensorDescription(
        key=key,
        translation_key=key,
        properties=(properties.ONE_MINUTE_CUMULATIVE_ENERGY, *others),
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        entity_registry_enabled_default=False,
        value_fn=energy,
        attributes_fn=minute,
    )


@dataclass(frozen=True, kw_only=True)
class HalfHourSensorDescription(RouteBSensorDescription):
    """A sensor of the energy of the last half-hour, in one direction."""

    direction: Direction


def _last_half_hour(key: str, direction: Direction) -> HalfHourSensorDescription:
    return HalfHourSensorDescription(
        key=key,
        translation_key=key,
        properties=(direction,),
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        direction=direction,
    )


def _half_hour(report: ReadReport) -> datetime | None:
    reading = report.value(properties.FIXED_TIME_ENERGY_NORMAL)
    return reading.measured_at if reading else None


SENSORS: Final = (
    PropertySensorDescription(
        key="power",
        properties=(properties.INSTANTANEOUS_POWER,),
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda report: report.value(properties.INSTANTANEOUS_POWER),
    ),
    _current("current_r", _current_r),
    _current(CURRENT_T, _current_t, _has_current_t),
    _register("imported_energy", properties.CUMULATIVE_ENERGY_NORMAL),
    _register("exported_energy", properties.CUMULATIVE_ENERGY_REVERSE),
    _half_hourly("half_hour_imported_energy", properties.FIXED_TIME_ENERGY_NORMAL),
    _half_hourly("half_hour_exported_energy", properties.FIXED_TIME_ENERGY_REVERSE),
    PropertySensorDescription(
        key="half_hour_reading_time",
        translation_key="half_hour_reading_time",
        properties=(properties.FIXED_TIME_ENERGY_NORMAL,),
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_half_hour,
    ),
    _minutely("minute_imported_energy", attrgetter("normal")),
    _minutely(
        "minute_exported_energy", attrgetter("reverse"), properties.CUMULATIVE_ENERGY_REVERSE
    ),
)

HALF_HOUR_SENSORS: Final = (
    _last_half_hour("last_half_hour_imported", properties.FIXED_TIME_ENERGY_NORMAL),
    _last_half_hour("last_half_hour_exported", properties.FIXED_TIME_ENERGY_REVERSE),
)
#: All sensors, of whatever kind.
ALL_SENSORS: Final[tuple[RouteBEntityDescription, ...]] = (
    *SENSORS,
    *HALF_HOUR_SENSORS,
    *RUNNING_DEMAND_SENSORS,
    *PEAK_SENSORS,
    *LOAD_SENSORS,
    *TARIFF_SENSORS,
    *HEALTH_SENSORS,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RouteBConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for everything that this meter offers, and those of its tariff."""
    coordinator = entry.runtime_data
    pending: list[_Pending] = [
        *((HealthSensor, row, _always) for row in HEALTH_SENSORS),
        *((HalfHourSensor, row, _always) for row in HALF_HOUR_SENSORS),
        *((RunningDemandSensor, row, _always) for row in RUNNING_DEMAND_SENSORS),
        *((PeakSensor, row, _always) for row in PEAK_SENSORS),
        *((LoadSensor, row, _always) for row in LOAD_SENSORS if has_contract(coordinator)),
        *((PropertySensor, row, row.exists_fn) for row in SENSORS),
    ]

    add_offered_entities(
        coordinator,
        pending,
        lambda row: _exists(coordinator, row),
        lambda rows: async_add_entities(kind(coordinator, row) for kind, row, _ in rows),
    )
    if (found := await async_tariff_sensors(hass, coordinator)) is not None:
        subentry_id, sensors = found
        async_add_entities(sensors, config_subentry_id=subentry_id)


def _exists(coordinator: RouteBCoordinator, pending: _Pending) -> bool:
    """Return whether this meter has what a sensor shows."""
    _, row, exists_fn = pending
    return coordinator.offers(row.properties) and exists_fn(coordinator.data)


class RouteBSensor(RouteBEntity, SensorEntity):
    """A sensor that is available while it has a value."""

    entity_description: RouteBSensorDescription

    @property
    @override
    def available(self) -> bool:
        return super().available and self.native_value is not None

    def __init__(
        self, coordinator: RouteBCoordinator, description: RouteBSensorDescription
    ) -> None:
        """Show as many decimals of an energy as the meter's register has."""
        super().__init__(coordinator, description)
        scale = coordinator.meter.scale
        if description.device_class is SensorDeviceClass.ENERGY and scale is not None:
            self._attr_suggested_display_precision = _decimals(scale.step)


class PropertySensor(RouteBSensor):
    """A value of the meter."""

    entity_description: PropertySensorDescription

    @property
    @override
    def native_value(self) -> SensorValue:
        return self.entity_description.value_fn(self.coordinator.data)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        return self.entity_description.attributes_fn(self.coordinator.data)


class HalfHourSensor(RouteBSensor):
    """The energy of the last half-hour that has ended, by the meter's own clock."""

    entity_description: HalfHourSensorDescription

    @property
    def _half_hour(self) -> HalfHour | None:
        coordinator = self.coordinator
        return coordinator.half_hours.last(
            self.entity_description.direction, coordinator.meter.scale
        )

    @property
    @override
    def native_value(self) -> SensorValue:
        return self._half_hour.energy if self._half_hour else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object]:
        # Not the property of this name: that needs a state class.
        start = self._half_hour.start if self._half_hour else None
        return {"last_reset": None if start is None else start.isoformat()}


class HealthSensor(RouteBEntity, SensorEntity):
    """A sensor of the link; it always has a value."""

    entity_description: HealthSensorDescription

    @property
    @override
    def native_value(self) -> str | float | datetime | None:
        return self.entity_description.value_fn(self.coordinator)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        details = self.entity_description.details_fn
        return None if details is None else details(self.coordinator)


def _decimals(step: Decimal) -> int:
    """Return how many decimals a register with this step (kWh) needs."""
    # The exponent of a finite number is an integer.
    return max(0, -cast("int", step.normalize().as_tuple().exponent))
