"""Offset of the meter's clock from ours."""

from datetime import date, datetime, time, timedelta

from .readings import JST

#: Properties 97 and 98 have a resolution of one minute.
_RESOLUTION = timedelta(minutes=1)


def clock_offset(shown_date: date, shown_time: time, now: datetime) -> timedelta:
    """Return how far the meter's clock is ahead of ``now``, which is aware; behind is negative.

    It is the smallest offset that explains what the meter shows: zero while both agree to
    the minute.
    """
    shown = datetime.combine(shown_date, shown_time, JST)
    if now < shown:
        return shown - now
    if now < shown + _RESOLUTION:
        return timedelta()
    return shown + _RESOLUTION - now
