"""What every entity of a meter has in common."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import CONF_IDENTITY, DOMAIN
from .coordinator import RouteBCoordinator
from .stack import properties as meter_properties


@dataclass(frozen=True, kw_only=True)
class RouteBEntityDescription(EntityDescription):
    """An entity, and the properties of the meter that it is made of."""

    properties: tuple[meter_properties.AnyProperty, ...] = ()


class RouteBEntity(CoordinatorEntity[RouteBCoordinator]):
    """An entity that is available while all of its properties have a value.

    One that is made of no property is always available: it is about the link itself.
    """

    entity_description: RouteBEntityDescription
    _attr_has_entity_name = True

    def __init__(
        self, coordinator: RouteBCoordinator, description: RouteBEntityDescription
    ) -> None:
        """Register the properties that this entity needs with the coordinator."""
        self._epcs = frozenset(row.epc for row in description.properties)
        super().__init__(coordinator, context=self._epcs)
        self.entity_description = description
        identity = coordinator.config_entry.data[CONF_IDENTITY]
        self._attr_unique_id = f"{identity}_{description.key}"
        self._attr_device_info = _device_info(coordinator, identity)

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.shows(self._epcs)


@callback
def add_offered_entities[Pending](
    coordinator: RouteBCoordinator,
    pending: Iterable[Pending],
    exists: Callable[[Pending], bool],
    add: Callable[[Iterable[Pending]], None],
) -> None:
    """Add what the meter offers, and the rest as soon as the meter shows that it offers it."""
    waiting = list(pending)

    @callback
    def add_offered() -> None:
        offered = [row for row in waiting if exists(row)]
        waiting[:] = [row for row in waiting if row not in offered]
        if offered:
            add(offered)

    add_offered()
    coordinator.config_entry.async_on_unload(coordinator.async_add_listener(add_offered))


def _device_info(coordinator: RouteBCoordinator, identity: str) -> DeviceInfo:
    """Describe the meter by its description. No secret and no address belongs here."""
    description = coordinator.meter.description
    return DeviceInfo(
        identifiers={(DOMAIN, identity)},
        # Repairs and dialogs name the entry: the same name here tells two meters apart.
        name=coordinator.config_entry.title,
        model=_model(coordinator.hass),
        manufacturer=description.manufacturer if description else None,
        serial_number=description.serial_number if description else None,
        # The version of the standard (82) is no firmware; clear what was stored before.
        sw_version=None,
    )


def _model(hass: HomeAssistant) -> str:
    """Return the name of ECHONET's class 0288 in Home Assistant's language."""
    texts = async_get_cached_translations(hass, hass.config.language, "device", DOMAIN)
    return texts.get(
        f"component.{DOMAIN}.device.low_voltage_smart_meter.name",
        "Low-voltage smart electricity meter",
    )
