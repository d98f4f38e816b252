"""An event loop clock for tests: it jumps to the next timer when only the loop itself can act.

For a Home Assistant in a test. While a thread works or a file descriptor is watched, something
outside the loop may happen first, and time passes as it really does. The wall clock is left alone.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, thread as pool_thread
from selectors import BaseSelector, SelectorKey
import threading
from typing import Any

import pytest

#: Worker threads of all thread pools; they work if a job of theirs is awaited.
_POOL_WORKERS: Any = vars(pool_thread)["_threads_queues"]

#: Seconds that others have to answer in before time that is to pass all the same does so; a job in
#: a thread pool may have to import modules.
_WAIT_S, _WAIT_WITH_JOB_S = 0.05, 0.5

type Select = Callable[[float | None], list[tuple[SelectorKey, int]]]


class IdleClock:
    """Stands between a running event loop and its selector."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch) -> None:
        self.real_time = True
        """Whether time stays real while something outside the loop may happen first. If not, it jumps
        then too, but later."""
        # No public seam leads to the waiting of an event loop.
        self._selector: BaseSelector = vars(loop)["_selector"]
        self._real_select: Select = self._selector.select
        self._real_time = loop.time
        self._run_in_executor = loop.run_in_executor
        self._watched = len(self._selector.get_map())
        self._threads = frozenset(threading.enumerate())
        self._jobs = 0
        self._ahead = 0.0
        # At a frozen wall clock's seconds, 1.9e9 of them, less than this is lost in a float: a timer
        # that is due now would never be run, and the loop would spin until it were.
        patch.setattr(loop, "_clock_resolution", 1e-6)
        patch.setattr(self._selector, "select", self._select)
        patch.setattr(loop, "time", self._time)
        patch.setattr(loop, "run_in_executor", self._run_job)

    async def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass, from timer to timer, whatever others may be at work."""
        real_time, self.real_time = self.real_time, False
        try:
            await asyncio.sleep(seconds)
        finally:
            self.real_time = real_time

    def _time(self) -> float:
        return self._real_time() + self._ahead

    def _select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._real_select(timeout)
        wait = self._real_wait(timeout)
        ready = self._real_select(wait)
        if not ready and wait < timeout:
            self._ahead += timeout - wait
        return ready

    def _real_wait(self, timeout: float) -> float:
        """Return how long others may have to do something. Asked before it is looked whether they
        have: so nothing is missed that a thread does at its very end.
        """
        if not self._depends_on_others():
            return 0.0
        if self.real_time:
            return timeout
        return min(timeout, _WAIT_WITH_JOB_S if self._jobs else _WAIT_S)

    def _depends_on_others(self) -> bool:
        return (
            self._jobs > 0
            or len(self._selector.get_map()) > self._watched
            or any(
                other not in self._threads and other not in _POOL_WORKERS
                for other in threading.enumerate()
            )
        )

    def _run_job(self, executor: Executor | None, function: Any, *args: Any) -> asyncio.Future[Any]:
        job = self._run_in_executor(executor, function, *args)
        self._jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._jobs -= 1
