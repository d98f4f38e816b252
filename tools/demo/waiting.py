"""Waits for conditions that can only be polled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from .errors import DemoError

_POLL_PAUSE_S: Final = 0.2


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Poll until a condition holds.

    Raises:
        DemoError: It does not after so many seconds.
    """
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - other programs set no event here
                await asyncio.sleep(_POLL_PAUSE_S)
    except TimeoutError as err:
        raise DemoError(f"{what} took more than {seconds:.0f} s.") from err
