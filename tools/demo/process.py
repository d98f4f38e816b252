"""A program that runs beside the demo and ends with it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
import contextlib
import os
from pathlib import Path
import signal
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """A running program. What it prints goes to a file."""

    def __init__(self, name: str, output: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.output = output
        self._process = process
        self._asked_to_end = False
        self._watch: asyncio.Future[None] | None = None

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        output: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start a program in a folder."""
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                # Ctrl-C in the terminal is for the demo, which ends its programs in good order.
                start_new_session=True,
            )
        return cls(name, output, process)

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._process.returncode is not None

    def on_unexpected_end(self, listener: Callable[[Self], None]) -> None:
        """Call ``listener`` when the program ends unexpectedly."""

        async def watch() -> None:
            await self._process.wait()
            if not self._asked_to_end:
                listener(self)

        self._watch = asyncio.ensure_future(watch())

    async def kill(self) -> None:
        """End the program at once, as a power cut would."""
        self._asked_to_end = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self, timeout_s: float) -> bool:
        """Ask the program to end, and kill it after so many seconds; return whether it ended by itself."""
        self._asked_to_end = True
        if self._process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            return False
        return True

    def last_words(self, lines: int = 15) -> str:
        """Return the end of what the program has printed."""
        text = self.output.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
