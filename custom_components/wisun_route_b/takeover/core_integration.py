"""Home Assistant's own integration for Route B: its entries, and how its port is released.

It names its device, and with it its entities, after the Route-B ID: neither these ids nor
the titles are for logs.
"""

from collections.abc import Awaitable, Callable
from functools import partial
import os
from pathlib import Path
from typing import Any, Final

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
    OperationNotAllowed,
)
from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from ..session_end import note_session_end
from ..stack import Credentials, errors

CORE_DOMAIN: Final = "route_b_smart_meter"

#: Key of our sensor -> how the unique id of the sensor ends that shows the same there.
_SENSORS: Final = {
    "imported_energy": "_total_consumption",
    "power": "_instantaneous_power",
}
#: While it is in one of these states it opens or closes the port, which can take minutes.
_BUSY: Final = (ConfigEntryState.SETUP_IN_PROGRESS, ConfigEntryState.UNLOAD_IN_PROGRESS)


class CoreEntryBusyError(HomeAssistantError):
    """The other integration does not release the port now."""


def core_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries that can be taken over, enabled ones first.

    A disabled one still knows the port, the ID and the password.
    """
    entries = hass.config_entries.async_entries(CORE_DOMAIN, include_ignore=False)
    return sorted(filter(_is_complete, entries), key=lambda entry: entry.disabled_by is not None)


def _is_complete(entry: ConfigEntry) -> bool:
    values = [entry.data.get(key) for key in (CONF_DEVICE, CONF_ID, CONF_PASSWORD)]
    return all(isinstance(value, str) and value for value in values)


def sensors_of(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the sensors that ours can continue: key of ours -> entity id of the other one.

    Also those of a disabled entry: their past is there all the same.
    """
    found = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {
        key: sensor.entity_id
        for sensor in found
        for key, ending in _SENSORS.items()
        if sensor.domain == SENSOR_DOMAIN and sensor.unique_id.endswith(ending)
    }


def fingerprint_of(entry: ConfigEntry) -> str | None:
    """Return the identity of their meter here; None for credentials missing or malformed."""
    if not _is_complete(entry):
        return None
    try:
        return Credentials(entry.data[CONF_ID], entry.data[CONF_PASSWORD]).fingerprint
    except errors.CredentialsFormatError:
        return None


async def async_release_port(hass: HomeAssistant, entry_id: str) -> None:
    """Unload an entry, if it is still there, and return when its port is free.

    Nothing of this is stored: after a restart of Home Assistant it is set up as before.
    Raises CoreEntryBusyError if it is just being set up (nothing is changed then), or if the
    port stays open.
    """
    if (entry := hass.config_entries.async_get_entry(entry_id)) is not None:
        await _let_go(hass, entry, partial(hass.config_entries.async_unload, entry_id))


async def async_disable(hass: HomeAssistant, entry_id: str) -> None:
    """Disable an entry, and return when its port is free; raises as async_release_port."""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    await _let_go(hass, entry, partial(async_keep_away, hass, entry_id))


async def async_keep_away(hass: HomeAssistant, entry_id: str) -> None:
    """Disable an entry, even if its port stays open."""
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


async def _let_go(
    hass: HomeAssistant, entry: ConfigEntry, end: Callable[[], Awaitable[object]]
) -> None:
    if entry.state in _BUSY:
        raise CoreEntryBusyError
    was_loaded = entry.state is ConfigEntryState.LOADED
    if was_loaded:
        await _calm(entry)
    try:
        await end()
    except OperationNotAllowed as err:  # its unloading has failed before
        raise CoreEntryBusyError from err
    if was_loaded:
        _note_session_end(hass, entry)
    # A set-up that failed after its sign-in has left the port open: the library's threads
    # hold it until Home Assistant is started again.
    device = entry.data.get(CONF_DEVICE)
    if isinstance(device, str) and await hass.async_add_executor_job(_is_open, device):
        raise CoreEntryBusyError


def _note_session_end(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that momonga has ended its session: the meter needs a pause before the next."""
    if (fingerprint := fingerprint_of(entry)) is not None:
        note_session_end(hass, fingerprint, hass.loop.time())


async def _calm(entry: ConfigEntry[Any]) -> None:
    """Keep a poll that is under way from opening the port again after it was closed.

    momonga takes a session that was closed under a request for one that was lost: after ten
    seconds it would build a new one, which would never be closed.
    """
    coordinator = getattr(entry, "runtime_data", None)
    if not isinstance(coordinator, DataUpdateCoordinator):
        return
    await coordinator.async_shutdown()
    library: Any = getattr(coordinator, "api", None)
    if hasattr(library, "reopen_delays"):
        library.reopen_delays = ()


def _is_open(device: str) -> bool:
    """Return whether this process has a port open. Where that cannot be seen: no."""
    port = os.path.realpath(device)
    own = Path("/proc/self/fd")
    if "://" in device or not own.is_dir():
        return False
    return any(os.path.realpath(descriptor) == port for descriptor in own.iterdir())
