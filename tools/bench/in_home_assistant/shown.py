"""Arithmetic on what Home Assistant has shown over a time. No I/O and no clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

#: The power is wrong if it is off by more than this (W).
TOLERANCE: Final = 200.0
#: A power was read at most so many seconds before it is reported: the built-in integration asks for
#: the energy after it.
_READ_WITHIN: Final = 8
_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = timedelta(hours=1)

type Power = Callable[[datetime], float]
"""The power in W that the meter has at a moment."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was shown at a moment."""

    at: datetime
    value: float | None
    """None: unknown, unavailable, or no entity."""
    reported: datetime
    """When the integration reported it last."""


def first_value(samples: Sequence[Sample], after: datetime, power: Power) -> datetime | None:
    """Return when the first power was reported that the meter had after a moment.

    A value of before that is reported again does not count.
    """
    return next((each.reported for each in samples if _is_read_after(each, after, power)), None)


def _is_read_after(sample: Sample, after: datetime, power: Power) -> bool:
    seconds = range(_READ_WITHIN + 1)
    moments = (sample.reported - second * _SECOND for second in seconds)
    return any(sample.value == power(moment) for moment in moments if moment >= after)


def oldest(samples: Sequence[Sample], start: datetime, end: datetime) -> timedelta:
    """Return the greatest age of a value while it was shown, from ``start`` to ``end``.

    A value is as old as its first report: to be reported again makes it no younger.
    """
    age, value, since = timedelta(), None, start
    for sample in samples:
        if sample.value != value:
            value, since = sample.value, sample.reported
        if value is not None and start <= sample.at < end:
            age = max(age, sample.at - since)
    return age


def share_off(samples: Sequence[Sample], power: Power, tolerance: float = TOLERANCE) -> float:
    """Return the share of the time in which nothing or a wrong power was shown.

    What is shown at a sample counts until the next one; the last one only ends the time. The
    meter's power is taken at the middle between two samples.

    Raises:
        ValueError: There are fewer than two samples.
    """
    off = whole = timedelta()
    for sample, following in pairwise(samples):
        length = following.at - sample.at
        whole += length
        if sample.value is None or abs(sample.value - power(sample.at + length / 2)) > tolerance:
            off += length
    if not whole:
        raise ValueError("A share of no time was asked for")
    return off / whole


def per_hour(count: int, time: timedelta) -> float:
    """Return how many an hour has if a time has so many."""
    return count * (_HOUR / time)


def share_off_if_held(
    power: Power, start: datetime, end: datetime, hold: timedelta, tolerance: float = TOLERANCE
) -> float:
    """Compute the share of time off if the power is read at intervals, and shown until the next.

    ``hold`` is the interval; the power is compared every ten seconds, which is how long it stays
    the same in the emulated meter.
    """
    step = timedelta(seconds=10)
    samples, read, moment = [], start, start
    while moment <= end:
        if moment - read >= hold:
            read = moment
        samples.append(Sample(moment, power(read), read))
        moment += step
    return share_off(samples, power, tolerance)
