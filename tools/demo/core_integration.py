"""Home Assistant's own Route B integration, as it is set up before a migration."""

from pathlib import Path
from typing import Final

from .dongle import PASSWORD, ROUTE_B_ID
from .jsons import JsonObject

CORE_DOMAIN: Final = "route_b_smart_meter"
CORE_ENTRY_ID: Final = "01K00000000000000000000000"
_THEN: Final = "2026-01-01T00:00:00+00:00"


def stored_entry(device: Path) -> JsonObject:
    """Return stored settings in which it reads the meter behind a serial port.

    Its dialog offers USB devices only, and the emulated dongle is none.
    """
    entry: JsonObject = {
        "created_at": _THEN,
        "data": {"device": str(device), "id": ROUTE_B_ID, "password": PASSWORD},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": CORE_DOMAIN,
        "entry_id": CORE_ENTRY_ID,
        "minor_version": 1,
        "modified_at": _THEN,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": f"Route B Smart Meter {ROUTE_B_ID}",
        "unique_id": ROUTE_B_ID,
        "version": 1,
    }
    data: JsonObject = {"entries": [entry]}
    return {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": data}
