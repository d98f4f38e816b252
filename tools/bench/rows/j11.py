"""Our stack beside broute-j11 0.1.0, both with the same emulated meter behind a J11 dongle."""

import asyncio
import json

from tools.bench.figures import Figures
from tools.bench.processes import Meters, Option, meters, reader

from . import reading, recovery, verdicts

PREFIX = "J11 "
PROGRAMS = ("ours", "broute-j11")
#: Options of bench.host; such a dongle has no choice of output.
_DONGLE: dict[str, Option] = {"dongle": "rs-wsuha-j11", "output": None}
#: Seconds between the starts of two programs, which cost CPU time while they are imported.
_STAGGER = 1.5
#: broute-j11 gives up a silent port after 15 s.
_TIMEOUT_S = 60.0

#: Name of the row -> what happens.
FAULTS: dict[str, recovery.Fault] = {
    f"{PREFIX}{row}": fault
    for row, fault in {
        "lost answer": recovery.lose_answer,
        "601A 04": recovery.at_once("end_session"),
        "601A 03": recovery.at_once("lose_mac"),
        "6028 02": recovery.at_once("fail_renewal"),
        "6019": recovery.at_once("watchdog"),
        "meter reboot": recovery.reboot,
        "unplug": recovery.unplug,
    }.items()
}


async def measure(figures: Figures, seeds: range, *, repetitions: int) -> None:
    """Measure everything, what costs CPU time first and alone."""
    await reading.measure_cpu(figures, PROGRAMS, rounds=10, readings=300, prefix=PREFIX, **_DONGLE)
    await measure_starts(figures, seeds, repetitions=repetitions)
    async with asyncio.TaskGroup() as group:
        air = reading.measure_air(figures, PROGRAMS, readings=40, prefix=PREFIX, **_DONGLE)
        group.create_task(air)
        for name in PROGRAMS:
            row = f"{PREFIX}silent"
            group.create_task(verdicts.measure(figures, name, timeout_s=_TIMEOUT_S, row=row))
        faults = recovery.measure_faults(figures, FAULTS, PROGRAMS, recovery.PHASES, **_DONGLE)
        group.create_task(faults)


async def measure_starts(figures: Figures, seeds: range, *, repetitions: int) -> None:
    """Measure the three starts with each seed."""
    async with asyncio.TaskGroup() as group:
        for number, seed in enumerate(seeds):
            for place, name in enumerate(PROGRAMS):
                wait = (number + place / 2) * _STAGGER
                group.create_task(_starts(figures, name, seed, wait, repetitions))


async def _starts(figures: Figures, name: str, seed: int, wait: float, repetitions: int) -> None:
    async with meters(seed=seed, control=True, **_DONGLE) as dongle:
        await asyncio.sleep(wait)
        memory = await _start(figures, "cold", name, dongle, "{}")
        for _ in range(repetitions):
            memory = await _start(figures, "live", name, dongle, memory)
        for _ in range(repetitions):
            await dongle.control("unplug")
            await dongle.control("replug")
            memory = await _start(figures, "warm", name, dongle, memory)


async def _start(figures: Figures, row: str, name: str, dongle: Meters, memory: str) -> str:
    """Start once; return what the program stores."""
    async with reader(name, "start", dongle.port(), memory) as program:
        end, (begin, *_) = await program.until("reading")
        figures.add(f"{PREFIX}{row}", name, end["at"] - begin["at"])
        return json.dumps((await program.line())["memory"])
