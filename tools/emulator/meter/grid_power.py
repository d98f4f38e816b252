"""What a household draws from the grid and feeds into it, at any second, reproducibly.

The load is constant over each minute, plus a ripple that changes every ten seconds and sums up
to zero over the minute without ever crossing zero. So the energy up to any second is an exact
number of watt-seconds and costs no more than a few look-ups: a year of 364 days (52 weeks)
repeats for ever, and each of its days is drawn from a generator of its own.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from .clock import JST
from .load_profile import MINUTES_A_DAY, draw_day

#: When the meter began to count. Nothing is known of the time before.
INSTALLED = datetime(2019, 4, 1, tzinfo=JST)

CYCLE_DAYS = 364
STEP_SECONDS = 10
_MINUTE = 60
_SECOND = timedelta(seconds=1)


class Energy(NamedTuple):
    """Watt-seconds in both directions since the meter was installed."""

    imported: int
    exported: int


class LoadProfile:
    """The power of one household as an exactly integrable function of time."""

    def __init__(self, seed: int) -> None:
        """Prepare; days are drawn on demand."""
        self._seed = seed

    def power(self, moment: datetime) -> int:
        """Return the power in W, constant over ten seconds; negative = fed into the grid."""
        day, minute, second = _split(moment)
        load = _day(self._seed, day % CYCLE_DAYS).load[minute]
        return load + self._ripple(day, minute, load)[second // STEP_SECONDS]

    def energy(self, moment: datetime) -> Energy:
        """Return the integral of the power from INSTALLED to the whole second of ``moment``."""
        day, minute, second = _split(moment)
        drawn = _day(self._seed, day % CYCLE_DAYS)
        load = drawn.load[minute]
        steps, rest = divmod(second, STEP_SECONDS)
        ripple = self._ripple(day, minute, load)
        begun = load * second + sum(ripple[:steps]) * STEP_SECONDS + ripple[steps] * rest
        before = _year(self._seed).before(day)
        return Energy(
            before.imported + drawn.imported[minute] + max(begun, 0),
            before.exported + drawn.exported[minute] + max(-begun, 0),
        )

    def _ripple(self, day: int, minute: int, load: int) -> tuple[int, ...]:
        """Return six small differences that sum up to zero, none larger than the load."""
        limit = min(abs(load), 12 + abs(load) // 25)
        noise = _mix(self._seed, day * MINUTES_A_DAY + minute)
        x, y, z = ((noise >> shift & 0x3FF) * 2 * limit // 0x3FF - limit for shift in (0, 10, 20))
        return (x, y, z, -x, -z, -y)


class _Day(NamedTuple):
    """The load of each minute, and the watt-seconds from midnight to its start."""

    load: list[int]
    imported: list[int]
    exported: list[int]


class _Year(NamedTuple):
    """The watt-seconds from the start of the cycle to the start of each of its days."""

    imported: list[int]
    exported: list[int]

    def before(self, day: int) -> Energy:
        """Return the energy up to the start of a day, counted from INSTALLED."""
        years, rest = divmod(day, CYCLE_DAYS)
        return Energy(
            years * self.imported[-1] + self.imported[rest],
            years * self.exported[-1] + self.exported[rest],
        )


@lru_cache(maxsize=32)
def _day(seed: int, day: int) -> _Day:
    load = draw_day(seed, day)
    return _Day(
        load,
        _running_sum(max(watts, 0) * _MINUTE for watts in load),
        _running_sum(max(-watts, 0) * _MINUTE for watts in load),
    )


@lru_cache(maxsize=64)
def _year(seed: int) -> _Year:
    days = [draw_day(seed, day) for day in range(CYCLE_DAYS)]
    return _Year(
        _running_sum(sum(watts for watts in load if watts > 0) * _MINUTE for load in days),
        _running_sum(-sum(watts for watts in load if watts < 0) * _MINUTE for load in days),
    )


def _running_sum(parts: Iterable[int]) -> list[int]:
    return list(accumulate(parts, initial=0))


def _split(moment: datetime) -> tuple[int, int, int]:
    """Return the day since INSTALLED, the minute of the day and the second of the minute."""
    seconds = (moment - INSTALLED) // _SECOND
    minutes, second = divmod(seconds, _MINUTE)
    day, minute = divmod(minutes, MINUTES_A_DAY)
    return day, minute, second


def _mix(seed: int, number: int) -> int:
    """Return 32 bits that look random (the finaliser of MurmurHash3)."""
    value = (number ^ seed * 0x9E3779B1) & 0xFFFFFFFF
    for factor in (0x85EBCA6B, 0xC2B2AE35):
        value = (value ^ value >> 15) * factor & 0xFFFFFFFF
    return value ^ value >> 16
