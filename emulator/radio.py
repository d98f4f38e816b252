"""What the dongle's radio does by itself after a command: scan, join, send, leave.

The order and the times are those of the captures: EVENT 21 in front of OK, PANA packets as
ordinary lines on port 02CC, the list of instances some time after EVENT 25.
"""

import asyncio
from collections.abc import Coroutine

from . import pana
from .air import Air
from .clock import Clock
from .config import EmulatorConfig
from .lines import Printer
from .node import instance_list
from .pace import Pace, Span
from .pushes import Pushes
from .registers import Registers
from .scan import Scan

ECHONET_PORT = 0x0E1A

#: Seconds; sources are the timings of skstack captures 01, 06, 09, 15 and 22.
_RESOLUTION: Span = (0.04, 0.2)
_ON_AIR: Span = (0.12, 0.34)
_ANSWER: Span = (0.1, 1.3)
_PANA_ANSWER: Span = (0.35, 0.6)
_PANA_REPLY: Span = (0.12, 0.3)
_INSTANCE_LIST: Span = (0.0, 3.0)
_REFUSED_AFTER: Span = (36.0, 37.5)
_UNREACHABLE_AFTER: Span = (37.5, 40.0)
_TERMINATION: Span = (0.1, 0.5)
_INSTANT: Span = (0.001, 0.01)
#: How often the first datagram after a join needs address resolution once more: seen in
#: captures 05 and 14, not in 01 and 06.
_COLD_AFTER_JOIN = 0.3

_NEIGHBOUR_ADVERTISED, _SENT = 0x02, 0x21
_JOIN_FAILED, _JOINED, _TERMINATED = 0x24, 0x25, 0x27
_SENT_OK, _NOT_SENT, _RESOLVING = 0x00, 0x01, 0x02


