"""Other users of a serial port: integrations by their entries, apps by their options."""

from collections.abc import Iterator, Mapping
import logging
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.loader import IntegrationNotFound, async_get_integration

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry, stored
from .names import async_is_among

_LOGGER = logging.getLogger(__name__)

#: States in which an entry has its port, or goes on trying to get it; likeliest first.
_STATES: Final = (
    ConfigEntryState.LOADED,
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.UNLOAD_IN_PROGRESS,
    ConfigEntryState.FAILED_UNLOAD,
    ConfigEntryState.SETUP_RETRY,
)
#: Those of them in which it can have the port open.
_HOLDING: Final = tuple(state for state in _STATES if state is not ConfigEntryState.SETUP_RETRY)


async def async_holders(hass: HomeAssistant, entry: RouteBConfigEntry) -> list[ConfigEntry]:
    """Return the other entries that may have the port of this one, likeliest first."""
    others = hass.config_entries.async_entries(include_ignore=False, include_disabled=False)
    active = [other for other in others if other is not entry and other.state in _STATES]
    found = [other for other in active if await async_shares_port(hass, entry, other)]
    return sorted(found, key=lambda other: _STATES.index(other.state))


async def async_shares_port(
    hass: HomeAssistant, entry: RouteBConfigEntry, other: ConfigEntry
) -> bool:
    """Return whether another entry has the port of this one somewhere in its settings."""
    device, ports = stored(entry).device, _ports_in(other)
    return device is not None and bool(ports) and await async_is_among(hass, device, ports)


async def async_is_claimed(hass: HomeAssistant, device: str) -> bool:
    """Return whether a port is meant for an enabled entry of any integration, or for a running app.

    Also for one that is not loaded: it may be about to be, or have left the port open. And if the
    apps cannot be listed.
    """
    enabled = hass.config_entries.async_entries(include_ignore=False, include_disabled=False)
    ports = [port for other in enabled for port in _ports_in(other)]
    if await async_is_among(hass, device, ports):
        return True
    try:
        return bool(await _async_app_on(hass, device))
    except Exception as err:  # noqa: BLE001 - of Home Assistant's, about ports of any app
        _log_unknown(err)
        return True


async def async_is_in_use(hass: HomeAssistant, device: str) -> bool:
    """Return whether an entry of another integration, or a running app, has a port open now.

    Where the dongles of our own entries are is known to :mod:`.location`.
    """
    enabled = hass.config_entries.async_entries(include_ignore=False, include_disabled=False)
    holders = [other for other in enabled if other.domain != DOMAIN and other.state in _HOLDING]
    ports = [port for other in holders for port in _ports_in(other)]
    return await async_is_among(hass, device, ports) or bool(await async_app_on(hass, device))


async def async_app_on(hass: HomeAssistant, device: str) -> str | None:
    """Return the name of a running app that is set to a port; None if that cannot be found out.

    A port is opened all the same then: the check matters less than the opening.
    """
    try:
        return await _async_app_on(hass, device)
    except Exception as err:  # noqa: BLE001 - of Home Assistant's, about ports of any app
        _log_unknown(err)
        return None


def _log_unknown(error: Exception) -> None:
    # Its text may name a port, with a serial number in it.
    _LOGGER.debug("The apps on a serial port cannot be listed (%s)", type(error).__name__)


async def _async_app_on(hass: HomeAssistant, device: str) -> str | None:
    # What asks for the users of a port needs no scan of all: that may fail or not return.
    asked = usb.SerialDevice(device=device, serial_number=None, manufacturer=None, description=None)
    for path, users in (await usb.async_get_serial_port_consumers(hass, [asked])).items():
        if await async_is_among(hass, device, [path]):
            for user in users:
                if user.kind == "app" and user.active:
                    return user.title
    return None


async def async_integration_name(hass: HomeAssistant, domain: str) -> str:
    """Return what Home Assistant calls an integration. Never a title: that may be private."""
    try:
        return (await async_get_integration(hass, domain)).name
    except IntegrationNotFound:
        return domain


def _ports_in(entry: ConfigEntry) -> list[str]:
    """Return whatever in an entry may be a serial port, wherever it keeps that."""
    return [
        text
        for texts in (entry.data, entry.options)
        for text in _texts(texts)
        if text.startswith("/") or "://" in text
    ]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
