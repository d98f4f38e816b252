"""The load in per cent of the contract, and whether it is too much."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, override

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN
from ..coordinator import RouteBCoordinator
from ..entity import RouteBEntity, RouteBEntityDescription
from ..entry_data import stored, stored_options
from ..stack import properties

LOAD: Final = "load"
OVERLOAD: Final = "overload"
OVERLOAD_CLASS: Final = BinarySensorDeviceClass.PROBLEM
CURRENTS: Final = (properties.INSTANTANEOUS_CURRENT,)
#: Key of the sensor that exists once a current of the T phase was seen.
CURRENT_T: Final = "current_t"


@dataclass(frozen=True, kw_only=True)
class LoadDescription(RouteBEntityDescription, SensorEntityDescription):
    """A sensor of the load."""


LOAD_SENSORS: Final = (
    LoadDescription(
        key=LOAD,
        translation_key=LOAD,
        properties=CURRENTS,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
    ),
)


def has_contract(coordinator: RouteBCoordinator) -> bool:
    """Return whether the options name a contract."""
    return stored_options(coordinator.config_entry).contract is not None


def load_of(coordinator: RouteBCoordinator) -> Decimal | None:
    """Return the load in per cent of the contract; None if it is not known.

    A reading without a T phase is that of two wires only if there never was one with it.
    """
    contract = stored_options(coordinator.config_entry).contract
    currents = coordinator.data.value(properties.INSTANTANEOUS_CURRENT)
    if contract is None or currents is None or currents.r is None:
        return None
    if currents.t is None and _registered(coordinator, "sensor", CURRENT_T) is not None:
        return None
    return contract.load(currents.r, currents.t)


def is_overloaded(coordinator: RouteBCoordinator) -> bool | None:
    """Return whether the load is more than the contract; None if it is not known."""
    load = load_of(coordinator)
    return None if load is None else load > 100  # noqa: PLR2004 - per cent


@callback
def remove_without_contract(hass: HomeAssistant, coordinator: RouteBCoordinator) -> None:
    """Remove the entities of a contract that the options no longer name."""
    if has_contract(coordinator):
        return
    for platform, key in (("sensor", LOAD), ("binary_sensor", OVERLOAD)):
        entity_id = _registered(coordinator, platform, key)
        if entity_id is not None:
            er.async_get(hass).async_remove(entity_id)


def _registered(coordinator: RouteBCoordinator, platform: str, key: str) -> str | None:
    """Return the id of an entity of the meter that exists or has existed; None if there is none."""
    identity = stored(coordinator.config_entry).identity
    registry = er.async_get(coordinator.hass)
    return registry.async_get_entity_id(platform, DOMAIN, f"{identity}_{key}")


class LoadSensor(RouteBEntity, SensorEntity):
    """How much of the contract is drawn now."""

    entity_description: LoadDescription

    @property
    @override
    def available(self) -> bool:
        return super().available and self.native_value is not None

    @property
    @override
    def native_value(self) -> Decimal | None:
        load = load_of(self.coordinator)
        return None if load is None else round(load, 1)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, object] | None:
        contract = stored_options(self.coordinator.config_entry).contract
        if contract is None:
            return None
        return {"contract": f"{float(contract.size):g} {contract.unit}"}
