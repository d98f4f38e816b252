"""How long a start takes, from the first call to the first full reading.

Every seed is another meter behind another dongle. They only wait, so all of them, and all
programs, run side by side.
"""

import asyncio
from itertools import pairwise
import json

from tools.bench import error_ports
from tools.bench.figures import Figures
from tools.bench.processes import Line, Meters, meters, reader

#: Seconds between the starts of two programs, which cost CPU time while they are imported.
_STAGGER = 1.5
#: The duration that momonga scans with first. In capture 09 a scan with 5 failed, and one
#: with 6 found the meter.
_SHORTEST_HEARD_SCAN = 6


#: A network that is remembered, in the form of our stack's memory.
_ELSEWHERE = json.dumps(
    {"network": {"channel": 49, "pan_id": 0x21A3, "address": "001C6400601421A3"}}
)


async def measure(figures: Figures, seeds: range, *, repetitions: int, thorough: bool) -> None:
    """Measure with each seed; the restarts that are cheap, several times."""
    async with asyncio.TaskGroup() as group:
        for number, seed in enumerate(seeds):
            wait = number * _STAGGER
            group.create_task(_ours(figures, seed, wait, repetitions))
            group.create_task(_theirs(figures, "momonga", seed, wait, again=thorough))
            if thorough or not number:
                group.create_task(_theirs(figures, "core", seed, wait, again=False))
            if thorough:
                group.create_task(_weak_signal(figures, seed, wait))


async def measure_imports(figures: Figures, *, rounds: int) -> None:
    """Measure, in turns, the time before the first call."""
    with error_ports.port(error_ports.silent) as port:
        for _ in range(rounds):
            for name in ("ours", "momonga", "core"):
                async with reader(name, "start", port) as program:
                    figures.add("import", name, (await program.line())["at"])


async def _ours(figures: Figures, seed: int, wait: float, repetitions: int) -> None:
    async with meters(seed=seed, control=True) as dongle:
        await asyncio.sleep(wait)
        memory = await _start_ours(figures, "cold", dongle, "{}")
        for _ in range(repetitions):
            memory = await _start_ours(figures, "live", dongle, memory)
        for _ in range(repetitions):
            await dongle.control("unplug")
            await dongle.control("replug")
            memory = await _start_ours(figures, "warm", dongle, memory)


async def _start_ours(figures: Figures, row: str, dongle: Meters, memory: str) -> str:
    """Start once; return the stored network."""
    async with reader("ours", "start", dongle.port(), memory) as program:
        end, stages = await program.until("reading")
        figures.add(row, "ours", end["at"] - stages[0]["at"])
        _note_stages(figures, row, [*stages[1:], end])
        return json.dumps((await program.line())["memory"])


def _note_stages(figures: Figures, row: str, lines: list[Line]) -> None:
    for line, following in pairwise(lines):
        figures.add(f"{row}: {line['stage']}", "ours", following["at"] - line["at"])


async def _theirs(figures: Figures, name: str, seed: int, wait: float, *, again: bool) -> None:
    async with meters(seed=seed) as dongle:
        await asyncio.sleep(wait + _STAGGER / 2)
        await _start_theirs(figures, "cold", name, dongle)
        if again:
            # Its session is still alive, but it does not notice that.
            await _start_theirs(figures, "live", name, dongle)


async def _start_theirs(figures: Figures, row: str, name: str, dongle: Meters) -> None:
    async with reader(name, "start", dongle.port()) as program:
        end, (begin, *_) = await program.until("reading")
        figures.add(row, name, end["at"] - begin["at"])


async def _weak_signal(figures: Figures, seed: int, wait: float) -> None:
    """Start where the meter is not heard by a short scan."""
    async with meters(seed=seed, shortest_scan=_SHORTEST_HEARD_SCAN) as dongle:
        await asyncio.sleep(wait + _STAGGER / 3)
        async with reader("ours", "start", dongle.port()) as program:
            end, stages = await program.until("reading")
            figures.add("weak signal", "ours", end["at"] - stages[0]["at"])


async def measure_no_meter(figures: Figures, seeds: range) -> None:
    """Start where no meter is, each program with a dongle of its own."""
    cases = (
        ("no meter", "ours", ("{}",)),
        ("no meter, remembered", "ours", (_ELSEWHERE,)),
        ("no meter", "momonga", ()),
    )
    async with asyncio.TaskGroup() as group:
        for number, seed in enumerate(seeds):
            await asyncio.sleep(number and _STAGGER)
            for row, name, memory in cases:
                group.create_task(_find_nothing(figures, row, name, seed, memory))


async def _find_nothing(
    figures: Figures, row: str, name: str, seed: int, memory: tuple[str, ...]
) -> None:
    async with (
        meters(seed=seed, in_range=False) as dongle,
        reader(name, "start", dongle.port(), *memory) as program,
    ):
        end, (begin, *_) = await program.until("verdict")
        figures.add(row, name, end["at"] - begin["at"])
