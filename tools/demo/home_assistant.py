"""Runs Home Assistant."""

from collections.abc import Mapping
import sys
from typing import Final

from .client import HomeAssistantClient
from .configuration import Configuration
from .errors import NoAnswerError
from .jsons import as_object
from .process import Program
from .waiting import wait_until

#: On a machine that has just started, most of it is waiting for the disk (seconds).
_START_TIMEOUT_S: Final = 300.0
#: Home Assistant writes its database and its storage when it stops (seconds).
STOP_TIMEOUT_S: Final = 30.0


async def start_home_assistant(
    configuration: Configuration, environment: Mapping[str, str], code: str = ""
) -> Program:
    """Start `hass` on its configuration folder, perhaps by code of our own that starts it."""
    start = ["-c", code] if code else ["-m", "homeassistant"]
    return await Program.start(
        "Home Assistant",
        [sys.executable, *start, "--config", ".", "--skip-pip"],
        folder=configuration.home_assistant,
        output=configuration.folder / "home-assistant-output.txt",
        environment=environment,
    )


async def wait_until_it_answers(client: HomeAssistantClient) -> None:
    """Wait until the web page can be opened."""
    await wait_until(client.answers, _START_TIMEOUT_S, "Home Assistant's start")


async def wait_until_it_runs(client: HomeAssistantClient) -> None:
    """Wait until everything is set up; the client must be signed in."""

    async def runs() -> bool:
        try:
            return as_object(await client.get("/api/config"))["state"] == "RUNNING"
        except NoAnswerError:
            return False  # it is busy, but only for a while

    await wait_until(runs, _START_TIMEOUT_S, "Home Assistant's start")
