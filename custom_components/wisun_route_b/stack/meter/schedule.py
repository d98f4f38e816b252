"""The schedule of reads, as data: what to ask the meter now.

Pure: the caller passes the time, what it wants and what it has. Half-hour values
come by push; they are asked for only when the push is overdue (application interface
specification 1.01, 3.2.1 and 3.3.1: within five minutes, else from :05 and :35 on).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .half_hours import HALF_HOUR
from .properties import (
    CUMULATIVE_ENERGY_NORMAL,
    CUMULATIVE_ENERGY_REVERSE,
    CURRENT_DATE,
    CURRENT_TIME,
    FAULT_STATUS,
    FIXED_TIME_ENERGY_NORMAL,
    FIXED_TIME_ENERGY_REVERSE,
    INSTANTANEOUS_CURRENT,
    INSTANTANEOUS_POWER,
    ONE_MINUTE_CUMULATIVE_ENERGY,
    OPERATION_STATUS,
    AnyProperty,
)

#: The meter pushes its half-hour values within five minutes (AIF 1.01, 3.2.1).
PUSH_GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Group:
    """Properties that are due together, each ``interval`` after it was last read."""

    properties: tuple[AnyProperty, ...]
    interval: timedelta


#: What changes all the time: due at every poll.
FAST = Group(
    (
        INSTANTANEOUS_POWER,
        INSTANTANEOUS_CURRENT,
        CUMULATIVE_ENERGY_NORMAL,
        CUMULATIVE_ENERGY_REVERSE,
        ONE_MINUTE_CUMULATIVE_ENERGY,
    ),
    timedelta(0),
)
#: The EPCs of what changes all the time, which grows old within seconds.
LIVE = frozenset(row.epc for row in FAST.properties)
#: What hardly ever changes, and is worth a look a few times a day all the same.
SLOW = Group((OPERATION_STATUS, FAULT_STATUS, CURRENT_DATE, CURRENT_TIME), timedelta(hours=1))
#: What the meter pushes by itself.
HALF_HOURLY: tuple[AnyProperty, ...] = (FIXED_TIME_ENERGY_NORMAL, FIXED_TIME_ENERGY_REVERSE)


def due_properties(
    now: datetime, last_read: Mapping[int, datetime], wanted: Collection[int]
) -> tuple[AnyProperty, ...]:
    """Return the properties to ask for now, out of those ``wanted`` (EPCs).

    ``last_read`` holds when each EPC was last answered, refused or pushed; times are aware.
    """
    return tuple(
        row
        for group in (FAST, SLOW)
        for row in group.properties
        if row.epc in wanted and _elapsed(now, last_read.get(row.epc), group.interval)
    ) + tuple(
        row
        for row in HALF_HOURLY
        if row.epc in wanted and _push_overdue(now, last_read.get(row.epc))
    )


def _elapsed(now: datetime, last: datetime | None, interval: timedelta) -> bool:
    return last is None or now - last >= interval


def _push_overdue(now: datetime, last: datetime | None) -> bool:
    if last is None:
        return True
    boundary = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % HALF_HOUR
    return last < boundary and now >= boundary + PUSH_GRACE
