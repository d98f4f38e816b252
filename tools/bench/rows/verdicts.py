"""How long a program takes to say that there is no dongle it can use."""

import asyncio
from collections.abc import Callable

from tools.bench import error_ports
from tools.bench.figures import Figures
from tools.bench.processes import reader

#: Row -> what makes the other end of the port.
_ENDS: dict[str, Callable[[], error_ports.Answer]] = {
    "silent": lambda: error_ports.silent,
    "j11": error_ports.J11,
}
#: How often a program is asked; momonga needs five minutes each time.
_TIMES = {"ours": 3, "momonga": 1}


async def measure(figures: Figures, name: str, *, patience: float) -> None:
    """Ask a program at each port; it is not waited for longer than ``patience``."""
    async with asyncio.TaskGroup() as group:
        for row in _ENDS:
            group.create_task(_ask_often(figures, row, name, patience))


async def _ask_often(figures: Figures, row: str, name: str, patience: float) -> None:
    for _ in range(_TIMES[name]):
        await _ask(figures, row, name, patience)


async def _ask(figures: Figures, row: str, name: str, patience: float) -> None:
    with error_ports.port(_ENDS[row]()) as port:
        async with reader(name, "start", port) as program:
            begin = await program.line()
            try:
                async with asyncio.timeout(patience):
                    end, _ = await program.until("verdict")
            except TimeoutError:
                figures.add(row, name, patience)
                figures.verdicts[row, name] = ""
            else:
                figures.add(row, name, end["at"] - begin["at"])
                figures.verdicts[row, name] = end["verdict"]
