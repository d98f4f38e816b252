"""The move from Home Assistant's own integration to this one, as the dialog needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback

from .built_in import async_disable, async_restore, built_in_entries, sensors_of
from .const import CONF_ADOPT


@dataclass(frozen=True, slots=True)
class BuiltInMeter:
    """What the other integration knows of a meter."""

    device: str
    route_b_id: str = field(repr=False)
    password: str = field(repr=False)


class TakeOver:
    """Disables the other integration's entry while ours is tried, and enables it again."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Look who can be taken over."""
        self._hass = hass
        self._entries = {entry.entry_id: entry for entry in built_in_entries(hass)}
        self._chosen = ""
        self._disabled: str | None = None

    @property
    def ports(self) -> dict[str, str]:
        """The meters there are: id of the entry -> its port."""
        return {key: entry.data[CONF_DEVICE] for key, entry in self._entries.items()}

    def choose(self, entry_id: str | None) -> BuiltInMeter:
        """Take this one, or the only one."""
        self._chosen = entry_id or next(iter(self._entries))
        data = self._entries[self._chosen].data
        return BuiltInMeter(data[CONF_DEVICE], data[CONF_ID], data[CONF_PASSWORD])

    def options(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that have the new entry carry on the past, if that is wanted."""
        sensors = sensors_of(self._hass, self._entries[self._chosen])
        return {CONF_ADOPT: sensors} if answers[CONF_ADOPT] and sensors else {}

    async def async_begin(self) -> None:
        """Have the other integration let go of the port."""
        entry = self._entries[self._chosen]
        if entry.disabled_by is None:
            self._disabled = entry.entry_id
            await async_disable(self._hass, entry.entry_id)

    @callback
    def async_undo(self) -> None:
        """Enable again what was disabled. It may take minutes to connect, so not now."""
        disabled, self._disabled = self._disabled, None
        if disabled is not None:
            _ = self._hass.async_create_task(async_restore(self._hass, disabled), eager_start=False)
