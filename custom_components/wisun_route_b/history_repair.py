"""Looks after the energy history: when to look, what to read, what to put right.

Home Assistant knows a register only while it runs; the meter remembers every half-hour of 99
days. After each start, and once in every hour, the finished hours since the last look are
compared with the meter's own registers, and what disagrees is rewritten.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
import logging
from typing import Final

from homeassistant.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
    EVENT_RECORDER_HOURLY_STATISTICS_GENERATED,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .energy_statistics import Obstacle, apply_plan, recorder_settled
from .entry_data import RouteBConfigEntry
from .meter_past import PAUSE, MeterHistory, MeterPast
from .repair_case import (
    Comparison,
    FindCase,
    find_all,
    import_case,
    memory_reach,
    repair_case,
)
from .repair_memory import RepairMemory
from .repair_report import Occasion, RepairReport, SensorReport
from .stack import NotConnectedError, RouteBError, Scale, ScaleUnknownError, Slot

_LOGGER = logging.getLogger(__name__)

#: An hour that was wrong by less (kWh) is no news: the last poll before the full hour may be
#: half a minute old. It is put right all the same.
_NEWS: Final = Decimal("0.2")
#: With it an hour that a range only touches belongs to the range.
_NEARLY_AN_HOUR: Final = timedelta(hours=1) - timedelta.resolution


class HistoryObstacleError(HomeAssistantError):
    """There are no statistics to write into; translation key ``history_<obstacle>``."""

    def __init__(self, obstacle: Obstacle) -> None:
        """Say why."""
        super().__init__(translation_domain=DOMAIN, translation_key=f"history_{obstacle.value}")
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class RepairProgress:
    """How far the reading of the meter's history has come."""

    days_done: int
    days: int


