"""One task, one transaction, with a result; whatever the database does."""

import asyncio
from collections.abc import Callable
from functools import partial
import logging
import sqlite3
import threading
from typing import Any

from homeassistant.components.recorder.const import SupportedDialect
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import StatisticsMeta
from homeassistant.core import HomeAssistant
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.history import recorder_task
from custom_components.wisun_route_b.history.identity_lock import HistoryBusyError, identity_lock
from custom_components.wisun_route_b.history.recorder_errors import Failure, RecorderError, classify
from custom_components.wisun_route_b.history.recorder_task import (
    recorder_caught_up,
    run_in_recorder,
)

SECRET = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_task, "_PAUSE_S", 0)


def add(_: Recorder, session: Session) -> int:
    row = StatisticsMeta(statistic_id=f"sensor.{SECRET}", source="test", has_sum=True, mean_type=0)
    session.add(row)
    session.flush()
    return int(row.id)


def count(_: Recorder, session: Session) -> int:
    return session.execute(select(func.count(StatisticsMeta.id))).scalar() or 0


def locked() -> OperationalError:
    return locked_while(f"INSERT {SECRET}")


def locked_while(statement: str) -> OperationalError:
    return OperationalError(statement, {}, sqlite3.OperationalError("database is locked"))


async def test_the_result_is_returned_and_what_was_written_is_there(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    before = await run_in_recorder(hass, "count", count)
    number = await run_in_recorder(
        hass,
        "add",
        add,
        check=lambda _, session, made: session.get(StatisticsMeta, made) is not None,
    )

    assert number > 0
    assert await run_in_recorder(hass, "count", count) == before + 1


async def test_a_commit_is_on_the_disk_and_the_recorders_own_setting_is_put_back(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    seen: list[Any] = []

    def look(_: Recorder, session: Session) -> None:
        seen.append(session.execute(text("PRAGMA synchronous")).scalar())

    def set_normal(_i: Recorder, session: Session, _: None) -> bool:
        session.execute(text("PRAGMA synchronous=NORMAL"))
        return True

    def look_again(instance: Recorder, session: Session, _: None) -> bool:
        look(instance, session)
        return True

    if recorder_mock.dialect_name != SupportedDialect.SQLITE:
        pytest.skip("a server does so by itself")
    await run_in_recorder(hass, "prepare", look, check=set_normal)
    seen.clear()
    await run_in_recorder(hass, "look", look, check=look_again)

    assert seen == [2, 1]


async def test_a_failure_that_passes_is_tried_again(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    tries = []

    def work(instance: Recorder, session: Session) -> int:
        tries.append(1)
        number = add(instance, session)
        if len(tries) < 3:
            raise locked()
        return number

    before = await run_in_recorder(hass, "count", count)
    await run_in_recorder(hass, "add", work)

    assert len(tries) == 3
    assert await run_in_recorder(hass, "count", count) == before + 1


@pytest.mark.parametrize(
    ("error", "failure", "tries"),
    [
        (locked(), Failure.DATABASE_UNAVAILABLE, 6),
        (
            OperationalError(SECRET, {}, sqlite3.OperationalError("database or disk is full")),
            Failure.DATABASE_FULL,
            1,
        ),
        (
            OperationalError(
                SECRET, {}, sqlite3.OperationalError("attempt to write a readonly database")
            ),
            Failure.DATABASE_READ_ONLY,
            1,
        ),
        (OperationalError(SECRET, {}, Exception("server closed")), Failure.DATABASE_UNAVAILABLE, 6),
        (IntegrityError(SECRET, {}, sqlite3.IntegrityError(SECRET)), Failure.DATABASE_FAILED, 1),
        (ValueError(SECRET), Failure.UNEXPECTED, 1),
    ],
)
async def test_a_failure_that_lasts_is_reported_by_its_kind_and_holds_no_data(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    *,
    error: Exception,
    failure: Failure,
    tries: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    calls = []

    def work(instance: Recorder, session: Session) -> None:
        calls.append(1)
        add(instance, session)
        raise error

    before = await run_in_recorder(hass, "count", count)
    caplog.clear()
    with pytest.raises(RecorderError) as caught:
        await run_in_recorder(hass, "add", work)

    assert (caught.value.failure, len(calls)) == (failure, tries)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert SECRET not in caught.value.describe() + repr(caught.value)
    ours = [record for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert all(SECRET not in record.getMessage() for record in ours)
    assert any("<add>" in record.getMessage() for record in ours)  # the recorder logs its tasks
    assert await run_in_recorder(hass, "count", count) == before


@pytest.mark.parametrize("fault", [ValueError, locked_while])
async def test_what_is_logged_of_a_task_shows_nothing_of_its_arguments(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[..., Exception],
) -> None:
    """The recorder logs each task it takes up, and each one it fails with; asyncio its futures."""
    monkeypatch.setattr(recorder_task, "_MAX_ATTEMPTS", 2)
    logging.disable(logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    caplog.clear()

    def rename(old: str, _: Recorder, _session: Session) -> None:
        raise fault(f"{old} is not there")

    work = partial(rename, f"sensor.route_b_{SECRET}_total")
    assert SECRET in repr(work)
    with pytest.raises(RecorderError) as caught:
        await run_in_recorder(hass, "rename", work)

    def drop() -> None:
        raise locked_while("COMMIT")

    with monkeypatch.context() as failing:
        failing.setattr(recorder_mock, "_commit_event_session_or_retry", drop)
        with pytest.raises(RecorderError) as dropped:
            await run_in_recorder(hass, "rename", work, timeout_s=0.5)

    records = [record for record in caplog.records if not record.name.startswith("sqlalchemy")]
    logged = [logging.Formatter().format(record) for record in records]
    assert [text for text in logged if SECRET in text] == []
    of_task = [text for text in logged if "rename" in text]
    assert any("Processing task: " in text for text in of_task)
    assert any("processing task " in text and "Traceback" in text for text in of_task)
    for error in (caught.value, dropped.value):
        assert SECRET not in f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"


async def test_what_is_not_there_after_the_commit_is_not_called_stored(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    with pytest.raises(RecorderError) as caught:
        await run_in_recorder(hass, "add", add, check=lambda *_: False)

    assert caught.value.failure is Failure.NOT_STORED


async def test_a_read_back_that_fails_is_repeated_and_the_writing_is_not(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    before, tries = await run_in_recorder(hass, "count", count), []

    def check(_i: Recorder, _s: Session, _: int) -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise locked()
        return True

    await run_in_recorder(hass, "add", add, check=check)

    assert len(tries) == 2
    assert await run_in_recorder(hass, "count", count) == before + 1


@pytest.mark.parametrize("how", ["cancelled", "late"])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_caller_that_gives_up_takes_its_task_back(
    recorder_mock: Recorder, hass: HomeAssistant, how: str, begun: bool
) -> None:
    before = await run_in_recorder(hass, "count", count)
    go_on, running = threading.Event(), asyncio.Event()

    def hold(_i: Recorder, _s: Session) -> None:
        go_on.wait(10)

    def slow(instance: Recorder, session: Session) -> int:
        number = add(instance, session)
        hass.loop.call_soon_threadsafe(running.set)
        go_on.wait(10)
        return number

    before_it = None if begun else asyncio.ensure_future(run_in_recorder(hass, "hold", hold))
    timeout_s = 0.05 if how == "late" else 60
    task = asyncio.ensure_future(run_in_recorder(hass, "add", slow, timeout_s=timeout_s))
    await (running.wait() if begun else asyncio.sleep(0))
    if how == "cancelled":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with pytest.raises(RecorderError) as caught:
            await task
        assert caught.value.failure is Failure.RECORDER_BUSY
    go_on.set()
    if before_it is not None:
        await before_it

    await recorder_caught_up(hass)
    assert await run_in_recorder(hass, "count", count) == before


async def test_a_task_that_the_recorder_drops_is_not_waited_for_without_end(
    recorder_mock: Recorder, hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise locked()

    monkeypatch.setattr(recorder_mock, "_commit_event_session_or_retry", fail)
    with pytest.raises(RecorderError) as caught:
        await recorder_caught_up(hass, timeout_s=0.05)

    assert caught.value.failure is Failure.RECORDER_BUSY
    assert caught.value.purpose == "waiting for the recorder"


async def test_without_a_recorder_nothing_is_waited_for(hass: HomeAssistant) -> None:
    with pytest.raises(RecorderError) as caught:
        await run_in_recorder(hass, "count", count)

    assert caught.value.failure is Failure.RECORDER_STOPPED


def test_every_server_has_its_own_words() -> None:
    class MysqlError(Exception):
        pass

    class PostgresError(Exception):
        pgcode = "53100"

    assert classify(OperationalError("", {}, MysqlError(1213, "deadlock"))).value == (
        "database_unavailable"
    )
    assert classify(OperationalError("", {}, MysqlError(1114, "full"))).value == "database_full"
    assert classify(OperationalError("", {}, PostgresError())).value == "database_full"


async def test_the_lock_of_an_identity_is_one_and_names_its_holder(hass: HomeAssistant) -> None:
    async with identity_lock(hass, "a").hold("import", 1):
        with pytest.raises(HistoryBusyError) as caught:
            async with identity_lock(hass, "a").hold("repair", 0.01):
                pytest.fail("two at once")
        async with identity_lock(hass, "b").hold("repair", 0.01):
            assert identity_lock(hass, "b").holder == "repair"
    assert caught.value.holder == "import"
    async with identity_lock(hass, "a").hold("repair", 0.01):
        assert identity_lock(hass, "a").holder == "repair"
