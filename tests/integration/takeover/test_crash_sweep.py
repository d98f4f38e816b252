"""A take-over that is killed, fails, is cancelled or doubled, at every await and every statement.

Each point has statistics, sensors and an entry of its own, in one Home Assistant. What a killed
process leaves is what was committed and what was written to the disk; the file with the order may be
the one of before. After that the entry is set up again as at the next start, and all must
be as if nothing had happened. Whenever the order is struck off, all of it must be there.

A sample of the points runs by default; `SWEEP=all scripts/test tests/integration/takeover/`
`test_crash_sweep.py` runs all.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
import logging
import os
import sqlite3
import threading
import types
from typing import Any, Final

from homeassistant.components.energy.data import EnergyManager, async_get_manager
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.models import StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import ImportStatisticsTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from custom_components.wisun_route_b.const import CONF_IDENTITY, DOMAIN
from custom_components.wisun_route_b.history import recorder_task
from custom_components.wisun_route_b.takeover import carry_over
from custom_components.wisun_route_b.takeover.carry_over import async_carry_over
from custom_components.wisun_route_b.takeover.statistics_migration import _CarryOver
from custom_components.wisun_route_b.takeover.store import take_over_store
from tests.integration.takeover.takeover_fixture import ROUTE_B_ID, TakeoverHarness, at
from tests.integration.takeover.test_energy_dashboard import choose, grid

type Storage = dict[str, Any]

HOURS: Final = 12
BEGUN_AT: Final = 8
"""In the hour in which our own rows begin, if they do."""
#: Of so many points one runs by default; a prime, so that no kind is left out.
STRIDE: Final = 1 if os.environ.get("SWEEP") == "all" else 7


class KilledError(Exception):
    """The process is not there any more."""


class Move:
    """One take-over, with an entry, sensors and statistics of its own."""

    made = 0

    def __init__(self, harness: TakeoverHarness, storage: Storage, *, begun: bool) -> None:
        Move.made += 1
        self.harness, self.hass, self.storage, self.begun = harness, harness.hass, storage, begun
        self.old = f"sensor.route_b_{ROUTE_B_ID}_{Move.made}_total_consumption"
        self.entry = MockConfigEntry(domain=DOMAIN, data={CONF_IDENTITY: f"home{Move.made}"})
        self.notes = f"{DOMAIN}.home{Move.made}.take_over"
        self.entry.add_to_hass(self.hass)
        self.others: list[asyncio.Task[None]] = []
        self.new = (
            er.async_get(self.hass)
            .async_get_or_create(
                "sensor",
                DOMAIN,
                f"home{Move.made}_imported_energy",
                suggested_object_id=f"ours_{Move.made}",
                config_entry=self.entry,
            )
            .entity_id
        )

    async def prepare(self) -> None:
        """Have statistics of the old sensor, perhaps of ours, and a dashboard on the disk."""
        last = BEGUN_AT if self.begun else HOURS
        await self._write(self.old, 0, last, origin=0)
        if self.begun:
            await self._write(self.new, BEGUN_AT, HOURS, origin=BEGUN_AT)
        await choose(self.hass, energy_sources=[grid(self.old)])
        self.storage["energy"] = {
            "version": 1,
            "minor_version": 3,
            "key": "energy",
            "data": (await async_get_manager(self.hass)).data,
        }

        order = {"imported_energy": self.old}
        await take_over_store(self.hass, self.entry.data[CONF_IDENTITY]).async_place(order)
        self.before = deepcopy(self.storage[self.notes])

    async def _write(self, statistic_id: str, first: int, last: int, origin: int) -> None:
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=statistic_id,
            unit_class="energy",
            unit_of_measurement="kWh",
        )
        for table in (Statistics, StatisticsShortTerm):
            step = table.duration / timedelta(hours=1)
            count = round((last - first) / step)
            rows: Any = [
                {
                    "start": at(first) + n * table.duration,
                    "state": 100 + first + (n + 1) * step,
                    "sum": first - origin + (n + 1) * step,
                }
                for n in range(count)
            ]
            get_instance(self.hass).queue_task(ImportStatisticsTask(metadata, rows, table))
        await self.harness.recorded()

    def begin(self, at_step: int = 0, act: Callable[[], None] = lambda: None) -> asyncio.Task[None]:
        """Do as the entry's set-up does, and something more at one of its awaits."""
        self.steps = 0
        coroutine = async_carry_over(self.hass, self.entry)

        async def run() -> None:
            await _stepped(self, coroutine, at_step, act)  # type: ignore[misc]

        self.task = self.hass.async_create_background_task(run(), "take over")
        return self.task

    def acts(self) -> dict[str, Callable[[], None]]:
        """Return what may happen at an await."""
        return {
            "killed": _kill,
            "killed, notes not saved": _kill,
            "reloaded": self._cancel,
            "second": self._begin_another,
        }

    def _cancel(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    def _begin_another(self) -> None:
        another = async_carry_over(self.hass, self.entry)
        self.others.append(self.hass.async_create_background_task(another, "second"))

    async def through(self, *tasks: asyncio.Task[None]) -> None:
        """Wait for tasks, and let time pass for their pauses."""
        for _ in range(500):
            await self.harness.recorded()
            if all(task.done() for task in tasks):
                await asyncio.gather(*tasks, return_exceptions=True)
                return
            self.harness.move(self.harness.now + timedelta(seconds=1))
        raise AssertionError

    async def after_power_cut(self, *, saved: bool) -> None:
        """Forget what is not on the disk; the file with the order may be the one of before."""
        if not saved:
            self.storage[self.notes] = deepcopy(self.before)
        await (await async_get_manager(self.hass)).async_initialize()

    @property
    def is_ordered(self) -> bool:
        return self.storage[self.notes]["data"]["order"] is not None

    async def faults(self) -> list[str]:
        """Return what is not as it should be after a take-over."""
        found = [
            fault
            for period, step in (("hour", 1.0), ("5minute", 1 / 12))
            for fault in await self._faults_of(period, step)
        ]
        if not self.begun and await self._rows(self.old, "hour"):
            found.append("rows of the old sensor")
        data: Any = (await async_get_manager(self.hass)).data
        shown, disk = (
            [source["stat_energy_from"] for source in preferences["energy_sources"]]
            for preferences in (data, self.storage["energy"]["data"])
        )
        if shown != [self.new] or disk != [self.new]:
            found.append(f"the dashboard shows {shown}, on the disk {disk}")
        return found

    async def _faults_of(self, period: str, step: float) -> list[str]:
        rows = await self._rows(self.new, period)
        expected = [round((n + 1) * step, 4) for n in range(round(HOURS / step))]
        sums = [round(row["sum"] or 0, 4) for row in rows]
        # In the place of purged rows one may be written for the compiler to go on from.
        return [] if sums == expected else [f"{period}: {sums[:3]} … {sums[-3:]}"]

    async def _rows(self, statistic_id: str, period: Any) -> list[Any]:
        found = await get_instance(self.hass).async_add_executor_job(
            lambda: statistics_during_period(
                self.hass,
                datetime(2020, 1, 1, tzinfo=UTC),
                None,
                {statistic_id},
                period,
                None,
                {"sum"},
            )
        )
        return found.get(statistic_id, [])


@types.coroutine
def _stepped(
    move: Move, coroutine: Any, at_step: int, act: Callable[[], None]
) -> Generator[Any, Any]:
    """Run a coroutine, and do something at one of the places where it waits."""
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            wanted = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration:
            return
        move.steps += 1
        if move.steps == at_step:
            try:
                act()
            except KilledError:
                coroutine.close()
                raise
        value, error = None, None
        try:
            value = yield wanted
        except BaseException as err:  # noqa: BLE001 - it is handed on
            error = err


class Statements:
    """Counts what our task says to the database, and fails at one of these points."""

    def __init__(self, instance: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen = 0
        self.at, self.times, self.error = 0, 0, KilledError
        self._inside = threading.local()
        assert instance.engine is not None
        event.listen(instance.engine, "before_cursor_execute", self._note)
        event.listen(instance.engine, "commit", self._note_commit)
        for name in ("__call__", "is_stored"):
            monkeypatch.setattr(_CarryOver, name, self._watched(getattr(_CarryOver, name)))

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            self._inside.at_work = True
            if real.__name__ == "__call__":
                self.seen = 0
            try:
                return real(*arguments)
            finally:
                # After the work comes the commit, after the check nothing.
                self._inside.at_work = real.__name__ == "__call__"

        return run

    def fail(self, at_point: int, times: int, error: Callable[[], Exception]) -> None:
        self.at, self.times, self.error = at_point, times, error  # type: ignore[assignment]

    def _note_commit(self, *_: object) -> None:
        """Our transaction ends with this; what the recorder does next is its own."""
        self._note()
        self._inside.at_work = False

    def _note(self, *_: object) -> None:
        if not getattr(self._inside, "at_work", False):
            return
        self.seen += 1
        if self.seen == self.at and self.times:
            self.times -= 1
            self._inside.at_work = False
            raise self.error()


def _database(text: str, **options: Any) -> Callable[[], Exception]:
    return lambda: OperationalError("UPDATE", {}, sqlite3.OperationalError(text), **options)


#: How it fails, how often in a row. A locked database is tried again within the task, six times.
FAILURES: Final[dict[str, tuple[Callable[[], Exception], int]]] = {
    "locked once": (_database("database is locked"), 1),
    "locked for long": (_database("database is locked"), 6),
    "full": (_database("database or disk is full"), 1),
    "lost": (_database("server closed", connection_invalidated=True), 2),
    "unexpected": (lambda: ValueError(ROUTE_B_ID), 1),
}


def _suspending(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that waits before and after, as one that writes a file does."""

    async def run(*arguments: Any) -> Any:
        await asyncio.sleep(0)
        result = await real(*arguments)
        await asyncio.sleep(0)
        return result

    return run


@pytest.fixture
async def home(
    harness: TakeoverHarness, hass_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[HomeAssistant]:
    logging.disable(logging.INFO)  # a debug log of everything takes longer than all the rest
    monkeypatch.setattr(recorder_task, "_PAUSE_S", 0)
    monkeypatch.setattr(carry_over, "_PAUSES_S", (1.0,))
    for name in ("async_save", "async_load"):
        monkeypatch.setattr(Store, name, _suspending(getattr(Store, name)))
    monkeypatch.setattr(EnergyManager, "async_update", _suspending(EnergyManager.async_update))
    harness.hass.config.components.add("frontend")
    assert await async_setup_component(harness.hass, "energy", {})
    harness.poll()
    harness.move(at(HOURS + 0.2))
    yield harness.hass
    logging.disable(logging.NOTSET)


async def _made(harness: TakeoverHarness, storage: Storage, *, begun: bool) -> Move:
    move = Move(harness, storage, begun=begun)
    await move.prepare()
    return move


def _kill() -> None:
    raise KilledError


async def _run_through(harness: TakeoverHarness, storage: Storage, *, begun: bool) -> Move:
    """Do it once without any trouble, to know the points."""
    move = await _made(harness, storage, begun=begun)
    await move.through(move.begin())
    assert not move.is_ordered
    assert await move.faults() == []
    return move


@pytest.mark.timeout(600)
@pytest.mark.parametrize("begun", [False, True], ids=["renamed", "copied"])
async def test_every_await(
    home: HomeAssistant,
    harness: TakeoverHarness,
    hass_storage: Storage,
    record_property: Callable[[str, object], None],
    begun: bool,
) -> None:
    steps = (await _run_through(harness, hass_storage, begun=begun)).steps
    ways = ("killed", "killed, notes not saved", "reloaded", "second")
    points = [(step, way) for step in range(1, steps + 1) for way in ways]
    wrong: list[object] = []
    for step, way in points[:: min(STRIDE, 3)]:
        move = await _made(harness, hass_storage, begun=begun)
        first = move.begin(step, move.acts()[way])
        await move.through(first)
        await move.through(*move.others)
        if way.startswith("killed"):
            await move.after_power_cut(saved=way == "killed")
        if not move.is_ordered:
            wrong += [(step, way, "struck off", fault) for fault in await move.faults()]
        await move.through(move.begin())
        wrong += [(step, way, fault) for fault in await move.faults()]
        if move.is_ordered:
            wrong.append((step, way, "still ordered"))
    record_property("points", len(points))
    assert wrong == []
    assert steps > 3


# A database in memory has one connection for all, which keeps a transaction whose commit failed.
@pytest.mark.parametrize("persistent_database", [True])
@pytest.mark.timeout(600)
@pytest.mark.parametrize("begun", [False, True], ids=["renamed", "copied"])
async def test_every_statement_and_commit(
    home: HomeAssistant,
    harness: TakeoverHarness,
    hass_storage: Storage,
    *,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
    begun: bool,
) -> None:
    statements = Statements(get_instance(home), monkeypatch)
    await _run_through(harness, hass_storage, begun=begun)
    count = statements.seen
    points = [
        (point, name, killed)
        for point in range(1, count + 1)
        for name in FAILURES
        for killed in (False, True)
    ]
    wrong: list[object] = []
    for point, name, killed in points[::STRIDE]:
        move = await _made(harness, hass_storage, begun=begun)
        error, times = FAILURES[name]
        statements.fail(point, times, error)
        if killed:
            task = move.begin()
            for _ in range(1000):
                if task.done() or not statements.times:
                    break
                await harness.let_pass(1)
                harness.move(harness.now + timedelta(milliseconds=10))
            task.cancel()
            statements.at = 0
            await move.through(task)
            await move.after_power_cut(saved=True)
            if not move.is_ordered:
                wrong += [(point, name, "struck off", fault) for fault in await move.faults()]
        await move.through(move.begin())
        wrong += [(point, name, killed, fault) for fault in await move.faults()]
        if move.is_ordered:
            wrong.append((point, name, killed, "still ordered"))
        if statements.times == times:
            wrong.append((point, name, killed, "has not failed"))
    record_property("points", len(points))
    assert wrong == []
    assert count > 10
    for record in caplog.records:
        if "wisun_route_b" in record.name or record.levelno >= logging.WARNING:
            assert ROUTE_B_ID not in logging.Formatter().format(record)
