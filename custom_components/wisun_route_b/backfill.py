"""What must change in a sensor's hourly statistics so that they tell what the meter counted.

Nothing but arithmetic. A row of Home Assistant's statistics stands for the hour that begins
at its key; ``state`` and ``sum`` are register and running total at the *end* of that hour, and
what people see is the difference of two sums. Everything is in kWh.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from typing import Final

from .stack import Scale

HOUR: Final = timedelta(hours=1)

#: More than any low-voltage customer can draw (kW): contracts below 50 kW are low-voltage in
#: Japan. A register that rises faster is the register of another meter.
_MOST_POWER: Final = Decimal(100)
#: How far a state may be from the meter's register at the hour and still come from the same
#: reading (kWh): a poll that was half a minute old, clocks that differ by a few.
_CLOSE: Final = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Row:
    """Register and running total at the end of an hour, kWh."""

    state: Decimal
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


@dataclass(frozen=True, slots=True)
class Register:
    """One register of the meter: what it showed, and how to subtract."""

    readings: Mapping[datetime, Decimal | None]
    """By moment; None where the meter said that it has no value."""
    scale: Scale

    @property
    def tolerance(self) -> Decimal:
        """Less than the register can show: what only numbers with a point make of it."""
        return self.scale.step / 4

    def at(self, moment: datetime) -> Decimal | None:
        """Return the register at a moment, None if it is not known."""
        return self.readings.get(moment)

    def is_close(self, state: Decimal, moment: datetime) -> bool:
        """Tell whether a state can be a reading of this register at about this moment."""
        reading = self.at(moment)
        return reading is not None and abs(state - reading) <= max(self.scale.step, _CLOSE)

    def energy(self, older: Decimal, newer: Decimal, span: timedelta) -> Decimal | None:
        """Return the energy between two readings; None if they are of different meters."""
        energy = self.scale.consumed(older, newer)
        return None if energy is None or _is_too_much(energy, span) else energy


def _is_too_much(energy: Decimal, span: timedelta) -> bool:
    """Tell whether nobody can have drawn so much in a time; less than an hour counts as one."""
    return energy > _MOST_POWER * Decimal(max(span, HOUR) / HOUR)


@dataclass(frozen=True, slots=True)
class Change:
    """An hour that is to be written."""

    start: datetime
    row: Row
    energy: Decimal
    """What the hour will show, kWh."""
    before: Decimal | None
    """What it shows now; None if there is no such row."""


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
    """The last hour whose row is right once this is done."""

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


def find_anchor(history: History, register: Register, first: datetime) -> datetime | None:
    """Return the first hour from ``first`` on at whose end Home Assistant knew the register."""
    hours = (hour for hour in sorted(history.rows) if hour >= first)
    return next(
        (hour for hour in hours if register.is_close(history.rows[hour].state, hour + HOUR)), None
    )


def plan_changes(
    history: History, register: Register, anchor: datetime | None, since: datetime, until: datetime
) -> Plan:
    """Compare the hours from ``since`` to before ``until`` with the meter's register.

    Sums go on from the row of the hour ``anchor``; without one they begin with zero at
    ``since``, whose register must be known. What comes after ``until`` keeps its energy.
    """
    walk = _Walk(history, register, anchor, since)
    for hour in hours_between(since, until):
        walk.step(hour)
    return _compare(history, register, walk, until)


def hours_between(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the starts of the hours."""
    while since < until:
        yield since
        since += HOUR


