"""A Home Assistant without a recorder: there is nothing to repair, and nothing else is missing."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from custom_components.wisun_route_b.const import CONF_IDENTITY, CONF_IMPORT_DAYS, DOMAIN
from custom_components.wisun_route_b.coordinator import RouteBCoordinator
from tests.integration.conftest import entry_for, set_up, state_of
from tests.stack.scripted import ScriptedDongle


async def test_sensors_work_and_the_repair_finds_nothing_to_do(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    assert "recorder" not in hass.config.components
    assert entry.state is ConfigEntryState.LOADED

    coordinator: RouteBCoordinator = entry.runtime_data
    await coordinator.async_refresh()
    assert await coordinator.backfill.async_repair()

    assert state_of(hass, "imported_energy") == "6513.9"
    assert coordinator.backfill.report is None
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_what_is_to_be_imported_waits_for_a_recorder(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_storage: dict[str, Any]
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={CONF_IMPORT_DAYS: 30})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert CONF_IMPORT_DAYS not in entry.options
    stored = hass_storage[f"{DOMAIN}.{entry.data[CONF_IDENTITY]}.history"]["data"]
    assert stored["import_days"] == 30
    assert await hass.config_entries.async_unload(entry.entry_id)
