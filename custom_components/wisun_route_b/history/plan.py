"""The rows of a sensor's hourly statistics, and the changes to them; kWh.

A row stands for the hour that begins at its key; ``state`` and ``sum`` are register and running
total at the *end* of that hour, and the dashboard shows the difference of two sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Row:
    """Register and running total at the end of an hour, kWh."""

    state: Decimal | None
    """None if it cannot be read; the sum is enough to go on from."""
    sum: Decimal


@dataclass(frozen=True, slots=True)
class Tail:
    """The newest five-minute row: what Home Assistant's next total is made from."""

    start: datetime
    row: Row


class Reason(StrEnum):
    """Why an hour does not show the meter's own energy."""

    NO_READING = "no_reading"
    """The meter has no register for the end of this hour."""
    METER_EXCHANGED = "meter_exchanged"
    """Another meter's register begins in this hour."""
    OTHER_METER = "other_meter"
    """What is stored is not this meter's: it is left as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """An hour that is to be written."""

    start: datetime
    row: Row
    energy: Decimal
    """Energy that the hour will show, kWh."""
    before: Decimal | None
    """Energy that it shows now, kWh; None if there is no such row."""


@dataclass(frozen=True, slots=True)
class Plan:
    """First shift all sums from ``shift_from`` on, then write the changes."""

    changes: tuple[Change, ...] = ()
    shift_from: datetime | None = None
    shift: Decimal = Decimal()
    skipped: Mapping[datetime, Reason] = field(default_factory=dict[datetime, Reason])
    settled: bool = True
    """False while Home Assistant has compiled no reading that is younger than the hours."""
    last: datetime | None = None
    """The last hour whose row is right after these changes."""
    wanted: Mapping[datetime, Row] = field(default_factory=dict[datetime, Row], repr=False)
    """The expected row of every hour that was compared."""

    @property
    def energy(self) -> Decimal:
        """The energy that comes into hours where it was missing, kWh."""
        return sum(
            (max(row.energy - (row.before or Decimal()), Decimal()) for row in self.changes),
            Decimal(),
        )


@dataclass(frozen=True, slots=True)
class History:
    """What Home Assistant has stored of one sensor."""

    rows: Mapping[datetime, Row]
    """By the start of the hour."""
    tail: Tail
