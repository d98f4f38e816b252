"""What one full reading costs: time and datagrams on the air; CPU time, threads, memory."""

import asyncio
from contextlib import AsyncExitStack
import json

from tools.bench.figures import Figures
from tools.bench.processes import Meters, Option, Program, meters, reader, running

#: So much faster than life, the emulator's waits are 1 to 3 ms.
FULL_SPEED = 500.0
#: Seconds after a sign-in in which the meter announces its list of instances.
_INSTANCE_LIST = 3.5


async def measure_air(
    figures: Figures,
    programs: tuple[str, ...],
    *,
    readings: int,
    prefix: str = "",
    **options: Option,
) -> None:
    """Read at the pace of a real meter, and count what is on the air.

    ``prefix`` stands before the names of the rows, ``options`` are those of bench.host.
    """
    async with asyncio.TaskGroup() as group:
        for name in programs:
            group.create_task(_measure_air(figures, name, readings, prefix, options))


async def _measure_air(
    figures: Figures, name: str, readings: int, prefix: str, options: dict[str, Option]
) -> None:
    async with (
        meters(seed=1, control=True, **options) as dongle,
        reader(name, "spin", dongle.port()) as program,
    ):
        await program.until("ready")
        await asyncio.sleep(_INSTANCE_LIST)
        await dongle.control("traffic reset")
        for _ in range(readings):
            figures.add(f"{prefix}reading", name, (await program.ask(1, 0))["seconds"])
        traffic = json.loads(await dongle.control("traffic"))
        figures.add(f"{prefix}datagrams", name, traffic["requests"] / readings)
        figures.add(f"{prefix}bytes out", name, traffic["request_bytes"] / readings)
        figures.add(f"{prefix}bytes in", name, traffic["answer_bytes"] / readings)


async def measure_cpu(
    figures: Figures,
    programs: tuple[str, ...],
    *,
    rounds: int,
    readings: int,
    prefix: str = "",
    **options: Option,
) -> None:
    """Let the programs read in turns, alone, each from an emulator of its own.

    What disturbs one of them disturbs all within a few seconds, and the best round of each
    is the least disturbed one. ``prefix`` and ``options`` are those of :func:`measure_air`.
    """
    async with AsyncExitStack() as stack:
        started: dict[str, Program] = {}
        for name in programs:
            dongle = await stack.enter_async_context(meters(seed=1, speed=FULL_SPEED, **options))
            started[name] = await stack.enter_async_context(reader(name, "spin", dongle.port()))
        await asyncio.gather(*(program.until("ready") for program in started.values()))
        for _ in range(rounds):
            for name, program in started.items():
                done = await program.ask(readings, 0)
                figures.add(f"{prefix}cpu", name, done["cpu"] / done["readings"])
                figures.add(f"{prefix}threads", name, done["threads"])
                figures.add(f"{prefix}peak", name, done["peak"] * 1024)


async def measure_nothing(figures: Figures) -> None:
    """Note what an interpreter needs before a program does anything of its own."""
    imports = {"python": (), "libraries": ("asyncio", "serial_asyncio_fast")}
    for name, modules in imports.items():
        async with running("tools.bench.lines", *modules) as program:
            usage = await program.line()
            figures.add("peak", name, usage["peak"] * 1024)


async def profile(figures: Figures, *, readings: int) -> None:
    """Find where our CPU time goes."""
    async with (
        meters(seed=1, speed=FULL_SPEED) as dongle,
        reader("ours", "profile", dongle.port(), readings) as program,
    ):
        figures.shares = (await program.line())["shares"]


async def measure_crowd(
    figures: Figures, sizes: tuple[int, ...], *, readings: int, every: float
) -> None:
    """Let one process read from many meters, one after the other: first ours, then momonga."""
    for size in sizes:
        for name in ("ours", "momonga"):
            async with (
                meters(seed=1, speed=FULL_SPEED, count=size) as dongles,
                reader(name, "spin", *_ports(dongles, size)) as program,
            ):
                await program.until("ready")
                done = await program.ask(readings, every)
                figures.add(f"crowd cpu {size}", name, done["cpu"] / done["readings"])
                figures.add(f"crowd peak {size}", name, done["peak"] * 1024)
                figures.add(f"crowd threads {size}", name, done["threads"])


def _ports(dongles: Meters, size: int) -> list[str]:
    return [dongles.port(number) for number in range(size)]
