"""The long-term statistics of one cost sensor: read, written and read back.

Runs in the recorder's thread, in the transaction of the energy that the costs belong to. As with
the energy, the recorder makes its next total from the newest five-minute row, so these are kept in
step with the hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
import math
import time
from typing import Final

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.statistics import (
    get_latest_short_term_statistics_with_session,
)
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from .cost_source import CostSource
from .costs import CostObstacle, CostPlan, CostRow
from .five_minutes import PERIOD
from .register import HOUR

_DECIMALS: Final = 6
#: How far a sum may be from itself after it was stored: it is a double.
_STORED: Final = Decimal("0.0005")
#: More than any total of a household, whatever its currency.
_MAX_TOTAL: Final = 1e12


@dataclass(frozen=True, slots=True)
class CostSnapshot:
    """What is stored of one cost sensor."""

    number: int
    """The id of its metadata."""
    rows: Mapping[datetime, CostRow]
    """By the start of the hour: from the last one before the time asked for."""


@dataclass(frozen=True, slots=True)
class CostWriting:
    """What is to be stored of one cost sensor."""

    snapshot: CostSnapshot
    plan: CostPlan


def read_costs(
    instance: Recorder, session: Session, source: CostSource, since: datetime, until: datetime
) -> CostSnapshot | CostObstacle:
    """Return the finished hours of a cost sensor from ``since`` on, with the last row before."""
    known = instance.statistics_meta_manager.get_many(session, {source.entity_id})
    if source.entity_id not in known:
        return CostObstacle.NOT_COMPILED
    number, metadata = known[source.entity_id]
    if metadata["unit_of_measurement"] != source.currency or not metadata["has_sum"]:
        return CostObstacle.OTHER_UNIT
    newest = get_latest_short_term_statistics_with_session(
        instance.hass, session, {source.entity_id}, {"sum"}
    )
    if not any(row.get("sum") is not None for row in newest.get(source.entity_id, ())):
        return CostObstacle.NOT_COMPILED
    return CostSnapshot(number, _rows(session, number, since, until))


def _rows(
    session: Session, number: int, since: datetime, until: datetime
) -> dict[datetime, CostRow]:
    first = session.execute(
        select(func.max(Statistics.start_ts)).where(
            Statistics.metadata_id == number,
            Statistics.start_ts < since.timestamp(),
            Statistics.sum.is_not(None),
        )
    ).scalar()
    found = session.execute(
        select(Statistics.start_ts, Statistics.sum, Statistics.last_reset_ts).where(
            Statistics.metadata_id == number,
            Statistics.start_ts >= (since.timestamp() if first is None else first),
            Statistics.start_ts < until.timestamp(),
        )
    )
    return {
        datetime.fromtimestamp(start, UTC): CostRow(
            total, None if reset is None else datetime.fromtimestamp(reset, UTC)
        )
        for start, stored, reset in found
        if not start % HOUR.total_seconds() and (total := _money(stored)) is not None
    }


def _money(stored: float | None) -> Decimal | None:
    if stored is None or not math.isfinite(stored) or abs(stored) > _MAX_TOTAL:
        return None
    return round(Decimal(stored), _DECIMALS)


# --- Writing -------------------------------------------------------------------------------


def write_costs(session: Session, writing: CostWriting) -> None:
    """Store what was planned; the caller commits."""
    snapshot, plan = writing.snapshot, writing.plan
    number, rows = snapshot.number, snapshot.rows
    _write_five_minutes(session, writing)
    for hour, total in plan.sums.items():
        if hour in rows and total != rows[hour].sum:
            session.execute(
                update(Statistics)
                .where(Statistics.metadata_id == number, Statistics.start_ts == hour.timestamp())
                .values(sum=float(total)),
                execution_options={"synchronize_session": False},
            )
    _shift(session, Statistics, number, max(plan.sums) + HOUR, plan.shift)
    new = [
        {
            "metadata_id": number,
            "created_ts": time.time(),
            "start_ts": hour.timestamp(),
            "sum": float(total),
        }
        for hour, total in plan.sums.items()
        if hour not in rows
    ]
    if new:
        session.execute(insert(Statistics), new)


def _shift(
    session: Session,
    table: type[Statistics | StatisticsShortTerm],
    number: int,
    since: datetime,
    shift: Decimal,
) -> None:
    if shift:
        session.execute(
            update(table)
            .where(table.metadata_id == number, table.start_ts >= since.timestamp())
            .values(sum=table.sum + float(shift)),
            execution_options={"synchronize_session": False},
        )


def _write_five_minutes(session: Session, writing: CostWriting) -> None:
    """Give the five-minute rows of each hour their share of what the hour shows now."""
    snapshot, plan, table = writing.snapshot, writing.plan, StatisticsShortTerm
    _shift(session, table, snapshot.number, max(plan.sums) + HOUR, plan.shift)
    found = session.execute(
        select(table.id, table.start_ts, table.sum).where(
            table.metadata_id == snapshot.number,
            table.start_ts >= min(plan.sums).timestamp(),
            table.start_ts < (max(plan.sums) + HOUR).timestamp(),
        )
    )
    updates = []
    for row_id, start, stored in found:
        moment, total = datetime.fromtimestamp(start, UTC), _money(stored)
        if total is not None:
            updates.append({"id": row_id, "sum": float(_within_hour(writing, moment, total))})
    if updates:
        session.execute(update(table), updates)


def _within_hour(writing: CostWriting, moment: datetime, total: Decimal) -> Decimal:
    rows, sums = writing.snapshot.rows, writing.plan.sums
    hour = moment.replace(minute=0, second=0, microsecond=0)
    old_before = _last(rows, hour)
    new_before = sums.get(hour - HOUR, old_before + _shift_before(writing, hour))
    if hour not in sums:
        return total + (new_before - old_before)
    new_bar = sums[hour] - new_before
    old_bar = rows[hour].sum - old_before if hour in rows else Decimal()
    share = (total - old_before) / old_bar if old_bar else Decimal(-1)
    if not 0 <= share <= 1:
        share = Decimal((moment + PERIOD - hour) / HOUR)
    return new_before + new_bar * share


def _last(rows: Mapping[datetime, CostRow], hour: datetime) -> Decimal:
    if (hour - HOUR) in rows:
        return rows[hour - HOUR].sum
    earlier = [at for at in rows if at < hour]
    return rows[max(earlier)].sum if earlier else Decimal()


def _shift_before(writing: CostWriting, hour: datetime) -> Decimal:
    """Return what the last row before an hour was shifted by."""
    rows, sums = writing.snapshot.rows, writing.plan.sums
    earlier = [at for at in sums if at < hour]
    return sums[max(earlier)] - _last(rows, hour) if earlier else Decimal()


# --- Reading back --------------------------------------------------------------------------


def are_costs_stored(session: Session, writing: CostWriting) -> bool:
    """Return whether every row is there as it ought to be."""
    sums = writing.plan.sums
    stored = _rows(session, writing.snapshot.number, min(sums), max(sums) + HOUR)
    return all(
        hour in stored and abs(stored[hour].sum - total) <= _STORED for hour, total in sums.items()
    )
