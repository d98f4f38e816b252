"""Either all hours of a range are right, or none was touched and whoever asked is told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
import sqlite3
from time import CLOCK_THREAD_CPUTIME_ID, clock_gettime
from typing import Any

from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.recorder import get_instance
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.backfill import HistoryBackfill, HistoryStoppedError
from custom_components.wisun_route_b.history.meter_clock import MeterClockError
from custom_components.wisun_route_b.history.recorder_errors import Failure, RecorderError
from custom_components.wisun_route_b.stack import JST, errors, half_hours
from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, HistoryHarness
from tests.integration.history.scenario import BOTH, all_is_right, at, off

#: What only our own comparison asks of the database, and what only our own writing does.
READS, WRITES = "max(statistics_runs.start)", "INSERT INTO statistics ("


def disk_full() -> Exception:
    return OperationalError("", {}, sqlite3.OperationalError("database or disk is full"))


@contextmanager
def failing(
    harness: HistoryHarness, what: str, error: Callable[[], Exception], times: int = 10**6
) -> Iterator[list[int]]:
    """Have the database fail at a kind of statement for so many times."""
    engine, failed = get_instance(harness.hass).engine, list[int]()
    assert engine is not None

    def fail(*arguments: Any) -> None:
        if what in str(arguments[2]) and len(failed) < times:
            failed.append(1)
            raise error()

    sa.event.listen(engine, "before_cursor_execute", fail)
    try:
        yield failed
    finally:
        sa.event.remove(engine, "before_cursor_execute", fail)


async def ended(harness: HistoryHarness, task: asyncio.Future[Any]) -> BaseException | None:
    for _ in range(4000):
        if task.done():
            return task.exception()
        await harness.let_pass(1)
    raise AssertionError("It does not end")


# --- What fails ----------------------------------------------------------------------------


async def test_a_write_that_fails_is_an_error_and_nothing_is_changed(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    before = [await harness.stored(entity_id, "sum") for entity_id in BOTH]
    noted = (dict(repair.verified), repair.last_repair)

    with failing(harness, WRITES, disk_full) as failed:
        error = await ended(harness, asyncio.ensure_future(repair.async_import(at(-24))))

    assert failed
    assert isinstance(error, RecorderError)
    assert error.failure is Failure.DATABASE_FULL
    assert [await harness.stored(entity_id, "sum") for entity_id in BOTH] == before
    assert (dict(repair.verified), repair.last_repair) == noted
    *_, last = repair.attempts.as_list()
    assert isinstance(last, dict)
    assert (last["purpose"], last["hours"]) == ("import", 0)
    assert "database_full" in str(last["outcome"])
    assert len((await repair.async_import(at(-24))).hours) >= 24
    await all_is_right(harness, from_hour=at(-24))


async def test_a_range_of_which_the_meter_tells_a_part_is_not_touched(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    before = [await harness.stored(entity_id, "sum") for entity_id in BOTH]
    # The first day is known by now.
    await repair.async_import(at(-48), at(-20), dry_run=True)

    def fail() -> None:
        raise errors.ResponseTimeoutError("The meter did not answer in time")

    harness.meter.failing = fail
    error = await ended(harness, asyncio.ensure_future(repair.async_import(at(-48))))

    assert isinstance(error, errors.ResponseTimeoutError)
    assert [await harness.stored(entity_id, "sum") for entity_id in BOTH] == before
    harness.meter.failing = lambda: None
    assert len((await repair.async_import(at(-48))).hours) >= 48
    await all_is_right(harness, from_hour=at(-48))


async def test_a_database_that_fails_for_a_day_raises_an_issue_until_it_works(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    issues, issue = ir.async_get(harness.hass), f"history_database_fails_{harness.entry.entry_id}"

    with failing(harness, READS, disk_full):
        await harness.live(at(24))
        early = issues.async_get_issue(DOMAIN, issue)
        await harness.live(at(28.2))
        late = issues.async_get_issue(DOMAIN, issue)
    await harness.live(at(29.2))

    assert (early, late is not None) == (None, True)
    assert issues.async_get_issue(DOMAIN, issue) is None
    await all_is_right(harness)


@pytest.mark.parametrize("error", [disk_full, lambda: ValueError("a fault of ours")])
async def test_a_look_that_fails_is_made_up_for(
    harness: HistoryHarness, error: Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(5.5))
    repair = await harness.start()

    with failing(harness, READS, error, times=1) as failed:
        await harness.live(at(6.2))
        again = dict(repair.verified)
        await harness.live(at(7.2))

    assert failed
    assert again["imported_energy"] == at(5)
    assert repair.verified["imported_energy"] == at(6)
    assert "Traceback" not in caplog.text
    await all_is_right(harness)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (disk_full, "database_full"),
        (
            lambda: errors.ResponseTimeoutError("The meter did not answer in time"),
            "ResponseTimeoutError",
        ),
        (lambda: KeyError("a fault of ours"), "KeyError"),
    ],
    ids=["database", "meter", "unexpected"],
)
async def test_a_look_that_fails_is_tried_again_five_minutes_later(
    harness: HistoryHarness,
    caplog: pytest.LogCaptureFixture,
    error: Callable[[], Exception],
    outcome: str,
) -> None:
    """Within the hour: the next one is not waited for."""
    repair = await harness.start()
    await harness.live(at(6) + timedelta(seconds=20))
    compared = dict(repair.verified)
    assert set(compared.values()) == {at(4)}
    failed: list[int] = []

    def fail() -> None:
        if not failed:
            failed.append(1)
            raise error()

    if outcome == "database_full":
        with failing(harness, READS, error, times=1) as failed:
            await harness.live(at(6) + timedelta(minutes=5, seconds=20))
    else:
        harness.meter.failing = fail
        await harness.live(at(6) + timedelta(minutes=5, seconds=20))
    assert failed
    assert dict(repair.verified) == compared
    *_, last = repair.attempts.as_list()
    assert isinstance(last, dict)
    assert outcome in str(last["outcome"])

    harness.move(at(6) + timedelta(minutes=10, seconds=10))
    await harness.compile(StatisticsTask(at(6) + timedelta(minutes=5), True))

    assert set(repair.verified.values()) == {at(5)}
    assert "Traceback" not in caplog.text
    assert "never retrieved" not in caplog.text
    await all_is_right(harness)


# --- Two writers ---------------------------------------------------------------------------


async def test_unloading_ends_a_running_action_and_says_so(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    before = await harness.stored(IMPORTED, "sum")
    reading = asyncio.Event()

    async def wait() -> None:
        reading.set()
        await asyncio.Event().wait()

    harness.meter.meanwhile = wait
    task = asyncio.ensure_future(repair.async_import(at(-24)))
    await reading.wait()
    await harness.stop()

    assert isinstance(await ended(harness, task), HistoryStoppedError)
    with pytest.raises(HistoryStoppedError):
        await repair.async_import(at(-24))
    assert await harness.stored(IMPORTED, "sum") == before
    # The lock was given back.
    again = await harness.start()
    assert len((await again.async_import(at(-24))).hours) >= 24


async def test_a_cancelled_caller_is_cancelled_and_gives_the_lock_back(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    reading = asyncio.Event()

    async def wait() -> None:
        reading.set()
        await asyncio.Event().wait()

    harness.meter.meanwhile = wait
    task = asyncio.ensure_future(repair.async_import(at(-24)))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len((await repair.async_import(at(-24))).hours) >= 24


async def test_objects_of_one_identity_take_turns(harness: HistoryHarness) -> None:
    first = await harness.start()
    await harness.live(at(3.2))
    second = HistoryBackfill(harness.hass, harness.entry, harness.identity, harness.meter, pause=0)
    order: list[str] = []

    async def note() -> None:
        order.append("reading")
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("read")

    harness.meter.meanwhile = note
    both = asyncio.gather(first.async_import(at(-24)), second.async_import(at(-24)))
    await ended(harness, both)

    one, other = both.result()
    assert (len(one.hours) >= 24, other.hours) == (True, frozenset())
    assert order == ["reading", "read"]


# --- Sensor by sensor ----------------------------------------------------------------------


async def test_a_sensor_that_is_compiled_later_does_not_lose_its_days(
    harness: HistoryHarness,
) -> None:
    harness.meter.shows_reverse = False
    repair = await harness.start(import_days=2)
    await harness.live(at(1) + timedelta(minutes=7))
    assert repair.to_import == {"days": 2, "sensors": ["exported_energy"]}
    harness.meter.shows_reverse = True
    await off(harness, at(1.5))
    await harness.live(at(4.2))

    assert harness.repair is not None
    assert harness.repair.to_import is None
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        assert min(bars) <= at(1) - timedelta(days=2)
        assert bars == harness.expected(entity_id, bars)


async def test_a_sensor_that_is_enabled_later_gets_its_days(harness: HistoryHarness) -> None:
    registry = er.async_get(harness.hass)
    registry.async_update_entity(EXPORTED, disabled_by=er.RegistryEntryDisabler.USER)
    await harness.start(import_days=2)
    await harness.live(at(1.2))
    registry.async_update_entity(EXPORTED, disabled_by=None)
    await harness.live(at(3.2))

    bars = await harness.stored(EXPORTED)
    assert min(bars) <= at(1) - timedelta(days=2)
    assert bars == harness.expected(EXPORTED, bars)


# --- The meter's clock ---------------------------------------------------------------------


async def test_a_meter_whose_clock_is_wrong_is_not_believed_and_that_is_told(
    harness: HistoryHarness,
) -> None:
    offset = [timedelta()]

    async def read_clock() -> timedelta:
        return offset[0]

    harness.read_clock = read_clock
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    offset[0] = -timedelta(hours=24)
    harness.move(at(5.5))
    repair = await harness.start()
    await harness.live(at(7.2))
    before = await harness.stored(IMPORTED, "sum")
    issues, issue = ir.async_get(harness.hass), f"history_meter_clock_{harness.entry.entry_id}"

    raised = issues.async_get_issue(DOMAIN, issue)
    assert raised is not None
    assert raised.translation_placeholders is not None
    assert raised.translation_placeholders["minutes"] == "-1440"
    with pytest.raises(MeterClockError):
        await repair.async_import(at(-24))
    assert await harness.stored(IMPORTED, "sum") == before
    offset[0] = timedelta()
    await harness.live(at(8.2))
    assert issues.async_get_issue(DOMAIN, issue) is None
    await all_is_right(harness)


async def test_a_clock_that_is_a_little_off_fills_gaps_and_leaves_good_hours(
    harness: HistoryHarness,
) -> None:
    slow = timedelta(minutes=10)

    async def read_clock() -> timedelta:
        return -slow

    harness.read_clock = read_clock
    real = harness.meter._slot
    # What it calls noon is ten past.
    harness.meter._slot = lambda moment: half_hours.Slot(  # type: ignore[method-assign]
        moment.astimezone(JST), real(moment + slow).registers
    )
    await harness.start(enabled=False)
    await harness.live(at(20.2))
    seen = await harness.stored(IMPORTED)
    await off(harness, at(26.5))
    await harness.live(at(29.2))

    bars = await harness.stored(IMPORTED)
    assert {hour: bars[hour] for hour in seen if hour < at(20)} == {
        hour: bar for hour, bar in seen.items() if hour < at(20)
    }
    expected = harness.expected(IMPORTED, [at(hour) for hour in range(1, 28)])
    assert all(abs(bars[hour] - bar) <= Decimal("0.5") for hour, bar in expected.items())
    total = sum((bars[hour] - bar for hour, bar in expected.items()), Decimal())
    assert abs(total) <= Decimal("0.5")


# --- What is stored of others --------------------------------------------------------------


@pytest.mark.parametrize("glitch", ["0", "27654"])
async def test_a_first_reading_that_was_wrong_leaves_no_bar(
    harness: HistoryHarness, glitch: str
) -> None:
    harness.meter.set_counts(at(0), (123_456, 50_000))
    await harness.start()
    harness.set_state(IMPORTED, glitch)
    await harness.recorded()
    real = harness.meter.connected
    harness.meter.connected = False
    harness.move(at(1) + timedelta(seconds=10))
    harness.meter.connected = real
    await harness.live(at(5.2))

    bars = await harness.stored(IMPORTED)
    assert max(bars.values()) < 10
    assert min(bars.values()) >= 0
    hours = [hour for hour in bars if hour >= at(2)]
    assert {hour: bars[hour] for hour in hours} == harness.expected(IMPORTED, hours)


# --- The event loop ------------------------------------------------------------------------


@pytest.mark.timeout(120)
async def test_99_days_are_imported_and_the_event_loop_is_hardly_held(
    harness: HistoryHarness,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    repair = await harness.start()
    await harness.live(at(2.2))
    longest, run = [0.0], asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        # As asyncio's own log of slow callbacks, whose clock stands still here.
        begun = clock_gettime(CLOCK_THREAD_CPUTIME_ID)
        run(handle)
        longest[0] = max(longest[0], clock_gettime(CLOCK_THREAD_CPUTIME_ID) - begun)

    with monkeypatch.context() as patched:
        patched.setattr(asyncio.Handle, "_run", timed)
        report = await repair.async_import(at(-24 * 99))

    record_property("longest_block_ms", round(longest[0] * 1000, 1))
    assert longest[0] > 0
    # Of its own thread: how long other programs of this machine hold it up is not ours to tell.
    assert longest[0] < 0.05
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        assert len(bars) > 98 * 24
        assert bars == harness.expected(entity_id, bars)
    assert len(report.hours) > 98 * 24
