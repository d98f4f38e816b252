"""The long-term statistics of one energy sensor: found, read, written and read back.

Everything here but :func:`recorded_entity` runs in the recorder's thread, with a session of
``recorder_task``. The rules come from reading the recorder of Home Assistant 2026.10: an hour
that it has not compiled must not exist when it does so (it would roll back the hour of every
sensor of Home Assistant), values are stored in the unit of the first compilation, and the next total
is made from the newest five-minute row that the recorder remembers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
import math
import time
from typing import Final

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.components.recorder.models import process_timestamp
from homeassistant.components.recorder.statistics import (
    get_latest_short_term_statistics_with_session,
)
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from ..const import DOMAIN
from .corrections import HOUR, History, Plan, Row, Tail
from .five_minutes import PERIOD, FiveMinutes

_KWH: Final = UnitOfEnergy.KILO_WATT_HOUR
#: Decimals that are left of a stored number: finer than any register (E1: 0.0001 kWh).
_DECIMALS: Final = 6
#: More than any register and any total (kWh): what is beyond cannot be right.
_MAX_SUM_KWH: Final = 1e9
#: How long after a full hour its last five minutes are compiled: Home Assistant does that ten
#: seconds after, in its event loop's time.
_COMPILED_AFTER: Final = timedelta(seconds=20)
#: Hours that are looked for at once by their starts.
_CHUNK: Final = 500
#: How far a number may be from itself after it was stored, as a share of it: it is a double.
_STORED: Final = Decimal("1e-12")


class Obstacle(StrEnum):
    """Why there are no statistics that could be corrected."""

    NO_RECORDER = "no_recorder"
    NO_ENTITY = "no_entity"
    """There is no such sensor, or it is disabled."""
    NOT_RECORDED = "not_recorded"
    """The recorder is configured to leave the sensor out."""
    NOT_COMPILED = "not_compiled"
    """The recorder has written nothing of it yet, or nothing for so long that it was purged."""
    OTHER_UNIT = "other_unit"
    """What is stored is no energy."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is stored of one sensor, within one task of the recorder."""

    number: int
    """The id of its metadata."""
    unit: str | None
    history: History
    compiled_until: datetime
    """The end of the last hour that the recorder has finished."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to be stored of one sensor."""

    snapshot: Snapshot
    plan: Plan
    tolerance: Decimal
    """How far a number may be off and still be right (kWh): less than a step of the register."""
    five_minutes: Mapping[int, Decimal] = field(default_factory=dict[int, Decimal])
    """New sums of five-minute rows, by the id of the row."""


def recorded_entity(hass: HomeAssistant, unique_id: str) -> str | Obstacle:
    """Return the sensor's present entity id, or why it has no statistics."""
    if "recorder" not in hass.config.components:
        return Obstacle.NO_RECORDER
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id)
    entry = registry.async_get(entity_id) if entity_id else None
    if entity_id is None or entry is None or entry.disabled:
        return Obstacle.NO_ENTITY
    return entity_id if is_entity_recorded(hass, entity_id) else Obstacle.NOT_RECORDED


def finished_hours(now: datetime) -> datetime:
    """Return until when hours can have been compiled, if the clock shows ``now``."""
    return (now - _COMPILED_AFTER).replace(minute=0, second=0, microsecond=0)


# --- Reading -------------------------------------------------------------------------------


def read_statistics(
    instance: Recorder, session: Session, entity_id: str, since: datetime, now: datetime
) -> Snapshot | Obstacle:
    """Return the finished hours of a sensor from ``since`` on, with the last row before.

    ``now`` is when the caller asked: what was compiled since is ignored.
    """
    known = instance.statistics_meta_manager.get_many(session, {entity_id}).get(entity_id)
    bound = _compiled_until(session, now)
    if bound is None or known is None:
        return Obstacle.NOT_COMPILED
    number, metadata = known
    unit = metadata["unit_of_measurement"]
    if unit not in EnergyConverter.VALID_UNITS:
        return Obstacle.OTHER_UNIT
    tail = _tail(instance, session, entity_id)
    if tail is None:
        return Obstacle.NOT_COMPILED
    rows = _rows(session, number, unit, _row_before(session, number, since), bound)
    return Snapshot(number, unit, History(rows, tail), bound)