class _Walk:
    """Goes from hour to hour and says what each row ought to be."""

    def __init__(
        self, history: History, register: Register, anchor: datetime | None, since: datetime
    ) -> None:
        self._rows = history.rows
        self._register = register
        self._last_known = max(register.readings, default=since)
        self.wanted: dict[datetime, Row] = {}
        self.skipped: dict[datetime, Reason] = {}
        #: The sum that is stored in the last row that exists, and what it ought to be.
        self._stored: Decimal | None = None
        self._corrected = Decimal()
        if anchor is None:
            begin = register.at(since)
            if begin is None:
                raise ValueError("Sums can only begin where the register is known")
            self.at, self.state, self.sum = since, begin, Decimal()
            return
        row = self._rows[anchor]
        self.at, self.state, self.sum = anchor + HOUR, row.state, row.sum
        self._stored = row.sum
        reading = register.at(self.at)
        if reading is not None and register.is_close(row.state, self.at):
            self.state = reading
            self.sum += reading - row.state
            self.wanted[anchor] = Row(self.state, self.sum)
        self._corrected = self.sum

    def step(self, hour: datetime) -> None:
        """Take one more hour."""
        row, end = self._rows.get(hour), hour + HOUR
        reading = self._register.at(end)
        if reading is None:
            self.skipped[hour] = Reason.NO_READING
            self._believe(row, end)
        elif (energy := self._energy(reading, end)) is not None:
            self._go(end, reading, self.sum + energy)
        else:
            self.skipped[hour] = Reason.METER_EXCHANGED
            self._pass_exchange(hour, row, reading)
        # An hour of which nobody knows anything gets no row.
        if row is not None or self.at == end:
            self.wanted[hour] = Row(self.state, self.sum)
        if row is not None:
            self._stored, self._corrected = row.sum, self.sum

    def _energy(self, state: Decimal, at: datetime) -> Decimal | None:
        return self._register.energy(self.state, state, at - self.at)

    def _go(self, at: datetime, state: Decimal, total: Decimal) -> None:
        self.at, self.state, self.sum = at, state, total

    def _believe(self, row: Row | None, end: datetime) -> None:
        """Take what Home Assistant saw for a register that the meter cannot tell any more.

        If it fits between its neighbours; else nothing happened in this hour, and all of the
        energy is in the next one that is known.
        """
        energy = None if row is None else self._energy(row.state, end)
        if row is None or energy is None:
            return
        if self._leads_on(self.state, end) and not self._leads_on(row.state, end):
            return
        self._go(end, row.state, self.sum + energy)

    def _leads_on(self, state: Decimal, at: datetime) -> bool:
        """Tell whether the next known reading can follow a state."""
        for moment in hours_between(at + HOUR, self._last_known + HOUR):
            reading = self._register.at(moment)
            if reading is not None:
                return self._register.energy(state, reading, moment - at) is not None
        return True

    def _pass_exchange(self, hour: datetime, row: Row | None, reading: Decimal) -> None:
        """Go on with another meter's register, whose beginning only Home Assistant may know.

        If it lived through the exchange, the energy that it stored stays, unless that is the
        difference of two registers. If it did not, the new meter's hours are told apart, and
        what is unknown of the first one is left out.
        """
        end, begun = hour + HOUR, self.sum + self._begun(hour, reading)
        if row is None:
            self._go(end, reading, begun)
        elif self._stored is not None:
            seen = self._corrected + row.sum - self._stored
            close = self._register.is_close(row.state, end)
            jump = _is_too_much(seen - self.sum, end - self.at)
            if jump or (not close and self._slept_through(hour)):
                self._go(end, reading, begun)
            else:
                self._go(end, reading if close else row.state, max(self.sum, seen))

    def _slept_through(self, hour: datetime) -> bool:
        """Tell whether Home Assistant was off until it saw the new register."""
        rows = ((start, self._rows[start]) for start in sorted(self._rows) if start >= hour)
        first = next(((start, row) for start, row in rows if row.sum != self._stored), None)
        return first is None or self._register.is_close(first[1].state, first[0] + HOUR)

    def _begun(self, hour: datetime, reading: Decimal) -> Decimal:
        """Return the energy of an hour from the first reading of a new meter within it."""
        first = self._register.at(hour + HOUR / 2)
        if first is None:
            return Decimal()
        return self._register.energy(first, reading, HOUR) or Decimal()


def _compare(history: History, register: Register, walk: _Walk, until: datetime) -> Plan:
    """Turn what ought to be into the least that must be done."""
    tail, wanted, tolerance = history.tail, walk.wanted, register.tolerance
    behind = register.energy(walk.state, tail.row.state, tail.start + HOUR - walk.at)
    if behind is None:
        return Plan(skipped=walk.skipped, settled=False)
    shift = walk.sum + behind - tail.row.sum
    if abs(shift) <= tolerance:
        changes = tuple(_changes(history, wanted, tolerance, lambda _: Decimal()))
        return Plan(changes, skipped=walk.skipped, last=max(wanted, default=None))

    def is_shifted(hour: datetime) -> bool:
        row = history.rows.get(hour)
        return (
            row is not None
            and abs(row.state - wanted[hour].state) <= tolerance
            and abs(row.sum + shift - wanted[hour].sum) <= tolerance
        )

    # The rows after a gap are right but for one and the same difference.
    shifted = list(takewhile(is_shifted, sorted(wanted, reverse=True)))
    start = min([until, tail.start.replace(minute=0), *shifted])
    changes = tuple(
        _changes(history, wanted, tolerance, lambda hour: shift if hour >= start else Decimal())
    )
    return Plan(changes, start, shift, walk.skipped, last=max(wanted, default=None))


def _changes(
    history: History,
    wanted: Mapping[datetime, Row],
    tolerance: Decimal,
    shift: Callable[[datetime], Decimal],
) -> Iterator[Change]:
    """Yield the rows that are not there or not right after the shift."""
    before = _row_before(history, min(wanted, default=None))
    stored = shown = before.sum if before else Decimal()
    for hour in sorted(wanted):
        row, right = history.rows.get(hour), wanted[hour]
        energy, shown = right.sum - shown, right.sum
        if row is None:
            yield Change(hour, right, energy, None)
            continue
        difference = max(abs(row.state - right.state), abs(row.sum + shift(hour) - right.sum))
        if difference > tolerance:
            yield Change(hour, right, energy, row.sum - stored)
        stored = row.sum


def _row_before(history: History, hour: datetime | None) -> Row | None:
    earlier = [start for start in history.rows if hour is not None and start < hour]
    return history.rows[max(earlier)] if earlier else None
