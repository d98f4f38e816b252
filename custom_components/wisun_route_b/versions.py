"""Versions of the integration and of its libraries, for support."""

from importlib import metadata
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_loaded_integration

from .const import DOMAIN

#: What opens serial ports; serialx comes with Home Assistant.
_LIBRARIES: Final = ("pyserial-asyncio-fast", "pyserial", "serialx")


async def async_library_versions(hass: HomeAssistant) -> dict[str, str | None]:
    """Return the versions of the serial libraries; None for one that is not there."""
    return await hass.async_add_executor_job(_library_versions)


def integration_version(hass: HomeAssistant) -> str:
    """Return the version of this integration, from its manifest."""
    return str(async_get_loaded_integration(hass, DOMAIN).version)


def _library_versions() -> dict[str, str | None]:
    return {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
