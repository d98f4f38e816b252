"""The two programs of the demo: the emulated dongle, and Home Assistant."""

import asyncio

from . import dongle, home_assistant
from .clock import Clock
from .configuration import Configuration
from .options import Options
from .process import Program
from .saying import say


class Programs:
    """Both run by the same clock, and can be started again by another one."""

    def __init__(self, options: Options, configuration: Configuration) -> None:
        self._options = options
        self._configuration = configuration
        self._running: list[tuple[Program, float]] = []
        self._fallen: asyncio.Queue[Program] = asyncio.Queue()

    async def start(self, clock: Clock) -> None:
        """Plug in the dongle, and start Home Assistant.

        Raises:
            DemoError: A program does not start.
        """
        environment = clock.environment()
        say(
            f"Plugging in the emulated dongle, {self._options.speed:g} times faster than real time."
        )
        path, folder = self._configuration.dongle, self._configuration.folder
        emulator = await dongle.start_dongle(self._options, path, folder, environment)
        self._watch(emulator, dongle.STOP_TIMEOUT_S)
        await dongle.wait_until_plugged_in(path)
        await self.start_home_assistant(clock)

    async def start_home_assistant(self, clock: Clock) -> None:
        """Start Home Assistant, beside a dongle that is plugged in."""
        say("Starting Home Assistant.")
        hass = await home_assistant.start_home_assistant(
            self._configuration, clock.environment(), self._options.start_code
        )
        self._watch(hass, home_assistant.STOP_TIMEOUT_S)

    async def stop_home_assistant(self) -> None:
        """Ask Home Assistant to end, as before a restart; the dongle stays."""
        await self._stop_last()

    async def kill_home_assistant(self) -> None:
        """End Home Assistant as a power cut would; the dongle stays."""
        program, _ = self._running.pop()
        await program.kill()

    async def stop(self) -> None:
        """End both; the last one started is the first to be stopped."""
        while self._running:
            await self._stop_last()

    async def _stop_last(self) -> None:
        program, timeout_s = self._running.pop()
        if not await program.stop(timeout_s):
            say(f"{program.name} did not end within {timeout_s:.0f} s and was killed.")

    async def fall(self) -> tuple[str, str]:
        """Wait until a program ends unexpectedly; return its name and the end of its output."""
        program = await self._fallen.get()
        return program.name, program.last_words()

    def _watch(self, program: Program, timeout_s: float) -> None:
        self._running.append((program, timeout_s))
        program.on_unexpected_end(self._fallen.put_nowait)
