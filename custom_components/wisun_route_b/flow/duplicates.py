"""Meters and ports that are set up already: checked before a port is touched."""

from collections.abc import Iterable

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USB,
    SOURCE_USER,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry, UsbIdentity, stored
from ..serial_port.location import async_follow, async_has_twins
from ..serial_port.names import async_is_among


def abort_if_home_known(
    hass: HomeAssistant, fingerprint: str, own: RouteBConfigEntry | None
) -> None:
    """Abort if a home is set up that got a new ID: its identity is the hash of its first one."""
    if any(stored(other).identity == fingerprint for other in _others(hass, own)):
        raise AbortFlow("already_configured")


async def async_abort_if_dongle_known(hass: HomeAssistant, identity: UsbIdentity | None) -> None:
    """Abort if a dongle, which no other has the number of, is that of a meter."""
    known = (stored(other).usb for other in _others(hass))
    if identity and identity in known and not await async_has_twins(hass, identity):
        raise AbortFlow("already_configured")


async def async_is_port_taken(
    hass: HomeAssistant, device: str, own: RouteBConfigEntry | None = None
) -> bool:
    """Return whether a port is that of another meter, wherever its dongle is now."""
    await async_follow(hass)
    taken = [stored(other).device for other in _others(hass, own)]
    return await async_is_among(hass, device, filter(None, taken))


@callback
def end_forsaken_dialogs(
    hass: HomeAssistant, flows: Iterable[ConfigFlowResult], fingerprint: str
) -> None:
    """End those of these dialogs about the same meter that wait for input.

    A browser that was closed leaves its dialog behind, and it cannot be finished.
    """
    for flow in flows:
        context = flow["context"]
        if (
            context["source"] in (SOURCE_USER, SOURCE_USB, SOURCE_RECONFIGURE)
            and context.get("unique_id") == fingerprint
            and flow["step_id"] != "connect"
        ):
            hass.config_entries.flow.async_abort(flow["flow_id"])


def _others(hass: HomeAssistant, own: RouteBConfigEntry | None = None) -> list[RouteBConfigEntry]:
    """Return the meters that are set up, but for this one and ignored dongles."""
    entries: list[RouteBConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False
    )
    return [entry for entry in entries if entry is not own]
