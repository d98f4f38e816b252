"""Radio operations of an SKSTACK dongle: scan, send, ping.

The order and the times are those of the captures: EVENT 21 in front of OK, the answer later.
"""

import asyncio

from ..config import EmulatorConfig
from ..exchange import Exchange
from ..meter.echonet import ECHONET_PORT
from ..meter.notifications import Notifications
from ..pace import Span
from .scan import Scan
from .session import Session
from .transceiver import SkstackTransceiver

#: Seconds; sources are the timings of skstack captures 01, 06 and 22.
_ON_AIR: Span = (0.12, 0.34)
_INSTANT: Span = (0.001, 0.01)

_SENT = 0x21
_SENT_OK, _NOT_SENT, _RESOLVING = 0x00, 0x01, 0x02
_LIMITED, _RELEASED = 0x32, 0x33


class Radio:
    """The dongle's end of the air."""

    def __init__(self, config: EmulatorConfig, transceiver: SkstackTransceiver) -> None:
        """Prepare; the radio is silent."""
        self._transceiver = transceiver
        self._air = transceiver.air
        self._registers = transceiver.registers
        self._pace = transceiver.pace
        self._chance = transceiver.chance
        self.printer = transceiver.printer
        self._pushes = Notifications(config, transceiver.air, transceiver.pace, self._heard)
        self.session = Session(config, transceiver, self._pushes, self._heard)
        self._exchange = Exchange(config.clock, transceiver, self._pushes, self._heard)
        self._scanning: asyncio.Task[None] | None = None
        self._whole_scans_only = config.whole_scans_only

    def reset(self) -> None:
        """Forget everything, in the middle of whatever is going on."""
        self._transceiver.reset()
        self.session.reset()

    @property
    def binary(self) -> bool:
        """Whether datagrams are printed as raw bytes (WOPT 00)."""
        return self._transceiver.binary

    @binary.setter
    def binary(self, binary: bool) -> None:
        self._transceiver.binary = binary

    def add_neighbour(self, address: str, mac: str) -> None:
        """Skip address resolution for the next datagram there."""
        self._transceiver.neighbours[address] = mac

    def neighbours(self) -> list[tuple[str, str]]:
        """Return the resolved addresses with their MAC addresses."""
        return list(self._transceiver.neighbours.items())

    def limit(self, *, on: bool) -> None:
        """Begin or end the time in which nothing may be transmitted, and print its EVENT."""
        if on != self._registers.limited:
            self._registers.limited = on
            self.printer.event(_LIMITED if on else _RELEASED, self.printer.lines.address)

    def scan(self, mode: int, mask: int, duration: int) -> None:
        """Begin a scan; one that is running ends silently."""
        if self._scanning is not None:
            self._scanning.cancel()
        scan = Scan(mode, mask, duration, self._registers.pair_id, self._whole_scans_only)
        self._scanning = self._transceiver.begin(scan.run(self._air, self._pace, self.printer))

    def ping(self, address: str) -> None:
        """Send an echo request; a reachable meter answers it."""
        _ = self._transceiver.begin(self._ping(address))

    async def _ping(self, address: str) -> None:
        await self._pace.wait(_ON_AIR)
        if self._transceiver.reached(address) is not None:
            await self._pace.wait(_ON_AIR)
            self.printer.emit(self.printer.lines.pong(address))

    # --- Datagrams ------------------------------------------------------------------------

    async def send(self, address: str, port: int, security: int, payload: bytes) -> None:
        """Send a datagram and print its result; the caller prints the OK."""
        keys = self.session.keys
        if self._registers.limited or (security == 1 and not keys):
            await self._pace.wait(_INSTANT)
            self.printer.event(_SENT, address, _NOT_SENT)
            return
        neighbours = self._transceiver.neighbours
        if address not in neighbours and not address.startswith("FF"):
            await self._pace.wait(_ON_AIR)
            self.printer.event(_SENT, address, _RESOLVING)
        await self._pace.wait(_ON_AIR)
        self._transceiver.transmitted(payload, port)
        reached = self._transceiver.reached(address)
        if reached is None or self._chance.strikes(self._chance.rates.fail_send):
            self.printer.event(_SENT, address, _NOT_SENT)
            return
        neighbours[address] = reached.mac
        self.printer.event(_SENT, address, _SENT_OK)
        if security > 0 and keys and self._air.session and port == ECHONET_PORT:
            self._exchange.pass_on(payload)

    def _heard(self, payload: bytes, *, multicast: bool = False) -> None:
        """Receive from our meter, if both ends are there and have keys."""
        air = self._air
        if self.session.keys and air.session and air.present:
            self._transceiver.hear(payload, multicast=multicast)
