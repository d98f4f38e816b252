"""Delays: seeded, scaled, and on the running loop's own clock."""

import asyncio
from collections.abc import Coroutine
from random import Random

#: A range of seconds from which each delay is drawn.
type Span = tuple[float, float]


class Pace:
    """Draws delays, waits for them, and keeps the running activities."""

    def __init__(self, seed: int, speed: float) -> None:
        """Prepare; nothing runs before :meth:`start`."""
        self.random = Random(f"pace/{seed}")
        self._speed = speed
        self._tasks: set[asyncio.Task[None]] = set()

    async def wait(self, span: Span, random: Random | None = None) -> None:
        """Wait for a delay from ``span``, in seconds at speed 1.

        Optional events draw from ``random``, so that they shift no other delays.
        """
        await asyncio.sleep((random or self.random).uniform(*span) / self._speed)

    async def hold(self, seconds: float) -> None:
        """Wait for ``seconds`` at speed 1, without drawing anything."""
        await asyncio.sleep(seconds / self._speed)

    def scaled(self, seconds: float) -> float:
        """Return how long ``seconds`` at speed 1 are on the running loop's clock."""
        return seconds / self._speed

    def start(self, activity: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run an activity beside everything else."""
        task = asyncio.get_running_loop().create_task(activity)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": "The emulator has a bug", "exception": error, "task": task}
            )

    async def stop(self) -> None:
        """End everything that is going on."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
