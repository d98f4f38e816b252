"""Computes the expected row of each hour of a sensor from the meter's register; kWh.

Theory of operation: a walk goes from hour to hour and computes the expected row of each. It holds
the last accepted register (``state`` at the moment ``at``) and the total up to there. An hour
whose end the meter knows gets the difference of two readings. Rows are kept as they are
(``foreign``) while the last state is another meter's, or another counter's under the same name:
then the sum goes on as Home Assistant has it, and without a bar from one register to another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from .plan import History, Reason, Row
from .register import HOUR, Register

#: Rows in a run that rise like a counter and are not the meter's: then they are of another one.
_MIN_RISES: Final = 3


def rows_of_another_meter(history: History, register: Register) -> frozenset[datetime]:
    """Return the hours whose rows rise like a counter, but not like this meter.

    Rows of an outage stand still at an old reading of this meter, and a wrong reading is one
    that stands alone: neither counts.
    """
    found: set[datetime] = set()
    run: list[datetime] = []
    rises, before = 0, None
    for hour in sorted(history.rows):
        state = history.rows[hour].state
        if state is None or state == before:
            run += [hour] if run else []
            continue
        if register.fits_live(state, hour) is not False:
            found.update(run if rises >= _MIN_RISES else ())
            run, rises = [], 0
        else:
            rises += bool(run) and before is not None and register.is_likely(state - before, HOUR)
            run.append(hour)
        before = state
    found.update(run if rises >= _MIN_RISES else ())
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a walk was after an hour."""

    end: datetime
    at: datetime
    state: Decimal | None
    sum: Decimal
    shift: Decimal | None
    """Error of the last stored sum, if only that is known."""


