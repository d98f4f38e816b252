"""A program whose wall clock was set back waits as ever."""

from datetime import UTC, datetime, timedelta
import json
import os
import subprocess
import sys

import pytest

from demo.clock import Clock, can_be_set

_PROGRAM = """
import asyncio, datetime, json, sqlite3, threading, time

def took(wait):
    began = time.perf_counter()
    wait()
    return time.perf_counter() - began

held, lock = threading.Event(), threading.Lock()
lock.acquire()
print(json.dumps({
    "now": [
        time.time(),
        datetime.datetime.now(datetime.UTC).timestamp(),
        float(sqlite3.connect(":memory:").execute("select unixepoch()").fetchone()[0]),
    ],
    "waits": {
        "sleep": took(lambda: time.sleep(0.05)),
        "event": took(lambda: held.wait(0.05)),
        "lock": took(lambda: lock.acquire(timeout=0.05)),
        "asyncio": took(lambda: asyncio.run(asyncio.sleep(0.05))),
    },
    "monotonic": time.monotonic(),
}))
"""


@pytest.mark.skipif(not can_be_set(), reason="no way to set a clock back")
@pytest.mark.parametrize("behind", [timedelta(hours=6, microseconds=250), timedelta(days=40)])
def test_wall_clock_is_behind_and_every_pause_is_as_long_as_ever(behind: timedelta) -> None:
    clock = Clock(behind)

    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=os.environ | clock.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    for now in seen["now"]:
        assert abs(datetime.fromtimestamp(now, UTC) - clock.now()) < timedelta(seconds=30)
    assert {name: waited for name, waited in seen["waits"].items() if waited < 0.049} == {}
    assert seen["monotonic"] > 0


def test_clock_that_is_right_needs_nothing() -> None:
    assert Clock().environment() == {}
