"""An outage, and how its hours come back: `scripts/demo --outage 6h`."""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
import sys
from typing import Final

from .clock import Clock, shortly_before_statistics
from .errors import DemoError
from .jsons import JsonObject, as_object, as_text
from .set_up import change_options, sensors_of
from .stage import LEAD, Stage, say
from .statistics import HOUR, full_hour, hours_of, means_of, wrong_hours

#: A sensor that has nothing to do with us: whoever writes an hour that the recorder has not
#: compiled takes that hour away from every sensor of the house.
NEIGHBOUR: Final = """\
template:
  - sensor:
      - name: Neighbour
        unit_of_measurement: "°C"
        device_class: temperature
        state_class: measurement
        state: "21.5"
"""
_NEIGHBOUR_ID: Final = "sensor.neighbour"
_COUNTERS: Final = ("imported_energy", "exported_energy")
#: Days of history that are imported before the outage: enough to see what is usual.
_DAYS: Final = 2
#: The next five minutes, the reading of some days with a pause after each, and a slow machine.
_REPAIR_TIMEOUT: Final = 600.0
_BETWEEN_LOOKS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Outage:
    """What was off, and what it took to put it right."""

    began: datetime
    ended: datetime
    repair: JsonObject
    """Attributes of the sensor "Last history repair"."""
    wrong: list[str]
    """Hours that are not as the meter has them, from the imported days to the present hour."""

    def as_dict(self) -> JsonObject:
        """Return it for printing."""
        return {
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "repair": self.repair,
            "wrong": [*self.wrong],
        }


def clock_before(length: timedelta) -> Clock:
    """Return the clock for a first act that ends with an outage until about now."""
    return shortly_before_statistics(LEAD, behind=length)


async def play(stage: Stage, pause: Callable[[Stage], Awaitable[None]] | None = None) -> Outage:
    """Import some days, have everything off till now, and wait for the repair.

    The stage's clock says how long. With a ``pause``, the repair is switched off until it is
    over, so that the gap can be looked at.
    """
    entry_id = await stage.set_up(_DAYS)
    began_with = full_hour(stage.clock.now()) - (_DAYS - 1) * 24 * HOUR
    say("Waiting for the first statistics, and for the days before.")
    before = await _next_repair(stage, entry_id, "")
    if pause is not None:
        await change_options(stage.home_assistant, entry_id, repair_history=False)
    began = stage.clock.now()
    say(f"It is {_local(began)}. Now everything is off …")
    await stage.restart(shortly_before_statistics(LEAD))
    ended = stage.clock.now()
    say(f"… and on again: {_local(ended)}.")
    if pause is not None:
        await pause(stage)
        await change_options(stage.home_assistant, entry_id, repair_history=True)
        say("The repair is switched on. It begins with the next five minutes.")
    await _next_repair(stage, entry_id, before)
    wrong = await _until_right(stage, entry_id, began_with, full_hour(ended))
    repair = await _last_repair(stage, entry_id)
    return Outage(began, ended, as_object(repair["attributes"]), wrong)


async def until_enter(stage: Stage) -> None:
    """Show the gap, and wait for a key."""
    say(f"""
  BEFORE  Open {stage.home_assistant.url}/energy
          The hours of the outage are empty, and after five minutes at most the present hour
          has a bar that is too high: all that was used in the meantime.
          This is what Home Assistant does by itself; the repair is switched off for now.

          Press Enter to switch it on.""")
    pressed, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, pressed.set)
    try:
        await pressed.wait()
    finally:
        loop.remove_reader(sys.stdin)


async def _next_repair(stage: Stage, entry_id: str, before: str) -> str:
    """Wait until the sensor tells of another repair than before; return when that was."""
    told = -1
    try:
        async with asyncio.timeout(_REPAIR_TIMEOUT):
            while True:
                state = await _last_repair(stage, entry_id)
                moment = as_text(state["state"])
                if moment not in {before, "unknown", "unavailable"}:
                    return moment
                left = as_object(state["attributes"]).get("days_to_read")
                if isinstance(left, int) and left != told:
                    told = left
                    say(f"  … {left} days of the meter's history to read")
                await asyncio.sleep(_BETWEEN_LOOKS)
    except TimeoutError as err:
        raise DemoError(f"Nothing was repaired within {_REPAIR_TIMEOUT:.0f} s.") from err


async def _until_right(stage: Stage, entry_id: str, start: datetime, end: datetime) -> list[str]:
    """Wait until both counters are right; return what is still wrong after the time for that.

    Each is repaired when the recorder has compiled its first state after the outage, which may
    take one to two times five minutes.
    """
    wrong: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REPAIR_TIMEOUT):
            while wrong := await _wrong(stage, entry_id, start, end):  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(_BETWEEN_LOOKS)
    return wrong


async def _last_repair(stage: Stage, entry_id: str) -> JsonObject:
    sensors = await sensors_of(stage.home_assistant, entry_id)
    return as_object(await stage.home_assistant.get(f"/api/states/{sensors['last_repair']}"))


async def _wrong(stage: Stage, entry_id: str, start: datetime, end: datetime) -> list[str]:
    sensors = await sensors_of(stage.home_assistant, entry_id)
    faults: list[str] = []
    for key in _COUNTERS:
        hours = await hours_of(stage.home_assistant, sensors[key], start, end)
        faults += wrong_hours(key, hours, start, end)
    return faults


async def harm_to_neighbour(stage: Stage, start: datetime, end: datetime) -> list[str]:
    """Return every hour in which the other sensor's statistics are not what they should be."""
    means = await means_of(stage.home_assistant, _NEIGHBOUR_ID, full_hour(start), full_hour(end))
    hours = (full_hour(end) - full_hour(start)) // HOUR
    expected = {full_hour(start) + n * HOUR: 21.5 for n in range(hours)}
    return [] if means == expected else [f"{_NEIGHBOUR_ID}: {means} instead of {expected}"]


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"
