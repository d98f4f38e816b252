"""Rows of statistics as they are in the database; all of it runs in the recorder's thread.

Moments are seconds since 1970, energies are in the unit of what is stored.
"""

from itertools import pairwise
import time
from typing import Final, NamedTuple

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from ..const import MAX_POWER_KW

HOUR: Final = 3600.0
_DAY: Final = 24 * HOUR
#: Within so many seconds before a moment a sensor's own pace is looked for.
_PACE_TIME_S: Final = 30 * _DAY
_MAX_POWER_KW: Final = float(MAX_POWER_KW)
#: The pace of a sensor of which less than a day is stored (kW): a contract of 60 A at 100 V.
_USUAL_POWER_KW: Final = 6.0
#: So many times the mean power of the busiest day that was seen may have been drawn.
_BUSIER: Final = 2.0
#: What may have been used beyond that (kWh): over a short time the mean of a day is no bound.
_AT_ONCE: Final = 10.0

type Table = type[Statistics | StatisticsShortTerm]


class StoredRow(NamedTuple):
    """A row of statistics; its values are those at the end of its period."""

    start: float
    end: float
    state: float | None
    sum: float


class StoredSensor(NamedTuple):
    """What is known of the statistics of one sensor."""

    metadata_id: int
    unit: str | None
    is_counter: bool
    """Whether it is a sensor of Home Assistant, and has sums."""


def find_sensors(session: Session, *statistic_ids: str) -> dict[str, StoredSensor]:
    """Return those of these sensors that have statistics, by their statistic ids.

    Not with the recorder's own manager: it logs a query that fails, with the ids in it.
    """
    table = StatisticsMeta
    found = select(
        table.statistic_id, table.id, table.unit_of_measurement, table.source, table.has_sum
    ).where(table.statistic_id.in_(statistic_ids))
    return {
        statistic_id: StoredSensor(metadata_id, unit, source == RECORDER_DOMAIN and bool(has_sum))
        for statistic_id, metadata_id, unit, source, has_sum in session.execute(found)
        if statistic_id is not None
    }


def first_row(session: Session, table: Table, metadata_id: int) -> StoredRow | None:
    """Return the first row that has a sum."""
    return _row(session, table, metadata_id, literal(value=True), table.start_ts.asc())


def last_row(
    session: Session, table: Table, metadata_id: int, *, before: float | None = None
) -> StoredRow | None:
    """Return the last row that has a sum, perhaps the last one that begins before a moment."""
    limit = literal(value=True) if before is None else table.start_ts < before
    return _row(session, table, metadata_id, limit, table.start_ts.desc())


def _row(
    session: Session,
    table: Table,
    metadata_id: int,
    limit: ColumnElement[bool],
    order: ColumnElement[float | None],
) -> StoredRow | None:
    found = (
        select(table.start_ts, table.state, table.sum)
        .where(table.metadata_id == metadata_id, table.sum.is_not(None), limit)
        .order_by(order)
        .limit(1)
    )
    row = session.execute(found).first()
    if row is None:
        return None
    start, state, total = row
    return StoredRow(start, start + table.duration.total_seconds(), state, total)


def count_rows(session: Session, table: Table, metadata_id: int) -> int:
    """Return how many rows a sensor has."""
    found = select(func.count(table.id)).where(table.metadata_id == metadata_id)
    return session.execute(found).scalar() or 0


def delete_after(session: Session, table: Table, metadata_id: int, moment: float) -> None:
    """Delete the rows that end after a moment."""
    limit = moment - table.duration.total_seconds()
    session.execute(
        delete(table).where(table.metadata_id == metadata_id, table.start_ts > limit),
        execution_options={"synchronize_session": False},
    )


def put_short_term_row(
    session: Session, metadata_id: int, start: float, state: float | None, total: float
) -> None:
    """Write a row of five minutes, in the place of one that may be there."""
    table = StatisticsShortTerm
    is_there = (table.metadata_id == metadata_id, table.start_ts == start)
    values = {"state": state, "sum": total}
    if session.execute(select(table.id).where(*is_there)).first():
        session.execute(
            update(table).where(*is_there).values(values),
            execution_options={"synchronize_session": False},
        )
    else:
        key = {"metadata_id": metadata_id, "start_ts": start, "created_ts": time.time()}
        session.execute(insert(table).values(key | values))


def raise_sums(session: Session, table: Table, metadata_id: int, rise: float) -> None:
    """Add something to all sums of a sensor."""
    session.execute(
        update(table).where(table.metadata_id == metadata_id).values(sum=table.sum + rise),
        execution_options={"synchronize_session": False},
    )


def copy_before(
    session: Session, table: Table, pair: tuple[int, int], moment: float, factor: float
) -> None:
    """Copy the rows of one sensor that begin before a moment to another one, times a factor."""
    old, new = pair
    columns = ("metadata_id", "created_ts", "start_ts", "state", "sum")
    copied = select(
        literal(new),
        literal(time.time()),
        table.start_ts,
        table.state * factor,
        table.sum * factor,
    ).where(table.metadata_id == old, table.start_ts < moment)
    session.execute(insert(table).from_select(columns, copied))


def possible_energy(session: Session, sensor: StoredSensor, since: float, until: float) -> float:
    """Return the energy that a sensor can have counted from one moment to another, at its own pace.

    That is the pace of its busiest day within the month before, and somewhat more.
    """
    hours = max(until - since, 0.0) / HOUR
    kwh = EnergyConverter.convert(1.0, UnitOfEnergy.KILO_WATT_HOUR, sensor.unit)
    seen = _busiest_day(session, sensor.metadata_id, since, _MAX_POWER_KW * kwh)
    power = _USUAL_POWER_KW * kwh if seen is None else seen * _BUSIER
    return min(power * hours + _AT_ONCE * kwh, _MAX_POWER_KW * kwh * max(hours, 1.0))


def _busiest_day(
    session: Session, metadata_id: int, until: float, max_power: float
) -> float | None:
    """Return the highest mean of a day, in energy per hour; None if no day is stored."""
    table = Statistics
    found = (
        select(table.start_ts, table.sum)
        .where(
            table.metadata_id == metadata_id,
            table.sum.is_not(None),
            table.start_ts.between(until - _PACE_TIME_S, until),
        )
        .order_by(table.start_ts)
    )
    days: dict[int, float] = {}
    hours: dict[int, float] = {}
    for older, newer in pairwise(session.execute(found).all()):
        span, energy = (newer.start_ts - older.start_ts) / HOUR, newer.sum - older.sum
        # A jump of the sum is no consumption.
        if 0 <= energy <= max_power * span and span <= _DAY / HOUR:
            day = int((until - newer.start_ts) // _DAY)
            days[day] = days.get(day, 0.0) + energy
            hours[day] = hours.get(day, 0.0) + span
    means = [days[day] / hours[day] for day in days if hours[day] >= _DAY / HOUR / 2]
    return max(means, default=None)
