"""Every place at which a work on the energy history can be cut off, and what can happen there.

A place is one request to the meter, one of our tasks in the recorder's queue, one statement that
it sends to the database, its commit, the moment after that, and one note that is written to the
disk. The places are counted as they are passed; at one of them something happens.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from enum import StrEnum
import sqlite3
import threading
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.storage import Store
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.recorder_task import RECORDER_TIMEOUT_S
from custom_components.wisun_route_b.stack import errors
from tests.integration.history.entry_fixture import HistoryHarness

_HOUR = timedelta(hours=1)


class Fault(StrEnum):
    """What happens at a place."""

    KILLED = "killed"
    """The process is dead: nothing gets to the disk after that."""
    LOCKED = "locked"
    CONNECTION_LOST = "connection lost"
    DISK_FULL = "disk full"
    UNEXPECTED = "unexpected"
    RELOADED = "reloaded"
    SECOND_ONE = "second one"
    """Another import is started."""


class KilledError(Exception):
    """Nothing happens any more."""


_ERRORS: dict[Fault, Callable[[], Exception]] = {
    Fault.KILLED: KilledError,
    Fault.LOCKED: lambda: OperationalError("", {}, sqlite3.OperationalError("database is locked")),
    Fault.CONNECTION_LOST: lambda: OperationalError(
        "", {}, Exception("server closed the connection"), connection_invalidated=False
    ),
    Fault.DISK_FULL: lambda: OperationalError(
        "", {}, sqlite3.OperationalError("database or disk is full")
    ),
    Fault.UNEXPECTED: lambda: ValueError("unexpected"),
}


class Places:
    """Counts the places, and has something happen at one of them."""

    def __init__(
        self, harness: HistoryHarness, fault: Fault | None = None, number: int = -1
    ) -> None:
        self.harness = harness
        self.fault = fault
        self.number = number
        self.passed: list[str] = []
        self.dead = False
        self.happened = False
        self.noted = False
        """Whether anything was noted on the disk."""
        self.seconds: list[Any] = []
        self.around_task: Callable[[Recorder], AbstractContextManager[None]] = lambda _: (
            nullcontext()
        )
        """What is to be done before and after each of our tasks, in the recorder's thread."""
        self._armed = False
        self._ours = threading.local()

    @contextmanager
    def armed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Watch all places."""
        engine = get_instance(self.harness.hass).engine
        assert engine is not None
        with monkeypatch.context() as patched:
            self._watch_recorder(patched)
            self._watch_store(patched)
            patched.setattr(self.harness.meter, "failing", lambda: self._pass("radio", radio=True))
            statement, commit, committed = self._statement, self._commit, self._committed
            sa.event.listen(engine, "before_cursor_execute", statement)
            sa.event.listen(engine, "commit", commit)
            sa.event.listen(Session, "after_commit", committed)
            self._armed = True
            try:
                yield
            finally:
                self._armed = False
                sa.event.remove(engine, "before_cursor_execute", statement)
                sa.event.remove(engine, "commit", commit)
                sa.event.remove(Session, "after_commit", committed)

    # --- Where -----------------------------------------------------------------------------

    def _watch_recorder(self, patched: pytest.MonkeyPatch) -> None:
        real = Recorder._process_one_task_or_event_or_recover
        places = self

        def process(recorder: Recorder, task: Any) -> None:
            if not type(task).__module__.startswith(f"custom_components.{DOMAIN}"):
                real(recorder, task)
                return
            call = places.harness.hass.loop.call_soon_threadsafe
            try:
                places._pass("task")
            except KilledError:
                call(places._stop)
                return
            except OperationalError, ValueError:
                # The recorder drops a task when the commit before it fails.
                call(places._let_recorder_time_out)
                return
            with places.around_task(recorder):
                places._ours.running = True
                try:
                    real(recorder, task)
                finally:
                    places._ours.running = False

        patched.setattr(Recorder, "_process_one_task_or_event_or_recover", process)

    def _statement(self, *arguments: Any) -> None:
        if getattr(self._ours, "running", False) and not str(arguments[2]).startswith("PRAGMA"):
            self._pass("statement")

    def _commit(self, *_: Any) -> None:
        if getattr(self._ours, "running", False):
            self._pass("commit")

    def _committed(self, *_: Any) -> None:
        if getattr(self._ours, "running", False):
            self._pass("committed")

    def _watch_store(self, patched: pytest.MonkeyPatch) -> None:
        real, places = Store.async_save, self

        async def save(store: Store[Any], data: Any) -> None:
            if store.key.endswith(".history"):
                if places.dead:
                    return
                places._pass("note")
            await real(store, data)
            places.noted = places.noted or store.key.endswith(".history")

        patched.setattr(Store, "async_save", save)

    # --- What ------------------------------------------------------------------------------

    def _pass(self, what: str, *, radio: bool = False) -> None:
        if self.dead:
            raise KilledError
        if not self._armed:
            return
        self.passed.append(what)
        if len(self.passed) - 1 != self.number or self.fault is None or self.happened:
            return
        self.happened = True
        call = self.harness.hass.loop.call_soon_threadsafe
        match self.fault:
            case Fault.RELOADED:
                call(self._stop)
            case Fault.SECOND_ONE:
                call(self._start_second)
            case Fault.KILLED:
                self.dead = True
                call(self._stop)
                raise KilledError
            case fault:
                raise errors.ResponseTimeoutError("no answer") if radio else _ERRORS[fault]()

    def _stop(self) -> None:
        if self.harness.repair is not None:
            self.harness.repair.async_stop()

    def _let_recorder_time_out(self) -> None:
        """Let the time pass after which a task is not waited for any more."""
        self.harness.move(self.harness.now + timedelta(seconds=RECORDER_TIMEOUT_S + 1))

    def _start_second(self) -> None:
        repair, hass = self.harness.repair, self.harness.hass
        if repair is not None:
            start = self.harness.now.replace(minute=0, second=0, microsecond=0)
            second = repair.async_import(start - 30 * _HOUR)
            self.seconds.append(hass.async_create_background_task(second, "second"))
