"""Names of serial ports: which name is stable, and which names mean the same port."""

from collections.abc import Iterable, Sequence
import os
from pathlib import Path
from typing import Final

from homeassistant.components import usb
from homeassistant.core import HomeAssistant

from .listing import ListedPort, node_of, port_list

_DEVICES: Final = "/dev/"
#: Names of serial ports by the USB socket that they are plugged into.
_BY_SOCKET: Final = Path("/dev/serial/by-path")


async def async_stable_path(hass: HomeAssistant, device: str) -> str:
    """Return the name of a port that is stable for this device.

    That is the one under ``/dev/serial/by-id``, unless a second device has the same: the name then
    belongs to whichever was plugged in last, and only the USB socket distinguishes them.
    """
    if "://" in device:
        return device
    listed = await port_list(hass).async_read()
    return await hass.async_add_executor_job(_stable_path, device, listed)


async def async_is_among(hass: HomeAssistant, device: str, others: Iterable[str]) -> bool:
    """Return whether a port is one of these, under whatever name.

    They may be files of any kind. Only those where ports are, below /dev and in the folder of this
    port, are looked at: one on a network drive that is gone would never return.
    """
    folder = os.path.dirname(device)  # noqa: PTH120 - a Path would change URLs
    near = [
        other
        for other in others
        if other == device
        or "://" in other
        or other.startswith(_DEVICES)
        or os.path.dirname(other) == folder  # noqa: PTH120 - as above
    ]
    return bool(near) and await hass.async_add_executor_job(_is_among, device, near)


def _stable_path(device: str, listed: Sequence[ListedPort]) -> str:
    try:
        if not _has_twin(node_of(device), listed):
            return usb.get_serial_by_id(device)
        names = sorted(map(str, _BY_SOCKET.iterdir())) if _BY_SOCKET.is_dir() else []
    except OSError:  # what is listed there comes and goes
        return device
    node = node_of(device)
    return next((name for name in names if node_of(name) == node), os.path.realpath(device))


def _has_twin(node: str, listed: Sequence[ListedPort]) -> bool:
    here = next((port for port in listed if port.node == node), None)
    return here is not None and any(
        port.node != node and (port.model, port.identity) == (here.model, here.identity)
        for port in listed
        if port.model is not None
    )


def _is_among(device: str, others: list[str]) -> bool:
    return node_of(device) in map(node_of, others)
