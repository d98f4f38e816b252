"""Clean-up that a cancellation must not cut short."""

import asyncio
from collections.abc import Coroutine


async def await_uncancelled(step: Coroutine[None, None, None]) -> None:
    """Await a step to its end, also if the caller is cancelled meanwhile; then pass that on.

    The step itself has to be bounded in time.
    """
    task = asyncio.create_task(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as err:
            cancelled = err
    task.result()
    if cancelled is not None:
        raise cancelled
