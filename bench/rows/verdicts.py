"""How long a program takes to say that there is no dongle it can use."""

import asyncio
from collections.abc import Callable

from bench import dead_ends
from bench.figures import Figures
from bench.processes import reader


async def measure(figures: Figures, *, patience: float) -> None:
    """Ask both programs at both ports; nobody is waited for longer than ``patience``."""
    async with asyncio.TaskGroup() as group:
        for name in ("ours", "momonga"):
            group.create_task(_ask(figures, "silent", name, dead_ends.silent, patience))
            group.create_task(_ask(figures, "j11", name, dead_ends.J11(), patience))


async def _ask(
    figures: Figures, row: str, name: str, answer: Callable[[bytes], bytes], patience: float
) -> None:
    with dead_ends.port(answer) as port:
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
