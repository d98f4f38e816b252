"""The TCP transport: the bare bytes of the serial line, for socket:// addresses."""

import asyncio
from collections.abc import Callable
from pathlib import Path
import socket
from typing import override

from ..device import Device

#: A host that lets so many bytes wait is not reading; it loses what comes then.
_MOST_WAITING = 65_536


class TcpHost(asyncio.Protocol):
    """One connected host."""

    def __init__(self, dongle: Device, hosts: set[TcpHost]) -> None:
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


class TcpTransport:
    """A listening port."""

    def __init__(self, dongle: Device, port: int, address: str, *, plugged: bool = True) -> None:
        """Listen from now on; port 0 lets the system choose one."""
        self._dongle = dongle
        self._where = (address, port)
        self._loop = asyncio.get_running_loop()
        self._hosts: set[TcpHost] = set()
        self._socket: socket.socket | None = None
        self._starting: asyncio.Task[asyncio.Server] | None = None
        self.replug(None)
        if not plugged:
            self.unplug()

    @property
    def port(self) -> int:
        """The port that it listens on, also while it is unplugged."""
        return self._where[1]

    def replug(self, _: Path | None) -> None:
        """Listen again, on the same port."""
        self.unplug()
        self._socket = socket.create_server(self._where)
        self._where = self._where[0], self._socket.getsockname()[1]
        # Who connects before the server runs waits in the queue of the socket.
        serving = self._loop.create_server(
            lambda: TcpHost(self._dongle, self._hosts), sock=self._socket
        )
        self._starting = self._loop.create_task(serving)

    def unplug(self) -> None:
        """Listen no more, and hang up."""
        starting, self._starting = self._starting, None
        if starting is not None and starting.done() and not starting.cancelled():
            starting.result().close()
        elif starting is not None:
            starting.cancel()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for host in tuple(self._hosts):
            host.close()

    def close(self) -> None:
        """Listen no more, and hang up."""
        self.unplug()
