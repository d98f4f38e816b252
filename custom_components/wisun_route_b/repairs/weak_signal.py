"""Whether the radio has been too weak for days. No clock, no I/O."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_HOUR: Final = timedelta(hours=1)
#: Hours over which a link is assessed, and how many of them must be known: two days, less the
#: hours in which Home Assistant was off. One bad night or a power cut does not count as a weak signal.
_ASSESSED_HOURS: Final = 48
_MIN_KNOWN_HOURS: Final = 40
#: The same for the all-clear.
_HOURS_TO_CLEAR: Final = 24
_KNOWN_TO_CLEAR: Final = 20

#: dBm. Below about -95 dBm a link does not hold (field reports, see ``rssi_dbm``).
WEAK_DBM: Final = -95.0
#: Share of the polls of an hour that were lost, each after it was sent eight times.
_BAD_LOSS: Final = 0.10
#: An hour is good beyond these; between bad and good, nothing changes.
_STRONG: Final = -92.0
_GOOD_LOSS: Final = 0.03
#: Share of the hours that must be good for the all-clear.
_MIN_GOOD_SHARE: Final = 0.75


@dataclass(slots=True)
class _Hour:
    """What was received of the meter in an hour of the clock."""

    start: datetime
    polls: int = 0
    lost: int = 0
    reports: int = 0
    strength: float = 0.0
    """Sum over the reports, dBm."""

    @property
    def loss(self) -> float:
        return self.lost / self.polls

    @property
    def bad(self) -> bool:
        faint = bool(self.reports) and self.strength / self.reports < WEAK_DBM
        return faint or self.loss > _BAD_LOSS

    @property
    def good(self) -> bool:
        faint = bool(self.reports) and self.strength / self.reports < _STRONG
        return not faint and self.loss <= _GOOD_LOSS


class WeakSignal:
    """Keeps two days of hours, and assesses them when a new hour begins."""

    def __init__(self) -> None:
        """Start without a result."""
        self._hours: deque[_Hour] = deque(maxlen=_ASSESSED_HOURS + 1)
        self._weak = False

    @property
    def weak(self) -> bool:
        """Whether the signal has been too weak in most hours of two days."""
        return self._weak

    def note(self, now: datetime, dbm: float | None, *, lost: bool) -> None:
        """Count a poll; ``dbm`` is the signal strength of its answer, None if it is unknown."""
        start = now.replace(minute=0, second=0, microsecond=0)
        if not self._hours or self._hours[-1].start != start:
            self._assess(start)
            self._hours.append(_Hour(start))
        hour = self._hours[-1]
        hour.polls += 1
        hour.lost += lost
        if dbm is not None:
            hour.reports += 1
            hour.strength += dbm

    def _assess(self, now: datetime) -> None:
        if self._weak:
            known = self._since(now - _HOURS_TO_CLEAR * _HOUR)
            good = sum(hour.good for hour in known)
            if len(known) >= _KNOWN_TO_CLEAR and good >= _MIN_GOOD_SHARE * len(known):
                self._weak = False
                self._hours.clear()  # the bad hours before would raise it again
        else:
            known = self._since(now - _ASSESSED_HOURS * _HOUR)
            bad = sum(hour.bad for hour in known)
            self._weak = len(known) >= _MIN_KNOWN_HOURS and 2 * bad > len(known)

    def _since(self, moment: datetime) -> list[_Hour]:
        return [hour for hour in self._hours if hour.start >= moment]
