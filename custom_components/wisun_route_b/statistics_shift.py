"""Shifts the sums of a sensor in both tables of statistics, each from where they are wrong.

Home Assistant keeps an hourly row of a sensor for ever and one of five minutes for some days.
A jump of the sum lies within an hour: the hourly table is shifted from the row of this hour, the
five-minute table from the row of the jump. Shifted from the full hour as well, it would show two
bars that never were, one at the hour and one at the jump.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.models import StatisticMetaData
from homeassistant.const import UnitOfEnergy
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

_HOUR: Final = 3600.0
#: More than any low-voltage customer can draw (kW): contracts below 50 kW are low-voltage.
_MAX_POWER: Final = 100.0
#: What is less of a shift is the rounding of binary fractions.
_ROUNDING: Final = 1e-6


class ShortTermRow(NamedTuple):
    """A row of five minutes; state and sum are those of its end."""

    start: float
    """Seconds since 1970."""
    state: float | None
    sum: float


class Step(NamedTuple):
    """All sums from a row on are changed by so much."""

    start: float
    delta: float


def shift_sums(
    session: Session,
    sensor: tuple[int, StatisticMetaData],
    shift: Step,
    *,
    right_until: float | None = None,
) -> None:
    """Change the sums of a sensor from the hour in which ``shift`` begins.

    ``sensor`` is what the recorder's ``statistics_meta_manager`` knows of it; the shift is in
    the unit of energy of what is stored. The jump that makes it necessary is looked for in the
    rows of five minutes since ``right_until``, the end of the last hour that was right before
    it (seconds since 1970); without that, since the hour of the shift.
    """
    metadata_id, metadata = sensor
    shift = Step(shift.start - shift.start % _HOUR, shift.delta)
    since = shift.start if right_until is None else min(shift.start, right_until)
    _add(session, Statistics, metadata_id, shift)
    max_power = EnergyConverter.convert(
        _MAX_POWER, UnitOfEnergy.KILO_WATT_HOUR, metadata["unit_of_measurement"]
    )
    rows = _short_term_rows(session, metadata_id, since)
    for step in find_steps(rows, since, shift.delta, max_power) or (shift,):
        _add(session, StatisticsShortTerm, metadata_id, step)


def _add(
    session: Session,
    table: type[Statistics | StatisticsShortTerm],
    metadata_id: int,
    step: Step,
) -> None:
    session.execute(
        update(table)
        .where(table.metadata_id == metadata_id, table.start_ts >= step.start)
        .values(sum=table.sum + step.delta),
        execution_options={"synchronize_session": False},
    )


def _short_term_rows(session: Session, metadata_id: int, since: float) -> list[ShortTermRow]:
    """Return the rows of five minutes since a moment, and the last one before."""
    table = StatisticsShortTerm
    found = select(table.start_ts, table.state, table.sum).where(
        table.metadata_id == metadata_id, table.sum.is_not(None)
    )
    before = found.where(table.start_ts < since).order_by(table.start_ts.desc()).limit(1)
    after = found.where(table.start_ts >= since).order_by(table.start_ts)
    return [
        ShortTermRow(*row)
        for row in [*session.execute(before).all(), *session.execute(after).all()]
    ]


def find_steps(
    rows: Sequence[ShortTermRow], since: float, shift: float, max_power: float
) -> tuple[Step, ...]:
    """Return where a shift is to be made in rows of five minutes; nothing if that is unknown.

    ``max_power`` is in units of the rows' energy per hour. If several jumps make up the shift,
    there is a step for each; all steps together are the shift. Rows that begin at ``since``
    with none before (these were purged) are shifted as a whole.
    """
    if not rows:
        return ()
    if rows[0].start >= since:
        return (Step(rows[0].start, shift),)
    errors = [
        error for error in _errors(rows, max_power) if abs(error.delta) > abs(shift) * _ROUNDING
    ]
    best = min(errors, key=lambda error: abs(error.delta + shift), default=None)
    if best is None or abs(best.delta + shift) >= abs(shift):
        return ()
    rest = shift + sum(error.delta for error in errors)
    if abs(rest) >= abs(best.delta + shift):
        return (Step(best.start, shift),)
    largest = max(errors, key=lambda error: abs(error.delta))
    return tuple(
        Step(error.start, (rest if error is largest else 0.0) - error.delta) for error in errors
    )


def _errors(rows: Sequence[ShortTermRow], max_power: float) -> Iterator[Step]:
    """Yield by how much each row's sum rises more than its register says."""
    register, seen = rows[0], rows[0]
    for before, row in pairwise(rows):
        # A register that falls to zero for one reading goes on after that where it was.
        energy = _energy(seen, row, max_power)
        if energy is None:
            energy = _energy(register, row, max_power)
        if energy is not None:
            register = row
        yield Step(row.start, row.sum - before.sum - (energy or 0.0))
        seen = row if row.state is not None else seen


def _energy(older: ShortTermRow, newer: ShortTermRow, max_power: float) -> float | None:
    """Return what a register counted between two rows, None if it cannot be the same one."""
    if older.state is None or newer.state is None:
        return None
    energy = newer.state - older.state
    return energy if 0 <= energy <= max_power * (newer.start - older.start) / _HOUR else None
