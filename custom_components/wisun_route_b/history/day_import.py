"""The import of past days that was ordered: one day after the other, the newest first.

Theory of operation. An order says how many days. The first step is the time from the beginning of
yesterday (in Japan) until now; each further one is the day before what is there. Every step is a
comparison of its own: one transaction that puts the day before the rows that follow it, shifts the
sums of all of these, costs included, and is read back. So after each step the history as far as it
has come is right, and only then the step is noted on the disk; a restart goes on with the next one.
What a step has to know is that day and the first moment that is known after it. The sums of later rows keep their
differences, whether the meter's registers of that time are still in the memory or not. Only where
they cannot be joined without these (another meter was installed there) all of them are read again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from ..stack import JST
from .attempts import Attempt
from .comparison import HistoryComparison
from .report import SensorReport, merged
from .sensor_hours import Comparison, Within, memory_reach
from .statistics import Obstacle
from .store import BackfillStore, ImportTotals

_DAY: Final = timedelta(days=1)
#: With it an hour that a range only touches belongs to the range.
_NEARLY_AN_HOUR: Final = timedelta(hours=1) - timedelta.resolution

type Tell = Callable[[Mapping[str, SensorReport]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is."""

    days_done: int
    days: int


@dataclass(slots=True)
class _Run:
    """What one run has come to so far."""

    attempt: Attempt
    costs: bool
    reports: dict[str, SensorReport] = field(default_factory=dict[str, SensorReport])
    stuck: set[str] = field(default_factory=set[str])
    """Sensors with which nothing more can be done now."""
    is_through: bool = True
    """Whether there is nothing that may be possible five minutes later."""


class DayImport:
    """Carries out the order to import that is in a store."""

    def __init__(
        self,
        memory: BackfillStore,
        comparison: HistoryComparison,
        tell: Tell,
        finished: Callable[[ImportTotals], None],
    ) -> None:
        """Take the store; ``tell`` is called with what was written so far, and saves the store.

        ``finished`` is called once nothing is left that could be done.
        """
        self._memory, self._comparison = memory, comparison
        self._tell, self._finished = tell, finished
        self._is_running = False

    @property
    def progress(self) -> ImportProgress | None:
        """How far it is; None while nothing was begun."""
        memory = self._memory
        days, since = memory.import_days, memory.import_since
        begun = [
            memory.import_reached[key] for key in memory.import_left if key in memory.import_reached
        ]
        if days is None or (memory.imported is not None and not self._is_running):
            return None  # what is left is for a sensor that is disabled
        if since is None or not begun:
            return ImportProgress(0, days) if self._is_running else None
        left = -((_target(since, dt_util.utcnow()) - max(begun)) // _DAY)
        return ImportProgress(max(0, days - left), days)

    async def run(self, attempt: Attempt, *, costs: bool) -> bool:
        """Do what can be done by now; return whether nothing is left that may be possible soon."""
        self._is_running = True
        try:
            return await self._run(_Run(attempt, costs))
        finally:
            self._is_running = False

    async def _run(self, run: _Run) -> bool:
        while True:
            now = dt_util.utcnow()
            since = self._memory.import_since
            if since is None:
                since = full_hour(now - timedelta(days=self._memory.import_days or 0))
            steps = {
                key: self._next_step(since, key, now)
                for key in self._memory.import_left
                if key not in run.stuck
            }
            over = {key for key, step in steps.items() if step is None}
            if over:
                self._memory.note_imported(since, {}, {}, over, {})
                await self._report(run, {})
            todo = {key: step for key, step in steps.items() if step is not None}
            if not todo:
                return run.is_through
            if not await self._step(run, since, todo):
                return False

    def _next_step(self, since: datetime, key: str, now: datetime) -> Within | None:
        memory = self._memory
        step = next_step(since, memory.import_reached.get(key), now)
        if step is None or key not in memory.import_joins:
            return step
        return replace(step, end=max(step.end, memory.import_joins[key]))

    async def _step(self, run: _Run, since: datetime, steps: Mapping[str, Within]) -> bool:
        """Take one step; return False if another order has come in meanwhile."""
        memory, order = self._memory, self._memory.import_order
        found = await self._compare(run, steps)
        if memory.import_order != order:
            return False  # more days were ordered while the meter was read
        done = {key for key in steps if self._is_done(found, key)}
        for key in steps.keys() - done:
            run.stuck.add(key)
            if key in found.cases or found.obstacles.get(key) is Obstacle.NOT_COMPILED:
                run.is_through = False
        if not done:
            return True
        reports = {
            key: SensorReport.of(plan, found.costs.get(key))
            for key, plan in found.plans.items()
            if key in done
        }
        now = dt_util.utcnow()
        memory.note_imported(
            since,
            {key: steps[key].start for key in done},
            {
                key: max(steps[key].start, min(found.plans[key].wanted))
                for key in done
                if key in found.plans and found.plans[key].wanted
            },
            {key for key in done if next_step(since, steps[key].start, now) is None},
            {key: (len(report.changes), float(report.energy)) for key, report in reports.items()},
        )
        await self._report(run, reports)
        return True

    async def _report(self, run: _Run, reports: Mapping[str, SensorReport]) -> None:
        """Save and report what has come of a step, and the end if it was the last one."""
        run.reports = merged(run.reports, reports)
        is_over = run.is_through and all(key in run.stuck for key in self._memory.import_left)
        totals = self._memory.finish_import() if is_over else None
        if run.reports:
            await self._tell(run.reports)
        else:
            await self._memory.async_save()
        if totals is not None:
            self._finished(totals)

    def _is_done(self, found: Comparison, key: str) -> bool:
        if key in found.plans:
            return found.cases[key].is_through(found.plans[key])
        # The meter knows nothing of that day. If it knows nothing of now, it may do so soon.
        return key in found.cases and key in self._memory.import_reached

    async def _compare(self, run: _Run, steps: Mapping[str, Within]) -> Comparison:
        found = await self._comparison.run(steps, run.attempt, costs=run.costs)
        apart = {
            key: replace(steps[key], end=end_hour(dt_util.utcnow()))
            for key, plan in found.plans.items()
            if key in self._memory.import_reached and not found.cases[key].is_through(plan)
        }
        if not apart:
            return found
        return await self._comparison.run({**steps, **apart}, run.attempt, costs=run.costs)


def next_step(since: datetime, reached: datetime | None, now: datetime) -> Within | None:
    """Return the next range, on full hours; None if there is nothing left to import.

    ``reached`` is the beginning of what is there, None if nothing is.
    """
    target = _target(since, now)
    if reached is None:
        if since < memory_reach(now) - _DAY:
            return None  # the meter has forgotten it
        today = now.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        return Within(max(target, dt_util.as_utc(today) - _DAY), end_hour(now))
    return Within(max(target, reached - _DAY), reached) if reached > target else None


def full_hour(moment: datetime) -> datetime:
    """Return the full hour before a moment."""
    return moment.replace(minute=0, second=0, microsecond=0)


def end_hour(moment: datetime) -> datetime:
    """Return the full hour at which the hour of a moment ends; a full hour is its own."""
    return full_hour(moment + _NEARLY_AN_HOUR)


def _target(since: datetime, now: datetime) -> datetime:
    """Return where an import ends: days that the meter has forgotten meanwhile are left out."""
    return max(since, memory_reach(now))
