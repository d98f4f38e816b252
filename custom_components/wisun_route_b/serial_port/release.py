"""Room on a serial port: who holds it lets go while a dialog tries a sign-in, and comes back."""

from collections.abc import Callable, Coroutine
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

#: Has others let go of the port.
type MakeRoom = Callable[[], Coroutine[Any, Any, None]]


async def no_room_needed() -> None:
    """Nobody is known to use the port."""


async def async_load_again(hass: HomeAssistant, entry_id: str) -> None:
    """Load an entry again that has made room, if it is still there and somebody wants it."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.disabled_by is not None:
        return
    # Else it has been loaded again already, or its unloading has failed.
    if entry.state is ConfigEntryState.NOT_LOADED:
        await hass.config_entries.async_setup(entry_id)
