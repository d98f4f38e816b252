"""How old the values of a meter are, and until when each of them is shown. No clock, no I/O.

What changes all the time (power, currents, registers) is shown for as long as it was confirmed
within the hold time. Anything else keeps its value for as long as the meter answers at all: what
it is and how it is set changes once in years, and is read a few times a day.
"""

from collections.abc import Iterable
from typing import Final

from .stack import schedule

#: Polls for which a value is shown without being confirmed, and seconds at the least.
_HELD_POLLS: Final = 3.0
_SHORTEST_HOLD_S: Final = 90.0


def hold_time(poll_interval: float) -> float:
    """Return for how many seconds a value is shown unconfirmed, with so many between two polls."""
    return max(_SHORTEST_HOLD_S, _HELD_POLLS * poll_interval)


class Freshness:
    """When each property was answered last, in seconds of any steady clock."""

    def __init__(self, hold: float) -> None:
        """Start without any; ``hold`` is how long a value is shown unconfirmed, in seconds."""
        self._hold = hold
        self._answered: dict[int, float] = {}
        self._newest: float | None = None

    def note(self, epcs: Iterable[int], now: float) -> None:
        """Note that these properties were answered; ``now`` is in seconds of any steady clock."""
        answered = dict.fromkeys(epcs, now)
        if answered:
            self._answered.update(answered)
            self._newest = now

    def age(self, epc: int, now: float) -> float | None:
        """Return how many seconds ago a property was answered; None if it never was."""
        answered = self._answered.get(epc)
        return None if answered is None else now - answered

    def is_alive(self, now: float) -> bool:
        """Return whether anything was answered within the hold time."""
        return self._is_held(self._newest, now)

    def is_fresh(self, epc: int, now: float) -> bool:
        """Return whether the value of a property may still be shown."""
        return self._is_held(self._answered.get(epc) if epc in schedule.LIVE else self._newest, now)

    def next_expiry(self, now: float) -> float | None:
        """Return the moment at which the next value expires; None for none."""
        moments = [self._newest, *(self._answered.get(epc) for epc in schedule.LIVE)]
        return min(
            (at + self._hold for at in moments if at is not None and self._is_held(at, now)),
            default=None,
        )

    def _is_held(self, answered: float | None, now: float) -> bool:
        return answered is not None and now - answered <= self._hold
