"""What the session and the datagrams of an SKSTACK dongle share: registers, and what is printed."""

from typing import override

from .. import pana
from ..defects import Defects
from ..pace import Pace
from ..radio_environment import Datagram, Pan, RadioEnvironment
from ..rates import Chance
from ..transceiver import Transceiver
from .lines import Printer
from .registers import Registers

#: Milliseconds on the air for a byte at 100 kbit/s, and bytes around a payload (our own guess;
#: no log shows register SFD).
_MS_A_BYTE = 0.08
_OVERHEAD = 60


class SkstackTransceiver(Transceiver):
    """The receiver and transmitter of a dongle, and its neighbour table."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        air: RadioEnvironment,
        pace: Pace,
        chance: Chance,
        defects: Defects,
        *,
        registers: Registers,
        printer: Printer,
        binary: bool,
    ) -> None:
        """Prepare; with ``binary`` datagrams are printed as raw bytes (WOPT 00)."""
        super().__init__(air, pace, chance, defects)
        self.registers = registers
        self.printer = printer
        self.binary = binary
        self.neighbours: dict[str, str] = {}
        """Resolved addresses and their MAC addresses."""

    @override
    def reset(self) -> None:
        super().reset()
        self.neighbours.clear()

    @override
    def reached(self, address: str) -> Pan | None:
        registers = self.registers
        if registers.limited:
            return None
        return self.air.at(registers.channel, registers.pan_id, address)

    @override
    def transmitted(self, payload: bytes, port: int) -> None:
        self.registers.add_air_time((len(payload) + _OVERHEAD) * _MS_A_BYTE)
        super().transmitted(payload, port)

    def hear_pana(self, packet: bytes, sender: Pan) -> None:
        """Print a PANA packet of a meter."""
        self.air.traffic.pana += 1
        self.show(self.air.datagram(packet, port=pana.PORT, secured=False, sender=sender))

    @override
    def show(self, datagram: Datagram) -> None:
        printer = self.printer
        with_rssi = self.registers.with_rssi
        printer.emit(printer.lines.datagram(datagram, binary=self.binary, with_rssi=with_rssi))
