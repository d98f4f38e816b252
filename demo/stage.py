"""Brings up the emulated dongle and Home Assistant, lets something be done, takes all down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
import shutil
import signal
import sys
import tempfile
from typing import Final

from . import dongle, home_assistant
from .client import HomeAssistantClient
from .configuration import Configuration
from .errors import DemoError
from .jsons import JsonObject
from .onboarding import onboard
from .options import Options
from .ports import choose_port
from .process import Program
from .set_up import set_up_energy, set_up_integration

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


#: Days of the meter's own history that the Energy dashboard is to show.
_DAYS_BEFORE: Final = 30


@dataclass(frozen=True, slots=True)
class Stage:
    """A Home Assistant that runs, with a signed-in user, beside a dongle that is plugged in."""

    options: Options
    configuration: Configuration
    home_assistant: HomeAssistantClient
    tokens: JsonObject
    """What the frontend needs to be signed in as the same user."""

    async def set_up(self) -> str:
        """Set up the meter and the Energy dashboard; return the id of the config entry."""
        say("Setting up the meter, as the dialog would:")
        entry_id = await set_up_integration(
            self.home_assistant,
            {
                "device": str(self.configuration.dongle),
                "route_b_id": dongle.ROUTE_B_ID,
                "password": dongle.PASSWORD,
                "import_days": _DAYS_BEFORE,
            },
            say,
        )
        await set_up_energy(self.home_assistant, entry_id)
        return entry_id


def say(text: str) -> None:
    """Tell the person something. Standard output is for results."""
    print(text, file=sys.stderr, flush=True)


async def perform[T](options: Options, act: Callable[[Stage], Awaitable[T]]) -> T | None:
    """Set the stage, let ``act`` happen on it, and clear it; None after Ctrl-C.

    Raises:
        DemoError: Something did not start, or ended by itself.
    """
    loop = asyncio.get_running_loop()
    with _folder(options.folder) as folder:
        play = asyncio.ensure_future(_play(options, Configuration(folder), act))
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
    options: Options, configuration: Configuration, act: Callable[[Stage], Awaitable[T]]
) -> T:
    async with _programs(options, configuration) as (url, programs):
        ends = [asyncio.ensure_future(program.wait()) for program in programs]
        acting = asyncio.ensure_future(_act(options, configuration, url, act))
        try:
            await asyncio.wait([acting, *ends], return_when=asyncio.FIRST_COMPLETED)
            if acting.done() and acting.exception() is not None:
                # A program that ends may be noticed first by those who talk to it.
                await asyncio.wait(ends, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            for program in programs:
                if program.ended:
                    raise DemoError(
                        f"{program.name} ended by itself. It said last:\n{program.last_words()}"
                    )
            return await acting
        finally:
            for task in (acting, *ends):
                task.cancel()
            await asyncio.gather(acting, *ends, return_exceptions=True)


@asynccontextmanager
async def _programs(
    options: Options, configuration: Configuration
) -> AsyncIterator[tuple[str, list[Program]]]:
    """Start both programs; the last one started is the first to be stopped."""
    port = choose_port(options.port)
    configuration.write(port)
    async with AsyncExitStack() as stack:
        say(f"Plugging in the emulated dongle, {options.speed:g} times faster than life.")
        emulator = await dongle.start_dongle(options, configuration.dongle, configuration.folder)
        stack.push_async_callback(emulator.stop, dongle.STOP_PATIENCE)
        say("Starting Home Assistant.")
        hass = await home_assistant.start_home_assistant(configuration)
        stack.push_async_callback(hass.stop, home_assistant.STOP_PATIENCE)
        yield f"http://127.0.0.1:{port}", [emulator, hass]


async def _act[T](
    options: Options,
    configuration: Configuration,
    url: str,
    act: Callable[[Stage], Awaitable[T]],
) -> T:
    async with HomeAssistantClient(url) as client:
        await dongle.wait_until_plugged_in(configuration.dongle)
        await home_assistant.wait_until_it_answers(client)
        tokens = await onboard(client, options.language)
        await home_assistant.wait_until_it_runs(client)
        return await act(Stage(options, configuration, client, tokens))


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Give the demo a folder, and keep it if something goes wrong or somebody chose it."""
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
