"""Faults of a J11 dongle for the next command or frame, and lasting ones."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class OneShotFaults:
    """Pending faults, each used up once, and lasting ones."""

    results: list[tuple[int | None, int]] = field(default_factory=list)
    """Results of the next commands, which are not executed; with a code: of that command only."""
    transmissions: list[int] = field(default_factory=list)
    """Transmission results of the next 0008, whose datagrams are lost."""
    torn: list[int] = field(default_factory=list)
    """After how many bytes the next frames break off."""
    starts_in_vain: int = 0
    """How many 0053 receive no beacon (JOIN_FAILED) although the meter is there."""
    no_pana: bool = False
    """The meter answers no message of an authentication."""
    foreign_firmware: int | None = None
    """What the version reports instead of "HAN and Route B"."""

    @property
    def none(self) -> bool:
        """Whether no fault is pending or in force."""
        return self == OneShotFaults()

    def clear(self) -> None:
        """Clear all faults."""
        self.results.clear()
        self.transmissions.clear()
        self.torn.clear()
        self.starts_in_vain = 0
        self.no_pana = False
        self.foreign_firmware = None

    def result_for(self, code: int) -> int | None:
        """Take the result that is to be given to a command, None to execute it."""
        for order in self.results:
            if order[0] in (None, code):
                self.results.remove(order)
                return order[1]
        return None

    def start_in_vain(self) -> bool:
        """Return whether this 0053 is to receive nothing."""
        if self.starts_in_vain:
            self.starts_in_vain -= 1
            return True
        return False

    def tear(self, frame: bytes) -> bytes:
        """Return what is left of a frame."""
        return frame[: self.torn.pop(0)] if self.torn else frame
