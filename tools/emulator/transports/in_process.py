"""The in-process transport: a transport without socket or thread, for tests."""

import asyncio
from collections.abc import Awaitable, Callable
import errno
from pathlib import Path
from random import Random
from typing import override

from ..device import Device

type Connector = Callable[
    [Callable[[], asyncio.Protocol]],
    Awaitable[tuple[asyncio.Transport, asyncio.Protocol]],
]

#: Sizes of the pieces in which a host reads. One byte at a time is rare.
_PIECES = (1, 2, 3, 5, 8, 13, 31, 62, 62, 256, 256, 256)


def no_such_port(text: str) -> Exception:
    """Return the operating system's error for a port that is not there."""
    return FileNotFoundError(errno.ENOENT, text)


class InProcessTransport:
    """A port to a dongle; with ``random`` reads are split anywhere."""

    def __init__(
        self,
        dongle: Device,
        random: Random | None,
        missing: Callable[[str], Exception],
        *,
        plugged: bool,
    ) -> None:
        """Prepare; ``missing`` makes the error of a port that is opened while unplugged."""
        self._dongle = dongle
        self._random = random
        self._missing = missing
        self._plugged = plugged
        self._transports: set[PairTransport] = set()

    async def connect(
        self, factory: Callable[[], asyncio.Protocol]
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Open the port: this is the connector."""
        if not self._plugged:
            raise self._missing("The dongle is unplugged")
        protocol = factory()
        transport = PairTransport(self._dongle, protocol, self._random, self._transports.discard)
        self._transports.add(transport)
        protocol.connection_made(transport)
        return transport, protocol

    def unplug(self) -> None:
        """Unplug the dongle for every host."""
        self._plugged = False
        for transport in tuple(self._transports):
            transport.unplug()

    def replug(self, _: Path | None) -> None:
        """Plug it in."""
        self._plugged = True

    def close(self) -> None:
        """Do nothing: the hosts close their ends."""


class PairTransport(asyncio.Transport):
    """The host's end of the line."""

    def __init__(
        self,
        dongle: Device,
        protocol: asyncio.Protocol,
        random: Random | None,
        ended: Callable[[PairTransport], None],
    ) -> None:
        """Open the port; ``ended`` is called when it is closed again, by either side."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._dongle = dongle
        self._protocol = protocol
        self._random = random
        self._ended = ended
        self._outbound = bytearray()
        self._inbound = bytearray()
        self._due: asyncio.Handle | None = None
        self._paused = False
        self._closing = False
        self._detach = dongle.attach(self._hear)

    # --- From the host --------------------------------------------------------------------

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        if not self._outbound:
            self._loop.call_soon(self._transmit)
        self._outbound += data

    def _transmit(self) -> None:
        data = bytes(self._outbound)
        self._outbound.clear()
        self._dongle.receive(data)

    # --- To the host ----------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        self._inbound += data
        self._schedule()

    def _schedule(self) -> None:
        if self._due is None and self._inbound and not (self._paused or self._closing):
            self._due = self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._due = None
        size = self._random.choice(_PIECES) if self._random else len(self._inbound)
        piece = bytes(self._inbound[:size])
        del self._inbound[:size]
        self._schedule()
        self._protocol.data_received(piece)

    @override
    def is_reading(self) -> bool:
        return not (self._paused or self._closing)

    @override
    def pause_reading(self) -> None:
        self._paused = True
        if self._due is not None:
            self._due.cancel()
            self._due = None

    @override
    def resume_reading(self) -> None:
        self._paused = False
        self._schedule()

    # --- The end --------------------------------------------------------------------------

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def close(self) -> None:
        """Close the port; bytes already written still reach the dongle."""
        self._end(None)

    @override
    def abort(self) -> None:
        """Close the port at once."""
        self._outbound.clear()
        self._end(None)

    def unplug(self) -> None:
        """Unplug the dongle for the host."""
        self._outbound.clear()
        self._end(OSError(errno.EIO, "The dongle was unplugged"))

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._detach()
        self._ended(self)
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._loop.call_soon(self._protocol.connection_lost, error)

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if isinstance(protocol, asyncio.Protocol):
            self._protocol = protocol

    @override
    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    @override
    def get_write_buffer_size(self) -> int:
        return len(self._outbound)
