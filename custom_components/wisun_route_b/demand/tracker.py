"""Watches the demand: takes what the meter announces, and reads from its history what was missed.

The largest half-hours must be known without a hole. After a start, an outage, or a lost
announcement the half-hours since the last one that was looked at are read from the meter's
history, at most 99 days, one day at a time and after everything else that reads there.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
import logging
from typing import Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..entry_data import RouteBConfigEntry
from ..half_hours import HalfHours
from ..history.identity_lock import identity_lock
from ..history.meter_history import PAUSE_S, HistoryCache
from ..history.sensor_hours import memory_reach
from ..stack import JST, ReadReport, RouteBError, Scale, errors, half_hours, properties
from .peaks import Peaks
from .running import PowerSamples, RunningDemand, half_hour_of, running_demand
from .store import DemandStore

_LOGGER = logging.getLogger(__name__)

#: How old the newest announcement may be: after that the meter is not asked because of it.
_IS_NEW: Final = timedelta(hours=1)
#: Seconds before the history is read: requests of a start, a form or an action go first.
_START_DELAY_S: Final = 240.0
#: Seconds to wait for an import or a repair that reads the history.
_LOCK_TIMEOUT_S: Final = 600.0


class ScaledMeter(Protocol):
    """A meter that knows how to subtract its registers; SmartMeter is one."""

    @property
    def scale(self) -> Scale | None:
        """None while its unit is not known."""


class DemandTracker:
    """The demand of one meter's running half-hour, and its largest half-hours."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it watches, and where it may read
        self,
        hass: HomeAssistant,
        entry: RouteBConfigEntry,
        identity: str,
        meter: ScaledMeter,
        recent: HalfHours,
        past: HistoryCache,
    ) -> None:
        """Take the meter, the half-hours that it announced lately, and its past."""
        self._hass, self._entry, self._identity = hass, entry, identity
        self._meter, self._recent, self._past = meter, recent, past
        self._store = DemandStore(hass, identity)
        self._samples = PowerSamples()
        self._offset = timedelta()
        self._register: Decimal | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried: datetime | None = None
        self._listeners: list[CALLBACK_TYPE] = []
        self.peaks = Peaks({})
        """The largest half-hours that are known."""

    async def async_start(self) -> None:
        """Load the peaks of an earlier run. Raises nothing."""
        self.peaks = await self._store.async_load()

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> Callable[[], None]:
        """Register a callback for changes of the largest half-hours; without one none is read."""
        self._listeners.append(listener)
        self._catch_up()
        return lambda: self._listeners.remove(listener)

    # --- The running half-hour -------------------------------------------------------------

    @callback
    def note(self, report: ReadReport, now: datetime, clock_offset: timedelta | None) -> None:
        """Take a reading of power and register; ``clock_offset`` is how far the meter is ahead."""
        power = report.value(properties.INSTANTANEOUS_POWER)
        if power is not None:
            offset = clock_offset or timedelta()
            if offset != self._offset:
                # It is read to the minute: each reading finds a somewhat different one.
                self._samples.shift(offset - self._offset)
                self._offset = offset
            self._samples.note(now + offset, Decimal(power))
            self._register = report.value(properties.CUMULATIVE_ENERGY_NORMAL)
        self._catch_up()

    @property
    def running(self) -> RunningDemand | None:
        """The running half-hour at the last reading; None if its power was not read yet."""
        if self._samples.newest is None:
            return None
        begun = self._recent.register(
            properties.FIXED_TIME_ENERGY_NORMAL, half_hour_of(self._samples.newest)
        )
        return running_demand(self._samples, begun, self._register, self._meter.scale)

    # --- The half-hours that are over ------------------------------------------------------

    @callback
    def _catch_up(self) -> None:
        """Look at the half-hours since the last one that was looked at."""
        newest, now = self._recent.newest(properties.FIXED_TIME_ENERGY_NORMAL), dt_util.utcnow()
        if newest is None or not self._listeners or now - newest > _IS_NEW:
            return
        until = self.peaks.until
        if until is not None and newest <= until:
            return
        last = self._recent.last(properties.FIXED_TIME_ENERGY_NORMAL, self._meter.scale)
        if last is not None and last.start == until:
            self.peaks.note(last.start, last.energy)
            self._note_covered(until, newest)
            self._save_soon()
        elif newest != self._tried and (self._task is None or self._task.done()):
            self._tried = newest
            self._task = self._entry.async_create_background_task(
                self._hass, self._fill(newest), f"{self._entry.title} - demand", eager_start=False
            )

    @callback
    def _note_covered(self, since: datetime, until: datetime) -> None:
        self.peaks.note_covered(since, until)
        self.peaks.forget(dt_util.utcnow())
        for listener in tuple(self._listeners):
            listener()

    @callback
    def _save_soon(self) -> None:
        _ = self._entry.async_create_background_task(
            self._hass, self._store.async_save(self.peaks), f"{self._entry.title} - demand notes"
        )

    async def _fill(self, newest: datetime) -> None:
        """Read what was missed up to a moment; what fails is tried at the next announcement."""
        await asyncio.sleep(_START_DELAY_S)
        try:
            while (since := self._missing_since()) < newest:
                until = min(newest, _last_of_day(since))
                async with identity_lock(self._hass, self._identity).hold(
                    "demand", _LOCK_TIMEOUT_S
                ):
                    await self._read(since, until)
                await self._store.async_save(self.peaks)
                if until < newest:
                    await asyncio.sleep(PAUSE_S)
        except (RouteBError, HomeAssistantError) as err:
            _LOGGER.debug("Half-hours of the demand were not read: %s", type(err).__name__)

    def _missing_since(self) -> datetime:
        reach, until = memory_reach(), self.peaks.until
        return reach if until is None else max(reach, until)

    async def _read(self, since: datetime, until: datetime) -> None:
        """Look at the half-hours of a time; raises RouteBError, MeterClockError."""
        count = (until - since) // half_hours.HALF_HOUR
        moments = [since + index * half_hours.HALF_HOUR for index in range(count + 1)]
        await self._past.fetch(moments, lambda _done, _days: None)
        slots = [half_hours.Slot(at, self._past[at]) for at in moments if at in self._past]
        self._past.forget(until)
        if (scale := self._meter.scale) is None:
            raise errors.ScaleUnknownError("The meter did not answer its energy unit (E1)")
        for row in half_hours.consumptions(slots, scale):
            if row.normal is not None and row.end - row.start == half_hours.HALF_HOUR:
                self.peaks.note(row.start, row.normal)
        self._note_covered(since, until)


def _last_of_day(since: datetime) -> datetime:
    """Return the last moment that one answer of the meter holds, of the day that comes next."""
    local = since.astimezone(JST) + half_hours.HALF_HOUR
    return local.replace(hour=23, minute=30, second=0, microsecond=0)
