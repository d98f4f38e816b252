"""The benchmark as a program."""

import argparse
import asyncio
from importlib.metadata import version
import signal
import sys
import time

from .figures import Figures
from .goals import COLD, HOME_ASSISTANT, J11, RATIOS, Goal, failures, missed_in
from .in_home_assistant.measure import measure as measure_home_assistant
from .processes import ROOT
from .readme import write_figures
from .report import write, write_home_assistant, write_j11
from .rows import j11, reading, recovery, start, verdicts

_DESCRIPTION = """\
Measures this stack beside momonga 0.7.0 and beside the reading pattern of Home Assistant's own
integration, on the same emulated meter. Writes docs/benchmarks.md. Takes about 25 minutes,
most of them waiting for momonga.
"""
_THREE = ("ours", "momonga", "core")
#: momonga gives up a silent port after 302 s.
_LONG_TIMEOUT_S = 330.0
_SHORT_TIMEOUT_S = 51.0


def _progress(text: str) -> None:
    minutes, seconds = divmod(round(time.monotonic() - _BEGAN), 60)
    sys.stderr.write(f"{minutes:3d}:{seconds:02d} {text}\n")
    sys.stderr.flush()


async def run_short() -> Figures:
    """Measure what the ratios need."""
    figures = Figures()
    _progress("CPU time of a reading, in turns")
    await reading.measure_cpu(figures, ("ours", "momonga"), rounds=6, readings=200)
    _progress("our verdict on a silent port")
    await verdicts.measure(figures, "ours", timeout_s=_SHORT_TIMEOUT_S)
    _progress("starts, datagrams, momonga at a silent port, side by side")
    async with asyncio.TaskGroup() as group:
        group.create_task(start.measure(figures, range(1, 4), repetitions=5, thorough=False))
        group.create_task(reading.measure_air(figures, _THREE, readings=3))
        group.create_task(verdicts.measure(figures, "momonga", timeout_s=_SHORT_TIMEOUT_S))
    return figures


async def run_full() -> Figures:
    """Measure everything."""
    figures = Figures()
    _progress("CPU time, threads and memory of one meter, in turns")
    await reading.measure_nothing(figures)
    await start.measure_imports(figures, rounds=10)
    programs = ("ours", "momonga", "core", "bare")
    await reading.measure_cpu(figures, programs, rounds=10, readings=300)
    _progress("where our CPU time goes")
    await reading.profile(figures, readings=2000)
    _progress("1, 10 and 50 meters in one process")
    await reading.measure_crowd(figures, (1, 10, 50), readings=30, every=1.0)
    _progress("our verdict on a silent port")
    await verdicts.measure(figures, "ours", timeout_s=_LONG_TIMEOUT_S)
    _progress("starts")
    await start.measure(figures, range(1, 13), repetitions=10, thorough=True)
    _progress("time and datagrams of a reading, momonga at a silent port, recovery (8 minutes)")
    async with asyncio.TaskGroup() as group:
        group.create_task(reading.measure_air(figures, _THREE, readings=40))
        group.create_task(verdicts.measure(figures, "momonga", timeout_s=_LONG_TIMEOUT_S))
        group.create_task(recovery.measure(figures))
        group.create_task(start.measure_no_meter(figures, range(1, 4)))
    await _measure_j11(figures)
    return figures


async def run_home_assistant() -> Figures:
    """Measure both integrations in a real Home Assistant."""
    figures = Figures()
    measuring = asyncio.ensure_future(measure_home_assistant(figures, _progress))
    # Else the programs that run for it would go on.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    await measuring
    return figures


async def run_j11() -> Figures:
    """Measure what is read through a J11 dongle."""
    figures = Figures()
    await _measure_j11(figures)
    return figures


async def _measure_j11(figures: Figures) -> None:
    _progress("J11 dongles, beside broute-j11 (8 minutes)")
    await j11.measure(figures, range(1, 9), repetitions=5)


def recovery_goals() -> tuple[Goal, ...]:
    """Return the goals of a faster recovery from every fault."""
    return tuple(Goal(row, 1.0) for row in recovery.FAULTS)


def j11_goals() -> tuple[Goal, ...]:
    """Ask for the ratios with a J11 dongle, and for a faster recovery there as well."""
    return (*J11, *(Goal(row, 1.0, other="broute-j11") for row in j11.FAULTS))


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    # scripts/bench chooses the environment by the whole name of an option.
    options = argparse.ArgumentParser(
        prog="scripts/bench", description=_DESCRIPTION, allow_abbrev=False
    )
    kind = options.add_mutually_exclusive_group()
    kind.add_argument(
        "--short",
        action="store_true",
        help="check the ratios only, within four minutes (eight, if one is missed at first), and write nothing",
    )
    kind.add_argument(
        "--j11",
        action="store_true",
        help="measure J11 dongles only, and write that section of docs/benchmarks.md",
    )
    kind.add_argument(
        "--home-assistant",
        action="store_true",
        help="measure the integration beside the built-in one, in a real Home Assistant each, in about"
        " 25 minutes, and write that section of docs/benchmarks.md (needs libfaketime)",
    )
    return options


def _measure(arguments: argparse.Namespace) -> tuple[Figures, tuple[Goal, ...]]:
    """Measure what is asked for, and write it; return what was measured, and the goals of it."""
    docs = ROOT / "docs"
    if arguments.home_assistant:
        figures = asyncio.run(run_home_assistant())
        write_home_assistant(figures, HOME_ASSISTANT, version("homeassistant"), docs)
        write_figures(figures, ROOT)
        return figures, HOME_ASSISTANT
    if arguments.j11:
        figures = asyncio.run(run_j11())
        write_j11(figures, j11_goals(), docs)
        return figures, j11_goals()
    if arguments.short:
        figures = asyncio.run(run_short())
        if failures(figures, RATIOS):
            # Other programs may have kept the machine busy in the wrong moment.
            _progress("A goal was missed; measuring all of it once more")
            figures = asyncio.run(run_short())
        return figures, RATIOS
    figures = asyncio.run(run_full())
    goals = (COLD, *(goal for goal in RATIOS if goal.row != COLD.row), *recovery_goals())
    goals += j11_goals()
    write(figures, goals, docs)
    return figures, goals


def main() -> int:
    """Run as the command line says; 1 = a goal was not reached."""
    arguments = parser().parse_args()
    figures, goals = _measure(arguments)
    part = arguments.j11 or arguments.home_assistant
    missed = missed_in(figures, goals) if part else failures(figures, goals)
    for goal in goals:
        ratio = goal.ratio(figures)
        _progress(f"{goal.row}: {ratio and round(ratio, 4)} of {goal.other}'s ({goal.text})")
    for text in missed:
        _progress(f"MISSED {text}")
    return 1 if missed else 0


_BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
