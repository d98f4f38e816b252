"""Names of serial ports: which stays, and which are the same port."""

from collections.abc import Iterable

from homeassistant.components import usb
from homeassistant.core import HomeAssistant

from .port_list import node_of


async def async_stable_path(hass: HomeAssistant, device: str) -> str:
    """Return the name of a USB port that stays when it is plugged in elsewhere."""
    if "://" in device:
        return device
    return await hass.async_add_executor_job(usb.get_serial_by_id, device)


async def async_is_among(hass: HomeAssistant, device: str, others: Iterable[str]) -> bool:
    """Tell whether a port is one of these, under whatever name."""
    return await hass.async_add_executor_job(_is_among, device, list(others))


def _is_among(device: str, others: list[str]) -> bool:
    return node_of(device) in map(node_of, others)
