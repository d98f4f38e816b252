"""A tap between host and dongle: sees every unit, and delivers what a fault makes of it."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
import errno
from typing import override

from custom_components.wisun_route_b.stack import Connector, errors

from .units import Direction, Splitter, Step, Unit

#: Takes a unit that is due; delivers it, something else, or nothing.
type Strike = Callable[[Unit], None]
#: Looks at every unit; True if it must not be delivered.
type Filter = Callable[[Unit], bool]


class Tap:
    """Stands in every connection that the host opens, one after the other."""

    def __init__(self, inner: Connector, make_splitter: Callable[[], Splitter]) -> None:
        self._inner = inner
        self._make_splitter = make_splitter
        self._loop = asyncio.get_running_loop()
        self._wires: list[_Wire] = []
        self._stalled: dict[Direction, deque[bytes]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._gone_until = 0.0
        self._counts: Counter[tuple[Direction, str]] = Counter()
        self._armed: tuple[Step, Strike] | None = None
        self.watchers: list[Callable[[Unit], None]] = []
        """See every unit when it comes, the one that is struck too."""
        self.filters: list[Filter] = []
        self.seen: list[tuple[Step, Unit]] | None = None
        """Every step since :meth:`record` or :meth:`arm`, in order."""
        self.openings = 0
        """How often the port was opened."""

    # --- Recording and striking ------------------------------------------------------------

    def record(self) -> None:
        """Count from here."""
        self._counts.clear()
        self.seen = []

    def arm(self, step: Step, strike: Strike) -> None:
        """Count from here, and hand this step to ``strike`` when it comes."""
        self.record()
        self._armed = step, strike

    def _pass(self, unit: Unit) -> None:
        for watch in self.watchers:
            watch(unit)
        armed = self._armed
        if self.seen is not None and unit.kind:
            self._counts[unit.direction, unit.kind] += 1
            step = Step(unit.direction, unit.kind, self._counts[unit.direction, unit.kind])
            self.seen.append((step, unit))
            if armed is not None and armed[0] == step:
                self._armed = None
                armed[1](unit)
                return
        if not [stops for stops in tuple(self.filters) if stops(unit)]:
            self.deliver(unit.direction, unit.data)

    # --- Delivering --------------------------------------------------------------------------

    def deliver(self, direction: Direction, data: bytes) -> None:
        """Deliver bytes now, or when the line goes on."""
        waiting = self._stalled.get(direction)
        if waiting is not None:
            waiting.append(data)
        elif self._wires:
            self._wires[-1].deliver(direction, data)

    def say(self, data: bytes) -> None:
        """Let the host hear this as soon as it listens."""
        self._loop.call_soon(self.deliver, Direction.IN, data)

    def deliver_later(self, direction: Direction, data: bytes, seconds: float) -> None:
        """Deliver after a while, to whatever connection there is then: the dongle was slow."""
        self.after(seconds, lambda: self.deliver(direction, data))

    def stall(self, direction: Direction, seconds: float) -> None:
        """Hold everything back for a while, in order; what a closed port held back is lost."""
        self._stalled[direction] = deque()
        self.after(seconds, lambda: self._go_on(direction))

    def _go_on(self, direction: Direction) -> None:
        for data in self._stalled.pop(direction, ()):
            self.deliver(direction, data)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, unless this is closed by then."""

        def due() -> None:
            self._timers.discard(timer)
            action()

        timer = self._loop.call_later(seconds, due)
        self._timers.add(timer)

    # --- The port ------------------------------------------------------------------------------

    @property
    def open_ports(self) -> int:
        """How many connections the host has not closed."""
        return len(self._wires)

    def lose_port(self, seconds: float) -> None:
        """Take the port away for a while; the dongle keeps its power."""
        self._gone_until = self._loop.time() + seconds
        for wire in tuple(self._wires):
            wire.lose()

    async def connect(
        self, factory: Callable[[], asyncio.Protocol]
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Open the port: this is the connector."""
        if self._loop.time() < self._gone_until:
            raise errors.PortNotFoundError("There is no such port")
        self.openings += 1
        host = factory()
        wire = _Wire(host, self._make_splitter(), self._pass, self._closed)
        self._wires.append(wire)
        await self._inner(lambda: wire)
        return wire.transport, host

    def _closed(self, wire: _Wire) -> None:
        if wire in self._wires:
            self._wires.remove(wire)
        for waiting in self._stalled.values():
            waiting.clear()

    def close(self) -> None:
        """Deliver nothing any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class _Wire(asyncio.Protocol):
    """One connection: a protocol towards the dongle, a transport towards the host."""

    def __init__(
        self,
        host: asyncio.Protocol,
        splitter: Splitter,
        take: Callable[[Unit], None],
        closed: Callable[[_Wire], None],
    ) -> None:
        self._host = host
        self._splitter = splitter
        self._take = take
        self._closed = closed
        self._lost = False
        self.dongle: asyncio.Transport | None = None
        self.transport = _Transport(self)

    def deliver(self, direction: Direction, data: bytes) -> None:
        if self._lost or self.dongle is None:
            return
        if direction is Direction.IN:
            self._host.data_received(data)
        else:
            self.dongle.write(data)

    def written(self, data: bytes) -> None:
        for unit in self._splitter.feed(Direction.OUT, data):
            self._take(unit)

    def lose(self) -> None:
        """Break the connection from this side."""
        if not self._lost and self.dongle is not None:
            self.dongle.abort()
            self._end(OSError(errno.EIO, "The port is gone"))

    def _end(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._closed(self)
            asyncio.get_running_loop().call_soon(self._host.connection_lost, error)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.dongle = transport
        self._host.connection_made(self.transport)

    @override
    def data_received(self, data: bytes) -> None:
        for unit in self._splitter.feed(Direction.IN, data):
            self._take(unit)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)


class _Transport(asyncio.Transport):
    """What the host writes to."""

    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire
        self._closing = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._wire.written(bytes(data))

    @override
    def close(self) -> None:
        self._closing = True
        if self._wire.dongle is not None:
            self._wire.dongle.close()

    @override
    def abort(self) -> None:
        self.close()

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def get_write_buffer_size(self) -> int:
        return 0
