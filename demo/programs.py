"""The two programs of the demo: the emulated dongle, and Home Assistant."""

import asyncio
from typing import Final

from . import dongle, home_assistant
from .clock import Clock
from .configuration import Configuration
from .options import Options
from .process import Program
from .saying import say

_ASIDE: Final = 1.0


class Programs:
    """Both run by the same clock, and can be started again by another one."""

    def __init__(self, options: Options, configuration: Configuration) -> None:
        self._options = options
        self._configuration = configuration
        self._running: list[tuple[Program, float]] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self.fallen: asyncio.Future[Program] = asyncio.get_running_loop().create_future()
        """The first program that ended without having been asked to."""

    async def start(self, clock: Clock) -> None:
        """Plug in the dongle, and start Home Assistant.

        Raises:
            DemoError: A program does not start.
        """
        environment = clock.environment()
        say(f"Plugging in the emulated dongle, {self._options.speed:g} times faster than life.")
        path, folder = self._configuration.dongle, self._configuration.folder
        emulator = await dongle.start_dongle(self._options, path, folder, environment)
        self._watch(emulator, dongle.STOP_PATIENCE)
        await dongle.wait_until_plugged_in(path)
        say("Starting Home Assistant.")
        hass = await home_assistant.start_home_assistant(self._configuration, environment)
        self._watch(hass, home_assistant.STOP_PATIENCE)

    async def stop(self) -> None:
        """End both; the last one started is the first to be stopped."""
        while self._running:
            program, patience = self._running.pop()
            await program.stop(patience)

    async def close(self) -> None:
        """End both for good."""
        try:
            await self.stop()
        finally:
            for watcher in self._watchers:
                watcher.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)
            self.fallen.cancel()

    async def whose_fault(self) -> Program | None:
        """Return the program that fell, if it does so within a second."""
        await asyncio.wait([self.fallen], timeout=_ASIDE)
        return self.fallen.result() if self.fallen.done() else None

    def _watch(self, program: Program, patience: float) -> None:
        self._running.append((program, patience))
        self._watchers.add(asyncio.ensure_future(self._note_fall(program)))

    async def _note_fall(self, program: Program) -> None:
        await program.ends_by_itself()
        if not self.fallen.done():
            self.fallen.set_result(program)
