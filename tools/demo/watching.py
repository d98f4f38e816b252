"""Follows the reading and repair of the energy history, by the sensor that reports it."""

import asyncio
from typing import Final

from .client import HomeAssistantClient
from .errors import DemoError
from .jsons import JsonObject, as_object, as_text
from .saying import say
from .set_up import sensors_of

_POLL_PAUSE_S: Final = 1.0


async def last_repair(client: HomeAssistantClient, entry_id: str) -> JsonObject:
    """Return the state of the sensor "Last history repair"."""
    sensors = await sensors_of(client, entry_id)
    return as_object(await client.get(f"/api/states/{sensors['last_repair']}"))


async def import_done(client: HomeAssistantClient, entry_id: str) -> None:
    """Wait until the sensor "History import" says that all days are there; say how far it is."""
    sensors = await sensors_of(client, entry_id)
    said = ""
    while True:
        state = as_object(await client.get(f"/api/states/{sensors['history_import']}"))
        if (shown := as_text(state["state"])) == "done":
            return
        if shown != said and as_object(state["attributes"]).get("days"):
            said = shown
            say(f"  … {said}")
        await asyncio.sleep(_POLL_PAUSE_S)


async def next_repair(
    client: HomeAssistantClient, entry_id: str, before: str = "", seconds: float | None = None
) -> str:
    """Wait until the sensor reports another repair than before; return when that was.

    Raises:
        DemoError: It does not after so many seconds.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                state = await last_repair(client, entry_id)
                moment = as_text(state["state"])
                if moment not in {before, "unknown", "unavailable"}:
                    return moment
                await asyncio.sleep(_POLL_PAUSE_S)
    except TimeoutError as err:
        raise DemoError(f"Nothing was repaired within {seconds:.0f} s.") from err
