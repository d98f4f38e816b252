"""What the database and the calendar may do while the history is put right."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN, SupportedDialect
from homeassistant.components.recorder.core import Recorder
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.history.recorder_errors import Failure, RecorderError
from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from custom_components.wisun_route_b.stack import JST, errors
from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, WATER, HistoryHarness
from tests.integration.history.scenario import BOTH, START, all_is_right, at, off
from tests.integration.history.test_one_piece import READS, ended

# --- A database that cannot be written -----------------------------------------------------


@contextmanager
def read_only(harness: HistoryHarness) -> Iterator[list[str]]:
    """Have the database take none of our rows, as with a file that may only be read."""
    engine, refused = get_instance(harness.hass).engine, list[str]()
    assert engine is not None
    if engine.dialect.name != "sqlite":
        pytest.skip("a server's database is made read-only by its administrator")

    # From what our transaction asks first to its end; the recorder writes its own as ever.
    def forbid(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if READS in statement:
            cursor.execute("PRAGMA query_only=ON")

    def note(context: Any) -> None:
        refused.append(str(context.original_exception))

    def allow(connection: Any) -> None:
        connection.connection.execute("PRAGMA query_only=OFF")

    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": forbid,
        "handle_error": note,
        "commit": allow,
        "rollback": allow,
    }
    for name, listener in listeners.items():
        sa.event.listen(engine, name, listener)
    try:
        yield refused
    finally:
        for name, listener in listeners.items():
            sa.event.remove(engine, name, listener)


async def test_a_database_that_is_read_only_is_reported_and_nothing_is_noted(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    before = [await harness.stored(entity_id, "sum") for entity_id in BOTH]
    verified = dict(repair.verified)

    with read_only(harness) as refused:
        error = await ended(harness, harness.hass.async_create_task(repair.async_import(at(-24))))

    assert set(refused) == {"attempt to write a readonly database"}
    assert isinstance(error, RecorderError)
    assert error.failure is Failure.DATABASE_READ_ONLY
    assert error.translation_key == "history_database_read_only"
    assert [await harness.stored(entity_id, "sum") for entity_id in BOTH] == before
    assert (dict(repair.verified), repair.last_repair) == (verified, None)
    assert len((await repair.async_import(at(-24))).hours) >= 24
    await all_is_right(harness, from_hour=at(-24))


async def test_days_to_import_wait_for_a_database_that_is_read_only(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start(import_days=1)
    with read_only(harness) as refused:
        await harness.live(at(2.2))
        assert repair.to_import == {"days": 1, "sensors": ["imported_energy", "exported_energy"]}
    assert refused
    await harness.live(at(3.2))

    assert harness.repair is not None
    assert harness.repair.to_import is None
    await all_is_right(harness, from_hour=at(-20))


async def test_what_the_database_has_stored_otherwise_is_not_called_done(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    noted = (dict(repair.verified), repair.last_repair)
    if get_instance(harness.hass).dialect_name != SupportedDialect.SQLITE:
        pytest.skip("the trigger is written for SQLite")
    await run_in_recorder(
        harness.hass,
        "break the database",
        execute(
            # Nothing is compiled meanwhile: only our rows are concerned.
            "CREATE TRIGGER broken AFTER INSERT ON statistics "
            "BEGIN UPDATE statistics SET sum = sum + 1000 WHERE id = NEW.id; END"
        ),
    )

    error = await ended(harness, harness.hass.async_create_task(repair.async_import(at(-24))))

    assert isinstance(error, RecorderError)
    assert error.failure is Failure.NOT_STORED
    assert (dict(repair.verified), repair.last_repair) == noted
    await run_in_recorder(harness.hass, "mend the database", execute("DROP TRIGGER broken"))
    await repair.async_import(at(-24))
    await all_is_right(harness, from_hour=at(-24))


def execute(statement: str) -> Callable[[Recorder, Session], None]:
    def work(_instance: Recorder, session: Session) -> None:
        session.execute(sa.text(statement))

    return work


# --- Purge and repack under way ------------------------------------------------------------


async def purge(harness: HistoryHarness) -> None:
    data = {"keep_days": 1, "repack": True, "apply_filter": True}
    await harness.hass.services.async_call(RECORDER_DOMAIN, "purge", data, blocking=True)


async def purge_entities(harness: HistoryHarness) -> None:
    data = {"entity_id": [IMPORTED, EXPORTED], "keep_days": 0}
    await harness.hass.services.async_call(RECORDER_DOMAIN, "purge_entities", data, blocking=True)


async def all_of_it(harness: HistoryHarness) -> None:
    """Have everything in the queue at once."""
    for _ in range(2):
        await purge(harness)
        await purge_entities(harness)


PURGES = [purge, purge_entities, all_of_it]


@pytest.mark.parametrize("meanwhile", PURGES)
async def test_a_purge_under_way_during_a_repair_takes_nothing(
    harness: HistoryHarness, meanwhile: Callable[[HistoryHarness], Awaitable[None]]
) -> None:
    await harness.start()
    await harness.live(at(2.2))

    def fail() -> None:
        raise errors.ResponseTimeoutError("The meter did not answer in time")

    harness.meter.failing = fail
    await off(harness, at(50.2))
    await harness.live(at(51.2))
    harness.meter.failing = lambda: None
    purged = []

    async def begin() -> None:
        purged.append(harness.now)
        await meanwhile(harness)

    harness.meter.meanwhile = begin
    await harness.live(at(53.2))
    await meanwhile(harness)
    await harness.live(at(55.2))

    assert purged
    await all_is_right(harness)
    await water_goes_on(harness)


@pytest.mark.parametrize("meanwhile", PURGES)
async def test_a_purge_under_way_during_an_import_takes_nothing(
    harness: HistoryHarness, meanwhile: Callable[[HistoryHarness], Awaitable[None]]
) -> None:
    repair = await harness.start()
    await harness.live(at(30.2))
    purged = []

    async def begin() -> None:
        purged.append(harness.now)
        await meanwhile(harness)

    harness.meter.meanwhile = begin
    task = harness.hass.async_create_task(repair.async_import(at(-72)))
    assert await ended(harness, task) is None
    await meanwhile(harness)
    await harness.live(at(32.2))

    assert purged
    assert len(task.result().hours) >= 72
    await all_is_right(harness, from_hour=at(-72))
    await water_goes_on(harness)


async def water_goes_on(harness: HistoryHarness) -> None:
    """A sensor that has nothing to do with it has lost no hour and got no other bar."""
    states = await harness.stored(WATER, "state")
    assert {hour: states[hour] for hour in harness.water if hour in states} == {
        hour: litres for hour, litres in harness.water.items() if hour in states
    }
    assert max(states) >= harness.now - 2 * HOUR


# --- Midnight ------------------------------------------------------------------------------

ZONES = ["Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


def midnights(zone: str, first: datetime, until: datetime) -> int:
    """Count how often a day begins in a zone; a check of the test itself."""
    local = ZoneInfo(zone)
    return (until.astimezone(local).date() - first.astimezone(local).date()).days


@pytest.mark.parametrize("zone", ZONES)
async def test_a_range_over_midnight_here_and_in_japan_is_right(
    harness: HistoryHarness, zone: str
) -> None:
    """Among them the days on which the clocks are changed in New York (10 March) and on Lord Howe
    Island (7 April, by half an hour).
    """
    await harness.hass.config.async_set_time_zone(zone)
    repair = await harness.start()
    await harness.live(at(2.2))
    local = ZoneInfo(zone)
    start = (START - timedelta(days=80)).astimezone(local).replace(hour=12, minute=0)

    report = await repair.async_import(start)

    first = dt_util.as_utc(start).replace(minute=0)
    assert midnights(zone, start, harness.now) >= 79
    assert midnights("Asia/Tokyo", start, harness.now) >= 79
    assert len(report.hours) >= 79 * 24
    await all_is_right(harness, from_hour=first)
    for entity_id in BOTH:
        assert min(await harness.stored(entity_id)) == first


@pytest.mark.parametrize("zone", ZONES)
async def test_a_range_from_midnight_to_midnight_is_right_and_no_more(
    harness: HistoryHarness, zone: str
) -> None:
    await harness.hass.config.async_set_time_zone(zone)
    repair = await harness.start(enabled=False)
    await harness.live(at(2.2))
    await off(harness, at(80.5), enabled=False)
    await harness.live(at(82.2))
    assert harness.repair is not None
    repair = harness.repair
    local = ZoneInfo(zone)
    start = at(26).astimezone(local).replace(hour=0, minute=0)
    end = start + timedelta(days=2)  # in the zone's own time

    await repair.async_import(start, end)

    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        inside = [hour for hour in bars if at(1) <= hour < dt_util.as_utc(end)]
        assert {hour: bars[hour] for hour in inside} == harness.expected(entity_id, inside)
        hours = [hour for hour in bars if hour >= at(1)]
        assert min(bars.values()) >= 0
        assert sum(bars[hour] for hour in hours) == sum(harness.expected(entity_id, hours).values())


@pytest.mark.parametrize("has_slots", [True, False])
async def test_midnight_in_japan_while_the_meter_is_read_moves_no_day(
    harness: HistoryHarness, has_slots: bool
) -> None:
    harness.meter.has_slots = has_slots
    repair = await harness.start()
    # 23:50 in Japan.
    await harness.live(at(14) - timedelta(minutes=10))
    assert harness.now.astimezone(JST).day == START.day

    async def midnight() -> None:
        harness.move(at(14) + timedelta(minutes=1))

    harness.meter.meanwhile = midnight
    error = await ended(harness, harness.hass.async_create_task(repair.async_import(at(-72))))
    assert error is None
    await harness.live(at(16.2))

    await all_is_right(harness, from_hour=at(-72))
