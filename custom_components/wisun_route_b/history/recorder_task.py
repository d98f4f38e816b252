"""One task of the recorder, one transaction, with a result.

The recorder works off its queue in one thread, and nothing else of Home Assistant writes
statistics. What is read, decided and written within one task is therefore never stale, and what
is written within one transaction is there completely or not at all, whenever the power fails.
Home Assistant's own tasks for statistics do not report how they ended; this one does.

A caller that gives up (its time is over, or it is cancelled) cancels its task: it is not started,
or it is rolled back instead of committed. Only a commit under way cannot be stopped.

The recorder drops a task silently when the commit before it fails for good, as it does with a
database that stays locked for some 80 seconds. So every wait is bounded.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import logging
import threading
import traceback
from typing import Final, override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from sqlalchemy import text
from sqlalchemy.orm import Session

from .recorder_errors import Failure, RecorderError, classify

_LOGGER = logging.getLogger(__name__)

#: Seconds after which the recorder is taken to have dropped a task or to be blocked. Longer
#: than the 80 s for which it tries by itself to commit what came before.
RECORDER_TIMEOUT_S: Final = 120.0
#: How often a passing failure is tried within one task, and seconds between. SQLite itself waits
#: 5 s for a lock each time (the default of Python's sqlite3).
_MAX_ATTEMPTS: Final = 6
_PAUSE_S: Final = 1.0
#: Frames of a traceback that are logged.
_MAX_FRAMES: Final = 4

type Work[T] = Callable[[Recorder, Session], T]
type Check[T] = Callable[[Recorder, Session, T], bool]


async def run_in_recorder[T](
    hass: HomeAssistant,
    purpose: str,
    work: Work[T],
    *,
    check: Check[T] | None = None,
    timeout_s: float = RECORDER_TIMEOUT_S,
) -> T:
    """Run ``work`` in the recorder's thread, commit, and return what it returned.

    ``work`` may be called more than once (each time with a new session after a rollback), must
    not commit, and must not return objects that belong to the session. After the commit ``check``
    returns, with a session of its own, whether what was to be stored is there. ``purpose`` names
    the task in logs; it holds no data.

    Raises RecorderError, also if this has not ended within ``timeout_s`` seconds. If the caller is
    cancelled nothing is written, unless the commit is under way already.
    """
    if "recorder" not in hass.config.components or not get_instance(hass).is_alive():
        raise RecorderError(Failure.RECORDER_STOPPED, purpose)
    done: asyncio.Future[T] = hass.loop.create_future()
    task = _Call(purpose, work, check, done)
    get_instance(hass).queue_task(task)
    try:
        async with asyncio.timeout(timeout_s):
            return await done
    except TimeoutError:
        raise RecorderError(Failure.RECORDER_BUSY, purpose) from None
    finally:
        task.give_up()


async def recorder_caught_up(hass: HomeAssistant, *, timeout_s: float = RECORDER_TIMEOUT_S) -> None:
    """Wait until the recorder has committed what was queued until now; raises RecorderError."""
    await run_in_recorder(hass, "waiting for the recorder", _nothing, timeout_s=timeout_s)


def _nothing(_instance: Recorder, _session: Session) -> None:
    pass


class _GivenUpError(Exception):
    """The caller has given up."""


class _Call[T](RecorderTask):
    """What the recorder does in its own thread. The recorder logs tasks: see ``__repr__``."""

    def __init__(
        self, purpose: str, work: Work[T], check: Check[T] | None, done: asyncio.Future[T]
    ) -> None:
        self._purpose, self._work, self._check, self._done = purpose, work, check, done
        self._unwanted = threading.Event()
        self._committed: tuple[T] | None = None

    @override
    def __repr__(self) -> str:
        return f"<{self._purpose}>"

    def give_up(self) -> None:
        """Prevent a commit that has not begun; called in the event loop's thread."""
        self._unwanted.set()

    def _go_on(self) -> None:
        if self._unwanted.is_set():
            raise _GivenUpError

    @override
    def run(self, instance: Recorder) -> None:
        call = instance.hass.loop.call_soon_threadsafe
        try:
            result = self._run(instance)
        except _GivenUpError:
            _LOGGER.debug("%s: given up before it was committed", self._purpose)
        except RecorderError as err:
            call(self._fail, err)
        else:
            call(self._succeed, result)

    def _succeed(self, result: T) -> None:
        if not self._done.done():
            self._done.set_result(result)

    def _fail(self, error: RecorderError) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _run(self, instance: Recorder) -> T:
        for attempt in range(1, _MAX_ATTEMPTS):
            try:
                return self._attempt(instance)
            except RecorderError as err:
                if not err.passing:
                    raise
                _LOGGER.debug("%s; attempt %d", err.describe(), attempt)
            self._unwanted.wait(_PAUSE_S)
        return self._attempt(instance)

    def _attempt(self, instance: Recorder) -> T:
        """Run it once; exceptions of the database or of our code are classified here and not passed on."""
        self._go_on()
        try:
            return self._transact(instance)
        except _GivenUpError, RecorderError:
            instance.statistics_meta_manager.reset()
            raise
        except Exception as err:  # noqa: BLE001 - the recorder would log it, with its data
            # What was rolled back may be in the cache of the metadata.
            instance.statistics_meta_manager.reset()
            found = RecorderError(classify(err), self._purpose, type(err).__name__)
            _LOGGER.debug("%s in %s", found.describe(), _places(err))
        # Outside of the handler: the error would keep the database's own as its context.
        raise found

    def _transact(self, instance: Recorder) -> T:
        if self._committed is None:
            self._committed = (self._write(instance),)
        # Only this is tried again, if it fails: a second writing would find nothing to write.
        (result,) = self._committed
        if self._check is not None:
            with instance.get_session() as session:
                if not self._check(instance, session, result):
                    raise RecorderError(Failure.NOT_STORED, self._purpose)
        return result

    def _write(self, instance: Recorder) -> T:
        # Not session_scope(): it would log the failed statement with its data.
        with (
            instance.get_session() as session,
            _on_the_disk(session),
            _undone_if_it_fails(session),
        ):
            result = self._work(instance, session)
            session.flush()
            self._go_on()
            session.commit()
        return result


def _places(error: Exception) -> str:
    """Return where an error came from, without its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


@contextmanager
def _undone_if_it_fails(session: Session) -> Iterator[None]:
    """Roll back on the driver's own connection whatever fails, a commit included.

    After a commit that raised, SQLAlchemy takes the transaction for ended and gives the connection back as
    it is (``RootTransaction._do_commit``, ``_close_impl``). On a server it could then stay open, and
    with it the locks that the recorder waits for.
    """
    connection = session.connection().connection
    try:
        yield
    except BaseException:
        with suppress(Exception):  # a connection that is lost has ended it
            connection.rollback()
        raise


@contextmanager
def _on_the_disk(session: Session) -> Iterator[None]:
    """Make a commit durable when it returns, in SQLite too.

    Home Assistant sets ``synchronous=NORMAL``, with which a power cut may take back the last
    transactions: what we note elsewhere as done must not be among them. Servers do that anyway.
    """
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    before = session.execute(text("PRAGMA synchronous")).scalar()
    session.execute(text("PRAGMA synchronous=FULL"))
    try:
        yield
    finally:
        session.rollback()  # within a transaction the next line would do nothing
        session.execute(text(f"PRAGMA synchronous={before}"))
