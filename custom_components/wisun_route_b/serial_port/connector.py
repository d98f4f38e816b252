"""Connectors for the ports of Home Assistant, whose provider may not be ready yet."""

import asyncio
from collections.abc import Callable

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..entry_data import RouteBConfigEntry
from ..stack import Connector, errors, serial_connector
from .location import async_locate
from .users import async_is_in_use

type _Opened = tuple[asyncio.Transport, asyncio.Protocol]


def entry_connector(
    hass: HomeAssistant, entry: RouteBConfigEntry, connector_for: Callable[[str], Connector]
) -> Connector:
    """Return a connector that finds out at each opening where the dongle of an entry is.

    ``connector_for`` makes the connector for a path, :func:`port_connector` does. A port that
    another integration or app has is not opened: not every program locks the ports that it uses.
    """

    async def connect(factory: Callable[[], asyncio.Protocol]) -> _Opened:
        device = await async_locate(hass, entry)
        if await async_is_in_use(hass, device):
            raise errors.PortBusyError("Another integration or app is set to the port")
        return await connector_for(device)(factory)

    return connect


def port_connector(device: str) -> Connector:
    """Return a connector for a path or URL, whose every failure is one of the stack's.

    A port that another integration provides raises an error of Home Assistant's while that
    integration is not ready.
    """
    connector = serial_connector(device)

    async def connect(factory: Callable[[], asyncio.Protocol]) -> _Opened:
        try:
            return await connector(factory)
        except HomeAssistantError as err:
            raise errors.PortUnreachableError(
                "The integration behind this port is not ready"
            ) from err

    return connect
