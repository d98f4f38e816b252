"""For clean-up that must not be cut short."""

import asyncio
from collections.abc import Coroutine


async def finish(step: Coroutine[None, None, None]) -> None:
    """Await a step to its end, also if we are cancelled meanwhile; then pass that on.

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
