"""What all tests share: where custom components come from, what asyncio notes, how hard hypothesis tries."""

import asyncio
from asyncio import constants
from collections.abc import Iterator
import os
from pathlib import Path
import threading

from hypothesis import HealthCheck, settings
import pytest

# The test harness brings a package of the same name; the one that is imported first stays.
import custom_components  # noqa: F401

#: Seconds for the end of a thread that has nothing left to do, on a busy machine. One that hangs stays.
_THREAD_ENDS_S = 2.0
#: Whether asyncio keeps where each task, timer and future was made, for its messages.
_ORIGINS = "PYTHONASYNCIODEBUG" in os.environ
if not _ORIGINS:
    vars(constants)["DEBUG_STACK_DEPTH"] = 1

# No deadline: the machines that run this are slow at times, and pytest-timeout watches anyway.
settings.register_profile(
    "dev",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# The same examples in every run, so that a red build is red because of its change.
settings.register_profile(
    "ci",
    settings.get_profile("dev"),
    max_examples=300,
    derandomize=True,
    print_blob=True,
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "dev")
)


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Have asyncio watch out for mistakes, in place of Home Assistant's fixture of this name.

    The loop goes by its own flag and checks all it would. Tasks, timers and futures ask the loop,
    and only for whether to keep the stack of whoever made them: that took a third of the time of
    the tests. Who wants it sets PYTHONASYNCIODEBUG.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    if not _ORIGINS:
        vars(loop)["get_debug"] = lambda: False


@pytest.fixture(autouse=True)
def port_threads_have_ended(verify_cleanup: None) -> Iterator[None]:
    """Wait until the threads that have closed a port are gone, before threads are looked for.

    The caller of a thread goes on as soon as there is a result, which is a moment before its end.
    """
    yield
    for thread in threading.enumerate():
        if thread.name == "wisun-route-b port":
            thread.join(_THREAD_ENDS_S)


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Give each Home Assistant an empty folder of its own.

    Not a copy of the harness's folder either: nothing here needs what is in it, and whatever a
    worker writes there, as its bytecode, is in the way of another one that copies it.
    """
    return str(tmp_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have those begin first that may take longest, so that no worker waits for them at the end.

    Without workers they run in the order of the command line.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=_longest, reverse=True)


def _longest(item: pytest.Item) -> float:
    """Return how many seconds a test has of its own, 0 if it has as many as every test."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0
