"""Starts the measured programs and the emulated meters, each in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
import json
import os
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
import time
from typing import Any

ROOT = Path(__file__).parents[2]
#: The ways to read a meter: names in the results -> module and its first arguments.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "ours": ("tools.bench.subject_stack",),
    "momonga": ("tools.bench.subject_momonga", "momonga"),
    "core": ("tools.bench.subject_momonga", "core"),
    "bare": ("tools.bench.baseline",),
    "broute-j11": ("tools.bench.subject_broute_j11",),
}

type Line = dict[str, Any]
#: What bench.host is started with; None is a choice as well.
type Option = float | bool | str | None


class ProgramFailedError(Exception):
    """A measured program ended before it printed its result."""


class Program:
    """A running process that prints lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process, began: float) -> None:
        """Take over a process that was started at a moment of the monotonic clock."""
        if process.stdin is None or process.stdout is None:
            raise ValueError("The process has no pipes")
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._began = began

    async def line(self) -> Line:
        """Return the next line; ``at`` is in seconds since the program was started."""
        text = await self._output.readline()
        if not text:
            code = await self._process.wait()
            raise ProgramFailedError(f"A measured program ended early, with status {code}")
        line: Line = json.loads(text)
        return line | {"at": line["at"] - self._began, "moment": line["at"]}

    async def until(self, *keys: str) -> tuple[Line, list[Line]]:
        """Return the first line with one of these keys, and the lines before it."""
        before: list[Line] = []
        line = await self.line()
        while not line.keys() & keys:
            before.append(line)
            line = await self.line()
        return line, before

    async def ask(self, *words: object) -> Line:
        """Write a line of words and return the answer."""
        self._input.write((" ".join(map(str, words)) + "\n").encode())
        return await self.line()


@asynccontextmanager
async def running(module: str, *arguments: object) -> AsyncIterator[Program]:
    """Run a module of this package as a program; it is ended with the context."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *map(str, arguments)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TZ": "JST-9"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process, began)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(2):
            await process.wait()
    except TimeoutError:  # momonga's threads may be in the middle of something
        process.kill()
        await process.wait()


def reader(name: str, mode: str, *arguments: object) -> AbstractAsyncContextManager[Program]:
    """Run one of PROGRAMS."""
    module, *first = PROGRAMS[name]
    return running(module, *first, mode, *arguments)


class Meters:
    """Emulated meters in a process of their own."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of their ports."""
        self._folder = folder

    def port(self, number: int = 0) -> str:
        """Return the path of a port."""
        return str(self._folder / f"tty{number}")

    async def control(self, *words: object, number: int = 0) -> str:
        """Send an order to the emulator; return its answer."""
        inward, outward = await asyncio.open_unix_connection(self._folder / f"control{number}")
        outward.write((" ".join(map(str, words)) + "\n").encode())
        answer = (await inward.readline()).decode().strip()
        outward.close()
        await outward.wait_closed()
        if answer.startswith("error"):
            raise ProgramFailedError(f"The emulator refused {words[0]}: {answer}")
        return answer


@asynccontextmanager
async def meters(**options: Option) -> AsyncIterator[Meters]:
    """Run emulated meters; the options are those of bench.host."""
    with TemporaryDirectory(prefix="bench-") as folder:
        async with running("tools.bench.host", folder, json.dumps(options)) as host:
            await host.until("ready")
            yield Meters(Path(folder))
