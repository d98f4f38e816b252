"""One sensor's history beside one register of the meter: what to ask for, what to plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
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
        told = [moment for moment in self.moments() if moment in known]
        if not told:
            return None
        # Not beyond what the meter has told, unless nobody is going to ask for more.
        until = told[-1] if told[-1] < self.until else self.snapshot.compiled_until
        history, anchor, since = self.snapshot.history, self.anchor, self.since
        if anchor is None and self.begins:
            since = next((at for at in told if register.at(at) is not None), until)
        elif anchor is None:
            anchor = find_anchor(history, register, since)
        if anchor is not None:
            since = anchor + HOUR
        elif not self.begins or since >= until:
            return None
        return plan_changes(history, register, anchor, since, until)


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
