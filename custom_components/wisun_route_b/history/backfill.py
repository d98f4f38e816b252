"""The backfill job of the energy history: when to compare, what to read, what to correct.

Home Assistant reads a register only while it runs; the meter stores every half-hour of 99
days. After each start, and once in every hour, the finished hours since the last run are
compared with the meter's own registers, and rewritten where they differ.

Theory of operation: one work at a time for a meter's identity (``history_work``). Its steps:
the registers that are needed are read by radio, which may take minutes; then one task of the
recorder reads, plans, writes and commits, and reads back what is stored (``history_comparison``).
If other registers are needed by then, that task writes nothing and the first step is repeated.
Only after its success are ``verified``, the order to import, the last repair and an action's
answer updated. Every wait has a bound; what failed is due again at the recorder's next
five-minute mark.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
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

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry
from ..stack import half_hours
from .attempts import EXPECTED, Attempts, outcome_of
from .comparison import BackfillProgress, HistoryComparison, Orders
from .day_import import DayImport, ImportProgress, end_hour, full_hour
from .import_notice import notify_imported
from .issues import HistoryIssues
from .meter_clock import MeterHistory, ReadClock
from .meter_history import PAUSE_S, HistoryCache
from .operation import HistoryStoppedError, HistoryWork
from .report import BackfillReport, Occasion, SensorReport
from .sensor_hours import (
    REGISTERS,
    Comparison,
    Since,
    Within,
    memory_reach,
)
from .statistics import Obstacle
from .store import BackfillStore, ImportTotals

__all__ = ["BackfillProgress", "HistoryBackfill", "HistoryObstacleError", "HistoryStoppedError"]

_LOGGER = logging.getLogger(__name__)

#: An hour that was wrong by less (kWh) is not reported: the last poll before the full hour may
#: be half a minute old. It is corrected all the same.
_NOTICEABLE: Final = Decimal("0.2")
#: Seconds to wait for another work on the same statistics: the longest import reads 100 days of
#: some ten seconds each. A scheduled run is due again soon.
_WAIT_OF_ACTION: Final = 1800.0
_SCHEDULED_LOCK_TIMEOUT_S: Final = 60.0


class HistoryObstacleError(HomeAssistantError):
    """There are no statistics to write into; translation key ``history_<obstacle>``."""

    def __init__(self, obstacle: Obstacle) -> None:
        """Take the reason."""
        super().__init__(translation_domain=DOMAIN, translation_key=f"history_{obstacle.value}")
        self.obstacle = obstacle


class HistoryBackfill:
    """Keeps the history of one meter's energy sensors without holes."""

    def __init__(  # noqa: PLR0913 - two of them have defaults that only tests and the coordinator change
        self,
        hass: HomeAssistant,
        entry: RouteBConfigEntry,
        identity: str,
        meter: MeterHistory,
        *,
        pause: float = PAUSE_S,
        read_clock: ReadClock | None = None,
    ) -> None:
        """Take the meter; ``pause`` is the rest of the radio after each day, in seconds.

        ``read_clock`` returns how far the meter's clock is ahead; None if the meter does not show it.
        """
        self._hass, self._entry, self._identity, self._meter = hass, entry, identity, meter
        self._read_clock = read_clock
        self._known = self.past(pause)
        self._memory = BackfillStore(hass, identity)
        self._work = HistoryWork(hass, identity, self._memory, HistoryIssues(hass, entry))
        self._comparison = HistoryComparison(hass, identity, meter, self._known, self._inform)
        self._import = DayImport(
            self._memory, self._comparison, partial(self._notify, Occasion.IMPORT), self._imported
        )
        self._task: asyncio.Task[None] | None = None
        self._due = False
        """Whether there is work; what becomes due during a run is due after it."""
        self._enabled = self._costs = True
        self._stops: list[CALLBACK_TYPE] = []
        self._listeners: list[CALLBACK_TYPE] = []
        self.report: BackfillReport | None = None
        """The last run since the start that changed anything, or that was requested."""

    @property
    def attempts(self) -> Attempts:
        """What was tried since the start, and how it ended."""
        return self._work.attempts

    @property
    def progress(self) -> BackfillProgress | None:
        """Progress of the reading of the meter; None while nothing is read."""
        return self._comparison.progress

    @property
    def import_progress(self) -> ImportProgress | None:
        """How far an import that was ordered is; None while none has begun."""
        return self._import.progress

    @property
    def imported(self) -> ImportTotals | None:
        """What the last import that was ordered came to, once it is over."""
        return self._memory.imported

    @property
    def last_repair(self) -> Mapping[str, object] | None:
        """The last repair that changed something, of this run or an earlier one.

        As :meth:`BackfillReport.as_dict` has it.
        """
        return self._memory.last_repair

    @property
    def verified(self) -> Mapping[str, datetime]:
        """By sensor, the start of the last hour that was compared with the meter."""
        return self._memory.verified

    @property
    def to_import(self) -> Mapping[str, object] | None:
        """The days that are still to be imported, and for which sensors; None if none are."""
        if not self._memory.import_left:
            return None
        return {"days": self._memory.import_days, "sensors": list(self._memory.import_left)}

    def past(self, pause: float) -> HistoryCache:
        """Return a separate cache of the meter's registers; ``pause`` in seconds after each day."""
        return HistoryCache(self._meter, pause, self._read_clock)

    # --- When ------------------------------------------------------------------------------

    async def async_start(self, *, enabled: bool = True, costs: bool = True) -> None:
        """Start the job: it runs whenever the recorder has compiled new hours. Raises nothing.

        If not ``enabled``, only ordered imports are carried out. With ``costs``, the costs that the
        dashboard computes for the hours are corrected with them.
        """
        self._enabled, self._costs = enabled, costs
        await self._memory.async_load(REGISTERS)
        if "recorder" in self._hass.config.components:
            self._stops.append(async_at_started(self._hass, self._started))

    async def async_order_import(self, days: int) -> None:
        """Order the import of the last days (1 to 99), to be done as soon as possible.

        The order survives restarts. Raises NotStoredError.
        """
        self._memory.order_import(days, REGISTERS)
        self._due = True
        await self._memory.async_save_surely()

    @callback
    def async_stop(self) -> None:
        """Stop the job, and cancel the run in progress; its caller gets HistoryStoppedError."""
        while self._stops:
            self._stops.pop()()
        if self._task is not None:
            self._task.cancel()
        self._work.stop()

    async def _started(self, _: HomeAssistant) -> None:
        self._due = True
        listen = self._hass.bus.async_listen
        self._stops += [
            listen(EVENT_RECORDER_HOURLY_STATISTICS_GENERATED, self._hour_compiled),
            listen(EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._compiled),
        ]

    @callback
    def _hour_compiled(self, _: Event) -> None:
        """Let the next five-minute run of the recorder start a run of the job.

        Five minutes after the full hour the hour is committed, the meter has stored its
        half-hour, and perhaps has sent it by itself.
        """
        self._due = True

    @callback
    def _compiled(self, _: Event) -> None:
        if not self._due or (self._task is not None and not self._task.done()):
            return
        self._task = self._entry.async_create_background_task(
            self._hass, self._run(), f"{self._entry.title} - energy history"
        )

    async def _run(self) -> None:
        """Do what is due; what failed is due again in five minutes."""
        # The event comes before the commit of what it announces; our task comes after both.
        self._due = False
        try:
            if not await self.async_repair():
                self._due = True
        except EXPECTED as err:
            _LOGGER.debug("The energy history was not compared: %s", outcome_of(err))
            self._due = True
        except Exception as err:  # noqa: BLE001 - a fault here must not end all later runs
            _LOGGER.warning("The energy history was not compared: %s", outcome_of(err))
            self._due = True

    # --- What ------------------------------------------------------------------------------

    @callback
    def async_note(self, slot: half_hours.Slot) -> None:
        """Take a half-hourly register that the meter sent by itself: it need not be read.

        A push of the exported energy only (EB may come before EA) is ignored: every meter counts
        the imported energy, which would then count as missing.
        """
        if slot.registers.normal is not None:
            self._known.note((slot,))
            self._known.forget(memory_reach())

    async def async_repair(self) -> bool:
        """Compare the hours since the last run; return whether nothing is left to be done.

        Raises RouteBError, RecorderError, MeterClockError and HistoryBusyError.
        """
        async with self._work.run("repair", _SCHEDULED_LOCK_TIMEOUT_S) as attempt:
            through = not self._memory.import_left or await self._import.run(
                attempt, costs=self._costs
            )
            keys = [key for key in REGISTERS if key not in self._memory.import_left]
            if not self._enabled or not keys:
                return through
            orders = {key: Since(self._memory.verified.get(key)) for key in keys}
            found = await self._comparison.run(orders, attempt, costs=self._costs)
            await self._notify(Occasion.REPAIR, _reports(found))
            await self._memory.async_advance(found.verified)
            self._forget(found)
            return through and found.is_through

    async def async_import(
        self,
        start: datetime,
        end: datetime | None = None,
        *,
        dry_run: bool = False,
        costs: bool = True,
    ) -> BackfillReport:
        """Write the meter's registers into the hours of a range, at most 99 days back.

        Hours without a row get one, also those before the installation. ``start`` and
        ``end`` are aware; without an end, up to the last finished hour. Raises RouteBError and
        MeterClockError if the meter cannot be read, HistoryObstacleError if there is nothing to
        write into, RecorderError if it was not written, HistoryBusyError if other work is not
        done in time, HistoryStoppedError if the entry is unloaded meanwhile.
        """
        purpose = "dry run" if dry_run else "import"
        async with self._work.run(purpose, _WAIT_OF_ACTION) as attempt:
            found = await self._comparison.run(
                _within(REGISTERS, start, end), attempt, dry_run=dry_run, costs=costs
            )
            if not found.cases:
                raise HistoryObstacleError(next(iter(found.obstacles.values())))
            if not any(plan.settled or plan.wanted for plan in found.plans.values()):
                raise HistoryObstacleError(Obstacle.NOT_COMPILED)
            failed = {key: SensorReport(obstacle=why) for key, why in found.obstacles.items()}
            return await self._notify(Occasion.IMPORT, _reports(found) | failed, dry_run=dry_run)

    # --- How -------------------------------------------------------------------------------

    def _forget(self, found: Comparison) -> None:
        """Drop registers that no later run needs."""
        since = self._memory.import_since if self._memory.import_left else None
        needed = [moment for moment in (found.needed_from, since) if moment is not None]
        if needed and found.needed_from is not None:
            self._known.forget(min(needed))

    async def _notify(
        self, occasion: Occasion, sensors: Mapping[str, SensorReport], *, dry_run: bool = False
    ) -> BackfillReport:
        report = BackfillReport(dt_util.utcnow(), occasion, sensors, dry_run)
        if dry_run or not (report.hours or report.cost_hours or occasion is Occasion.IMPORT):
            return report
        self.report = report
        if occasion is Occasion.IMPORT or report.is_noticeable(self._noticeable()):
            self._memory.last_repair = report.as_dict()
            await self._memory.async_save()
            _LOGGER.info("Corrected %d hours of the energy history", len(report.hours))
        self._inform()
        return report

    @callback
    def _imported(self, totals: ImportTotals) -> None:
        notify_imported(self._hass, self._entry, totals)

    def _noticeable(self) -> Decimal:
        scale = self._meter.scale
        return _NOTICEABLE if scale is None else max(_NOTICEABLE, 2 * scale.step)

    # --- Listening -------------------------------------------------------------------------

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> Callable[[], None]:
        """Register a callback for changes of progress and report; return the function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def _inform(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _reports(found: Comparison) -> dict[str, SensorReport]:
    return {key: SensorReport.of(plan, found.costs.get(key)) for key, plan in found.plans.items()}


def _within(keys: Collection[str], start: datetime, end: datetime | None) -> Orders:
    first = full_hour(dt_util.as_utc(start))
    last = end_hour(dt_util.as_utc(end or dt_util.utcnow()))
    return dict.fromkeys(keys, Within(first, last))
