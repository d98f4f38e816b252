"""The two kinds of scan: for PANs (with or without pair ID), and for energy."""

from dataclasses import dataclass

from ..pace import Pace
from ..radio_environment import FIRST_CHANNEL, RadioEnvironment
from .lines import Printer

_CHANNELS = 28
_WHOLE = (1 << _CHANNELS) - 1
_BEACON, _SCANNED, _ENERGY_SCANNED = 0x20, 0x22, 0x1F


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan, as SKSCAN asks for it."""

    mode: int
    """0 = energy, 2 = PANs that answer to the pair ID, 3 = all PANs."""
    mask: int
    """Bit 0 = channel 33."""
    duration: int
    pair_id: str
    whole_only: bool = False
    """Nothing is found without all channels."""

    async def run(self, air: RadioEnvironment, pace: Pace, printer: Printer) -> None:
        """Visit the channels one after the other, and print what is there."""
        channels = [FIRST_CHANNEL + bit for bit in range(_CHANNELS) if self.mask >> bit & 1]
        # Seconds a channel (A1 p20).
        dwell = 0.0096 * (2**self.duration + 1)
        levels: list[tuple[int, int]] = []
        for channel in channels:
            await pace.wait((dwell, dwell))
            if self.mode == 0:
                levels.append((channel, pace.random.randint(0x0A, 0x21)))
            else:
                self._listen(channel, air, printer)
        own = printer.lines.address
        if self.mode == 0:
            printer.event(_ENERGY_SCANNED, own)
            printer.emit(printer.lines.energy_scan(levels))
        else:
            printer.event(_SCANNED, own)

    def _listen(self, channel: int, air: RadioEnvironment, printer: Printer) -> None:
        if self.whole_only and self.mask & _WHOLE != _WHOLE:
            return
        with_pair_id = self.mode == 2  # noqa: PLR2004 - see mode
        pair_id = self.pair_id if with_pair_id else None
        for pan in air.heard(channel, self.duration, pair_id):
            printer.event(_BEACON, printer.lines.address)
            printer.emit(printer.lines.pan_description(pan, with_pair_id=with_pair_id))
