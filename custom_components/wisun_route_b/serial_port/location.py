"""Finds the port of each meter's dongle before each opening, for all meters together.

Theory of operation. A dongle with a USB serial number of its own is where the list of ports shows
that number, whatever is at the path that was stored: names of ports change places at a restart. If
the number is not listed, the stored path is used, unless the list shows there what is certainly
another device, or the dongle of another meter: that port is not opened. Two devices with the same
number cannot be distinguished, so nothing is followed then. Without a list the stored path is used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
import logging

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_USB, DOMAIN
from ..entry_data import RouteBConfigEntry, UsbIdentity, stored
from ..stack import errors
from .listing import ListedPort, is_identity, node_of, path_to, port_list

_LOGGER = logging.getLogger(__name__)


class OtherDeviceError(errors.PortError):
    """Another device than the dongle of this meter is at its port; it was not opened."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is stored of one meter's dongle."""

    path: str = field(repr=False)
    known: UsbIdentity | None = field(repr=False)
    """What identifies the dongle; None if nothing does."""


async def async_locate(hass: HomeAssistant, entry: RouteBConfigEntry) -> str:
    """Return the port that the dongle of an entry is at, and store it where it is another one.

    Other entries whose dongles have moved are brought up to date as well. Raises OtherDeviceError
    if something else is at the port, and PortNotFoundError if the entry has none.
    """
    places = await _async_locate_all(hass, entry)
    if entry.entry_id not in places:
        raise errors.PortNotFoundError("The entry has no port")
    _store(hass, places)
    path = places[entry.entry_id][1]
    if path is None:
        raise OtherDeviceError("Another device is at the port of the dongle")
    return path


async def async_follow(hass: HomeAssistant) -> set[str]:
    """Store where the dongles of all entries are now; return the ids of those that have moved."""
    return _store(hass, await _async_locate_all(hass))


async def async_store_usb_identity(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Store what identifies the dongle, if that could not be read at the set-up."""
    claim = _claim(entry)
    if claim is None or claim.known is not None:
        return
    found = await async_usb_identity(hass, claim.path)
    taken = [stored(other).usb for other in _entries(hass) if other is not entry]
    if found is not None and found not in taken and _is_set_up(hass, entry):
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_USB: found})


async def async_usb_identity(hass: HomeAssistant, device: str) -> UsbIdentity | None:
    """Return what identifies the dongle on a port; None if nothing does.

    Never raises: a failed look-up must not fail the sign-in that has succeeded on the port.
    """
    try:
        listed = await port_list(hass).async_read()
        if not listed:
            return None
        node = await hass.async_add_executor_job(node_of, device)
    except Exception as err:  # noqa: BLE001 - also what the system fails with, as without threads
        # Its text may name the port, with a serial number in it.
        _LOGGER.debug("The USB number of a port cannot be read (%s)", type(err).__name__)
        return None
    identity = next((port.identity for port in listed if port.node == node), None)
    return identity if identity is not None and _only(identity, listed) else None


async def async_has_twins(hass: HomeAssistant, identity: UsbIdentity) -> bool:
    """Return whether several devices have the same number, which then identifies none."""
    listed = await port_list(hass).async_read()
    return len({port.node for port in listed if port.identity == identity}) > 1


def locate(claims: Mapping[str, Claim], listed: Sequence[ListedPort]) -> dict[str, str | None]:
    """Return the path for each claim; None where another device is at the stored one. Blocks."""
    nodes = {key: node_of(claim.path) for key, claim in claims.items()}
    known = [claim.known for claim in claims.values()]
    found = {
        key: port
        for key, claim in claims.items()
        if claim.known is not None
        and known.count(claim.known) == 1
        and (port := _only(claim.known, listed)) is not None
    }
    owners = {port.node: key for key, port in found.items()}
    places: dict[str, str | None] = {}
    for key, claim in claims.items():
        if key in found and found[key].node == nodes[key]:
            places[key] = claim.path
        elif key in found and (moved := path_to(found[key])) is not None:
            places[key] = moved
        else:
            is_free = owners.get(nodes[key], key) == key
            places[key] = (
                claim.path if is_free and not _is_other(claim, nodes[key], listed) else None
            )
    return places


def _only(identity: UsbIdentity, listed: Collection[ListedPort]) -> ListedPort | None:
    """Return the port of a device; None if it is not listed, or if several have its number."""
    found = {port.node: port for port in listed if port.identity == identity}
    return next(iter(found.values())) if len(found) == 1 else None


def _is_other(claim: Claim, node: str, listed: Collection[ListedPort]) -> bool:
    return claim.known is not None and any(
        port.node == node and port.is_other_than(claim.known) for port in listed
    )


async def _async_locate_all(
    hass: HomeAssistant, *more: RouteBConfigEntry
) -> dict[str, tuple[str, str | None]]:
    """Return the stored path of each entry, and where its dongle is (see :func:`locate`)."""
    listed = await port_list(hass).async_read()
    # Only now: what is stored may have changed during the scan.
    entries = {entry.entry_id: entry for entry in (*_entries(hass), *more)}
    claims = {key: claim for key, entry in entries.items() if (claim := _claim(entry)) is not None}
    places: Mapping[str, str | None] = {key: claim.path for key, claim in claims.items()}
    if listed:
        places = await hass.async_add_executor_job(locate, claims, listed)
    return {key: (claim.path, places[key]) for key, claim in claims.items()}


@callback
def _store(hass: HomeAssistant, places: Mapping[str, tuple[str, str | None]]) -> set[str]:
    """Store the new ports of dongles; return whose have moved. A live session keeps its port."""
    moved = set()
    for entry in _entries(hass):
        before, now = places.get(entry.entry_id, (None, None))
        is_moved = now is not None and now != before and stored(entry).device == before
        if is_moved and not _is_connected(entry):
            hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_DEVICE: now})
            _LOGGER.info("The dongle of %s is on another port now", entry.title)
            moved.add(entry.entry_id)
    return moved


@callback
def _entries(hass: HomeAssistant) -> list[RouteBConfigEntry]:
    return hass.config_entries.async_entries(DOMAIN, include_ignore=False)


@callback
def _is_set_up(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    return hass.config_entries.async_get_entry(entry.entry_id) is entry


@callback
def _is_connected(entry: RouteBConfigEntry) -> bool:
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.meter.connected


@callback
def _claim(entry: RouteBConfigEntry) -> Claim | None:
    meter = stored(entry)
    if meter.device is None:
        return None
    return Claim(meter.device, meter.usb if is_identity(meter.usb) else None)
