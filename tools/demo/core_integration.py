"""Home Assistant's own Route B integration, as it is set up before a migration."""

from pathlib import Path
from typing import Final

from .client import HomeAssistantClient
from .dongle import PASSWORD, ROUTE_B_ID
from .errors import DemoError
from .jsons import JsonObject, as_object, as_text

CORE_DOMAIN: Final = "route_b_smart_meter"
CORE_ENTRY_ID: Final = "01K00000000000000000000000"
#: Properties of the USB device that the emulated dongle pretends to be.
_DEVICE: Final = {
    "vid": "0403",
    "pid": "6001",
    "serial_number": "EMULATED",
    "manufacturer": "tools/emulator",
    "description": "Emulated dongle",
}
_FLOWS: Final = "/api/config/config_entries/flow"
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


def start_code(device: Path) -> str:
    """Return code that starts Home Assistant with the emulated dongle among its USB devices.

    Nothing of the integration is replaced but the list of USB devices that it gets.
    """
    return f"""
import runpy, sys
from homeassistant.components import usb
async def scan(hass):
    return [usb.USBDevice(device={str(device)!r}, **{_DEVICE!r})]
usb.async_scan_serial_ports = scan
sys.argv[0] = "hass"
runpy.run_module("homeassistant", run_name="__main__", alter_sys=True)
"""


async def set_up_core_integration(client: HomeAssistantClient, device: Path) -> str:
    """Go through its dialog; return the id of the entry that it made.

    Raises:
        DemoError: The dialog ended in anything else.
    """
    flow = as_object(await client.post(_FLOWS, {"handler": CORE_DOMAIN}))
    fields = {"device": str(device), "id": ROUTE_B_ID, "password": PASSWORD}
    flow = as_object(await client.post(f"{_FLOWS}/{as_text(flow['flow_id'])}", fields))
    if flow["type"] != "create_entry":
        raise DemoError(f"Its dialog ended in {flow['type']}: {flow.get('errors')}")
    return as_text(as_object(flow["result"])["entry_id"])