def _compiled_until(session: Session, now: datetime) -> datetime | None:
    """Return the end of the last hour that is finished for all sensors.

    From the recorder's own book of its runs, because events come before the commit. Runs later
    than now are of a clock that was wrong for a while.
    """
    bound = finished_hours(now)
    runs = select(func.max(StatisticsRuns.start)).where(StatisticsRuns.start < now.astimezone(UTC))
    start = session.execute(runs).scalar()
    if start is None:
        return None
    end = process_timestamp(start) + PERIOD
    return min(end.replace(minute=0, second=0, microsecond=0), bound)


def _row_before(session: Session, number: int, since: datetime) -> float:
    """Return the start of the last row before ``since``, or ``since``."""
    earlier = select(func.max(Statistics.start_ts)).where(
        Statistics.metadata_id == number,
        Statistics.start_ts < since.timestamp(),
        Statistics.sum.is_not(None),
    )
    start = session.execute(earlier).scalar()
    return since.timestamp() if start is None else start


def _rows(
    session: Session, number: int, unit: str | None, first: float, until: datetime
) -> dict[datetime, Row]:
    found = session.execute(
        select(Statistics.start_ts, Statistics.state, Statistics.sum).where(
            Statistics.metadata_id == number,
            Statistics.start_ts >= first,
            Statistics.start_ts < until.timestamp(),
        )
    )
    rows: dict[datetime, Row] = {}
    for start, state, total in found:
        begun, energy = _full_hour(start), _kwh(total, unit)
        if begun is not None and energy is not None:
            rows[begun] = Row(_kwh(state, unit), energy)
    return rows


def read_sums(session: Session, snapshot: Snapshot, since: datetime) -> dict[datetime, Decimal]:
    """Return the running totals (kWh) of a sensor's finished hours from ``since`` on, as stored."""
    first = since.timestamp()
    rows = _rows(session, snapshot.number, snapshot.unit, first, snapshot.compiled_until)
    return {hour: row.sum for hour, row in rows.items()}


def _full_hour(start: float) -> datetime | None:
    return None if start % HOUR.total_seconds() else datetime.fromtimestamp(start, UTC)


def _tail(instance: Recorder, session: Session, entity_id: str) -> Tail | None:
    """Return the row that the recorder's next total is made from, by the recorder's own rule."""
    # Not the newest one by its start: after a clock that was ahead these are not the same.
    newest = get_latest_short_term_statistics_with_session(
        instance.hass, session, {entity_id}, {"state", "sum"}
    )
    known = instance.statistics_meta_manager.get_many(session, {entity_id})[entity_id][1]
    for item in newest.get(entity_id, ()):
        total = _kwh(item.get("sum"), known["unit_of_measurement"])
        if total is not None:
            state = _kwh(item.get("state"), known["unit_of_measurement"])
            return Tail(datetime.fromtimestamp(item["start"], UTC), Row(state, total))
    return None


def read_five_minutes(session: Session, snapshot: Snapshot, first: datetime) -> list[FiveMinutes]:
    """Return the five-minute rows of a sensor from ``first`` on, in the order of time."""
    table = StatisticsShortTerm
    found = session.execute(
        select(table.id, table.start_ts, table.state, table.sum)
        .where(table.metadata_id == snapshot.number, table.start_ts >= first.timestamp())
        .order_by(table.start_ts)
    )
    return [
        FiveMinutes(number, datetime.fromtimestamp(start, UTC), _kwh(state, snapshot.unit), energy)
        for number, start, state, total in found
        if (energy := _kwh(total, snapshot.unit)) is not None
    ]


