"""Rates of random faults, independent of each other."""

from dataclasses import dataclass, fields
from random import Random


@dataclass(slots=True)
class Rates:
    """Probabilities from 0 to 1. All of them may be changed at any time."""

    lose_request: float = 0.0
    """A datagram is acknowledged (EVENT 21 00), but the meter does not receive it."""
    lose_answer: float = 0.0
    """A datagram of the meter is not received: answer, announcement, instance list."""
    delay_answer: float = 0.0
    """An answer comes 3 to 25 s later than usual (at speed 1)."""
    duplicate_answer: float = 0.0
    """A datagram of the meter is received twice."""
    garble: float = 0.0
    """One byte of a line or frame to the host is another one."""
    truncate: float = 0.0
    """A line or frame to the host loses its tail, line end included."""
    split: float = 0.0
    """A line or frame to the host comes in pieces, with pauses of 1 to 60 ms (at speed 1)."""
    fail_send: float = 0.0
    """A SKSENDTO ends in EVENT 21 01; a 0008 of J11 in transmission result 05, no ACK."""
    overrun: float = 0.0
    """A command is answered with FAIL ER09 and not executed; one of J11 with 2FFF F0."""
    lose_command: float = 0.0
    """A command never reaches the dongle, and nothing answers it."""
    misread: float = 0.0
    """A SKSENDTO loses a blank on the line: FAIL ER05, and it is not executed; for a 0008 of
    J11 the data checksum is wrong (F1)."""
    refuse: float = 0.0
    """A SKSENDTO or SKJOIN is answered with FAIL ER10; a 0008 or 0056 of J11 with 3D, busy."""
    noise_between: float = 0.0
    """Meaningless bytes stand in front of a line or frame to the host."""
    noise_inside: float = 0.0
    """Meaningless bytes stand inside a line or frame to the host."""
    channel_busy: float = 0.0
    """A 0008 of J11 ends in transmission result 03: the channel was not free."""

    def set(self, **rates: float) -> None:
        """Change some rates at once; ValueError, and no change, if one cannot be."""
        names = {field.name for field in fields(self)}
        for name, rate in rates.items():
            if name not in names:
                raise ValueError(f"There is no rate {name}")
            if not 0 <= rate <= 1:
                raise ValueError("A rate is a probability from 0 to 1")
        for name, rate in rates.items():
            setattr(self, name, rate)

    def clear(self) -> None:
        """Set all rates to zero."""
        for field in fields(self):
            setattr(self, field.name, 0.0)

    @property
    def quiet(self) -> bool:
        """Whether all rates are zero."""
        return not any(getattr(self, field.name) for field in fields(self))

    @property
    def clean_line(self) -> bool:
        """Whether the line to the host carries every byte as it was printed."""
        return not (
            self.garble or self.truncate or self.split or self.noise_between or self.noise_inside
        )


class Chance:
    """Decides which faults happen, from a random stream of its own: same seed, same faults.

    Nothing is drawn for a rate of zero.
    """

    def __init__(self, seed: int) -> None:
        """Start with all rates at zero."""
        self.rates = Rates()
        self.random = Random(f"faults/{seed}")

    def strikes(self, rate: float) -> bool:
        """Return whether it happens this time."""
        return rate > 0 and self.random.random() < rate
