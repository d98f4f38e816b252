"""The half-hour that is running: its average power so far, and what it will come to.

No clock, no Home Assistant. Two things are known of a half-hour that has not ended: the power, which
the meter measures every 20 s or so, and its register, which moves in steps of 0.1 kWh with most
meters. The average of the power has no such steps, but misses what happens between two readings; the
register misses nothing. So the average is taken, within the bounds that the register allows.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ..stack import JST, Scale, half_hours

#: Two readings of the power that are farther apart than this do not show what was between them.
_LONGEST_GAP: Final = timedelta(minutes=3)
#: The power of how long a time is taken for that of the rest of the half-hour.
_TREND_TIME: Final = timedelta(minutes=3)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RunningDemand:
    """The running half-hour, in kW of imported power."""

    start: datetime
    """Aware, JST, on a full half-hour of the meter's clock."""
    average: Decimal
    """From the start until now."""
    projected: Decimal
    """Of the whole half-hour, if the power of the last minutes stays."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: datetime
    power: Decimal


def half_hour_of(moment: datetime) -> datetime:
    """Return the start of the half-hour in which a moment lies; all zones in use agree on it."""
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)


class PowerSamples:
    """The imported power of the running half-hour, and of the few minutes before it."""

    def __init__(self) -> None:
        """Start without any."""
        self._samples: deque[_Sample] = deque()

    def note(self, at: datetime, watts: Decimal) -> None:
        """Take a reading of the power; what is exported is no demand."""
        if self._samples and at < self._samples[-1].at:
            self._samples.clear()  # the clock was set back
        self._samples.append(_Sample(at, max(watts, Decimal()) / 1000))
        oldest = min(half_hour_of(at), at - _TREND_TIME) - _LONGEST_GAP
        while self._samples[0].at < oldest:
            self._samples.popleft()

    def shift(self, by: timedelta) -> None:
        """Move all readings in time: the meter's clock is known better now."""
        self._samples = deque(_Sample(sample.at + by, sample.power) for sample in self._samples)

    @property
    def newest(self) -> datetime | None:
        """When the last reading was taken."""
        return self._samples[-1].at if self._samples else None

    def mean(self, start: datetime, end: datetime) -> Decimal | None:
        """Return the mean power (kW) of a time, as far as it was seen; None if it was not."""
        energy, seen = Decimal(), timedelta()
        for older, newer in pairwise(self._samples):
            since, until = max(older.at, start), min(newer.at, end)
            if since < until and newer.at - older.at <= _LONGEST_GAP:
                middle = since + (until - since) / 2
                share = _microseconds(middle - older.at) / _microseconds(newer.at - older.at)
                power = older.power + share * (newer.power - older.power)
                energy += _microseconds(until - since) * power
                seen += until - since
        if seen:
            return energy / _microseconds(seen)
        inside = [sample.power for sample in self._samples if start <= sample.at <= end]
        return inside[-1] if inside else None


def running_demand(
    samples: PowerSamples, begun: Decimal | None, shown: Decimal | None, scale: Scale | None
) -> RunningDemand | None:
    """Return the demand at the moment of the newest sample; None if there is none.

    ``begun`` is the register (kWh) at the start of the half-hour, ``shown`` at the newest sample;
    None where it is not known.
    """
    now = samples.newest
    if now is None:
        return None
    start = half_hour_of(now).astimezone(JST)
    average = samples.mean(start, now)
    trend = samples.mean(now - _TREND_TIME, now)
    if average is None or trend is None:
        return None
    elapsed = now - start
    if begun is not None and shown is not None and scale is not None and elapsed:
        hours = _microseconds(elapsed) / _microseconds(_HOUR)
        average = _bounded(average, scale.consumed(begun, shown), scale.step, hours)
    left = _microseconds(half_hours.HALF_HOUR - elapsed)
    whole = _microseconds(half_hours.HALF_HOUR)
    return RunningDemand(start, average, (average * _microseconds(elapsed) + trend * left) / whole)


def _microseconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta.resolution)


def _bounded(average: Decimal, counted: Decimal | None, step: Decimal, hours: Decimal) -> Decimal:
    """Return the average within what a register that counted so much allows."""
    if counted is None:
        return average  # the meter was exchanged
    # Each of the two readings may hide just less than a step.
    least, most = max(counted - step, Decimal()) / hours, (counted + step) / hours
    return min(max(average, least), most)
