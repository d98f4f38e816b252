"""Lets our sensor continue the long-term statistics of another one that showed the same.

Rows are carried over in one task of the recorder and in one transaction, so that neither a
compilation nor a power cut can come in between, and read back after the commit. Entity ids of
Home Assistant's own integration contain the Route-B ID: they are not logged.

If our sensor has no rows yet, the other's statistics are renamed: all rows are ours then. Else
the other's rows before our first one are copied, in both tables, and our sums go on from there.

What was used in the time between is counted if that is possible at the pace at which the other
sensor counted. Otherwise it is the register of another meter, and the sum goes on without it.
"""

from dataclasses import dataclass, field
from datetime import UTC
import logging
import math
import time
from typing import Final

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.components.recorder.statistics import (
    cache_latest_short_term_statistic_id_for_metadata_id,
    get_short_term_statistics_run_cache,
)
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..history.recorder_errors import RecorderError
from ..history.recorder_task import run_in_recorder
from .stored_rows import (
    HOUR,
    StoredRow,
    StoredSensor,
    Table,
    copy_before,
    count_rows,
    delete_after,
    find_sensors,
    first_row,
    last_row,
    possible_energy,
    put_short_term_row,
    raise_sums,
)

_LOGGER = logging.getLogger(__name__)

#: Rows that end later than this (seconds from now) are from a clock that was ahead.
_CLOCKS_DIFFER: Final = 600.0
#: By how much a sum that was read back may differ: binary fractions.
_ROUNDING: Final = 1e-6


async def async_migrate_statistics(
    hass: HomeAssistant, old_statistic_id: str, new_entity_id: str
) -> bool:
    """Do as :func:`async_carry_over_energy`; False also if the database fails."""
    try:
        return await async_carry_over_energy(hass, old_statistic_id, new_entity_id)
    except RecorderError as err:
        _LOGGER.warning("Older statistics could not be carried over: %s", err.failure.value)
        return False


async def async_carry_over_energy(
    hass: HomeAssistant, old_statistic_id: str, new_entity_id: str
) -> bool:
    """Let an energy sensor continue another one's long-term statistics.

    Best before the recorder has compiled anything of the new one: then the rows are renamed.
    Else the hours before its own first one are copied, and its sums go on from there. The
    time between the two becomes part of the first hour, as after a pause of one sensor.

    Returns whether no row of the past is missing now, read back from the database; False if
    the recorder is not there or leaves the sensor out, or if one of the two does not count
    energy. A second time nothing happens. Raises RecorderError if the database fails; nothing
    is changed then, or it is not known what was.

    The recorder begins its work when Home Assistant has started: do not wait for this in the
    set-up of an entry during the start.
    """
    register = _register(hass.states.get(new_entity_id))
    return await _async_carry_over(
        hass, _CarryOver(old_statistic_id, new_entity_id, of_energy=True, register=register)
    )


async def async_migrate_costs(hass: HomeAssistant, old_entity_id: str, new_entity_id: str) -> bool:
    """Do the same for sensors of costs, in whatever currency."""
    return await _async_carry_over(hass, _CarryOver(old_entity_id, new_entity_id, of_energy=False))


def _register(state: State | None) -> tuple[float, str] | None:
    """Return what a sensor shows, and its unit of energy; None if it shows nothing."""
    if state is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if not isinstance(unit, str) or unit not in EnergyConverter.VALID_UNITS:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    return (value, unit) if math.isfinite(value) else None


async def _async_carry_over(hass: HomeAssistant, work: _CarryOver) -> bool:
    if "recorder" not in hass.config.components or not is_entity_recorded(hass, work.new):
        return False
    if work.old == work.new:
        return True
    done = await run_in_recorder(hass, "carry over older statistics", work, check=work.is_stored)
    if not done.follows:
        _LOGGER.warning(
            "The register of the meter cannot follow the last one of the older statistics: it is "
            "another meter's, and what was used between the two is not counted"
        )
    return done.fits


@dataclass(frozen=True, slots=True)
class _Done:
    """What the database must hold after the commit."""

    fits: bool = True
    """False if the two do not count the same."""
    follows: bool = True
    """False if the new register cannot be the old one's."""
    metadata_id: int | None = None
    """None if there was nothing to do."""
    hours: int = 0
    last: StoredRow | None = None


