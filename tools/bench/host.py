"""Emulated meters in a process of their own: ``python -m tools.bench.host FOLDER OPTIONS``.

OPTIONS is JSON: ``count`` ports tty0, tty1, ... in FOLDER, all the same meter; with
``control`` each has a control socket control0, control1, ...; the rest goes to EmulatorConfig.
Prints "ready" and runs until it is terminated.
"""

import asyncio
from contextlib import AsyncExitStack
import json
from pathlib import Path
import signal
import sys

from tools.emulator import Emulator, EmulatorConfig

from .lines import say


async def serve(folder: Path, count: int, config: EmulatorConfig, *, control: bool) -> None:
    """Open the control sockets and wait for the end."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with AsyncExitStack() as stack:
        for number in range(count):
            emulator = await stack.enter_async_context(Emulator(config))
            emulator.truth()  # computes the household's year before a program waits for it
            emulator.serve_pty(folder / f"tty{number}")
            if control:
                await emulator.serve_control(str(folder / f"control{number}"))
        say(ready=count)
        await stopped.wait()


def main() -> None:
    """Run as the command line says."""
    options = json.loads(sys.argv[2])
    count, control = options.pop("count", 1), options.pop("control", False)
    config = EmulatorConfig(**{"output": "ascii", "push": "none", **options})
    asyncio.run(serve(Path(sys.argv[1]), count, config, control=control))


if __name__ == "__main__":
    main()