class Radio:
    """The dongle's end of the air."""

    def __init__(
        self,
        config: EmulatorConfig,
        air: Air,
        pace: Pace,
        registers: Registers,
        printer: Printer,
    ) -> None:
        """Prepare; the radio is silent."""
        self._clock: Clock = config.clock
        self._air = air
        self._registers = registers
        self._pace = pace
        self._printer = printer
        self._pushes = Pushes(config, air, pace, self._heard)
        self._activities: set[asyncio.Task[None]] = set()
        self._scanning: asyncio.Task[None] | None = None
        self._joining: asyncio.Task[None] | None = None
        self._neighbours: dict[str, str] = {}
        self.binary = config.binary
        """Print datagrams as raw bytes (WOPT 00)."""
        self.route_b_id: str | None = None
        self.password: str | None = None
        self.session = False
        """Whether the dongle has keys for the meter."""

    def reset(self) -> None:
        """Forget everything, in the middle of whatever is going on."""
        for task in self._activities:
            task.cancel()
        self._end_session()
        self._neighbours.clear()
        self.route_b_id = self.password = None

    def add_neighbour(self, address: str, mac: str) -> None:
        """Spare the next datagram there the address resolution."""
        self._neighbours[address] = mac

    def neighbours(self) -> list[tuple[str, str]]:
        """Return the resolved addresses with their MAC addresses."""
        return list(self._neighbours.items())

    def _begin(self, activity: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._pace.start(activity)
        self._activities.add(task)
        task.add_done_callback(self._activities.discard)
        return task

    # --- Scan -----------------------------------------------------------------------------

    def scan(self, mode: int, mask: int, duration: int) -> None:
        """Begin a scan; one that is going on ends without a word."""
        if self._scanning is not None:
            self._scanning.cancel()
        scan = Scan(mode, mask, duration, self._registers.pair_id)
        self._scanning = self._begin(scan.run(self._air, self._pace, self._printer))

    # --- Session --------------------------------------------------------------------------

    def join(self, address: str) -> None:
        """Begin a PANA authentication; one that is going on is given up."""
        if self._joining is not None:
            self._joining.cancel()
        self._end_session()
        self._joining = self._begin(self._join(address))

    async def _join(self, address: str) -> None:
        if address not in self._neighbours:
            await self._pace.wait(_RESOLUTION)
            self._printer.event(_SENT, address, _RESOLVING)
        if not self._reaches(address):
            await self._pace.wait(_UNREACHABLE_AFTER)
            self._printer.event(_JOIN_FAILED, address)
            return
        if address not in self._neighbours:
            await self._pace.wait(_RESOLUTION)
            self._printer.event(_NEIGHBOUR_ADVERTISED, address)
        self._neighbours[address] = self._air.pan.mac
        accepted = self._air.knows(self.route_b_id or "", self.password or "")
        await self._authenticate(address, accepted=accepted)
        if not accepted:
            await self._pace.wait(_REFUSED_AFTER)
            self._printer.event(_JOIN_FAILED, address)
            return
        await self._pace.wait(_INSTANT)
        self.session = self._air.session = True
        self._printer.event(_JOINED, address)
        self._pushes.start()
        if self._pace.random.random() < _COLD_AFTER_JOIN:
            self._neighbours.pop(address, None)
        await self._pace.wait(_INSTANCE_LIST)
        self._heard(instance_list(), multicast=True)

    async def _authenticate(self, address: str, *, accepted: bool) -> None:
        """Exchange four PANA packets, or two with a meter that refuses the credentials."""
        packets = pana.packets(self._pace.random, self._air.route_b_id)
        for packet in packets if accepted else packets[:2]:
            await self._pace.wait(_PANA_ANSWER)
            self._print(packet, port=pana.PORT, secured=False)
            await self._pace.wait(_PANA_REPLY)
            self._printer.event(_SENT, address, _SENT_OK)

    def rejoin(self) -> None:
        """Authenticate once more with the meter of the session."""
        self.join(self._air.pan.address)

    def terminate(self) -> None:
        """Begin to end the session."""
        _ = self._begin(self._terminate())

    async def _terminate(self) -> None:
        await self._pace.wait(_TERMINATION)
        self._end_session()
        self._air.session = False
        self._printer.event(_TERMINATED, self._air.pan.address)

    def _end_session(self) -> None:
        self.session = False
        self._pushes.stop()

    # --- Datagrams ------------------------------------------------------------------------

    async def send(self, address: str, port: int, security: int, payload: bytes) -> None:
        """Send a datagram and print what became of it; the OK is the caller's business."""
        secured = security > 0 and self.session
        if security == 1 and not self.session:
            await self._pace.wait(_INSTANT)
            self._printer.event(_SENT, address, _NOT_SENT)
            return
        if address not in self._neighbours and not address.startswith("FF"):
            await self._pace.wait(_ON_AIR)
            self._printer.event(_SENT, address, _RESOLVING)
        await self._pace.wait(_ON_AIR)
        if not self._reaches(address):
            self._printer.event(_SENT, address, _NOT_SENT)
            return
        self._neighbours[address] = self._air.pan.mac
        self._printer.event(_SENT, address, _SENT_OK)
        if secured and self._air.session and port == ECHONET_PORT:
            _ = self._begin(self._answer(payload))

    async def _answer(self, payload: bytes) -> None:
        self._pushes.confirm(payload)
        answer = self._air.node.answer(payload, self._clock())
        if answer is not None:
            await self._pace.wait(_ANSWER)
            self._heard(answer)

    def _heard(self, payload: bytes, *, multicast: bool = False) -> None:
        """Print an ECHONET Lite datagram of the meter, if there are keys to read it."""
        if self.session:
            self._print(payload, port=ECHONET_PORT, secured=True, multicast=multicast)

    def _print(self, payload: bytes, *, port: int, secured: bool, multicast: bool = False) -> None:
        datagram = self._air.datagram(payload, port=port, secured=secured, multicast=multicast)
        with_rssi = self._registers.with_rssi
        printer = self._printer
        printer.emit(printer.lines.datagram(datagram, binary=self.binary, with_rssi=with_rssi))

    def _reaches(self, address: str) -> bool:
        registers = self._registers
        return self._air.reaches(registers.channel, registers.pan_id, address)
