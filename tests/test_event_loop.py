"""The event loop of the tests finds what is done to it from the wrong thread."""

import asyncio

import pytest


@pytest.mark.parametrize("schedule", ["call_soon", "call_later"])
async def test_a_timer_that_another_thread_sets_is_an_error(schedule: str) -> None:
    loop = asyncio.get_running_loop()
    delay = [0.0] if schedule == "call_later" else []

    with pytest.raises(RuntimeError, match="Non-thread-safe"):
        await asyncio.to_thread(getattr(loop, schedule), *delay, print)
