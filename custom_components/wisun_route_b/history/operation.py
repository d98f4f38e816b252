"""One task at a time on the history of a meter: run, noted, reported, and cancelled on unload."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from .attempts import Attempt, Attempts
from .identity_lock import identity_lock
from .issues import HistoryIssues, HistoryProblem
from .meter_clock import MeterClockError
from .recorder_errors import Failure, RecorderError
from .store import BackfillStore


class HistoryStoppedError(HomeAssistantError):
    """The entry is being unloaded, reloaded, or Home Assistant stops."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__(translation_domain=DOMAIN, translation_key="history_stopped")


class HistoryWork:
    """Runs one task at a time for a meter's identity, and notes how each one ended."""

    def __init__(
        self, hass: HomeAssistant, identity: str, memory: BackfillStore, issues: HistoryIssues
    ) -> None:
        """Start without any."""
        self._hass, self._identity = hass, identity
        self._memory, self._issues = memory, issues
        self._working: set[asyncio.Task[Any]] = set()
        self._stopped = False
        self.attempts = Attempts()
        """What was tried since the start, and how it ended."""

    @callback
    def stop(self) -> None:
        """Cancel the running task and start none any more; its caller gets HistoryStoppedError."""
        self._stopped = True
        for task in self._working:
            task.cancel()
        self._issues.clear(*HistoryProblem)

    def _is_stopped(self) -> bool:
        return self._stopped

    @asynccontextmanager
    async def run(self, purpose: str, lock_timeout_s: float) -> AsyncGenerator[Attempt]:
        """Run one task at a time; unloading the entry ends it with HistoryStoppedError."""
        task = asyncio.current_task()
        if task is None or self._is_stopped():
            raise HistoryStoppedError
        self._working.add(task)
        try:
            with self.attempts.note(purpose) as attempt:
                async with identity_lock(self._hass, self._identity).hold(purpose, lock_timeout_s):
                    yield attempt
        except asyncio.CancelledError:
            if self._is_stopped() and task.uncancel() <= 0:
                raise HistoryStoppedError from None
            raise
        except RecorderError as err:
            await self._failed(err)
            raise
        except MeterClockError as err:
            if err.sure:
                self._issues.clock_is_off(err.minutes)
            raise
        else:
            self._issues.clear(HistoryProblem.DATABASE_FAILS, HistoryProblem.METER_CLOCK)
            await self._succeeded()
        finally:
            self._working.discard(task)

    async def _failed(self, error: RecorderError) -> None:
        now = dt_util.utcnow()
        if error.failure is Failure.RECORDER_STOPPED:
            return
        if self._memory.failing_since is None:
            self._memory.failing_since = now
            await self._memory.async_save()
        self._issues.failing(HistoryProblem.DATABASE_FAILS, self._memory.failing_since, now)

    async def _succeeded(self) -> None:
        if self._memory.failing_since is not None:
            self._memory.failing_since = None
            await self._memory.async_save()
