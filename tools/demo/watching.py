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


async def next_repair(
    client: HomeAssistantClient, entry_id: str, before: str = "", seconds: float | None = None
) -> str:
    """Wait until the sensor reports another repair than before; return when that was.

    Raises:
        DemoError: It does not after so many seconds.
    """
    reported = -1
    try:
        async with asyncio.timeout(seconds):
            while True:
                state = await last_repair(client, entry_id)
                moment = as_text(state["state"])
                if moment not in {before, "unknown", "unavailable"}:
                    return moment
                left = as_object(state["attributes"]).get("days_to_read")
                if isinstance(left, int) and left != reported:
                    reported = left
                    say(f"  … {left} days of the meter's history to read")
                await asyncio.sleep(_POLL_PAUSE_S)
    except TimeoutError as err:
        raise DemoError(f"Nothing was repaired within {seconds:.0f} s.") from err
