"""Buttons: reconnect to the meter, or search for it again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .entity import RouteBEntity, RouteBEntityDescription
from .entry_data import RouteBConfigEntry
from .error_texts import failure_key
from .stack import LinkKeeper, RouteBError

#: Presses may overlap: the keeper of the link makes one new session for all of them.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RouteBButtonDescription(RouteBEntityDescription, ButtonEntityDescription):
    """A button, and the method of the link that it calls."""

    press_fn: Callable[[LinkKeeper], Awaitable[None]]
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC


BUTTONS: Final = (
    RouteBButtonDescription(
        key="reconnect", translation_key="reconnect", press_fn=LinkKeeper.reconnect
    ),
    RouteBButtonDescription(
        key="scan_again", translation_key="scan_again", press_fn=LinkKeeper.rescan
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: RouteBConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons; they need nothing of the meter."""
    async_add_entities(RouteBButton(entry.runtime_data, row) for row in BUTTONS)


class RouteBButton(RouteBEntity, ButtonEntity):
    """Starts an action whose progress the state of the link shows."""

    entity_description: RouteBButtonDescription

    @override
    async def async_press(self) -> None:
        """Call the link; longer work goes on in the background."""
        try:
            await self.entity_description.press_fn(self.coordinator.keeper)
        except RouteBError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key=failure_key(err)
            ) from err