class HistoryRepair:
    """Keeps the history of one meter's energy sensors without holes."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RouteBConfigEntry,
        identity: str,
        meter: MeterHistory,
        *,
        pause: float = PAUSE,
    ) -> None:
        """Take the meter; ``pause`` is the rest of the radio after each day, in seconds."""
        self._hass, self._entry, self._identity, self._meter = hass, entry, identity, meter
        self._known = MeterPast(meter, pause)
        self._memory = RepairMemory(hass, identity)
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._due = False
        self._enabled = True
        self._stops: list[CALLBACK_TYPE] = []
        self._listeners: list[CALLBACK_TYPE] = []
        self.progress: RepairProgress | None = None
        """None while nothing is read."""
        self.report: RepairReport | None = None
        """The last look since the start that changed anything, or that was asked for."""

    @property
    def last_repair(self) -> Mapping[str, object] | None:
        """The last repair that was worth telling, of this run or an earlier one.

        As :meth:`RepairReport.as_dict` has it.
        """
        return self._memory.last_repair

    @property
    def verified(self) -> Mapping[str, datetime]:
        """By sensor, the start of the last hour that was compared with the meter."""
        return self._memory.verified

    # --- When ------------------------------------------------------------------------------

    async def async_start(self, import_days: int | None = None, *, enabled: bool = True) -> None:
        """Look from now on, whenever the recorder has something to look at.

        Not ``enabled``, nothing is put right unasked: only what is to be imported is.
        ``import_days`` is for a new entry: so many days before the installation are imported
        as soon as that can be done, over restarts if need be.
        """
        self._enabled = enabled
        await self._memory.async_load()
        if import_days:
            self._memory.import_days = import_days
            await self._memory.async_save()
        if "recorder" in self._hass.config.components:
            self._stops.append(async_at_started(self._hass, self._started))

    @callback
    def async_stop(self) -> None:
        """Stop looking, and stop at once what is going on."""
        while self._stops:
            self._stops.pop()()
        if self._task is not None:
            self._task.cancel()

    async def _started(self, _: HomeAssistant) -> None:
        self._due = True
        listen = self._hass.bus.async_listen
        self._stops += [
            listen(EVENT_RECORDER_HOURLY_STATISTICS_GENERATED, self._hour_compiled),
            listen(EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._compiled),
        ]

    @callback
    def _hour_compiled(self, _: Event) -> None:
        """Have the next five-minute run start a look.

        Five minutes after the full hour the hour is committed, the meter has stored its
        half-hour, and perhaps has sent it by itself.
        """
        self._due = True

    @callback
    def _compiled(self, _: Event) -> None:
        if not self._due or (self._task is not None and not self._task.done()):
            return
        self._task = self._entry.async_create_background_task(
            self._hass, self._look(), f"{self._entry.title} - energy history"
        )

    async def _look(self) -> None:
        """Do what is due; what could not be done is due again in five minutes."""
        self._due = False
        # The event comes before the commit of what it tells of.
        await recorder_settled(self._hass)
        try:
            self._due = not await self.async_repair()
        except RouteBError as err:
            _LOGGER.debug("The meter's history could not be read: %s", err)
            self._due = True

    # --- What ------------------------------------------------------------------------------

    @callback
    def async_note(self, slot: Slot) -> None:
        """Take a half-hourly register that the meter sent by itself: it need not be read.

        Unless it tells of the exported energy only (EB may come before EA): every meter counts
        what is imported, and what is not known would be taken for lost.
        """
        if slot.registers.normal is not None:
            self._known.note((slot,))
            self._known.forget(memory_reach())

    async def async_repair(self) -> bool:
        """Compare the hours since the last look; tell whether nothing is left to be done.

        Raises RouteBError.
        """
        async with self._busy:
            if self._memory.import_days and not await self._import_at_last():
                return False
            if not self._enabled:
                return True
            found = await self._compare(
                lambda key: repair_case(
                    self._hass, self._identity, key, self._memory.verified.get(key)
                )
            )
            await self._carry_out(found)
            await self._tell(Occasion.REPAIR, _reports(found))
            await self._memory.async_advance(found.verified)
            if found.needed_from is not None:
                self._known.forget(found.needed_from)
            return found.is_through

    async def async_import(
        self, start: datetime, end: datetime | None = None, *, dry_run: bool = False
    ) -> RepairReport:
        """Write the meter's registers into the hours of a range, at most 99 days back.

        Hours without a row get one, also those before the installation. ``start`` and
        ``end`` are aware; without an end, up to the last finished hour. Raises RouteBError
        if the meter cannot be read, HistoryObstacleError if there is nothing to write into.
        """
        async with self._busy:
            return await self._import(start, end, dry_run=dry_run)

    async def _import_at_last(self) -> bool:
        """Import what was asked for when the entry was made, if that can be done by now."""
        days = self._memory.import_days or 0
        try:
            await self._import(dt_util.utcnow() - timedelta(days=days), None, dry_run=False)
        except HistoryObstacleError as err:
            _LOGGER.debug("The days before cannot be imported yet: %s", err.obstacle)
            return False
        self._memory.import_days = None
        await self._memory.async_save()
        return True

    async def _import(
        self, start: datetime, end: datetime | None, *, dry_run: bool
    ) -> RepairReport:
        first = _full_hour(dt_util.as_utc(start))
        last = _full_hour(dt_util.as_utc(end or dt_util.utcnow()) + _NEARLY_AN_HOUR)
        found = await self._compare(
            lambda key: import_case(self._hass, self._identity, key, first, last)
        )
        if not found.cases:
            raise HistoryObstacleError(next(iter(found.obstacles.values())))
        if not all(plan.settled for plan in found.plans.values()):
            raise HistoryObstacleError(Obstacle.NOT_COMPILED)
        if not dry_run:
            await self._carry_out(found)
        failed = {key: SensorReport(obstacle=why) for key, why in found.obstacles.items()}
        return await self._tell(Occasion.IMPORT, _reports(found) | failed, dry_run=dry_run)

    # --- How -------------------------------------------------------------------------------

    async def _compare(self, find: FindCase) -> Comparison:
        """Read of the meter what the cases need, and compare.

        Reading may take minutes, in which a sensor may be renamed and its rows may change:
        what is compared in the end, and written to, is looked up once more after that.
        """
        asked: set[datetime] = set()
        found = await find_all(find)
        while missing := set(self._known.missing(found.moments())) - asked:
            asked |= missing
            await self._fetch(missing)
            found = await find_all(find)
        return found.planned(self._known, self._scale()) if found.moments() else found

    async def _fetch(self, moments: Collection[datetime]) -> None:
        if not self._meter.connected:
            raise NotConnectedError("There is no session with the meter")
        try:
            await self._known.fetch(moments, self._reading)
        finally:
            self.progress = None
            self._inform()

    def _scale(self) -> Scale:
        if self._meter.scale is None:
            raise ScaleUnknownError("The meter did not tell its energy unit (E1)")
        return self._meter.scale

    @callback
    def _reading(self, done: int, days: int) -> None:
        self.progress = RepairProgress(done, days)
        self._inform()

    async def _carry_out(self, found: Comparison) -> None:
        """Write what was planned."""
        for key, plan in found.plans.items():
            if plan.changes or plan.shift:
                await apply_plan(self._hass, found.cases[key].snapshot, plan)

    async def _tell(
        self, occasion: Occasion, sensors: Mapping[str, SensorReport], *, dry_run: bool = False
    ) -> RepairReport:
        report = RepairReport(dt_util.utcnow(), occasion, sensors, dry_run)
        if dry_run or not (report.hours or occasion is Occasion.IMPORT):
            return report
        self.report = report
        if occasion is Occasion.IMPORT or report.is_noticeable(max(_NEWS, 2 * self._scale().step)):
            self._memory.last_repair = report.as_dict()
            await self._memory.async_save()
            _LOGGER.info("%d hours of the energy history were put right", len(report.hours))
        self._inform()
        return report

    # --- Listening -------------------------------------------------------------------------

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> Callable[[], None]:
        """Have changes of progress and report told; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def _inform(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _reports(found: Comparison) -> dict[str, SensorReport]:
    return {key: SensorReport.of(plan) for key, plan in found.plans.items()}


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
