"""Output of a measured program, one line of JSON each, and its resource use.

Every line has the moment at which it was printed, on the clock that all processes of a
machine share (CLOCK_MONOTONIC), so that the process that started it can take the time.
"""

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
import json
from pathlib import Path
import resource
import sys
from threading import Lock
import time

#: What each program reads: power, currents, and the energy registers of both directions.
EPCS = (0xE7, 0xE8, 0xE0, 0xE3)
#: Seconds between two readings of a program that watches a meter.
POLL = 30.0

_PRINTING = Lock()


def say(**line: object) -> None:
    """Print a line at once."""
    with _PRINTING:
        sys.stdout.write(json.dumps({"at": time.monotonic(), **line}) + "\n")
        sys.stdout.flush()


async def inputs() -> AsyncIterator[str]:
    """Yield the lines of the input without a thread."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line.decode()


def usage() -> dict[str, float]:
    """Return seconds of CPU, number of threads and peak memory in KiB of this process.

    The peak is VmHWM and not ru_maxrss: Linux hands the latter on to a child that is started
    by a larger process.
    """
    spent = resource.getrusage(resource.RUSAGE_SELF)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "cpu": spent.ru_utime + spent.ru_stime,
        "threads": int(status["Threads"]),
        "peak": int(status["VmHWM"].split()[0]),
    }


if __name__ == "__main__":
    for module in sys.argv[1:]:
        import_module(module)
    say(**usage())
