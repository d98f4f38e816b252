"""Serial ports as Home Assistant names them: which is which, and where a dongle has gone."""

from collections.abc import Iterable
import logging
import os

from homeassistant.components import usb
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.service_info.usb import UsbServiceInfo

from .entry_data import RouteBConfigEntry, UsbIdentity, stored

_LOGGER = logging.getLogger(__name__)


async def async_stable_path(hass: HomeAssistant, device: str) -> str:
    """Return the name of a USB port that stays when it is plugged in elsewhere."""
    if "://" in device:
        return device
    return await hass.async_add_executor_job(usb.get_serial_by_id, device)


async def async_is_among(hass: HomeAssistant, device: str, others: Iterable[str]) -> bool:
    """Tell whether a port is one of these, under whatever name."""
    return await hass.async_add_executor_job(_is_among, device, list(others))


async def async_usb_identity(hass: HomeAssistant, device: str) -> UsbIdentity | None:
    """Return what tells the dongle on a port from any other; None if nothing does."""
    try:
        ports = await usb.async_scan_serial_ports(hass)
    except OSError:
        return None
    for found in ports:
        if isinstance(found, usb.USBDevice) and await async_is_among(hass, device, [found.device]):
            return usb_identity(found)
    return None


def usb_identity(found: usb.USBDevice | UsbServiceInfo) -> UsbIdentity | None:
    """Return what tells a USB device from any other; None if it has no serial number."""
    if not found.serial_number:
        return None
    return {"vid": found.vid, "pid": found.pid, "serial_number": found.serial_number}


async def async_follow(
    hass: HomeAssistant, entry: RouteBConfigEntry, added: Iterable[usb.USBDevice | UsbServiceInfo]
) -> bool:
    """Note the new port of an entry's dongle, if that is what was plugged in.

    Two dongles with one serial number cannot be told apart: a port that is still there is
    kept, and nothing is guessed.
    """
    known, device = stored(entry).usb, stored(entry).device
    moved = {found.device for found in added if known and usb_identity(found) == known}
    if device is None or len(moved) != 1 or device in moved:
        return False
    if await hass.async_add_executor_job(os.path.exists, _path(device)):
        return False
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_DEVICE: moved.pop()})
    _LOGGER.info("The dongle of %s is on another port now", entry.title)
    return True


def _is_among(device: str, others: list[str]) -> bool:
    return _real(device) in map(_real, others)


def _real(device: str) -> str:
    return device if "://" in device else os.path.realpath(_path(device))


def _path(device: str) -> str:
    # A NUL ends a path for the system; what is behind it could only make it raise.
    return device.partition("\0")[0]