@dataclass(frozen=True, slots=True)
class _CarryOver:
    """What is done within the recorder's thread, between two compilations."""

    old: str = field(repr=False)
    new: str = field(repr=False)
    of_energy: bool
    register: tuple[float, str] | None = None
    """What the new sensor shows at present, and its unit."""

    def __call__(self, instance: Recorder, session: Session) -> _Done:
        """Carry over; a transaction of `run_in_recorder`."""
        manager = instance.statistics_meta_manager
        known = find_sensors(session, self.old, self.new)
        if (theirs := known.get(self.old)) is None:
            return _Done()
        if not self._is_fit(theirs):
            return _Done(fits=False)
        if (ours := known.get(self.new)) is not None:
            if (first := _first_of_all(session, ours.metadata_id)) is not None:
                return self._put_before(session, theirs, ours, first)
            manager.delete(session, [self.new])
        manager.update_statistic_id(session, RECORDER_DOMAIN, self.old, self.new)
        _delete_future(session, theirs.metadata_id)
        follows = self._be_continued(session, theirs)
        return _done(session, theirs.metadata_id, follows=follows)

    def is_stored(self, instance: Recorder, session: Session, done: _Done) -> bool:
        """Return whether what was to be done is in the database; after the commit."""
        if done.metadata_id is None:
            return True
        # From now on the compiler is to go on from the rows that were committed.
        cache_latest_short_term_statistic_id_for_metadata_id(
            get_short_term_statistics_run_cache(instance.hass), session, done.metadata_id
        )
        named = select(StatisticsMeta.id).where(StatisticsMeta.statistic_id == self.new)
        if session.execute(named).scalar() != done.metadata_id:
            return False
        last = last_row(session, Statistics, done.metadata_id)
        if last is None or done.last is None:
            return last is done.last
        return (
            count_rows(session, Statistics, done.metadata_id) == done.hours
            and last.start == done.last.start
            and abs(last.sum - done.last.sum) <= _ROUNDING * max(1.0, abs(last.sum))
        )

    def _is_fit(self, sensor: StoredSensor) -> bool:
        is_energy = sensor.unit in EnergyConverter.VALID_UNITS
        return sensor.is_counter and is_energy is self.of_energy

    def _be_continued(self, session: Session, sensor: StoredSensor) -> bool:
        """Ensure that the compiler continues from the last sum that is stored.

        It continues from the newest row of five minutes. Those of a sensor that was away for
        longer are purged, and the sum would begin with zero. And it would count the difference
        between two meters. Returns whether our register can follow the stored one.
        """
        metadata_id = sensor.metadata_id
        shorts = last_row(session, StatisticsShortTerm, metadata_id)
        last = _last_of_all(shorts, last_row(session, Statistics, metadata_id))
        compiled = session.execute(select(func.max(StatisticsRuns.start))).scalar()
        if last is None or compiled is None:
            return True
        state = self._state_in(sensor.unit)
        follows = state is None or _follows(session, sensor, last, state, time.time())
        if follows and shorts is not None:
            return True
        # In a period that is compiled already: another row of it will never be made.
        start = max(compiled.replace(tzinfo=UTC).timestamp(), shorts.start if shorts else 0.0)
        is_known = follows and last.state is not None
        put_short_term_row(session, metadata_id, start, last.state if is_known else state, last.sum)
        return follows

    def _state_in(self, unit: str | None) -> float | None:
        if self.register is None or unit not in EnergyConverter.VALID_UNITS:
            return None
        value, shown = self.register
        return EnergyConverter.convert(value, shown, unit)

    def _put_before(
        self,
        session: Session,
        old: StoredSensor,
        new: StoredSensor,
        first: StoredRow,
    ) -> _Done:
        """Copy the rows before the first of the new ones, and raise the new sums."""
        factor = _factor(old.unit, new.unit)
        if not self._is_fit(new) or factor is None:
            return _Done(fits=False)
        shorts = first_row(session, StatisticsShortTerm, new.metadata_id)
        begins: dict[Table, float] = {Statistics: first.start - first.start % HOUR}
        if shorts is not None:
            begins[StatisticsShortTerm] = shorts.start
        last = _last_of_all(
            *(
                last_row(session, table, old.metadata_id, before=begin)
                for table, begin in begins.items()
            )
        )
        if last is None:
            return _Done()
        follows, energy = True, 0.0
        if self.of_energy and first.state is not None:
            zero = (first.state - first.sum) / factor
            at = begins.get(StatisticsShortTerm, first.start)
            follows = _follows(session, old, last, zero, at)
            if follows and last.state is not None:
                energy = zero - last.state
        rise = (last.sum + energy) * factor
        for table in (Statistics, StatisticsShortTerm):
            raise_sums(session, table, new.metadata_id, rise)
        for table, begin in begins.items():
            copy_before(session, table, (old.metadata_id, new.metadata_id), begin, factor)
        return _done(session, new.metadata_id, follows=follows)


def _done(session: Session, metadata_id: int, *, follows: bool) -> _Done:
    session.flush()
    return _Done(
        follows=follows,
        metadata_id=metadata_id,
        hours=count_rows(session, Statistics, metadata_id),
        last=last_row(session, Statistics, metadata_id),
    )


def _first_of_all(session: Session, metadata_id: int) -> StoredRow | None:
    """Return the first row of a sensor, hourly or, in its first hour, of five minutes."""
    rows = (first_row(session, table, metadata_id) for table in (Statistics, StatisticsShortTerm))
    return min((row for row in rows if row is not None), key=lambda row: row.start, default=None)


def _last_of_all(*rows: StoredRow | None) -> StoredRow | None:
    """Return the row that ends last; of two that end together the first one."""
    return max((row for row in rows if row is not None), key=lambda row: row.end, default=None)


def _delete_future(session: Session, metadata_id: int) -> None:
    """Delete rows that a clock that was ahead has left.

    The compiler could not write its own in their place, and would lose those of every other
    sensor of that hour.
    """
    limit = time.time() + _CLOCKS_DIFFER
    for table in (Statistics, StatisticsShortTerm):
        delete_after(session, table, metadata_id, limit)


def _follows(
    session: Session,
    sensor: StoredSensor,
    last: StoredRow,
    state: float,
    at: float,
) -> bool:
    """Return whether a register can be the one of a row, at a later moment."""
    if last.state is None:
        return True
    most = possible_energy(session, sensor, last.end, at)
    return state - last.state + _ROUNDING >= 0 and state - last.state <= most


def _factor(old_unit: str | None, new_unit: str | None) -> float | None:
    """Return the factor from one unit to the other, None if there is none."""
    if old_unit == new_unit:
        return 1.0
    if old_unit in EnergyConverter.VALID_UNITS and new_unit in EnergyConverter.VALID_UNITS:
        return EnergyConverter.convert(1.0, old_unit, new_unit)
    return None
