"""Releases a serial port during a dialog's sign-in, and has its owner use it again if that fails."""

from collections.abc import Callable
from typing import Protocol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from ..entry_data import RouteBConfigEntry


class ReleasePort(Protocol):
    """A user of the port of a sign-in. Nothing of this is stored before the sign-in succeeds."""

    async def async_release(self) -> None:
        """Release the port; return when it is free."""

    async def async_finish(self) -> None:
        """Note that the sign-in has succeeded."""

    @callback
    def async_undo(self) -> None:
        """Have the port used again as before; does nothing a second time."""


class FreePort:
    """A port that is not known to be used."""

    async def async_release(self) -> None:
        """Do nothing, as for the rest."""

    async def async_finish(self) -> None:
        """Do nothing."""

    @callback
    def async_undo(self) -> None:
        """Do nothing."""


class PortOfEntry:
    """The port of the entry that is being changed: it is unloaded during the sign-in."""

    def __init__(
        self, hass: HomeAssistant, entry: RouteBConfigEntry, is_wanted: Callable[[], bool]
    ) -> None:
        """Take the entry, and what returns whether the dialog is still open."""
        self._hass, self._entry, self._is_wanted = hass, entry, is_wanted
        self._is_unloaded = False

    async def async_release(self) -> None:
        """Unload the entry, where it could hold the port."""
        async with self._entry.setup_lock:
            pass  # a set-up that is under way ends first
        if self._is_wanted() and self._entry.state in (
            ConfigEntryState.LOADED,
            ConfigEntryState.SETUP_RETRY,
        ):
            self._is_unloaded = True
            await self._hass.config_entries.async_unload(self._entry.entry_id)

    async def async_finish(self) -> None:
        """Leave it unloaded: it is reloaded with what was found."""
        self._is_unloaded = False

    @callback
    def async_undo(self) -> None:
        """Load the entry again, now that the port is free."""
        if self._is_unloaded:
            self._is_unloaded = False
            # Not a reload: Home Assistant would end the dialog for a new password with it.
            load_later(self._hass, self._entry.entry_id)


@callback
def load_later(hass: HomeAssistant, entry_id: str) -> None:
    """Load an entry again that has released its port. It may take minutes to connect."""
    _ = hass.async_create_task(async_load_again(hass, entry_id), eager_start=False)


async def async_load_again(hass: HomeAssistant, entry_id: str) -> None:
    """Load an entry if it is still there, enabled, and not loaded already."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.disabled_by is not None:
        return
    # Else it has been loaded again already, or its unloading has failed.
    if entry.state is ConfigEntryState.NOT_LOADED:
        await hass.config_entries.async_setup(entry_id)
