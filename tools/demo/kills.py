"""Kills Home Assistant during an import of the meter's history: `scripts/demo --kills 5`.

Each time it is killed like by a power cut (SIGKILL), at moments that a seed chooses: some while the
meter is read, some when it has been read and the statistics are written. Then it is started again
and the import is repeated. In the end every hour of both counters must be the meter's, and the
statistics of another sensor must be unchanged.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
import random
from typing import Final

from .errors import DemoError
from .jsons import Json, JsonObject, as_object
from .set_up import sensors_of
from .stage import Stage, say
from .statistics import COUNTERS, HOUR, full_hour, hours_of, means_of, newest_state, wrong_hours_of
from .waiting import wait_until
from .watching import last_repair

#: Another sensor's statistics, which are there from the beginning and are never compiled.
_OTHER_SENSOR: Final = "sensor.other_sensor"
_DAYS: Final = 30
_SEED: Final = 20
#: An import takes this long here, without the pauses between days (seconds).
_LONGEST_READING: Final = 12.0
#: So long after the reading everything is written (seconds).
_LONGEST_WRITING: Final = 0.6
_COMPILE_TIMEOUT_S: Final = 700.0
#: Start and set-up are to end before the recorder compiles for the first time: else it takes five
#: minutes more.
LEAD: Final = timedelta(seconds=100)
_IMPORT_TIMEOUT_S: Final = 120.0
_POLL_PAUSE_S: Final = 0.05

#: Starts Home Assistant with an import that does not rest after each day: the radio of this
#: meter has no other user.
HURRIED: Final = """
import runpy, sys
from custom_components.wisun_route_b.history import meter_history
begin = meter_history.HistoryCache.__init__
def hurry(self, meter, pause=0.0, *more, **named):
    begin(self, meter, 0.0, *more, **named)
meter_history.HistoryCache.__init__ = hurry
sys.argv[0] = "hass"
runpy.run_module("homeassistant", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Kills:
    """The kills, and their result."""

    moments: list[str]
    """What the import did at each kill."""
    hours: int
    """How many hours of each counter were compared in the end."""
    wrong: list[str]
    """Hours that are not as the meter has them, after each start and in the end."""

    def as_dict(self) -> JsonObject:
        """Return it for printing."""
        return {"moments": [*self.moments], "hours": self.hours, "wrong": [*self.wrong]}


async def play(stage: Stage, count: int) -> Kills:
    """Kill Home Assistant so many times, and compare what it has with the meter."""
    chance = random.Random(_SEED)  # noqa: S311 - to be the same each time
    born = stage.clock.now()
    entry_id = await stage.set_up("none")
    end = full_hour(born)
    other_sensor = await _import_other_sensor(stage, end)
    await _wait_for_statistics(stage, entry_id, born)
    moments: list[str] = []
    wrong: list[str] = []
    there, days = 0, _DAYS
    for number in range(count):
        start = end - timedelta(days=days)
        moments.append(await _import_and_kill(stage, entry_id, start, chance, in_write=number % 2))
        say(f"Killed ({number + 1} of {count}): {moments[-1]}.")
        await stage.revive()
        rows = await _count(stage, entry_id, start, end)
        say(f"After the start there are {rows} of {days * 24} hours.")
        # Each counter is a transaction of its own: one may be there before the other.
        wrong += [
            f"{row} hours after kill {number + 1}" for row in rows if row not in {there, days * 24}
        ]
        if rows == [days * 24] * 2:
            there = days * 24
            days += 1  # there would be nothing left to write
    start = end - timedelta(days=days)
    await asyncio.wait_for(_import(stage, entry_id, start), _IMPORT_TIMEOUT_S)
    wrong += await wrong_hours_of(stage.home_assistant, entry_id, start, end)
    if (
        await means_of(stage.home_assistant, _OTHER_SENSOR, end - 40 * 24 * HOUR, end)
        != other_sensor
    ):
        wrong.append(f"The statistics of {_OTHER_SENSOR} have changed.")
    return Kills(moments, days * 24, wrong)


async def _import_and_kill(
    stage: Stage, entry_id: str, start: datetime, chance: random.Random, *, in_write: int
) -> str:
    """Begin an import, and kill Home Assistant soon after; return what it was doing."""
    importing = asyncio.ensure_future(_import(stage, entry_id, start))
    if in_write:
        await _until_read(stage, entry_id, importing)
        pause = chance.uniform(0, _LONGEST_WRITING)
    else:
        pause = chance.uniform(0, _LONGEST_READING)
    await asyncio.wait([importing], timeout=pause)
    ended = importing.done() and importing.exception() is None
    await stage.kill_home_assistant()
    importing.cancel()
    with contextlib.suppress(DemoError, asyncio.CancelledError):
        await importing
    when = f"{pause:.2f} s after {'the meter was read' if in_write else 'the beginning'}"
    return f"{when}, {'the import had ended' if ended else 'the import was under way'}"


async def _import(stage: Stage, entry_id: str, start: datetime) -> Json:
    return await stage.home_assistant.post(
        "/api/services/wisun_route_b/import_history?return_response",
        {"config_entry_id": entry_id, "start": start.isoformat()},
    )


async def _until_read(stage: Stage, entry_id: str, importing: asyncio.Future[Json]) -> None:
    """Wait until the import has read the last day of the meter."""
    seen = False
    while not importing.done():
        repair = await last_repair(stage.home_assistant, entry_id)
        left = as_object(repair["attributes"]).get("days_to_read")
        if seen and not left:
            return
        seen = seen or bool(left)
        await asyncio.sleep(_POLL_PAUSE_S)


async def _wait_for_statistics(stage: Stage, entry_id: str, since: datetime) -> None:
    """Wait until the recorder has compiled both counters: then something can be put before."""
    sensors = await sensors_of(stage.home_assistant, entry_id)
    say("Waiting for the first statistics.")

    async def compiled() -> bool:
        for key in COUNTERS:
            if await newest_state(stage.home_assistant, sensors[key], since) is None:
                return False
        return True

    await wait_until(compiled, _COMPILE_TIMEOUT_S, "The recorder")


async def _count(stage: Stage, entry_id: str, start: datetime, end: datetime) -> list[int]:
    """Return how many hours of each counter are there."""
    sensors = await sensors_of(stage.home_assistant, entry_id)
    return [len(await hours_of(stage.home_assistant, sensors[key], start, end)) for key in COUNTERS]


async def _import_other_sensor(stage: Stage, end: datetime) -> dict[datetime, Json]:
    """Import statistics of another sensor; return them as they are shown."""
    start = end - 35 * 24 * HOUR
    stats = [
        {"start": (start + n * HOUR).isoformat(), "mean": n % 25, "min": n % 25, "max": n % 25}
        for n in range(35 * 24)
    ]
    metadata = {
        "has_mean": True,
        "mean_type": 1,
        "has_sum": False,
        "name": None,
        "source": "recorder",
        "statistic_id": _OTHER_SENSOR,
        "unit_class": "temperature",
        "unit_of_measurement": "°C",
    }
    await stage.home_assistant.command("recorder/import_statistics", metadata=metadata, stats=stats)
    shown: dict[datetime, Json] = {}

    async def there() -> bool:
        shown.update(await means_of(stage.home_assistant, _OTHER_SENSOR, end - 40 * 24 * HOUR, end))
        return len(shown) == len(stats)

    await wait_until(there, _IMPORT_TIMEOUT_S, "The import of another sensor")
    return shown
