"""Corrections of a sensor's hourly statistics: which rows to write so that they match the meter.

Pure arithmetic in kWh; the database and the meter were read before.

A row of Home Assistant's statistics stands for the hour that begins at its key. ``state`` and
``sum`` are the register and the running total at the *end* of that hour; the bar that the Energy
dashboard draws is the difference of two sums.

Theory of operation. ``Reconciler`` walks the range hour by hour and computes the row that each
hour ought to have, starting from the row of an ``anchor``: an hour whose stored register is the
meter's own at that moment. The walk leaves *marks* where it knew both totals. The range must
then be joined to what follows it: Home Assistant goes on from the newest five-minute row (the
``Tail``), so the difference between the total wanted and the total stored there is the ``shift``
of all later rows. The newest mark from which that difference can be computed decides; hours after
it are not settled, because Home Assistant has not read the meter since, and are left for the next
comparison. The plan holds the fewest changes that lead there: rows that are missing or differ by
more than the register's tolerance, and one shift from the first row that only the shift is wrong
with. A plan is never carried out later than the transaction that read its rows.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile

from .plan import Change, History, Plan, Reason, Row, Tail
from .reconciler import Mark, Reconciler
from .register import HOUR, Register, hours_between

__all__ = [
    "HOUR",
    "Change",
    "History",
    "Plan",
    "Reason",
    "Register",
    "Row",
    "Tail",
    "hours_between",
    "plan_changes",
]


def plan_changes(  # noqa: PLR0913 - few callers need is_first
    history: History,
    register: Register,
    anchor: datetime | None,
    since: datetime,
    until: datetime,
    *,
    is_first: bool = False,
) -> Plan:
    """Compare the hours from ``since`` to before ``until`` with the meter's register.

    Sums go on from the row of the hour ``anchor``; without one they begin with zero at
    ``since``, whose register must be known. If the anchor ``is_first`` of all rows, its own sum
    is what its hour shows, and is compared too. What comes after ``until`` keeps its energy.
    """
    walk = Reconciler(history, register, anchor, since)
    if anchor is not None and is_first:
        walk.compare_first(anchor)
    for hour in hours_between(since, until):
        walk.step(hour)
    return _compare(history, register, walk)


@dataclass(frozen=True, slots=True)
class _Settled:
    """The expected rows, as far as Home Assistant has read the meter since."""

    wanted: Mapping[datetime, Row]
    skipped: Mapping[datetime, Reason]
    shift: Decimal
    until: datetime
    complete: bool


def _compare(history: History, register: Register, walk: Reconciler) -> Plan:
    """Return the fewest changes that lead to the expected rows, as far as they are settled."""
    for mark in reversed(walk.marks):
        shift = _shift(mark, history.tail, register)
        if shift is not None:
            wanted, skipped = _before(walk.wanted, mark.end), _before(walk.skipped, mark.end)
            complete = mark is walk.marks[-1]
            return _plan(
                history, register, _Settled(wanted, skipped, shift, mark.end, complete=complete)
            )
    return Plan(settled=not walk.marks, skipped=walk.skipped)


def _shift(mark: Mark, tail: Tail, register: Register) -> Decimal | None:
    """Return the error of the newest total; None if it is behind the meter."""
    if mark.shift is not None:
        return mark.shift
    if mark.state is None or tail.row.state is None:
        return None
    # The state at the mark may be hours old, as Home Assistant repeats it while it sees nothing: less
    # than two hours are treated like one.
    span = tail.start + HOUR - mark.at
    behind = register.energy(mark.state, tail.row.state, HOUR if span < 2 * HOUR else span)
    return None if behind is None else mark.sum + behind - tail.row.sum


def _before[T](by_hour: Mapping[datetime, T], end: datetime) -> dict[datetime, T]:
    return {hour: value for hour, value in by_hour.items() if hour < end}


def _plan(history: History, register: Register, found: _Settled) -> Plan:
    tolerance, wanted, shift = register.tolerance, found.wanted, found.shift
    plan = Plan(
        skipped=found.skipped,
        settled=found.complete,
        last=max(wanted, default=None),
        wanted=wanted,
    )
    if abs(shift) <= tolerance:
        changes = tuple(_changes(history, wanted, tolerance, lambda _: Decimal()))
        return replace(plan, changes=changes)

    def is_shifted(hour: datetime) -> bool:
        row = history.rows.get(hour)
        return (
            row is not None
            and not _differ(row.state, wanted[hour].state, tolerance)
            and abs(row.sum + shift - wanted[hour].sum) <= tolerance
        )

    # The rows after a gap are right but for one and the same difference.
    shifted = list(takewhile(is_shifted, sorted(wanted, reverse=True)))
    start = min([found.until, history.tail.start.replace(minute=0), *shifted])
    changes = tuple(
        _changes(history, wanted, tolerance, lambda hour: shift if hour >= start else Decimal())
    )
    return replace(plan, changes=changes, shift_from=start, shift=shift)


def _differ(state: Decimal | None, right: Decimal | None, tolerance: Decimal) -> bool:
    if state is None or right is None:
        return state is not right
    return abs(state - right) > tolerance


def _changes(
    history: History,
    wanted: Mapping[datetime, Row],
    tolerance: Decimal,
    shift: Callable[[datetime], Decimal],
) -> Iterator[Change]:
    """Yield the rows that are not there or not right after the shift."""
    before = _row_before(history.rows, min(wanted, default=None))
    stored = shown = before.sum if before else Decimal()
    for hour in sorted(wanted):
        row, right = history.rows.get(hour), wanted[hour]
        energy, shown = right.sum - shown, right.sum
        if row is None:
            yield Change(hour, right, energy, None)
            continue
        if (
            _differ(row.state, right.state, tolerance)
            or abs(row.sum + shift(hour) - right.sum) > tolerance
        ):
            yield Change(hour, right, energy, row.sum - stored)
        stored = row.sum


def _row_before(rows: Mapping[datetime, Row], hour: datetime | None) -> Row | None:
    earlier: Collection[datetime] = [start for start in rows if hour is not None and start < hour]
    return rows[max(earlier)] if earlier else None
