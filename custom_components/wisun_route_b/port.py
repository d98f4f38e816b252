"""Serial ports of Home Assistant: like any other, but with a host that may not be ready."""

import asyncio
from collections.abc import Callable

from homeassistant.exceptions import HomeAssistantError

from .stack import Connector, PortUnreachableError, serial_connector


def port_connector(device: str) -> Connector:
    """Return a connector for a path or URL, whose every failure is one of the stack's.

    A port that another integration provides raises an error of Home Assistant's while that
    integration is not ready.
    """
    connector = serial_connector(device)

    async def connect(
        factory: Callable[[], asyncio.Protocol],
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        try:
            return await connector(factory)
        except HomeAssistantError as err:
            raise PortUnreachableError("The integration behind this port is not ready") from err

    return connect
