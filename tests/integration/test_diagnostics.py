"""The diagnostics file tells everything but who asks."""

import json
from typing import Any, cast

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_KNOWN
from custom_components.wisun_route_b.diagnostics import async_get_config_entry_diagnostics
from custom_components.wisun_route_b.stack import LinkState, NotAWiSunDongleError
from tests.stack.link.scripted import (
    DONGLE_IP,
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)

from .conftest import KNOWN, entry_for, set_up, until

SERIAL_NUMBER = "F24G366505"


async def diagnose(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    report = await async_get_config_entry_diagnostics(hass, entry)
    return cast("dict[str, Any]", json.loads(json.dumps(report)))


async def test_file_tells_how_link_and_meter_fare(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    report = await diagnose(hass, entry)

    assert report["dongle"] == {
        "identity": {
            "protocol": "SKSTACK single",
            "version": "1.2.10",
            "app_version": "rev26e",
        },
        "channel": "31",
    }
    assert report["link"]["state"] == "connected"
    assert [row["state"] for row in report["link"]["journal"]] == ["connecting", "connected"]
    assert report["counters"]["requests"] == report["counters"]["answers"] > 0
    assert report["line"]["dropped_bytes"] == 0
    assert report["line"]["datagrams"] > 0
    assert report["meter"]["scale"] == {"unit": "0.1", "coefficient": 1, "digits": 6}
    assert "E7" in report["meter"]["readable"]
    assert report["readings"]["values"]["instantaneous_power"]["value"] == "632"
    assert report["readings"]["values"]["instantaneous_power"]["age"] is not None


@pytest.mark.usefixtures("fast_clock")
async def test_file_tells_why_there_is_no_link(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKVER"] = b"FAIL ER04\r\n"
    dongle.unplug()
    keeper = entry.runtime_data.keeper
    await until(lambda: isinstance(keeper.status.error, NotAWiSunDongleError))
    await until(lambda: keeper.state is LinkState.WAITING)

    link = (await diagnose(hass, entry))["link"]

    assert link["state"] == "waiting"
    assert link["error"].startswith("NotAWiSunDongleError: ")
    assert "reopen" in {row["remedy"] for row in link["journal"]}
    assert link["session_age"] is None


@pytest.mark.parametrize(
    "port",
    [
        "/dev/serial/by-id/usb-FTDI_FT230X_Basic_UART_DK8AAFGE-if00-port0",
        "esphome://proxy.local:6053/?key=c2VjcmV0",
        "socket://192.168.1.2:4000",
    ],
)
async def test_file_names_nobody(hass: HomeAssistant, dongle: ScriptedDongle, port: str) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_KNOWN: KNOWN})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    dongle.unplug()
    await until(lambda: len(entry.runtime_data.keeper.journal) > 2)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "device": port})

    text = json.dumps(await diagnose(hass, entry)).upper()

    for secret in (
        *(ROUTE_B_ID, PASSWORD, METER_IP, DONGLE_IP, NETWORK.address, SERIAL_NUMBER),
        *("DK8AAFGE", "C2VJCMV0", "192.168.1.2", f"{NETWORK.pan_id:04X}"),
    ):
        assert secret not in text
        assert secret.encode().hex().upper() not in text
