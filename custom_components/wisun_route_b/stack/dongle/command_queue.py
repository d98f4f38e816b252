"""One command at a time over a serial line, each to its end."""

import asyncio
from collections.abc import Coroutine


class CommandQueue:
    """Runs one exchange after the other.

    An exchange goes on when its caller is cancelled: a half-finished one would pass its answer on to
    the next command.
    """

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[object]] = set()

    async def run[T](self, exchange: Coroutine[None, None, T]) -> T:
        """Run an exchange when those before it have ended; return or raise what it does."""
        task = asyncio.create_task(self._take_turn(exchange))
        self._running.add(task)
        task.add_done_callback(self._forget)
        # Not shield(): that reports the exchange's failure to the loop after a cancellation.
        await asyncio.wait((task,))
        return task.result()

    async def _take_turn[T](self, exchange: Coroutine[None, None, T]) -> T:
        async with self._turn:
            return await exchange

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the caller sees it, unless it was cancelled

    async def drain(self) -> None:
        """Wait until nothing runs; the port must be closed, so that everything ends."""
        await asyncio.gather(*self._running, return_exceptions=True)
