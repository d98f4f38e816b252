"""The TCP door: the bare bytes of the serial line, for socket:// addresses."""

import asyncio
from collections.abc import Callable
from typing import override

from ..dongle import Dongle

#: A host that lets so many bytes wait is not reading; it loses what comes then.
_MOST_WAITING = 65_536


class TcpHost(asyncio.Protocol):
    """One connected host."""

    def __init__(self, dongle: Dongle, hosts: set[TcpHost]) -> None:
        """Wait for the connection."""
        self._dongle = dongle
        self._hosts = hosts
        self._transport: asyncio.WriteTransport | None = None
        self._detach: Callable[[], None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport
            self._detach = self._dongle.attach(self._write)
            self._hosts.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._dongle.receive(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._hosts.discard(self)
        if self._detach is not None:
            self._detach()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() < _MOST_WAITING:
            transport.write(data)


class TcpDoor:
    """A listening port."""

    def __init__(self, server: asyncio.Server, hosts: set[TcpHost]) -> None:
        """Keep what :meth:`open` made."""
        self._server = server
        self._hosts = hosts

    @classmethod
    async def open(cls, dongle: Dongle, port: int, address: str) -> TcpDoor:
        """Listen; port 0 lets the system choose one."""
        hosts: set[TcpHost] = set()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: TcpHost(dongle, hosts), address, port)
        return cls(server, hosts)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Listen no more, and hang up."""
        self._server.close()
        for host in tuple(self._hosts):
            host.close()
