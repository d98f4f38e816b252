"""Serial devices that come and go: a meter whose dongle is back, or moved, is read again at once."""

from functools import partial
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry, stored
from ..repairs.issues import issue_monitor_of
from ..stack import errors
from .listing import is_identity, port_list, usb_identity
from .location import async_follow

#: Ids of entries that are to be tried again if the set-up that goes on fails.
_WAITING: Final[HassKey[set[str]]] = HassKey(f"{DOMAIN}_retry_after_set_up")


@callback
def async_setup_port_watch(hass: HomeAssistant) -> None:
    """Have Home Assistant report when a serial device is plugged in or unplugged."""
    usb.async_register_port_event_callback(hass, partial(_ports_changed, hass))


@callback
def _ports_changed(
    hass: HomeAssistant, added: set[usb.USBDevice], removed: set[usb.USBDevice]
) -> None:
    """Try at once what waits for a port, if what was plugged in may be its dongle.

    Another device must not cause a scan or a sign-in before it is due.
    """
    port_list(hass).note(added, removed)
    retried = {
        entry.entry_id
        for entry in _entries(hass)
        if _concerns(hass, entry, added) and _retry(hass, entry)
    }
    _ = hass.async_create_task(_async_retry_moved(hass, retried))


async def _async_retry_moved(hass: HomeAssistant, retried: set[str]) -> None:
    """Try at once what has its dongle on another port, unless that is done already."""
    moved = await async_follow(hass)
    for entry in _entries(hass):
        if entry.entry_id in moved - retried:
            _retry(hass, entry)


@callback
def _entries(hass: HomeAssistant) -> list[RouteBConfigEntry]:
    return hass.config_entries.async_entries(DOMAIN, include_ignore=False)


@callback
def _concerns(hass: HomeAssistant, entry: RouteBConfigEntry, added: set[usb.USBDevice]) -> bool:
    """Return whether one of these devices is the dongle of an entry, or may be the one it lacks."""
    known = stored(entry).usb
    found = [usb_identity(device) for device in added]
    if not is_identity(known):
        known = None
    elif known in found:
        return True
    may_be_ours = bool(found) if known is None else None in found
    return may_be_ours and _lacks_dongle(hass, entry)


@callback
def _lacks_dongle(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Return whether an entry waits because of its port or its dongle, and not of the radio."""
    if entry.state is ConfigEntryState.LOADED:
        return isinstance(
            entry.runtime_data.keeper.status.error, errors.PortError | errors.DongleError
        )
    return issue_monitor_of(hass, entry).at_port


@callback
def _retry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Have the next attempt take place now; return whether there is one that waits.

    A set-up that goes on may have looked for the dongle already: if it fails, the next one is due.
    """
    match entry.state:
        case ConfigEntryState.LOADED:
            entry.runtime_data.keeper.retry_now()
        case ConfigEntryState.SETUP_RETRY:
            hass.config_entries.async_schedule_reload(entry.entry_id)
        case ConfigEntryState.SETUP_IN_PROGRESS:
            _retry_after_set_up(hass, entry)
        case _:
            return False
    return True


@callback
def _retry_after_set_up(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Try again at once if the set-up that goes on fails, however many events ask for it."""
    waiting = hass.data.setdefault(_WAITING, set())
    if entry.entry_id in waiting:
        return
    waiting.add(entry.entry_id)

    @callback
    def state_changed() -> None:
        if entry.entry_id not in waiting:
            return
        waiting.discard(entry.entry_id)
        hass.loop.call_soon(stop)  # not now: Home Assistant goes through the list of listeners
        if entry.state is ConfigEntryState.SETUP_RETRY:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    stop = entry.async_on_state_change(state_changed)
