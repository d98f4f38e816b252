"""Compares the sensors' hours with the meter's registers: which hours, and what to write.

:func:`compare` runs in the recorder's thread, within one task and one transaction: it reads,
plans with the registers that the meter gave before, and writes. If registers are missing it
writes nothing and names them, and is called again when the meter has been asked.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import takewhile
from operator import attrgetter
from typing import Final

from homeassistant.components.recorder.core import Recorder
from homeassistant.util import dt as dt_util
from sqlalchemy.orm import Session

from ..stack import JST, Scale, half_hours, readings
from .corrections import HOUR, Plan, Register, hours_between, plan_changes
from .cost_comparison import CostComparison, compare_costs
from .cost_source import CostSource
from .cost_statistics import are_costs_stored, write_costs
from .costs import CostObstacle
from .five_minutes import in_step
from .statistics import (
    Obstacle,
    Snapshot,
    Writing,
    finished_hours,
    is_stored,
    read_five_minutes,
    read_statistics,
    write,
)

#: Which register each sensor shows, by the end of the sensor's unique id.
REGISTERS: Final[Mapping[str, Callable[[readings.RegisterPair], Decimal | None]]] = {
    "imported_energy": attrgetter("normal"),
    "exported_energy": attrgetter("reverse"),
}

#: Rows before an outage among which one of the meter's own is looked for: a day, which is one
#: answer of the meter.
_BEFORE_A_HOLE: Final = 24

type Read = Callable[[datetime], Snapshot | Obstacle]


@dataclass(frozen=True, slots=True)
class Since:
    """Compare what was not compared yet."""

    verified: datetime | None
    """The start of the last hour that was compared; None to compare all."""


@dataclass(frozen=True, slots=True)
class Within:
    """Compare a range, whether its hours have rows or not; on full hours."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """Input of :func:`compare`."""

    entities: Mapping[str, str | Obstacle]
    """The present entity id by the sensor's key, or why it has none."""
    orders: Mapping[str, Since | Within]
    """By the sensor's key."""
    known: Mapping[datetime, readings.RegisterPair]
    """What the meter has answered, by moment."""
    asked: Collection[datetime]
    """Moments that it was asked about; what is not known of them it does not know now."""
    scale: Scale | None
    now: datetime
    exact: bool = True
    """False if the registers are interpolated."""
    dry_run: bool = False
    costs: Mapping[str, CostSource | CostObstacle] = field(
        default_factory=dict[str, CostSource | CostObstacle]
    )
    """Where the costs are, by the sensor's key; none of a sensor whose costs are left alone."""

    @property
    def reach(self) -> datetime:
        """The first moment that the meter can remember."""
        return memory_reach(self.now)

    def register(self, key: str, scale: Scale) -> Register:
        """Return the register that a sensor shows."""
        side = REGISTERS[key]
        return Register({at: side(pair) for at, pair in self.known.items()}, scale, self.exact)


@dataclass(frozen=True, slots=True)
class SensorHours:
    """The hours of one sensor that are to be compared."""

    key: str
    snapshot: Snapshot
    anchor: datetime | None
    """The hour whose row sums go on from; None where there is none before."""
    since: datetime
    until: datetime
    """The end of the last hour that the meter is asked about."""
    is_first: bool = False
    """Whether there is no row at all before the anchor."""

    def moments(self, reach: datetime) -> list[datetime]:
        """Return the moments at which the meter's register is needed, oldest first."""
        first = self.since if self.anchor is None else self.anchor + HOUR
        if self.is_first:
            first -= HOUR
        return list(hours_between(max(first, reach), self.until + HOUR))

    def plan(self, register: Register, answered: Collection[datetime]) -> Plan | None:
        """Compare; None if there is nothing to compare with."""
        if not answered:
            return None
        history, anchor, since = self.snapshot.history, self.anchor, self.since
        until = self.snapshot.compiled_until
        if anchor is None:
            since = next((at for at in answered if register.at(at) is not None), until)
            if since >= until:
                return None
            # Rows before that, as those of a meter that was exchanged, stay as they are.
            anchor = max((hour for hour in history.rows if hour < since), default=None)
            since = since if anchor is None else anchor + HOUR
        # Always to the end, or rows that were not looked at would begin below those before.
        plan = plan_changes(history, register, anchor, since, until, is_first=self.is_first)
        return self._as_far_as(plan, max(answered))

    def _as_far_as(self, plan: Plan, answered: datetime) -> Plan:
        """Leave out hours that were not asked about, leave open those yet to be answered."""
        skipped = {hour: why for hour, why in plan.skipped.items() if hour < answered}
        last = plan.last
        if last is not None and answered < self.until:
            last = min(last, answered - HOUR)
        return replace(plan, skipped=skipped, last=last)

    def is_through(self, plan: Plan) -> bool:
        """Return whether the last finished hour was compared."""
        return plan.settled and plan.last is not None and plan.last + HOUR >= self.until


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result; everything by the sensor's key."""

    cases: Mapping[str, SensorHours] = field(default_factory=dict[str, SensorHours])
    obstacles: Mapping[str, Obstacle] = field(default_factory=dict[str, Obstacle])
    missing: frozenset[datetime] = frozenset()
    """Moments that the meter must be asked about first; then nothing was planned."""
    plans: Mapping[str, Plan] = field(default_factory=dict[str, Plan])
    """Plans of the sensors that could be compared."""
    written: tuple[Writing, ...] = ()
    """What was stored."""
    costs: Mapping[str, CostComparison] = field(default_factory=dict[str, CostComparison])
    """Of the plans whose costs were to be compared."""
    dry_run: bool = False

    @property
    def verified(self) -> dict[str, datetime]:
        """The start of the last hour that is right, as the plans are carried out."""
        return {key: plan.last for key, plan in self.plans.items() if plan.last is not None}

    @property
    def needed_from(self) -> datetime | None:
        """Since when the next run may need the meter's registers again."""
        verified = self.verified
        return min(
            (verified.get(key, case.since) for key, case in self.cases.items()), default=None
        )

    @property
    def is_through(self) -> bool:
        """Return whether no work is left for this hour."""
        return Obstacle.NOT_COMPILED not in self.obstacles.values() and all(
            self.cases[key].is_through(plan) for key, plan in self.plans.items()
        )


