"""Who else has a serial port: other integrations by their entries, apps by their options."""

from collections.abc import Iterator, Mapping
from typing import Final

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.loader import IntegrationNotFound, async_get_integration

from .entry_data import RouteBConfigEntry, stored
from .ports import async_is_among

#: States in which an entry has its port, or goes on trying to get it; likeliest first.
_STATES: Final = (
    ConfigEntryState.LOADED,
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.UNLOAD_IN_PROGRESS,
    ConfigEntryState.FAILED_UNLOAD,
    ConfigEntryState.SETUP_RETRY,
)


async def async_holders(hass: HomeAssistant, entry: RouteBConfigEntry) -> list[ConfigEntry]:
    """Return the other entries that may have the port of this one, likeliest first."""
    others = hass.config_entries.async_entries(include_ignore=False, include_disabled=False)
    active = [other for other in others if other is not entry and other.state in _STATES]
    found = [other for other in active if await async_shares_port(hass, entry, other)]
    return sorted(found, key=lambda other: _STATES.index(other.state))


async def async_shares_port(
    hass: HomeAssistant, entry: RouteBConfigEntry, other: ConfigEntry
) -> bool:
    """Tell whether another entry has the port of this one somewhere in its settings."""
    device, ports = stored(entry).device, _ports_in(other)
    return device is not None and bool(ports) and await async_is_among(hass, device, ports)


async def async_app_on_port(hass: HomeAssistant, entry: RouteBConfigEntry) -> str | None:
    """Return the name of a running app that is set to the port of this entry."""
    device = stored(entry).device
    if device is None:
        return None
    try:
        ports = await usb.async_scan_serial_ports(hass)
    except OSError:
        return None
    for path, users in (await usb.async_get_serial_port_consumers(hass, ports)).items():
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
