"""A connector that passes on a copy of what goes over the wire."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, override

from custom_components.wisun_route_b.stack import Connector


class Listener(Protocol):
    """Takes the copy."""

    def sent(self, data: bytes) -> None:
        """Take what the host writes."""

    def received(self, data: bytes) -> None:
        """Take what the dongle sends."""


def recorded(connector: Connector, listener: Listener) -> Connector:
    """Return a connector that does what ``connector`` does, with a copy of all bytes to ``listener``."""

    async def connect(
        factory: Callable[[], asyncio.Protocol],
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        host = factory()
        transport, _ = await connector(lambda: _RecordingProtocol(host, listener))
        return _RecordingTransport(transport, listener), host

    return connect


class _RecordingProtocol(asyncio.Protocol):
    """A proxy of the host's protocol."""

    def __init__(self, host: asyncio.Protocol, listener: Listener) -> None:
        self._host = host
        self._listener = listener

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._host.connection_made(_RecordingTransport(transport, self._listener))

    @override
    def data_received(self, data: bytes) -> None:
        self._listener.received(data)
        self._host.data_received(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        self._host.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._host.resume_writing()


class _RecordingTransport(asyncio.Transport):
    """A proxy of a transport."""

    def __init__(self, transport: Any, listener: Listener) -> None:  # noqa: ANN401
        # Serial transports share no class with write() with socket ones.
        super().__init__()
        self._transport = transport
        self._listener = listener

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the type of the proxied attribute
        return getattr(self._transport, name)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._listener.sent(bytes(data))
        self._transport.write(data)

    @override
    def get_write_buffer_size(self) -> int:
        size: int = self._transport.get_write_buffer_size()
        return size

    @override
    def is_closing(self) -> bool:
        closing: bool = self._transport.is_closing()
        return closing

    @override
    def close(self) -> None:
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()