def memory_reach(now: datetime | None = None) -> datetime:
    """Return the first moment that the meter can remember."""
    today = (now or dt_util.utcnow()).astimezone(JST)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return dt_util.as_utc(midnight - timedelta(days=readings.HISTORY_DAYS))


# --- In the recorder's thread --------------------------------------------------------------


def compare(request: Request, instance: Recorder, session: Session) -> Comparison:
    """Read, plan and write within one transaction; the caller commits."""
    found = {key: _case(request, key, instance, session) for key in request.orders}
    cases = {key: case for key, case in found.items() if isinstance(case, SensorHours)}
    obstacles = {key: why for key, why in found.items() if isinstance(why, Obstacle)}
    needed = {at for case in cases.values() for at in _needed(request, case)}
    missing = frozenset(needed - request.known.keys() - set(request.asked))
    comparison = Comparison(cases, obstacles, missing)
    if missing or request.scale is None:
        return comparison
    plans: dict[str, Plan] = {}
    written: list[Writing] = []
    costs: dict[str, CostComparison] = {}
    for key, case in cases.items():
        register = request.register(key, request.scale)
        answered = list(takewhile(request.known.__contains__, case.moments(request.reach)))
        plan = case.plan(register, answered)
        if plan is None:
            continue
        plans[key] = plan
        if not request.dry_run and (plan.changes or plan.shift_from is not None):
            written.append(_write(session, case.snapshot, plan, register))
        if key in request.costs:
            costs[key] = compare_costs(
                instance,
                session,
                request.costs[key],
                plan,
                case.snapshot,
                register,
                _to_be_priced(request, key),
            )
            if (writing := costs[key].writing) is not None and not request.dry_run:
                write_costs(session, writing)
    return replace(
        comparison, plans=plans, written=tuple(written), costs=costs, dry_run=request.dry_run
    )


def _needed(request: Request, case: SensorHours) -> Iterator[datetime]:
    """Yield when the register is needed: at full hours, and at half-hours if these have prices."""
    source = request.costs.get(case.key)
    by_half_hour = isinstance(source, CostSource) and source.changes_within_hours
    for moment in case.moments(request.reach):
        yield moment
        if by_half_hour and moment - half_hours.HALF_HOUR >= request.reach:
            yield moment - half_hours.HALF_HOUR


def _to_be_priced(request: Request, key: str) -> tuple[datetime, datetime] | None:
    """Return the range whose costs are compared as a whole: what was asked for, or is new."""
    order = request.orders[key]
    if isinstance(order, Within):
        return order.start, order.end
    verified = _usable(order.verified, request)
    return None if verified is None else (verified + HOUR, request.now)


def are_stored(_instance: Recorder, session: Session, comparison: Comparison) -> bool:
    """Return whether all that was written is there."""
    return all(is_stored(session, writing) for writing in comparison.written) and all(
        are_costs_stored(session, cost.writing)
        for cost in comparison.costs.values()
        if cost.writing is not None and not comparison.dry_run
    )


def _write(session: Session, snapshot: Snapshot, plan: Plan, register: Register) -> Writing:
    starts = [change.start for change in plan.changes]
    first = min([*starts, *([plan.shift_from] if plan.shift_from else [])])
    rows = read_five_minutes(session, snapshot, first)
    sums = in_step(rows, plan, snapshot.history, register)
    writing = Writing(snapshot, plan, register.tolerance, sums)
    write(session, writing)
    return writing


