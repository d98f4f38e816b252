"""Starts the emulated dongle and Home Assistant, runs an action, and stops both."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
import shutil
import signal
import tempfile
from time import monotonic
from typing import Final

from . import dongle, home_assistant
from .client import HomeAssistantClient
from .clock import Clock, can_be_set, shortly_before_statistics
from .configuration import Configuration
from .core_integration import stored_entry
from .errors import DemoError
from .jsons import JsonObject
from .onboarding import onboard, sign_in_again
from .options import Options
from .ports import chosen_port
from .programs import Programs
from .saying import say
from .set_up import set_up_energy, set_up_integration

__all__ = ["Stage", "perform", "say"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: How much of the meter's own history the Energy dashboard is to show: 30 days.
_DAYS_BEFORE: Final = "month"
#: From the start of Home Assistant to the first statistics: start and set-up take 20 to 40 s, and
#: without statistics of the sensors there is nothing that history could be put before.
LEAD: Final = timedelta(seconds=60)
#: The same with Home Assistant's own integration: its first reading, which is a part of the start,
#: has some long pauses.
CORE_LEAD: Final = timedelta(seconds=150)
#: From the end of the start to the first values of the meter.
_TO_BE_READ: Final = timedelta(seconds=30)
_LONGEST_LEAD: Final = timedelta(minutes=4)


@dataclass(slots=True)
class Stage:
    """A Home Assistant that runs, with a signed-in user, beside a dongle that is plugged in."""

    options: Options
    configuration: Configuration
    home_assistant: HomeAssistantClient
    tokens: JsonObject
    """What the frontend needs to be signed in as the same user."""
    programs: Programs
    clock: Clock
    """The clock of both programs."""
    lead: timedelta = LEAD
    """How long before the recorder's next statistics a start is early enough."""

    async def set_up(self, days: str = _DAYS_BEFORE) -> str:
        """Set up the meter and the Energy dashboard; return the id of the config entry.

        ``days`` is what the dialog offers: none, month, all.
        """
        say("Setting up the meter, as the dialog would:")
        entry_id = await set_up_integration(
            self.home_assistant,
            {
                "device": str(self.configuration.dongle),
                "route_b_id": dongle.ROUTE_B_ID,
                "password": dongle.PASSWORD,
                "import_days": days,
            },
            say,
        )
        await set_up_energy(self.home_assistant, entry_id)
        return entry_id

    async def restart(self, clock: Clock) -> None:
        """Stop both programs, and start them by another clock, as around a power cut."""
        await self.programs.stop()
        self.clock = clock
        await self.start()

    async def kill_home_assistant(self) -> None:
        """End Home Assistant as a power cut would."""
        await self.programs.kill_home_assistant()

    async def revive(self) -> None:
        """Start Home Assistant again, by the same clock, and sign in."""
        await self.programs.start_home_assistant(self.clock)
        await self._sign_in()

    async def start(self) -> None:
        """Start both programs, and sign in; measure how long that takes on this machine."""
        began = monotonic()
        await self.programs.start(self.clock)
        await self._sign_in()
        took = timedelta(seconds=monotonic() - began)
        self.lead = min(max(LEAD, 2 * took + _TO_BE_READ), _LONGEST_LEAD)

    async def _sign_in(self) -> None:
        await home_assistant.wait_until_it_answers(self.home_assistant)
        if self.tokens:
            # The token of before may have expired by the new clock.
            self.tokens = await sign_in_again(self.home_assistant, self.tokens)
        else:
            self.tokens = await onboard(self.home_assistant, self.options.language)
        await home_assistant.wait_until_it_runs(self.home_assistant)


def soon(options: Options) -> Clock:
    """Return a clock by which the recorder compiles soon, to keep the wait short.

    Where no clock can be set, that is within five minutes.
    """
    lead = CORE_LEAD if options.core else LEAD
    return shortly_before_statistics(lead) if can_be_set() else Clock()


async def perform[T](
    options: Options, act: Callable[[Stage], Awaitable[T]], clock: Clock | None = None
) -> T | None:
    """Start both programs, run ``act``, and stop them; None after Ctrl-C.

    Raises:
        DemoError: Something did not start, or ended by itself.
    """
    loop = asyncio.get_running_loop()
    with _folder(options.folder) as folder, chosen_port(options.port) as port:
        play = asyncio.ensure_future(
            _play(options, Configuration(folder), port, act, clock or soon(options))
        )
        for number in _SIGNALS:
            loop.add_signal_handler(number, play.cancel)
        try:
            return await play
        except asyncio.CancelledError:
            say("Ending the demo.")
            return None
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


async def _play[T](
    options: Options,
    configuration: Configuration,
    port: int,
    act: Callable[[Stage], Awaitable[T]],
    clock: Clock,
) -> T:
    stored = [stored_entry(configuration.dongle)] if options.core else []
    configuration.write(port, options.yaml, stored)
    programs = Programs(options, configuration)
    async with HomeAssistantClient(f"http://127.0.0.1:{port}") as client:
        stage = Stage(options, configuration, client, {}, programs, clock)
        acting = asyncio.ensure_future(_act(stage, act))
        falling = asyncio.ensure_future(programs.fall())
        try:
            await asyncio.wait([acting, falling], return_when=asyncio.FIRST_COMPLETED)
            # The end of a program may be noticed first by its clients.
            if acting.done() and acting.exception() is not None:
                await asyncio.wait([falling], timeout=1)
            if falling.done():
                name, words = falling.result()
                raise DemoError(f"{name} ended by itself. It said last:\n{words}")
            return await acting
        finally:
            for task in (acting, falling):
                task.cancel()
            await asyncio.gather(acting, falling, return_exceptions=True)
            await programs.stop()


async def _act[T](stage: Stage, act: Callable[[Stage], Awaitable[T]]) -> T:
    await stage.start()
    return await act(stage)


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Give the demo a folder, and keep it if something goes wrong or it was chosen."""
    if chosen is not None:
        yield chosen
        return
    folder = Path(tempfile.mkdtemp(prefix="wisun_route_b-"))
    try:
        yield folder
    except DemoError:
        say(f"The logs are kept in {folder}.")
        raise
    shutil.rmtree(folder)
