"""Lets our sensor continue the long-term statistics of another one that showed the same.

A past is carried over in one task of the recorder and in one transaction, so that neither a
compilation nor a power cut can come in between. Entity ids of Home Assistant's own integration
contain the Route-B ID: they are not logged.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC
import logging
import time
from typing import Final, NamedTuple, override

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.components.recorder.models import StatisticData, StatisticMetaData
from homeassistant.components.recorder.statistics import (
    cache_latest_short_term_statistic_id_for_metadata_id,
    get_short_term_statistics_run_cache,
)
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

_LOGGER = logging.getLogger(__name__)

_HOUR: Final = 3600.0
#: More than any low-voltage customer can draw (kW); faster, it is another meter's register.
_MOST_POWER: Final = 100.0


async def async_adopt(hass: HomeAssistant, old_statistic_id: str, new_entity_id: str) -> bool:
    """Have an energy sensor continue another one's long-term statistics.

    Best before the recorder has compiled anything of the new one: then it simply inherits.
    Else the hours before its own first one are copied, and its sums go on from there. The
    time between the two becomes part of the first hour, as after a pause of one sensor.

    Returns whether nothing of the past is missing now; False if the recorder is not there or
    leaves the sensor out, or if one of the two does not count energy. A second time nothing
    happens. The recorder begins its work when Home Assistant has started: do not wait for
    this in the set-up of an entry during the start.
    """
    return await _async_carry_over(hass, old_statistic_id, new_entity_id, of_energy=True)


async def async_adopt_costs(hass: HomeAssistant, old_entity_id: str, new_entity_id: str) -> bool:
    """Do the same for sensors of costs, in whatever currency."""
    return await _async_carry_over(hass, old_entity_id, new_entity_id, of_energy=False)


async def _async_carry_over(hass: HomeAssistant, old: str, new: str, *, of_energy: bool) -> bool:
    if "recorder" not in hass.config.components or not is_entity_recorded(hass, new):
        return False
    if old == new:
        return True
    done: asyncio.Future[bool] = hass.loop.create_future()
    get_instance(hass).queue_task(_CarryOver(old, new, of_energy, done))
    return await done


@dataclass(slots=True)
class _CarryOver(RecorderTask):
    """What the recorder does in its own thread, between two compilations."""

    old: str
    new: str
    of_energy: bool
    done: asyncio.Future[bool]

    @override
    def run(self, instance: Recorder) -> None:
        success = False
        try:
            # Not session_scope(): it would log the failed statement with the ids in it.
            with instance.get_session() as session:
                success = self._carry_over(instance, session)
                session.commit()
        except SQLAlchemyError as err:
            instance.statistics_meta_manager.reset()
            success = False
            _LOGGER.warning("Older statistics could not be carried over: %s", type(err).__name__)
        finally:
            instance.hass.loop.call_soon_threadsafe(self._tell, success)

    def _tell(self, success: bool) -> None:  # noqa: FBT001 - call_soon knows no keywords
        if not self.done.done():
            self.done.set_result(success)

    def _carry_over(self, instance: Recorder, session: Session) -> bool:
        manager = instance.statistics_meta_manager
        known = manager.get_many(session, {self.old, self.new})
        if self.old not in known:
            return True
        number, theirs = known[self.old]
        if not self._is_fit(theirs):
            return False
        if self.new in known:
            our_number, ours = known[self.new]
            if (first := _first_row(session, our_number)) is not None:
                return self._is_fit(ours) and _put_before(
                    session, (number, theirs), (our_number, ours), first
                )
            manager.delete(session, [self.new])
        manager.update_statistic_id(session, RECORDER_DOMAIN, self.old, self.new)
        _be_continued(instance, session, number)
        return True

    def _is_fit(self, metadata: StatisticMetaData) -> bool:
        is_energy = metadata["unit_of_measurement"] in EnergyConverter.VALID_UNITS
        return (
            metadata["source"] == RECORDER_DOMAIN
            and metadata["has_sum"]
            and is_energy is self.of_energy
        )


class _Row(NamedTuple):
    """A row of statistics; what it says is true at the end of its period."""

    start: float
    state: float
    sum: float


def _row(
    session: Session,
    table: type[Statistics | StatisticsShortTerm],
    number: int,
    *,
    before: float | None = None,
) -> _Row | None:
    """Return the first row of a sensor, or the last one that begins before a moment."""
    found = select(table.start_ts, table.state, table.sum).where(
        table.metadata_id == number, table.state.is_not(None), table.sum.is_not(None)
    )
    if before is None:
        found = found.order_by(table.start_ts)
    else:
        found = found.where(table.start_ts < before).order_by(table.start_ts.desc())
    row = session.execute(found.limit(1)).first()
    return None if row is None else _Row(*row)


def _first_row(session: Session, number: int) -> _Row | None:
    """Return the first row of a sensor, hourly or, in its first hour, of five minutes."""
    rows = (_row(session, table, number) for table in (Statistics, StatisticsShortTerm))
    return min((row for row in rows if row is not None), default=None)


def _be_continued(instance: Recorder, session: Session, number: int) -> None:
    """See to it that there is a five-minute row for the compiler to continue from.

    Those of a sensor that was away for longer are purged, and its sum would begin with zero.
    """
    last = _row(session, Statistics, number, before=time.time() + _HOUR)
    compiled = session.execute(select(func.max(StatisticsRuns.start))).scalar()
    if last is None or compiled is None or _row(session, StatisticsShortTerm, number) is not None:
        return
    # In a period that is compiled already: another row of it will never be made.
    start = compiled.replace(tzinfo=UTC)
    session.add(
        StatisticsShortTerm.from_stats(
            number, StatisticData(start=start, state=last.state, sum=last.sum)
        )
    )
    session.flush()
    cache_latest_short_term_statistic_id_for_metadata_id(
        get_short_term_statistics_run_cache(instance.hass), session, number
    )


def _put_before(
    session: Session,
    old: tuple[int, StatisticMetaData],
    new: tuple[int, StatisticMetaData],
    first: _Row,
) -> bool:
    """Copy the old hours before the first of the new ones, and raise the new sums."""
    (old_number, theirs), (new_number, ours) = old, new
    factor = _factor(theirs["unit_of_measurement"], ours["unit_of_measurement"])
    begin = first.start - first.start % _HOUR
    last = _row(session, Statistics, old_number, before=begin)
    if factor is None or last is None:
        return factor is not None
    last = _Row(last.start, last.state * factor, last.sum * factor)
    rise = last.sum + _between(last, first, ours["unit_of_measurement"])
    for table in (Statistics, StatisticsShortTerm):
        session.execute(
            update(table).where(table.metadata_id == new_number).values(sum=table.sum + rise),
            execution_options={"synchronize_session": False},
        )
    columns = ("metadata_id", "created_ts", "start_ts", "state", "sum")
    copied = select(
        literal(new_number),
        literal(time.time()),
        Statistics.start_ts,
        Statistics.state * factor,
        Statistics.sum * factor,
    ).where(Statistics.metadata_id == old_number, Statistics.start_ts < begin)
    session.execute(insert(Statistics).from_select(columns, copied))
    return True


def _factor(old_unit: str | None, new_unit: str | None) -> float | None:
    """Return what turns the one unit into the other, None if nothing does."""
    if old_unit == new_unit:
        return 1.0
    if old_unit in EnergyConverter.VALID_UNITS and new_unit in EnergyConverter.VALID_UNITS:
        return EnergyConverter.convert(1.0, old_unit, new_unit)
    return None


def _between(last: _Row, first: _Row, unit: str | None) -> float:
    """Return what was used from the last old row to where the new sum is zero.

    Nothing, if the two cannot be the same register, or if they are no registers at all.
    """
    if unit not in EnergyConverter.VALID_UNITS:
        return 0.0
    energy = first.state - first.sum - last.state
    hours = (first.start - last.start) / _HOUR
    most = EnergyConverter.convert(_MOST_POWER * hours, UnitOfEnergy.KILO_WATT_HOUR, unit)
    return energy if 0 <= energy <= most else 0.0