def _case(
    request: Request, key: str, instance: Recorder, session: Session
) -> SensorHours | Obstacle:
    entity_id, order = request.entities[key], request.orders[key]
    if isinstance(entity_id, Obstacle):
        return entity_id

    def read(since: datetime) -> Snapshot | Obstacle:
        return read_statistics(instance, session, entity_id, since, request.now)

    match order:
        case Since():
            is_other = partial(_is_other, request, key)
            return _repair_case(
                read, key, _usable(order.verified, request), request.reach, is_other
            )
        case Within():
            case = _import_case(read, key, max(order.start, request.reach), order.end)
            if isinstance(case, Obstacle) or case.anchor is None:
                return case
            return _with_all_of_the_hole(read, case, case.anchor, request)


def _usable(verified: datetime | None, request: Request) -> datetime | None:
    """Return it unless that is impossible: the hour has not ended, or the meter no longer has it."""
    if verified is None or not request.reach <= verified < finished_hours(request.now):
        return None
    return verified


def _is_other(request: Request, key: str, snapshot: Snapshot, hour: datetime) -> bool:
    """Return whether the row of an hour disagrees with the meter."""
    return _agrees(request, key, snapshot, hour) is False


def _is_own(request: Request, key: str, snapshot: Snapshot, hour: datetime) -> bool:
    """Return whether the row of an hour agrees with the meter."""
    return _agrees(request, key, snapshot, hour) is True


def _agrees(request: Request, key: str, snapshot: Snapshot, hour: datetime) -> bool | None:
    """Compare a row with what the meter showed at its end; None if that is not known."""
    pair = request.known.get(hour + HOUR)
    reading = None if pair is None else REGISTERS[key](pair)
    if reading is None or request.scale is None:
        return None
    register = Register({hour + HOUR: reading}, request.scale)
    return register.is_close(snapshot.history.rows[hour].state, hour + HOUR)


def _repair_case(
    read: Read,
    key: str,
    verified: datetime | None,
    reach: datetime,
    is_other: Callable[[Snapshot, datetime], bool],
) -> SensorHours | Obstacle:
    """Return the hours of a sensor that were not compared yet."""
    found = read(verified or reach)
    if isinstance(found, Obstacle):
        return found
    if verified is not None and (verified not in found.history.rows or is_other(found, verified)):
        # The clock was ahead, rows were deleted, or a backup was restored.
        return _repair_case(read, key, None, reach, is_other)
    anchor = verified or min(found.history.rows, default=None)
    if anchor is None:
        return Obstacle.NOT_COMPILED
    is_first = verified is None and anchor >= reach
    return SensorHours(key, found, anchor, anchor + HOUR, found.compiled_until, is_first)


def _import_case(read: Read, key: str, start: datetime, end: datetime) -> SensorHours | Obstacle:
    """Return the hours of a range, whether they have rows or not."""
    found = read(start)
    if isinstance(found, Obstacle):
        return found
    until = min(end, found.compiled_until)
    earlier = [hour for hour in found.history.rows if hour < start]
    if not earlier:
        return SensorHours(key, found, None, start, until)
    # What lies between an older row and the range would else come as one bar.
    return SensorHours(key, found, max(earlier), max(earlier) + HOUR, until)


def _with_all_of_the_hole(
    read: Read, case: SensorHours, anchor: datetime, request: Request
) -> SensorHours | Obstacle:
    """Return a range that begins within hours that Home Assistant missed with all of them.

    Else what was used between the beginning of the outage and that of the range would be in no
    hour. The rows of an outage repeat its last reading. What is before them is this meter's own
    again, or the rows are of another meter and stay as they are.
    """
    if not _is_other(request, case.key, case.snapshot, anchor):
        return case
    found = read(request.reach)
    if isinstance(found, Obstacle):
        return found
    rows = found.history.rows
    earlier = sorted(hour for hour in rows if request.reach <= hour <= anchor)
    repeated = takewhile(lambda hour: rows[hour].state == rows[anchor].state, reversed(earlier))
    last_seen = min(repeated, default=anchor)
    candidates = [hour for hour in earlier if hour <= last_seen][-_BEFORE_A_HOLE:]
    answered = request.known.keys() | set(request.asked)
    if not all(hour + HOUR in answered for hour in candidates):
        # The meter is asked about all of them first.
        return replace(case, snapshot=found, anchor=candidates[0], since=candidates[0] + HOUR)
    own = [hour for hour in candidates if _is_own(request, case.key, found, hour)]
    if not own:
        return case
    return replace(case, snapshot=found, anchor=own[-1], since=own[-1] + HOUR)
