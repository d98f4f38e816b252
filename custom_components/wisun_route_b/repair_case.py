"""The sensors' histories beside the meter's registers: what to ask for, what to plan."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from operator import attrgetter
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .backfill import HOUR, Plan, Register, find_anchor, hours_between, plan_changes
from .energy_statistics import Obstacle, Snapshot, read_statistics, recorded_entity
from .meter_past import MOST_DAYS, MeterPast
from .stack import JST, RegisterPair, Scale

#: Which register each sensor shows, by the end of the sensor's unique id.
REGISTERS: Final[Mapping[str, Callable[[RegisterPair], Decimal | None]]] = {
    "imported_energy": attrgetter("normal"),
    "exported_energy": attrgetter("reverse"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """The hours of one sensor that are to be compared."""

    key: str
    snapshot: Snapshot
    anchor: datetime | None
    """The hour whose row is known to be right; None if that is still to be found."""
    since: datetime
    until: datetime
    """The end of the last hour that the meter is asked about."""
    begins: bool = False
    """Whether sums may begin here, because there is nothing before."""

    def moments(self) -> list[datetime]:
        """Return the moments at which the meter's register is needed, oldest first."""
        first = self.since if self.anchor is None else self.anchor + HOUR
        return list(hours_between(first, self.until + HOUR))

    def plan(self, known: MeterPast, scale: Scale) -> Plan | None:
        """Compare; None if there is nothing to compare with."""
        side = REGISTERS[self.key]
        register = Register({at: side(known[at]) for at in known.moments()}, scale)
        told = list(takewhile(known.__contains__, self.moments()))
        if not told:
            return None
        history, anchor, since = self.snapshot.history, self.anchor, self.since
        until = self.snapshot.compiled_until
        if anchor is None and self.begins:
            since = next((at for at in told if register.at(at) is not None), until)
        elif anchor is None:
            anchor = find_anchor(history, register, since)
        if anchor is not None:
            since = anchor + HOUR
        elif not self.begins or since >= until:
            return None
        # Always to the end, or rows that nobody has looked at would begin below those before.
        plan = plan_changes(history, register, anchor, since, until)
        return self._as_far_as(plan, told[-1])

    def _as_far_as(self, plan: Plan, told: datetime) -> Plan:
        """Leave out hours that nobody asked about, leave open those the meter is yet to tell."""
        skipped = {hour: why for hour, why in plan.skipped.items() if hour < told}
        last = plan.last
        if last is not None and told < self.until:
            last = min(last, told - HOUR)
        return replace(plan, skipped=skipped, last=last)

    def is_through(self, plan: Plan) -> bool:
        """Tell whether the last finished hour was compared."""
        return plan.settled and plan.last is not None and plan.last + HOUR >= self.until


type FindCase = Callable[[str], Awaitable[Case | Obstacle]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything by the sensor's key."""

    cases: Mapping[str, Case]
    obstacles: Mapping[str, Obstacle]
    plans: Mapping[str, Plan] = field(default_factory=dict[str, Plan])
    """Of the cases that had something to be compared with."""

    @property
    def verified(self) -> dict[str, datetime]:
        """The start of the last hour that is right once the plans are carried out."""
        return {key: plan.last for key, plan in self.plans.items() if plan.last is not None}

    @property
    def needed_from(self) -> datetime | None:
        """Since when the next look may need the meter's registers again."""
        verified = self.verified
        return min(
            (verified.get(key, case.since) for key, case in self.cases.items()), default=None
        )

    @property
    def is_through(self) -> bool:
        """Tell whether nothing is left that can be done within this hour."""
        return Obstacle.NOT_COMPILED not in self.obstacles.values() and all(
            self.cases[key].is_through(plan) for key, plan in self.plans.items()
        )

    def moments(self) -> set[datetime]:
        """Return the moments at which the meter's registers are needed."""
        return {moment for case in self.cases.values() for moment in case.moments()}

    def planned(self, known: MeterPast, scale: Scale) -> Comparison:
        """Compare with what the meter has told."""
        plans = {key: case.plan(known, scale) for key, case in self.cases.items()}
        told = {key: plan for key, plan in plans.items() if plan is not None}
        return replace(self, plans=told)


async def find_all(find: FindCase) -> Comparison:
    """Look up both sensors."""
    found = {key: await find(key) for key in REGISTERS}
    return Comparison(
        {key: case for key, case in found.items() if isinstance(case, Case)},
        {key: why for key, why in found.items() if isinstance(why, Obstacle)},
    )


def memory_reach() -> datetime:
    """Return the first moment that the meter can remember."""
    today = dt_util.utcnow().astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
    return dt_util.as_utc(today - timedelta(days=MOST_DAYS))


async def repair_case(
    hass: HomeAssistant, identity: str, key: str, verified: datetime | None
) -> Case | Obstacle:
    """Return the hours of a sensor that nobody has compared yet."""
    reach = memory_reach()
    found = await _snapshot(hass, identity, key, verified - HOUR if verified else reach)
    if isinstance(found, Obstacle):
        return found
    if verified is not None and verified not in found.history.rows:
        # Somebody has deleted rows, or gone back to a backup.
        return await repair_case(hass, identity, key, None)
    rows = [hour for hour in found.history.rows if hour >= reach]
    if verified is None and not rows:
        return Obstacle.NOT_COMPILED
    since = min(rows) if verified is None else verified + HOUR
    return Case(key, found, verified, since, found.compiled_until)


async def import_case(
    hass: HomeAssistant, identity: str, key: str, start: datetime, end: datetime
) -> Case | Obstacle:
    """Return the hours of a range, whether they have rows or not."""
    start = max(start, memory_reach())
    found = await _snapshot(hass, identity, key, start, and_before=True)
    if isinstance(found, Obstacle):
        return found
    until = min(end, found.compiled_until)
    earlier = [hour for hour in found.history.rows if hour < start]
    if not earlier:
        return Case(key, found, None, start, until, begins=True)
    # What lies between an older row and the range would else come as one bar.
    return Case(key, found, max(earlier), max(earlier) + HOUR, until)


async def _snapshot(
    hass: HomeAssistant, identity: str, key: str, since: datetime, *, and_before: bool = False
) -> Snapshot | Obstacle:
    entity_id = recorded_entity(hass, f"{identity}_{key}")
    if isinstance(entity_id, Obstacle):
        return entity_id
    return await read_statistics(hass, entity_id, since, and_before=and_before)
