"""Adjusts the five-minute statistics to the corrected hours.

Home Assistant keeps five-minute rows for some days (``purge_keep_days``); cards and "today" show
them. What they add up to in an hour must be what the hour shows, or a jump that has been taken
out of the hours would remain, or even appear, between two of them. Pure arithmetic, kWh.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from .corrections import HOUR, History, Plan, Reason, Row
from .register import Register

PERIOD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FiveMinutes:
    """One row of the five-minute table; its values are those at the end of its period."""

    id: int
    start: datetime
    state: Decimal | None
    sum: Decimal


@dataclass(slots=True)
class _Step:
    """A row, its expected sum, and whether the register proves it."""

    row: FiveMinutes
    sum: Decimal
    proven: bool


def in_step(
    rows: Sequence[FiveMinutes], plan: Plan, history: History, register: Register
) -> dict[int, Decimal]:
    """Return the sums that must change, by the id of the row; rows are in the order of time.

    A row whose state the meter can have shown within its hour gets the sum that belongs to it.
    Any other (a wrong reading, an outage) is interpolated. Rows after the hours
    that were compared are shifted as those are.
    """
    starts = [change.start for change in plan.changes]
    first = min([*starts, *([plan.shift_from] if plan.shift_from else [])], default=None)
    if first is None:
        return {}
    steps = [_step(row, plan, history, register) for row in rows if row.start >= first]
    _smooth(steps)
    return {
        step.row.id: step.sum
        for step in steps
        if abs(step.sum - step.row.sum) > register.tolerance / 4
    }


def _step(row: FiveMinutes, plan: Plan, history: History, register: Register) -> _Step:
    hour = row.start.replace(minute=0, second=0, microsecond=0)
    right = plan.wanted.get(hour)
    before = plan.wanted.get(hour - HOUR) or history.rows.get(hour - HOUR)
    if right is None or before is None or plan.skipped.get(hour) is Reason.OTHER_METER:
        return _Step(row, row.sum + _shift(hour, right, plan, history), proven=True)
    bar = right.sum - before.sum
    energy = _since(before, hour, row, register)
    if energy is not None and energy <= bar + register.tolerance:
        return _Step(row, before.sum + min(energy, bar), proven=True)
    share = Decimal((row.start + PERIOD - hour) / HOUR)
    return _Step(row, before.sum + bar * share, proven=False)


def _since(before: Row, hour: datetime, row: FiveMinutes, register: Register) -> Decimal | None:
    """Return what the meter had counted in the hour when it showed the row's state."""
    begun = register.at(hour)
    begun = before.state if begun is None else begun
    if begun is None or row.state is None:
        return None
    if abs(row.state - begun) <= register.near and row.state < begun:
        return Decimal()
    return register.scale.consumed(begun, row.state)


def _shift(hour: datetime, right: Row | None, plan: Plan, history: History) -> Decimal:
    stored = history.rows.get(hour)
    if right is not None and stored is not None:
        return right.sum - stored.sum
    return plan.shift if plan.shift_from is not None and hour >= plan.shift_from else Decimal()


def _smooth(steps: Sequence[_Step]) -> None:
    """Keep each interpolated row between the row before and the next proven one."""
    for step, ceiling in zip(reversed(steps), _ceilings(steps), strict=True):
        if not step.proven and ceiling is not None:
            step.sum = min(step.sum, ceiling)
    floor: Decimal | None = None
    for step in steps:
        if not step.proven and floor is not None:
            step.sum = max(step.sum, floor)
        floor = step.sum


def _ceilings(steps: Sequence[_Step]) -> Iterator[Decimal | None]:
    """Yield, from the last row to the first, the next proven sum."""
    ceiling: Decimal | None = None
    for step in reversed(steps):
        yield ceiling
        if step.proven:
            ceiling = step.sum
