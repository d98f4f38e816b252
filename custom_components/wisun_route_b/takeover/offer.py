"""The migration from Home Assistant's own integration, as the dialog needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_CARRY_OVER, DOMAIN
from ..entry_data import names_of_home
from ..serial_port.release import load_later
from .core_integration import (
    async_keep_away,
    async_release_port,
    core_entries,
    fingerprint_of,
    sensors_of,
)


@dataclass(frozen=True, slots=True)
class CoreEntry:
    """What the other integration knows of a meter."""

    device: str = field(repr=False)
    """A path or a URL, which may have a key in it."""
    route_b_id: str = field(repr=False)
    password: str = field(repr=False)


class TakeOver:
    """Unloads the other integration's entry while ours is tried; disables it if that works.

    Until then nothing is stored, so that a restart in between loads it again.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Find the entries that can be taken over."""
        self._hass = hass
        known = _known_meters(hass)
        self._entries = {
            entry.entry_id: entry
            for entry in core_entries(hass)
            if fingerprint_of(entry) not in known
        }
        self._chosen = ""
        self._unloaded: str | None = None

    @property
    def ports(self) -> dict[str, str]:
        """The meters there are: id of the entry -> its port."""
        return {key: entry.data[CONF_DEVICE] for key, entry in self._entries.items()}

    def choose(self, entry_id: str | None) -> CoreEntry:
        """Choose this one, or the only one."""
        self._chosen = entry_id or next(iter(self._entries))
        data = self._entries[self._chosen].data
        return CoreEntry(data[CONF_DEVICE], data[CONF_ID], data[CONF_PASSWORD])

    def order(self, answers: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the sensors whose past the new entry is to carry on; None if none is wanted."""
        sensors = sensors_of(self._hass, self._entries[self._chosen])
        return sensors if answers[CONF_CARRY_OVER] and sensors else None

    def sensors(self) -> set[str]:
        """Return the sensors of the meter that was chosen; before that, those of all of them."""
        entries = [entry for key, entry in self._entries.items() if key == (self._chosen or key)]
        return {id_ for entry in entries for id_ in sensors_of(self._hass, entry).values()}

    async def async_release(self) -> None:
        """Let the other integration release the port; raises CoreEntryBusyError."""
        if self._entries[self._chosen].disabled_by is None:
            self._unloaded = self._chosen
            await async_release_port(self._hass, self._chosen)

    async def async_finish(self) -> None:
        """Disable what has released the port, so that it stays away."""
        unloaded, self._unloaded = self._unloaded, None
        if unloaded is not None and self._hass.config_entries.async_get_entry(unloaded):
            await async_keep_away(self._hass, unloaded)

    @callback
    def async_undo(self) -> None:
        """Load again what has released the port."""
        unloaded, self._unloaded = self._unloaded, None
        if unloaded is not None:
            load_later(self._hass, unloaded)


def _known_meters(hass: HomeAssistant) -> set[str]:
    """Return the fingerprints of the meters that are set up here."""
    ours = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    return {name for entry in ours for name in names_of_home(entry)}