def _kwh(value: float | None, unit: str | None) -> Decimal | None:
    """Return a stored number in kWh, None if it is not plausible."""
    if value is None or not math.isfinite(value):
        return None
    energy = EnergyConverter.convert(value, unit, _KWH)
    return None if abs(energy) > _MAX_SUM_KWH else round(Decimal(energy), _DECIMALS)


# --- Writing -------------------------------------------------------------------------------


def write(session: Session, writing: Writing) -> None:
    """Store what was planned; the caller commits."""
    snapshot, plan = writing.snapshot, writing.plan
    if plan.shift_from is not None:
        session.execute(
            update(Statistics)
            .where(
                Statistics.metadata_id == snapshot.number,
                Statistics.start_ts >= plan.shift_from.timestamp(),
            )
            .values(sum=Statistics.sum + _stored(plan.shift, snapshot.unit)),
            execution_options={"synchronize_session": False},
        )
    _write_hours(session, writing)
    if writing.five_minutes:
        session.execute(
            update(StatisticsShortTerm),
            [
                {"id": number, "sum": _stored(total, snapshot.unit)}
                for number, total in writing.five_minutes.items()
            ],
        )


def _write_hours(session: Session, writing: Writing) -> None:
    number, unit = writing.snapshot.number, writing.snapshot.unit
    rows = {change.start.timestamp(): change.row for change in writing.plan.changes}
    # Also those that cannot be read: a second row of the same hour is not possible.
    present = _ids(session, number, list(rows))
    values = {
        start: {
            "state": None if row.state is None else _stored(row.state, unit),
            "sum": _stored(row.sum, unit),
        }
        for start, row in rows.items()
    }
    old = [{"id": present[start], **value} for start, value in values.items() if start in present]
    new = [
        {"metadata_id": number, "created_ts": time.time(), "start_ts": start, **value}
        for start, value in values.items()
        if start not in present
    ]
    if old:
        session.execute(update(Statistics), old)
    if new:
        session.execute(insert(Statistics), new)


def _ids(session: Session, number: int, starts: list[float]) -> dict[float, int]:
    found: dict[float, int] = {}
    for index in range(0, len(starts), _CHUNK):
        rows = session.execute(
            select(Statistics.start_ts, Statistics.id).where(
                Statistics.metadata_id == number,
                Statistics.start_ts.in_(starts[index : index + _CHUNK]),
            )
        )
        found |= {start: row_id for start, row_id in rows if start is not None}
    return found


def _stored(energy: Decimal, unit: str | None) -> float:
    return EnergyConverter.convert(float(energy), _KWH, unit)


# --- Reading back --------------------------------------------------------------------------


def is_stored(session: Session, writing: Writing) -> bool:
    """Return whether every hour that was compared is there as it ought to be, and the tail."""
    snapshot, wanted = writing.snapshot, writing.plan.wanted
    if not wanted:
        return True
    first, last = min(wanted), max(wanted)
    rows = _rows(session, snapshot.number, snapshot.unit, first.timestamp(), last + HOUR)
    five = read_five_minutes(session, snapshot, first) if writing.five_minutes else []
    sums = {row.id: row.sum for row in five}
    pairs = [
        pair
        for hour, right in wanted.items()
        for row in (rows.get(hour, _NO_ROW),)
        for pair in ((row.sum, right.sum), (row.state, right.state))
    ] + [(sums.get(number), total) for number, total in writing.five_minutes.items()]
    return all(_is_same(stored, right, writing.tolerance) for stored, right in pairs)


#: Stands for a missing hour; unequal to every sum.
_NO_ROW: Final = Row(None, Decimal("Infinity"))


def _is_same(stored: Decimal | None, right: Decimal | None, tolerance: Decimal) -> bool:
    if stored is None or right is None:
        return stored is right
    return abs(stored - right) <= tolerance + abs(right) * _STORED
