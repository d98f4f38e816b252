"""Wi-SUN Route B: a Japanese smart electricity meter in Home Assistant."""

import asyncio
import contextlib
import logging
from typing import Final

from homeassistant.const import (
    CONF_DEVICE,
    CONF_PASSWORD,
    EVENT_HOMEASSISTANT_STOP,
    Platform,
)
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .const import CONF_NETWORK, CONF_ROUTE_B_ID
from .coordinator import RouteBConfigEntry, RouteBCoordinator
from .stack import Credentials, Network, RouteBError, SmartMeter, serial_connector

_LOGGER = logging.getLogger(__name__)

PLATFORMS: Final = [Platform.SENSOR]

#: Seconds that saying good-bye to the meter may hold up the removal of an entry.
_FAREWELL_TIMEOUT: Final = 5.0


async def async_setup_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Connect to the meter and add its entities."""
    coordinator = RouteBCoordinator(hass, entry)

    async def stop(_: Event) -> None:
        await coordinator.async_close()

    # Before the first refresh: a set-up that fails must give the port back as well.
    entry.async_on_unload(coordinator.async_close)
    # Not "once": a listener that has gone off by itself cannot be removed on unload.
    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Remove the entities; the port is closed after that."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: RouteBConfigEntry,
) -> None:
    """End the session that unloading left alive, if that can be done quickly."""
    network = Network.from_dict(entry.data.get(CONF_NETWORK) or {})
    if entry.disabled_by is not None or network is None:
        return
    with contextlib.suppress(RouteBError, HomeAssistantError, TimeoutError):
        meter = SmartMeter(
            serial_connector(entry.data[CONF_DEVICE]),
            Credentials(entry.data[CONF_ROUTE_B_ID], entry.data[CONF_PASSWORD]),
            network=network,
        )
        async with asyncio.timeout(_FAREWELL_TIMEOUT):
            await meter.connect()
        await meter.close(end_session=True)
        _LOGGER.debug("The session with the meter has ended")
