"""What the session and the datagrams of a dongle share: who is reached, and what is printed."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from . import pana
from .air import Air, Pan
from .defects import Defects
from .echonet import ECHONET_PORT
from .lines import Printer
from .pace import Pace
from .rates import Luck
from .registers import Registers

#: Milliseconds on the air for a byte at 100 kbit/s, and bytes around a payload (our own guess;
#: nobody's logs show register SFD).
_MS_A_BYTE = 0.08
_OVERHEAD = 60
_DUPLICATE_AFTER = (0.05, 0.5)


@dataclass(slots=True)
class FrontEnd:
    """The receiver and transmitter of a dongle, and what it remembers of its neighbours."""

    air: Air
    pace: Pace
    luck: Luck
    registers: Registers
    printer: Printer
    binary: bool
    """Print datagrams as raw bytes (WOPT 00)."""
    defects: Defects = field(default_factory=Defects)
    neighbours: dict[str, str] = field(default_factory=dict)
    """Resolved addresses and their MAC addresses."""
    _activities: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, activity: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do something beside everything else, until a reset."""
        task = self.pace.start(activity)
        self._activities.add(task)
        task.add_done_callback(self._activities.discard)
        return task

    def reset(self) -> None:
        """Forget everything, in the middle of whatever is going on."""
        for task in self._activities:
            task.cancel()
        self.neighbours.clear()

    def reached(self, address: str) -> Pan | None:
        """Return the meter that acknowledges what is sent to an address now."""
        registers = self.registers
        if registers.limited:
            return None
        return self.air.at(registers.channel, registers.pan_id, address)

    def transmitted(self, payload: bytes, port: int) -> None:
        """Count what was on the air."""
        traffic = self.air.traffic
        self.registers.add_air_time((len(payload) + _OVERHEAD) * _MS_A_BYTE)
        if port == ECHONET_PORT:
            traffic.sent(payload)
        elif port == pana.PORT:
            traffic.pana += 1

    def hear_pana(self, packet: bytes, sender: Pan) -> None:
        """Print a PANA packet of a meter."""
        self.air.traffic.pana += 1
        self._print(packet, port=pana.PORT, secured=False, sender=sender)

    def hear(self, payload: bytes, *, multicast: bool = False) -> None:
        """Print an ECHONET Lite datagram of our meter, unless it is lost on the way."""
        luck = self.luck
        self.air.traffic.received(payload)
        if luck.strikes(luck.rates.lose_answer):
            return
        self._print(payload, port=ECHONET_PORT, secured=True, multicast=multicast)
        if luck.strikes(luck.rates.duplicate_answer):
            _ = self.begin(self._hear_again(payload, multicast=multicast))

    async def _hear_again(self, payload: bytes, *, multicast: bool) -> None:
        await self.pace.wait(_DUPLICATE_AFTER, self.luck.random)
        self._print(payload, port=ECHONET_PORT, secured=True, multicast=multicast)

    def _print(
        self,
        payload: bytes,
        *,
        port: int,
        secured: bool,
        multicast: bool = False,
        sender: Pan | None = None,
    ) -> None:
        datagram = self.air.datagram(
            payload, port=port, secured=secured, multicast=multicast, sender=sender
        )
        with_rssi = self.registers.with_rssi
        printer = self.printer
        printer.emit(printer.lines.datagram(datagram, binary=self.binary, with_rssi=with_rssi))
