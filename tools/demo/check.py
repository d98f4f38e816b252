"""Compares what Home Assistant shows with the meter's true values."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from .client import HomeAssistantClient
from .configuration import DOMAIN
from .dongle import true_values
from .errors import DemoError
from .jsons import as_object, as_text
from .log import complaints
from .set_up import sensors_of
from .stage import Stage, say

_TIMEOUT_S: Final = 180.0
_POLL_PAUSE_S: Final = 1.0
_NO_VALUE: Final = frozenset({"unknown", "unavailable"})

#: A state that is reported now was read at most one poll interval (30 s) ago, for an unasked
#: notification writes all states again; five seconds more are for the transmission.
#: There is no tolerance beside this: the shown value has to be one that the meter really had in
#: that time. Power changes every ten seconds, so it has a handful of values; an energy counter
#: has one, or two where it moves on just then.
_AGE: Final = timedelta(seconds=30 + 5)
_SECOND: Final = timedelta(seconds=1)
#: A meter announces a half-hour within five minutes, or is asked for it then.
_ANNOUNCED_WITHIN: Final = timedelta(minutes=5, seconds=30)

#: Entities without a value before a repair, or before a half-hour has passed; or whose value is computed
#: here and not read from the meter, and is checked in the tests.
_NOT_YET: Final = frozenset(
    {
        "demand",
        "history_import",
        "last_repair",
        "load",
        "overload",
        "peak_demand_12_months",
        "peak_demand_month",
        "projected_demand",
        "reconnect",
        "scan_again",
        "signal_strength",
    }
)
#: Expected states of the entities of the link.
_HEALTHY: Final = {"connection": "on", "link_state": "connected", "fault": "off"}

_STATE_AS_JSON: Final = """\
{{% set shown = states['{entity_id}'] %}}
{{{{ {{
  'state': shown.state if shown else 'unavailable',
  'unit': shown.attributes.unit_of_measurement | default(none) if shown else none,
  'reported': (shown.last_reported if shown else utcnow()).isoformat(),
}} | to_json }}}}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What Home Assistant shows of one sensor."""

    entity_id: str
    value: str
    unit: str | None
    reported: datetime

    def as_dict(self) -> dict[str, str | None]:
        """Return it for printing."""
        return {"state": self.value, "unit": self.unit, "reported": self.reported.isoformat()}


async def check(stage: Stage) -> tuple[dict[str, Shown], list[str]]:
    """Set up the meter; return what every sensor shows, and everything that is wrong.

    Raises:
        DemoError: A sensor has no live value after three minutes.
    """
    client = stage.home_assistant
    entry_id = await stage.set_up()
    say("Waiting until every sensor has been read and polled once more.")
    sensors: dict[str, str] = {}
    shown: dict[str, Shown] = {}
    # A phase has a sensor as soon as its current was seen, which may be while the others are waited for.
    while (listed := await _live_sensors(client, entry_id)) != sensors or not sensors:
        sensors = listed
        shown = await _wait_until_live(client, sensors)
    log = await asyncio.to_thread(stage.configuration.log.read_text, encoding="utf-8")
    return shown, [
        *(fault for key, state in shown.items() if (fault := _fault(key, state))),
        *(f"In the log: {record}" for record in complaints(log, DOMAIN)),
    ]


async def _live_sensors(client: HomeAssistantClient, entry_id: str) -> dict[str, str]:
    """Return the entities of an entry that are to have a live value: what they show -> entity id."""
    listed = await sensors_of(client, entry_id)
    return {
        key: name
        for key, name in listed.items()
        if key not in _NOT_YET and not name.startswith("button.")
    }


async def _wait_until_live(
    client: HomeAssistantClient, sensors: Mapping[str, str]
) -> dict[str, Shown]:
    """Wait until every sensor has a value that was polled after the first one was seen."""
    first: dict[str, datetime] = {}
    live: dict[str, Shown] = {}
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            while not sensors or len(live) < len(sensors):
                for key in sensors.keys() - live.keys():
                    state = await state_of(client, sensors[key])
                    if state.value in _NO_VALUE:
                        continue
                    if state.reported > first.setdefault(key, state.reported):
                        live[key] = state
                await asyncio.sleep(_POLL_PAUSE_S)
    except TimeoutError as err:
        missing = ", ".join(sorted(sensors.keys() - live.keys())) or "every sensor"
        raise DemoError(f"No live value after {_TIMEOUT_S:.0f} s: {missing}") from err
    return {key: live[key] for key in sensors}


async def state_of(client: HomeAssistantClient, entity_id: str) -> Shown:
    """Return what an entity shows now.

    An entity that is not there yet is unavailable. It is asked by a template: the REST view of a state is cached while its value stays the same.
    """
    template = _STATE_AS_JSON.format(entity_id=entity_id)
    state = as_object(await client.post("/api/template", {"template": template}))
    return Shown(
        entity_id=entity_id,
        value=as_text(state["state"]),
        unit=None if state["unit"] is None else as_text(state["unit"]),
        reported=datetime.fromisoformat(as_text(state["reported"])),
    )


def _fault(key: str, shown: Shown) -> str | None:
    """Return what is wrong with a shown value, None if the meter had it."""
    if key in _HEALTHY:
        healthy = shown.value == _HEALTHY[key]
        return None if healthy else f"{shown.entity_id} shows {shown.value}"
    age = _AGE + (_ANNOUNCED_WITHIN if key.startswith("last_half_hour") else timedelta())
    seconds = range(age // _SECOND + 1)
    moments = [shown.reported.astimezone(UTC) - second * _SECOND for second in seconds]
    had = {true_values(moment).get(key) for moment in moments}
    if _number(shown.value) in had - {None}:
        return None
    true = ", ".join(sorted(map(str, had)))
    return f"{shown.entity_id} shows {shown.value}, but {key} of the meter was {true}"


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
