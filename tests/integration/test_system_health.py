"""The card of the system health shows whether the meter is read, and with which dongle."""

from typing import Any

from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.wisun_route_b.const import DOMAIN
from tests.stack.scripted import METER_MAC, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.stack.secret_scan import traces

from .conftest import Later, entry_for, set_up
from .test_translations import texts_of


async def card(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> dict[str, Any]:
    """Return what a person who opens the card is shown."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    assert (await client.receive_json())["success"]
    event = (await client.receive_json())["event"]
    assert event["type"] == "initial"
    info: dict[str, Any] = event["data"][DOMAIN]["info"]
    return info


async def test_card_tells_how_the_meter_is_read(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    hass_ws_client: WebSocketGenerator,
    later: Later,
) -> None:
    await set_up(hass, entry_for())
    await later(12)

    info = await card(hass, hass_ws_client)

    assert info.pop("libraries").startswith("pyserial-asyncio-fast 0.16, pyserial 3.5")
    assert info.pop("last_answer") in ("12 s", "13 s")
    assert info == {
        "version": "0.1.0",
        "meters": "1/1",
        "dongle": "SKSTACK single 1.2.10 rev26e",
        "signal": "-",
    }


async def test_dongle_that_was_ignored_is_no_meter(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_ws_client: WebSocketGenerator
) -> None:
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="ignored").add_to_hass(hass)
    await set_up(hass, entry_for())

    assert (await card(hass, hass_ws_client))["meters"] == "1/1"


async def test_card_tells_how_well_the_scan_heard_the_meter(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_ws_client: WebSocketGenerator
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "network": None})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert (await card(hass, hass_ws_client))["signal"] == "-62 dBm"


async def test_card_tells_that_a_meter_is_not_connected(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_ws_client: WebSocketGenerator
) -> None:
    dongle.replies["SKVER"] = b"FAIL ER04\r\n"
    await set_up(hass, entry_for())

    info = await card(hass, hass_ws_client)

    assert info["meters"] == "0/1"
    assert {info[key] for key in ("dongle", "signal", "last_answer")} == {"-"}


async def test_card_of_an_integration_without_meters(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})

    assert (await card(hass, hass_ws_client))["meters"] == "0/0"


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_every_line_of_the_card_has_a_name_and_no_secret(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    hass_ws_client: WebSocketGenerator,
    language: str,
) -> None:
    await set_up(hass, entry_for())

    info = await card(hass, hass_ws_client)

    named = {key for key in texts_of(language) if key.startswith("system_health.info.")}
    assert {f"system_health.info.{key}" for key in info} == named
    assert traces(str(info), ids=[ROUTE_B_ID], macs=[METER_MAC], words=[PASSWORD]) == []
