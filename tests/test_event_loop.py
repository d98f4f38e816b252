"""The event loop of the tests finds what is done to it from the wrong thread."""

import asyncio

import pytest


async def test_scheduling_from_another_thread_is_an_error() -> None:
    loop = asyncio.get_running_loop()

    with pytest.raises(RuntimeError, match="Non-thread-safe"):
        await asyncio.to_thread(loop.call_soon, print)
    with pytest.raises(RuntimeError, match="Non-thread-safe"):
        await asyncio.to_thread(loop.call_later, 0, print)
