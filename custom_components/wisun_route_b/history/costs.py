"""What the hours cost: the bars of a cost sensor beside those of its energy sensor.

Pure arithmetic in kWh and the configured currency; the database was read before. The dashboard computes
costs itself, in a sensor of its own, from what it has read: an hour in which Home Assistant
was off has no cost, and the cost of a whole outage is in the hour of the return. Here an hour costs its
energy times the price of that hour. An hour whose price is not known keeps its
stored cost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .corrections import Plan, Reason
from .register import HOUR, Register

#: How far a cost may be off and still be right (currency): less than is displayed.
TOLERANCE: Final = Decimal("0.005")
_HALF_HOUR: Final = timedelta(minutes=30)


class CostObstacle(StrEnum):
    """Why no cost of a sensor was compared."""

    NO_PRICE = "no_price"
    """The dashboard does not show the sensor, or computes no cost of it."""
    OWN_TOTAL = "own_total"
    """The dashboard shows a total that the user has chosen."""
    NOT_RECORDED = "not_recorded"
    """There is no cost sensor, or the recorder is configured to leave it out."""
    NOT_COMPILED = "not_compiled"
    """The recorder has written nothing of the cost sensor yet."""
    OTHER_UNIT = "other_unit"
    """What is stored is in another currency."""


@dataclass(frozen=True, slots=True)
class HourPrice:
    """The price of an hour, per kWh: of all of it, or of each of its half-hours."""

    whole: Decimal
    halves: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class CostRow:
    """Running total at the end of an hour, and when the sensor began to count."""

    sum: Decimal
    last_reset: datetime | None = None


@dataclass(frozen=True, slots=True)
class EnergyBar:
    """What an hour of the energy sensor shows, kWh."""

    energy: Decimal
    before: Decimal | None
    """What it showed before the correction; None if there was no row."""
    halves: tuple[Decimal, Decimal] | None
    """Of each half-hour, if the meter has it."""

    @property
    def changed(self) -> bool:
        """Whether it shows something else than before."""
        return self.before is None or abs(self.before - self.energy) > Decimal("1e-6")

    def cost(self, price: HourPrice) -> Decimal:
        """Return energy times price."""
        if self.halves is None or price.halves is None:
            return self.energy * price.whole
        pairs = zip(self.halves, price.halves, strict=True)
        return sum((energy * each for energy, each in pairs), Decimal())


@dataclass(frozen=True, slots=True)
class CostChange:
    """An hour whose cost is to be written."""

    start: datetime
    cost: Decimal
    before: Decimal | None
    """What it shows now; None if there is no row."""


@dataclass(frozen=True, slots=True)
class CostPlan:
    """The rows of a cost sensor as they ought to be."""

    changes: tuple[CostChange, ...] = ()
    sums: Mapping[datetime, Decimal] = field(default_factory=dict[datetime, Decimal], repr=False)
    """Every row from the first change on."""
    shift: Decimal = Decimal()
    """What is added to all that comes after these rows."""
    unpriced: frozenset[datetime] = frozenset()
    """Hours whose price is not known: they keep what they have."""

    @property
    def amount(self) -> Decimal:
        """How much more all hours cost than before."""
        return sum((row.cost - (row.before or Decimal()) for row in self.changes), Decimal())


def energy_bars(
    plan: Plan, rows: Mapping[datetime, Decimal], register: Register
) -> dict[datetime, EnergyBar]:
    """Return the bars of the hours that a plan is about; ``rows`` are the sums stored before it.

    Hours of another meter or counter are left out.
    """
    bars: dict[datetime, EnergyBar] = {}
    after = {hour: row.sum for hour, row in plan.wanted.items()}
    for hour, total in after.items():
        if plan.skipped.get(hour) is Reason.OTHER_METER:
            continue
        energy = total - _sum_before(after, rows, hour)
        old = None if hour not in rows else rows[hour] - _sum_before(rows, {}, hour)
        bars[hour] = EnergyBar(energy, old, _halves(register, hour, energy))
    return bars


def _sum_before(
    sums: Mapping[datetime, Decimal], others: Mapping[datetime, Decimal], hour: datetime
) -> Decimal:
    if (hour - HOUR) in sums:
        return sums[hour - HOUR]
    earlier = [at for at in (*sums, *others) if at < hour]
    if not earlier:
        return Decimal()
    last = max(earlier)
    return sums[last] if last in sums else others[last]


def _halves(register: Register, hour: datetime, energy: Decimal) -> tuple[Decimal, Decimal] | None:
    shown = [register.at(hour + index * _HALF_HOUR) for index in range(3)]
    start, middle, end = shown
    if start is None or middle is None or end is None:
        return None
    first, second = register.scale.consumed(start, middle), register.scale.consumed(middle, end)
    if first is None or second is None or abs(first + second - energy) > register.tolerance:
        return None
    return first, second


def hours_to_compare(
    bars: Mapping[datetime, EnergyBar],
    rows: Mapping[datetime, CostRow],
    priced: tuple[datetime, datetime] | None,
) -> frozenset[datetime]:
    """Return the hours whose cost is to be compared.

    All of the range that is ``priced``: the user has requested it, or it has ended since the last run. Of
    other hours only those whose energy was changed, or that have no row among others. If nothing was
    compared yet (``priced`` is None), also those in which the cost sensor began again, as it does when
    Home Assistant starts. The rest was computed at the price of its time, or compared by an earlier run
    with the half-hours that are not known now, and stays.
    """
    first = min(rows, default=None)
    return frozenset(
        hour
        for hour, bar in bars.items()
        if bar.changed
        or (first is not None and hour > first and hour not in rows)
        or (
            _begins_again(rows.get(hour), hour) if priced is None else priced[0] <= hour < priced[1]
        )
    )


def _begins_again(row: CostRow | None, hour: datetime) -> bool:
    return row is not None and row.last_reset is not None and hour <= row.last_reset < hour + HOUR


def plan_costs(
    rows: Mapping[datetime, CostRow],
    bars: Mapping[datetime, EnergyBar],
    hours: frozenset[datetime],
    prices: Mapping[datetime, HourPrice],
) -> CostPlan:
    """Plan the rows of a cost sensor; ``rows`` hold all from the one before the first hour on."""
    unpriced = frozenset(hour for hour in hours if hour not in prices)
    blocked = _blocked(bars, unpriced)
    wanted = {
        hour: bars[hour].cost(prices[hour]) for hour in hours - unpriced if hour not in blocked
    }
    changes: list[CostChange] = []
    sums: dict[datetime, Decimal] = {}
    stored = total = Decimal()
    for hour in sorted(rows.keys() | wanted.keys()):
        row = rows.get(hour)
        bar = None if row is None else row.sum - stored
        right = wanted.get(hour, bar)
        if right is not None and (bar is None or abs(right - bar) > TOLERANCE):
            changes.append(CostChange(hour, right, bar))
            bar = right
        total += bar or Decimal()
        stored = stored if row is None else row.sum
        if changes:
            sums[hour] = total
    return CostPlan(tuple(changes), sums, total - stored, unpriced | blocked)


def _blocked(
    bars: Mapping[datetime, EnergyBar], unpriced: frozenset[datetime]
) -> frozenset[datetime]:
    """Return hours that must not be written because the hour next to it has no price.

    After an outage the hour of the return holds the cost of all. If that cannot be taken from it,
    it must not be given to the others.
    """
    blocked: set[datetime] = set()
    for run in _runs(sorted(hour for hour, bar in bars.items() if bar.changed)):
        if any(
            hour in unpriced and bars[hour].energy < (bars[hour].before or Decimal())
            for hour in run
        ):
            blocked.update(run)
    return frozenset(blocked - unpriced)


def _runs(hours: list[datetime]) -> Iterator[list[datetime]]:
    run: list[datetime] = []
    for hour in hours:
        if run and hour - run[-1] != HOUR:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run
