"""How long it takes from the end of a fault to the next good reading.

Both programs read every 30 s. Each fault comes at three moments between two readings, with
another meter each time; all runs are concurrent, because they mostly wait.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
import time

from tools.bench.figures import Figures
from tools.bench.processes import Meters, Option, Program, meters, reader

#: Seconds after a good reading at which a fault begins.
PHASES = (4.0, 12.0, 20.0)
#: Readings before the fault, 30 s apart: the session has then lasted for more than a minute, as most
#: have that are lost. Our keeper waits before the next attempt if it has not.
_READINGS_BEFORE = 3
#: Seconds that the meter is without power, or the dongle out of its socket.
_AWAY = 45
#: Seconds after the start of a reading in which the first answer must have come.
_ANSWERED = 3.0
#: Seconds between the starts of two programs.
_STAGGER = 0.7
#: Seconds after which we stop waiting for a reading.
_TIMEOUT_S = 900.0

type Fault = Callable[[Meters, Program], Awaitable[None]]


async def lose_answer(dongle: Meters, program: Program) -> None:
    """Lose the first answer of the next reading."""
    await dongle.control("rates lose_answer=1")
    await program.until("poll")
    await asyncio.sleep(_ANSWERED)
    await dongle.control("rates")


async def reboot(dongle: Meters, program: Program) -> None:
    """Cut the meter's power for a while."""
    del program
    await dongle.control("reboot_meter", _AWAY)
    await asyncio.sleep(_AWAY)


async def unplug(dongle: Meters, program: Program) -> None:
    """Take the dongle out of its socket for a while."""
    del program
    await dongle.control("unplug")
    await asyncio.sleep(_AWAY)
    await dongle.control("replug")


def at_once(command: str) -> Fault:
    """Return a fault that is one order to the emulator, and over at once."""

    async def act(dongle: Meters, program: Program) -> None:
        del program
        await dongle.control(command)

    return act


#: Name of the row -> what happens. It returns when the fault has ended.
FAULTS: dict[str, Fault] = {
    "lost answer": lose_answer,
    "EVENT 26": at_once("end_session"),
    "EVENT 29, renewed": at_once("expire_session module"),
    "EVENT 29, not renewed": at_once("expire_session none"),
    "meter reboot": reboot,
    "unplug": unplug,
}


async def measure(figures: Figures) -> None:
    """Measure every fault with both programs."""
    await measure_faults(figures, FAULTS, ("ours", "momonga"), PHASES)


async def measure_faults(
    figures: Figures,
    faults: Mapping[str, Fault],
    programs: tuple[str, ...],
    phases: tuple[float, ...],
    **options: Option,
) -> None:
    """Measure faults; a phase is the number of seconds after a good reading, options as of bench.host."""
    async with asyncio.TaskGroup() as group:
        number = 0
        for row, fault in faults.items():
            for phase in phases:
                for name in programs:
                    case = _Case(row, fault, name, phase, options)
                    group.create_task(case.measure(figures, number * _STAGGER))
                    number += 1


@dataclass(frozen=True, slots=True)
class _Case:
    """One fault, one program, one moment."""

    row: str
    fault: Fault
    name: str
    phase: float
    options: dict[str, Option] = field(default_factory=dict)

    async def measure(self, figures: Figures, wait: float) -> None:
        await asyncio.sleep(wait)
        async with (
            meters(seed=round(self.phase), control=True, **self.options) as dongle,
            reader(self.name, "watch", dongle.port()) as program,
        ):
            for _ in range(_READINGS_BEFORE):
                await program.until("reading")
            await asyncio.sleep(self.phase)
            await self.fault(dongle, program)
            ended = time.monotonic()
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    seconds = await _next_reading(program, ended) - ended
            except TimeoutError:
                seconds = _TIMEOUT_S
            figures.add(self.row, self.name, seconds)


async def _next_reading(program: Program, ended: float) -> float:
    """Return the moment of the first reading after a moment."""
    line, _ = await program.until("reading")
    while line["moment"] <= ended:
        line, _ = await program.until("reading")
    moment: float = line["moment"]
    return moment
