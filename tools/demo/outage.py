"""An outage, and how its hours come back: `scripts/demo --outage 6h`.

Three phases, each by a clock of its own. Home Assistant is set up and imports some days; then all
is off for as long as wanted, comes back in the hour before this one for a minute, so that what
was used in the meantime comes as one bar; and the last phase is now: that hour is over, the gap and
the bar can be seen, and they are corrected.
"""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import sys
from typing import Final

from tools.emulator import JST

from .clock import Clock, shortly_before_statistics
from .dongle import true_values
from .jsons import JsonObject, as_object
from .set_up import change_options, sensors_of
from .stage import Stage, say
from .statistics import COUNTERS, HOUR, full_hour, hours_of, means_of, newest_state, wrong_hours_of
from .waiting import wait_until
from .watching import last_repair, next_repair

#: An independent sensor: writing an hour that the recorder has not compiled would lose that hour for
#: every sensor of Home Assistant.
OTHER_SENSOR: Final = """\
template:
  - sensor:
      - name: Neighbour
        unit_of_measurement: "°C"
        device_class: temperature
        state_class: measurement
        state: "21.5"
"""
_OTHER_SENSOR_ID: Final = "sensor.neighbour"
_FIVE_MINUTES: Final = timedelta(minutes=5)
#: Days of history that are imported before the outage: enough to see what is usual.
_DAYS: Final = 2
#: Set-up, first statistics and import of the first act take less, so that an outage is not
#: shorter than was wanted; also on a slow machine.
_FIRST_ACT: Final = timedelta(minutes=5)
#: The first act does not know yet how long a start takes on this machine.
_FIRST_LEAD: Final = timedelta(seconds=90)
#: How long after the full hour all comes back: neither at its beginning nor at its end.
_BACK_AT: Final = timedelta(minutes=10)
#: Two of the recorder's five minutes, the reading of some days with a pause after each, and a
#: slow machine.
_REPAIR_TIMEOUT_S: Final = 900.0
_COMPILE_TIMEOUT_S: Final = 700.0
_POLL_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The outage, and its repair."""

    began: datetime
    ended: datetime
    before: list[str]
    """Hours that are not as the meter has them, from the imported days to the present hour."""
    repair: JsonObject
    """Attributes of the sensor "Last history repair"."""
    wrong: list[str]
    """Such hours after the repair."""

    def as_dict(self) -> JsonObject:
        """Return it for printing."""
        return {
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "before": [*self.before],
            "repair": self.repair,
            "wrong": [*self.wrong],
        }


def back_again() -> datetime:
    """Return when all is to come back: in the hour before this one."""
    return full_hour(datetime.now(UTC)) - HOUR + _BACK_AT


def clock_before(length: timedelta, back: datetime) -> Clock:
    """Return the clock for a first act that ends with an outage of this length."""
    behind = datetime.now(UTC) - back + length + _FIRST_ACT
    return shortly_before_statistics(_FIRST_LEAD, behind)


async def play(
    stage: Stage,
    back: datetime,
    pause: Callable[[Stage, datetime, datetime], Awaitable[None]] | None = None,
) -> Outage:
    """Import some days, have everything off until ``back``, show what is left, correct it.

    ``pause`` is called with the beginning and the end of the gap, which is repaired only after
    it has returned.
    """
    client = stage.home_assistant
    # Nothing has statistics yet, so the five minutes in which the set-up takes place will do.
    born = stage.clock.now() - _FIVE_MINUTES
    entry_id = await stage.set_up("none")
    start = full_hour(stage.clock.now()) - (_DAYS * 24 - 1) * HOUR
    await _wait_for_statistics(stage, entry_id, born)
    say("Importing the days before.")
    await client.post(
        "/api/services/wisun_route_b/import_history?return_response",
        {"config_entry_id": entry_id, "start": start.isoformat()},
    )
    imported = await next_repair(client, entry_id, seconds=_REPAIR_TIMEOUT_S)
    await change_options(client, entry_id, repair_history=False)
    began = stage.clock.now()
    say(f"It is {_local(began)}. Now everything is off …")
    # The recorder compiles soon after that moment.
    await stage.restart(Clock(datetime.now(UTC) - back + stage.lead))
    ended = stage.clock.now()
    say(f"… and on again: it is {_local(ended)}.")
    await _wait_for_statistics(stage, entry_id, ended)
    await stage.restart(shortly_before_statistics(stage.lead))
    say(f"The hour is over: it is {_local(stage.clock.now())}.")
    present = full_hour(stage.clock.now())
    await _wait_for_hour(stage, entry_id, full_hour(ended))
    before = await wrong_hours_of(stage.home_assistant, entry_id, start, present)
    if pause is not None:
        await pause(stage, began, ended)
    await change_options(client, entry_id, repair_history=True)
    say("The repair is switched on. It begins with the recorder's next five minutes.")
    await next_repair(client, entry_id, imported, _REPAIR_TIMEOUT_S)
    wrong = await _until_right(stage, entry_id, start, present)
    repair = await last_repair(client, entry_id)
    return Outage(began, ended, before, as_object(repair["attributes"]), wrong)


async def until_enter(stage: Stage, began: datetime, ended: datetime) -> None:
    """Show the gap, and wait for a key."""
    say(f"""
  BEFORE  Open {stage.home_assistant.url}/energy/electricity and look at the hours from
          {_local(began)} to {_local(ended)}:
          they are empty, and all that was used in them is in the last one. This is what Home
          Assistant does by itself; the repair of the integration is switched off for now.

          Press Enter to switch it on.""")
    pressed, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, pressed.set)
    try:
        await pressed.wait()
    finally:
        loop.remove_reader(sys.stdin)


async def _wait_for_statistics(stage: Stage, entry_id: str, since: datetime) -> None:
    """Wait until the recorder has compiled what both counters show since the return."""
    sensors = await sensors_of(stage.home_assistant, entry_id)
    say("Waiting for the first statistics.")

    async def compiled() -> bool:
        for key in COUNTERS:
            shown = await newest_state(stage.home_assistant, sensors[key], since)
            register = true_values(since)[key]
            if shown is None or register is None or shown < register:
                return False
        return True

    await wait_until(compiled, _COMPILE_TIMEOUT_S, "The recorder")


async def _wait_for_hour(stage: Stage, entry_id: str, hour: datetime) -> None:
    """Wait until the recorder has caught up after a start."""
    sensors = await sensors_of(stage.home_assistant, entry_id)

    async def there() -> bool:
        return all(
            [
                await hours_of(stage.home_assistant, sensors[key], hour, hour + HOUR)
                for key in COUNTERS
            ]
        )

    await wait_until(there, _COMPILE_TIMEOUT_S, "The recorder")


async def _until_right(stage: Stage, entry_id: str, start: datetime, end: datetime) -> list[str]:
    """Wait until both counters are right; return what is still wrong after the time for that.

    Each is repaired when the recorder has compiled its first state after the start, which may
    take one to two times five minutes.
    """
    wrong: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REPAIR_TIMEOUT_S):
            while wrong := await wrong_hours_of(stage.home_assistant, entry_id, start, end):  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(_POLL_PAUSE_S)
    return wrong


async def changes_of_other_sensor(stage: Stage, start: datetime, end: datetime) -> list[str]:
    """Return every hour in which the other sensor's statistics are not what they should be."""
    means = await means_of(stage.home_assistant, _OTHER_SENSOR_ID, full_hour(start), full_hour(end))
    hours = (full_hour(end) - full_hour(start)) // HOUR
    expected = {full_hour(start) + n * HOUR: 21.5 for n in range(hours)}
    return [] if means == expected else [f"{_OTHER_SENSOR_ID}: {means} instead of {expected}"]


def _local(moment: datetime) -> str:
    """Return a moment in the demo's local time."""
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S}"
