"""How long it takes from the end of a fault to the next good reading.

Both programs read every 30 s. Each fault comes at three moments between two readings, with
another meter each time; all of it runs side by side, because it is mostly waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import time

from tools.bench.figures import Figures
from tools.bench.processes import Meters, Program, meters, reader

#: Seconds after a good reading at which a fault begins.
_PHASES = (4.0, 12.0, 20.0)
#: Seconds that the meter is without power, or the dongle out of its socket.
_AWAY = 45
#: Seconds after the start of a reading in which the first answer must have come.
_ANSWERED = 3.0
#: Seconds between the starts of two programs.
_STAGGER = 0.7
#: Seconds after which we stop waiting for a reading.
PATIENCE = 900.0

type Fault = Callable[[Meters, Program], Awaitable[None]]


async def _lose_answer(dongle: Meters, program: Program) -> None:
    await dongle.control("rates lose_answer=1")
    await program.until("poll")
    await asyncio.sleep(_ANSWERED)
    await dongle.control("rates")


async def _reboot(dongle: Meters, program: Program) -> None:
    del program
    await dongle.control("reboot_meter", _AWAY)
    await asyncio.sleep(_AWAY)


async def _unplug(dongle: Meters, program: Program) -> None:
    del program
    await dongle.control("unplug")
    await asyncio.sleep(_AWAY)
    await dongle.control("replug")


def _at_once(command: str) -> Fault:
    async def act(dongle: Meters, program: Program) -> None:
        del program
        await dongle.control(command)

    return act


#: Name of the row -> what happens. It returns when the fault has ended.
FAULTS: dict[str, Fault] = {
    "lost answer": _lose_answer,
    "EVENT 26": _at_once("end_session"),
    "EVENT 29, renewed": _at_once("expire_session module"),
    "EVENT 29, not renewed": _at_once("expire_session none"),
    "meter reboot": _reboot,
    "unplug": _unplug,
}


async def measure(figures: Figures) -> None:
    """Measure every fault with both programs."""
    async with asyncio.TaskGroup() as group:
        number = 0
        for row, fault in FAULTS.items():
            for phase in _PHASES:
                for name in ("ours", "momonga"):
                    case = _Case(row, fault, name, phase)
                    group.create_task(case.measure(figures, number * _STAGGER))
                    number += 1


@dataclass(frozen=True, slots=True)
class _Case:
    """One fault, one program, one moment."""

    row: str
    fault: Fault
    name: str
    phase: float

    async def measure(self, figures: Figures, wait: float) -> None:
        await asyncio.sleep(wait)
        async with (
            meters(seed=round(self.phase), control=True) as dongle,
            reader(self.name, "watch", dongle.port()) as program,
        ):
            await program.until("reading")
            await asyncio.sleep(self.phase)
            await self.fault(dongle, program)
            ended = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE):
                    seconds = await _next_reading(program, ended) - ended
            except TimeoutError:
                seconds = PATIENCE
            figures.add(self.row, self.name, seconds)


async def _next_reading(program: Program, ended: float) -> float:
    """Return the moment of the first reading after a moment."""
    line, _ = await program.until("reading")
    while line["moment"] <= ended:
        line, _ = await program.until("reading")
    moment: float = line["moment"]
    return moment
