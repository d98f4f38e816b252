"""Looks after the energy history: when to look, what to read, what to put right.

Home Assistant knows a register only while it runs; the meter remembers every half-hour of 99
days. After each start, and once in every hour, the finished hours since the last look are
compared with the meter's own registers, and what disagrees is rewritten.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
    EVENT_RECORDER_HOURLY_STATISTICS_GENERATED,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .backfill import Plan
from .const import DOMAIN
from .energy_statistics import Obstacle, apply_plan
from .meter_past import PAUSE, MeterHistory, MeterPast
from .repair_case import REGISTERS, Case, import_case, repair_case
from .repair_memory import RepairMemory
from .repair_report import Occasion, RepairReport, SensorReport
from .stack import NotConnectedError, RouteBError, Scale, ScaleUnknownError, Slot

_LOGGER = logging.getLogger(__name__)

#: An hour that was wrong by less (kWh) is no news: the last poll before the full hour may be
#: half a minute old. It is put right all the same.
_NEWS: Final = Decimal("0.2")


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
        entry: ConfigEntry,
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
        if "recorder" not in self._hass.config.components:
            return
        self._enabled = enabled
        await self._memory.async_load()
        if import_days:
            self._memory.import_days = import_days
            await self._memory.async_save()
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
        try:
            self._due = not await self.async_repair()
        except RouteBError as err:
            _LOGGER.debug("The meter's history could not be read: %s", err)
            self._due = True

    # --- What ------------------------------------------------------------------------------

    @callback
    def async_note(self, slot: Slot) -> None:
        """Take a half-hourly register that the meter sent by itself: it need not be read."""
        self._known.note((slot,))

    async def async_repair(self) -> bool:
        """Compare the hours since the last look; tell whether nothing is left to be done.

        Raises RouteBError.
        """
        async with self._busy:
            if self._memory.import_days and not await self._import_at_last():
                return False
            if not self._enabled:
                return True
            cases, _ = await self._cases(
                {
                    key: await repair_case(
                        self._hass, self._identity, key, self._memory.verified.get(key)
                    )
                    for key in REGISTERS
                }
            )
            plans = await self._plans(cases)
            sensors = await self._carry_out(cases, plans)
            verified = {key: plan.last for key, plan in plans.items() if plan.last is not None}
            await self._tell(Occasion.REPAIR, sensors)
            await self._memory.async_advance(verified)
            if verified:
                self._known.forget(min(verified.values()))
            return all(
                plans[case.key].settled and _is_through(case, plans[case.key])
                for case in cases
                if case.key in plans
            )

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
        last = _full_hour(dt_util.as_utc(end or dt_util.utcnow()))
        cases, obstacles = await self._cases(
            {
                key: await import_case(self._hass, self._identity, key, first, last)
                for key in REGISTERS
            }
        )
        if not cases:
            raise HistoryObstacleError(next(iter(obstacles.values())))
        plans = await self._plans(cases)
        if not all(plan.settled for plan in plans.values()):
            raise HistoryObstacleError(Obstacle.NOT_COMPILED)
        sensors = (
            {key: SensorReport.of(plan) for key, plan in plans.items()}
            if dry_run
            else await self._carry_out(cases, plans)
        )
        failed = {key: SensorReport(obstacle=obstacle) for key, obstacle in obstacles.items()}
        return await self._tell(Occasion.IMPORT, sensors | failed, dry_run=dry_run)

    # --- How -------------------------------------------------------------------------------

    async def _cases(
        self, found: Mapping[str, Case | Obstacle]
    ) -> tuple[list[Case], dict[str, Obstacle]]:
        cases = [case for case in found.values() if isinstance(case, Case)]
        obstacles = {key: why for key, why in found.items() if isinstance(why, Obstacle)}
        return cases, obstacles

    async def _plans(self, cases: list[Case]) -> dict[str, Plan]:
        """Read what the cases need of the meter, and compare."""
        moments = {moment for case in cases for moment in case.moments()}
        if not moments:
            return {}
        if not self._meter.connected:
            raise NotConnectedError("There is no session with the meter")
        try:
            await self._known.fetch(moments, self._reading)
        finally:
            self.progress = None
            self._inform()
        found = {case.key: case.plan(self._known, self._scale()) for case in cases}
        return {
            case.key: _within(plan, case) for case in cases if (plan := found[case.key]) is not None
        }

    def _scale(self) -> Scale:
        if self._meter.scale is None:
            raise ScaleUnknownError("The meter did not tell its energy unit (E1)")
        return self._meter.scale

    @callback
    def _reading(self, done: int, days: int) -> None:
        self.progress = RepairProgress(done, days)
        self._inform()

    async def _carry_out(
        self, cases: list[Case], plans: Mapping[str, Plan]
    ) -> dict[str, SensorReport]:
        """Write what was planned, and report it by sensor."""
        for case in cases:
            plan = plans.get(case.key)
            if plan is not None and (plan.changes or plan.shift):
                await apply_plan(self._hass, case.snapshot, plan)
        return {key: SensorReport.of(plan) for key, plan in plans.items()}

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


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _is_through(case: Case, plan: Plan) -> bool:
    """Tell whether the last finished hour was compared."""
    return plan.last is not None and plan.last + timedelta(hours=1) >= case.until


def _within(plan: Plan, case: Case) -> Plan:
    """Leave out what concerns hours that nobody asked about."""
    reasons = {hour: why for hour, why in plan.skipped.items() if hour < case.until}
    return replace(plan, skipped=reasons)
