"""Binary sensors: whether the link to the meter is up."""

from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import RouteBConfigEntry
from .entity import RouteBEntity, RouteBEntityDescription

#: Reading is the coordinator's business.
PARALLEL_UPDATES: Final = 0


@dataclass(frozen=True, kw_only=True)
class RouteBBinarySensorDescription(RouteBEntityDescription, BinarySensorEntityDescription):
    """A binary sensor."""


CONNECTION: Final = RouteBBinarySensorDescription(
    key="connection",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: RouteBConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add what tells whether the meter can be reached."""
    async_add_entities([ConnectionSensor(entry.runtime_data, CONNECTION)])


class ConnectionSensor(RouteBEntity, BinarySensorEntity):
    """On while there is a session with the meter."""

    entity_description: RouteBBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool:
        return self.coordinator.keeper.status.usable
