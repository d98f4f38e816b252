"""Binary sensors: whether the link is up, and the condition of the meter itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .contract.entities import (
    CURRENTS,
    OVERLOAD,
    OVERLOAD_CLASS,
    has_contract,
    is_overloaded,
    remove_without_contract,
)
from .coordinator import RouteBCoordinator
from .entity import RouteBEntity, RouteBEntityDescription, add_offered_entities
from .entry_data import RouteBConfigEntry
from .stack import properties

#: The coordinator reads.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RouteBBinarySensorDescription(RouteBEntityDescription, BinarySensorEntityDescription):
    """A binary sensor, and when it is on."""

    is_on_fn: Callable[[RouteBCoordinator], bool | None]
    exists_fn: Callable[[RouteBCoordinator], bool] = lambda _: True
    """Whether there is such an entity, apart from what the meter offers."""
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC


BINARY_SENSORS: Final = (
    RouteBBinarySensorDescription(
        key="connection",
        translation_key="connection",  # Home Assistant's own Japanese name varies with its version
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        is_on_fn=lambda coordinator: coordinator.keeper.status.usable,
    ),
    RouteBBinarySensorDescription(
        key="fault",
        translation_key="fault",
        properties=(properties.FAULT_STATUS,),
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda coordinator: (
            coordinator.data.value(properties.FAULT_STATUS) is properties.FaultStatus.FAULT
        ),
    ),
    RouteBBinarySensorDescription(
        key="operation",
        translation_key="operation",
        properties=(properties.OPERATION_STATUS,),
        device_class=BinarySensorDeviceClass.RUNNING,
        entity_registry_enabled_default=False,
        is_on_fn=lambda coordinator: (
            coordinator.data.value(properties.OPERATION_STATUS) is properties.OperationStatus.ON
        ),
    ),
    RouteBBinarySensorDescription(
        key=OVERLOAD,
        translation_key=OVERLOAD,
        properties=CURRENTS,
        device_class=OVERLOAD_CLASS,
        entity_category=None,
        is_on_fn=is_overloaded,
        exists_fn=has_contract,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RouteBConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the entities of the link, and of what this meter offers."""
    coordinator = entry.runtime_data
    remove_without_contract(hass, coordinator)
    add_offered_entities(
        coordinator,
        BINARY_SENSORS,
        lambda row: row.exists_fn(coordinator) and coordinator.offers(row.properties),
        lambda rows: async_add_entities(RouteBBinarySensor(coordinator, row) for row in rows),
    )


class RouteBBinarySensor(RouteBEntity, BinarySensorEntity):
    """A binary sensor; unavailable while its state is not known."""

    entity_description: RouteBBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.is_on_fn(self.coordinator)
