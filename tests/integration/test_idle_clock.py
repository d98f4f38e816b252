"""The clock that the tests here run with: it waits for others, and for nothing else."""

import asyncio
from datetime import timedelta
import os
import threading
import time

from homeassistant.core import HomeAssistant
import pytest

from .idle_clock import IdleClock

#: Much more than a test may take.
HOUR = timedelta(hours=1).total_seconds()


async def test_timers_are_not_waited_for(hass: HomeAssistant) -> None:
    begun, moment = hass.loop.time(), time.monotonic()
    await asyncio.sleep(HOUR)
    assert hass.loop.time() - begun == pytest.approx(HOUR, abs=60)
    assert time.monotonic() - moment < 60


async def test_timers_go_off_in_their_order(hass: HomeAssistant) -> None:
    seen: list[float] = []
    for seconds in (3 * HOUR, HOUR, 2 * HOUR):
        hass.loop.call_later(seconds, seen.append, seconds)
    await asyncio.sleep(2.5 * HOUR)
    assert seen == [HOUR, 2 * HOUR]
    await asyncio.sleep(HOUR)


async def test_a_job_in_a_thread_is_done_before_a_timer_goes_off(hass: HomeAssistant) -> None:
    async with asyncio.timeout(HOUR):
        assert await hass.async_add_executor_job(_slowly, "done") == "done"


async def test_so_is_what_another_thread_does(hass: HomeAssistant) -> None:
    done = asyncio.Event()
    threading.Thread(target=lambda: hass.loop.call_soon_threadsafe(_slowly(done.set))).start()
    async with asyncio.timeout(HOUR):
        await done.wait()


async def test_so_is_what_comes_in_at_a_port(hass: HomeAssistant) -> None:
    near, far = os.pipe()
    came = asyncio.Event()
    hass.loop.add_reader(near, came.set)
    hass.loop.call_later(0.01, os.write, far, b"x")
    async with asyncio.timeout(HOUR):
        await came.wait()
    hass.loop.remove_reader(near)
    os.close(near)
    os.close(far)


async def test_time_passes_by_whatever_may_come(hass: HomeAssistant, idle_clock: IdleClock) -> None:
    near, far = os.pipe()
    hass.loop.add_reader(near, lambda: None)
    begun = hass.loop.time()
    await idle_clock.pass_by(HOUR)
    assert hass.loop.time() - begun >= HOUR
    hass.loop.remove_reader(near)
    os.close(near)
    os.close(far)


def _slowly[T](result: T) -> T:
    """Return what is given, later than an event loop could have gone to sleep."""
    time.sleep(0.02)
    return result
