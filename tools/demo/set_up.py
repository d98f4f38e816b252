"""Sets up the integration and the Energy dashboard, as a user would in the browser."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from .client import HomeAssistantClient
from .configuration import DOMAIN
from .errors import DemoError
from .jsons import JsonObject, as_object, as_objects, as_text
from .waiting import wait_until

_FLOWS: Final = "/api/config/config_entries/flow"
_OPTIONS: Final = "/api/config/config_entries/options/flow"
#: Made-up prices (yen).
PRICE_PER_KWH: Final = Decimal(31)
COMPENSATION_PER_KWH: Final = Decimal(16)
#: A scan with growing duration and the sign-in after it end well before this (seconds).
_FLOW_TIMEOUT_S: Final = 170.0


async def set_up_integration(
    home_assistant: HomeAssistantClient, fields: Mapping[str, object], say: Callable[[str], None]
) -> str:
    """Go through the dialog; return the id of the entry that it made."""
    flow = as_object(await home_assistant.post(_FLOWS, {"handler": DOMAIN}))
    path = f"{_FLOWS}/{as_text(flow['flow_id'])}"
    flow = as_object(await home_assistant.post(path, fields))
    seen = ""

    async def over() -> bool:
        nonlocal flow, seen
        if flow["type"] != "progress":
            return True
        if (action := as_text(flow["progress_action"])) != seen:
            say(f"  … {action}")
            seen = action
        flow = as_object(await home_assistant.get(path))
        return False

    await wait_until(over, _FLOW_TIMEOUT_S, "The dialog")
    if flow["type"] != "create_entry":
        raise DemoError(f"The dialog ended in {flow['type']}: {_reason(flow)}")
    return as_text(as_object(flow["result"])["entry_id"])


async def change_options(
    home_assistant: HomeAssistantClient, entry_id: str, **changes: object
) -> None:
    """Change some of the options; the others stay. The entry is reloaded."""
    form = as_object(await home_assistant.post(_OPTIONS, {"handler": entry_id}))
    fields = {
        as_text(field["name"]): field.get("default") for field in as_objects(form["data_schema"])
    }
    await home_assistant.post(f"{_OPTIONS}/{as_text(form['flow_id'])}", {**fields, **changes})


def _reason(flow: JsonObject) -> str:
    return str(flow.get("errors") or flow.get("reason"))


async def sensors_of(home_assistant: HomeAssistantClient, entry_id: str) -> dict[str, str]:
    """Return the enabled entities of an entry: what they show -> entity id."""
    entities = as_objects(await home_assistant.command("config/entity_registry/list"))
    return {
        # A unique id is made of the meter's identity and the name of what the entity shows.
        as_text(entity["unique_id"]).partition("_")[2]: as_text(entity["entity_id"])
        for entity in entities
        if entity["config_entry_id"] == entry_id and entity["disabled_by"] is None
    }


async def set_up_energy(home_assistant: HomeAssistantClient, entry_id: str) -> None:
    """Let the Energy dashboard count what the meter counts, at made-up prices."""
    sensors = await sensors_of(home_assistant, entry_id)
    grid = {
        "type": "grid",
        "stat_energy_from": sensors["imported_energy"],
        "stat_energy_to": sensors["exported_energy"],
        "stat_rate": sensors["power"],
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": float(PRICE_PER_KWH),
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": float(COMPENSATION_PER_KWH),
        "cost_adjustment_day": 0,
    }
    await home_assistant.command("energy/save_prefs", energy_sources=[grid])
