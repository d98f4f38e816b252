"""Runs all scenarios side by side."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
import os
from typing import Final

from tools.bench.figures import Figures
from tools.demo.clock import Clock
from tools.emulator import FIRST_GENERATION, JST
from tools.emulator.meter.meter import Meter

from .instance import SUBJECTS, Instance, running
from .scenarios import SCENARIOS, Pair
from .shown import share_off_if_held

#: When it begins by the clock of all programs: a weekday's evening, so that a run at any hour sees the
#: same household in the same minutes.
BEGINS: Final = datetime(2026, 11, 24, 18, 0, tzinfo=JST)
#: When normal operation is measured, if the machine is fast enough.
OPERATION: Final = datetime(2026, 11, 24, 18, 6, tzinfo=JST)
#: Seconds that Home Assistant may take to start with nothing set up, on a machine with much to do.
_START: Final = 300.0
#: Seconds between the dialogs of two pairs.
_STAGGER: Final = 12.0
#: Days, and intervals of polls, for which the share of time off is computed as well.
_DAYS: Final = 7
_HOLDS: Final = {"ours": timedelta(seconds=30), "built-in": timedelta(seconds=300)}


async def measure(figures: Figures, progress: Callable[[str], None]) -> None:
    """Measure everything.

    All instances are started before anything is measured, two at a time: each start takes a whole core.

    Raises:
        ExceptionGroup: A program ended by itself, or answered otherwise than expected (DemoError).
    """
    cores = len(os.sched_getaffinity(0))
    figures.notes["machine"] = f"{cores} cores, load average {os.getloadavg()[0]:.1f} before"
    compute_days(figures)
    clock = Clock(datetime.now(UTC) - BEGINS)
    async with AsyncExitStack() as stack:
        pairs: dict[int, Pair] = {}
        for seed in SCENARIOS:
            progress(f"two of Home Assistant, beside meter {seed} of {len(SCENARIOS)}")
            instances = [
                await stack.enter_async_context(running(subject, seed, clock))
                for subject in SUBJECTS
            ]
            pairs[seed] = Pair(figures, tuple(instances), OPERATION)
            await pairs[seed].both(lambda instance: _begin(figures, instance))
        progress("all scenarios, side by side (about 22 minutes)")
        async with asyncio.TaskGroup() as group:
            for seed, pair in pairs.items():
                group.create_task(_run(seed, pair, progress))
                # The code of an integration is loaded in its dialog, which takes a core for a moment.
                await asyncio.sleep(_STAGGER)


async def _begin(figures: Figures, instance: Instance) -> None:
    await instance.begin_new()
    running = await instance.until_running(_START)
    if running is not None:
        # Neither integration is set up yet: it is the same for both.
        figures.add("HA alone", "ours", (running - instance.started).total_seconds())


async def _run(seed: int, pair: Pair, progress: Callable[[str], None]) -> None:
    await pair.both(Instance.sign_in)
    await SCENARIOS[seed](pair)
    progress(f"meter {seed}: done")


def compute_days(figures: Figures) -> None:
    """Compute the share of time off of whole days, from the curve of the same household."""
    power = Meter(1, FIRST_GENERATION).profile.power
    midnight = BEGINS.replace(hour=0)
    for name, hold in _HOLDS.items():
        for number in range(_DAYS):
            day = midnight + timedelta(days=number)
            share = share_off_if_held(power, day, day + timedelta(days=1), hold)
            figures.add("HA off, days", name, share)