class Reconciler:
    """Goes from hour to hour and computes the expected row of each."""

    def __init__(
        self, history: History, register: Register, anchor: datetime | None, since: datetime
    ) -> None:
        self._rows = history.rows
        self._register = register
        self._others = rows_of_another_meter(history, register)
        self._turns = _turns(history.rows)
        self.wanted: dict[datetime, Row] = {}
        self.skipped: dict[datetime, Reason] = {}
        self.marks: list[Mark] = []
        self.state: Decimal | None
        #: Whether the last state is of another meter.
        self._foreign = False
        #: The sum that is stored in the last row that exists, and its expected value.
        self._stored: Decimal | None = None
        self._corrected = Decimal()
        if anchor is None:
            self.at, self.state, self.sum = since, register.at(since), Decimal()
            if self.state is None:
                raise ValueError("Sums can only begin where the register is known")
            return
        self._begin(anchor, self._rows[anchor])

    def _begin(self, anchor: datetime, row: Row) -> None:
        self.at, self.state, self.sum = anchor + HOUR, row.state, row.sum
        self._stored = row.sum
        reading = self._register.best(row.state, self.at)
        self._foreign = anchor in self._others or not self._register.is_ours(row.state, self.at)
        if reading is not None and row.state is not None and not self._foreign:
            self.state = reading
            self.sum += reading - row.state
            self.wanted[anchor] = Row(self.state, self.sum)
        self._corrected = self.sum
        self._mark(self.at)

    def compare_first(self, hour: datetime) -> None:
        """Compare the sum of the very first row: Home Assistant shows it as a bar."""
        begun, ended = self._register.at(hour), self._register.at(hour + HOUR)
        most = None
        if begun is not None and ended is not None:
            most = self._register.energy(begun, ended, HOUR)
        limit = None if most is None else most + self._register.near
        if not self._register.is_likely(self.sum, HOUR) or (limit is not None and self.sum > limit):
            self.sum = self._corrected = Decimal() if self._foreign else most or Decimal()
            self.wanted[hour] = Row(self.state, self.sum)
            self.marks.clear()
            self._mark(hour + HOUR)

    def step(self, hour: datetime) -> None:
        """Add the next hour."""
        row, end = self._rows.get(hour), hour + HOUR
        reading = self._register.best(None if row is None else row.state, end)
        if row is not None and hour in self._others:
            self.skipped[hour] = Reason.OTHER_METER
            self._follow(row, end)
        elif reading is None:
            self.skipped[hour] = Reason.NO_READING
            self._accept_recorded(row, end)
        elif (energy := self._energy(reading, end)) is not None:
            self._go(end, reading, self.sum + energy)
        else:
            self.skipped[hour] = Reason.METER_EXCHANGED
            self._pass_exchange(hour, row, reading)
        # An hour of which nothing is known gets no row.
        if row is not None or self.at == end:
            state = row.state if row is not None and self.state is None else self.state
            self.wanted[hour] = Row(state, self.sum)
        if row is not None:
            self._stored, self._corrected = row.sum, self.sum
        self._mark(end)

    def _mark(self, end: datetime) -> None:
        wrong = None
        if self._stored is not None and (self._foreign or self.state is None):
            wrong = self._corrected - self._stored
        self.marks.append(Mark(end, self.at, self.state, self.sum, wrong))

    def _energy(self, state: Decimal, at: datetime) -> Decimal | None:
        """Return what this meter counted since the last state, None if that is not known."""
        if self._foreign or self.state is None:
            return None
        return self._register.energy(self.state, state, at - self.at)

    def _go(self, at: datetime, state: Decimal, total: Decimal, *, foreign: bool = False) -> None:
        self.at, self.state, self.sum, self._foreign = at, state, total, foreign

    def _follow(self, row: Row, end: datetime) -> None:
        """Leave a row that is not this meter's as it is, but for a jump from one to another."""
        risen = Decimal() if self._stored is None else row.sum - self._stored
        risen = risen if self._register.is_likely(risen, end - self.at) else Decimal()
        self.at, self.state, self.sum, self._foreign = end, row.state, self.sum + risen, True

    def _accept_recorded(self, row: Row | None, end: datetime) -> None:
        """Take what Home Assistant saw for a register that the meter no longer remembers.

        If it fits between its neighbours; else nothing happened in this hour, and all of the
        energy is in the next one that is known.
        """
        if row is None:
            return
        if self.state is None or row.state is None:
            self._follow(row, end)
            return
        energy = self._register.energy(self.state, row.state, end - self.at)
        if energy is None:
            return
        if self._leads_on(self.state, end) and not self._leads_on(row.state, end):
            return
        # A state that is only repeated is as old as it was: what follows has had longer to be used.
        at = end if energy else self.at
        self._go(at, row.state, self.sum + energy, foreign=self._foreign)

    def _leads_on(self, state: Decimal, at: datetime) -> bool:
        """Return whether the next known reading can follow a state."""
        known = self._register.next_known(at)
        return known is None or self._register.energy(state, known[1], known[0] - at) is not None

    def _pass_exchange(self, hour: datetime, row: Row | None, reading: Decimal) -> None:
        """Go on with another meter's register, whose beginning only Home Assistant may know.

        If it lived through the exchange, the energy that it stored stays, unless that is the
        difference of two registers. If it did not, the new meter's hours are counted by themselves, and
        what is unknown of the first one is left out.
        """
        end, begun = hour + HOUR, self.sum + self._begun(hour, reading)
        if row is None:
            self._go(end, reading, begun)
        elif self._stored is not None:
            seen = self._corrected + row.sum - self._stored
            close = self._register.is_close(row.state, end)
            jump = seen > self.sum and not self._register.is_likely(seen - self.sum, end - self.at)
            if jump or (not close and self._was_offline(hour)):
                self._go(end, reading, begun)
            else:
                state = reading if close or row.state is None else row.state
                self._go(end, state, max(self.sum, seen), foreign=not close)

    def _was_offline(self, hour: datetime) -> bool:
        """Return whether Home Assistant was off until it saw the new register."""
        first: datetime | None = hour
        if self._rows[hour].sum == self._stored:
            first = self._turns[hour]
        return first is None or self._register.is_close(self._rows[first].state, first + HOUR)

    def _begun(self, hour: datetime, reading: Decimal) -> Decimal:
        """Return what the new meter counted in this hour, from its first reading on."""
        for moment in (hour, hour + HOUR / 2):
            first = self._register.at(moment)
            energy = None if first is None else self._register.energy(first, reading, HOUR)
            if energy is not None and self._register.is_likely(energy, HOUR):
                return energy
        return Decimal()


def _turns(rows: Mapping[datetime, Row]) -> dict[datetime, datetime | None]:
    """Return for each hour the first one after it whose sum is another."""
    turns: dict[datetime, datetime | None] = {}
    later: datetime | None = None
    for hour in sorted(rows, reverse=True):
        if later is None or rows[later].sum != rows[hour].sum:
            turns[hour] = later
        else:
            turns[hour] = turns[later]
        later = hour
    return turns
