"""How long a program takes to report that there is no usable dongle."""

import asyncio

from tools.bench import error_ports
from tools.bench.figures import Figures
from tools.bench.processes import reader

#: How often a program is asked; momonga needs five minutes each time.
_TIMES = {"ours": 3, "momonga": 1, "broute-j11": 3}


async def measure(figures: Figures, name: str, *, timeout_s: float, row: str = "silent") -> None:
    """Ask a program at a silent port; it is not waited for longer than ``timeout_s``."""
    for _ in range(_TIMES[name]):
        await _ask(figures, row, name, timeout_s)


async def _ask(figures: Figures, row: str, name: str, timeout_s: float) -> None:
    with error_ports.port(error_ports.silent) as port:
        async with reader(name, "start", port) as program:
            begin = await program.line()
            try:
                async with asyncio.timeout(timeout_s):
                    end, _ = await program.until("verdict")
            except TimeoutError:
                figures.add(row, name, timeout_s)
                figures.verdicts[row, name] = ""
            else:
                figures.add(row, name, end["at"] - begin["at"])
                figures.verdicts[row, name] = end["verdict"]
