"""The life of an entry: set-up, loss and return of the link, unload, stop, removal."""

import logging

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_DEVICE, EVENT_HOMEASSISTANT_STOP, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest

from custom_components.wisun_route_b.const import CONF_NETWORK, DOMAIN
from tests.stack.link.scripted import (
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)

from .conftest import (
    JOIN_IGNORED,
    JOIN_REFUSED,
    entry_for,
    held_by_us,
    live_session,
    poll,
    set_up,
    state_of,
    until,
    words,
)


async def test_port_that_is_missing_is_the_reason_shown_for_the_retry(
    hass: HomeAssistant,
) -> None:
    entry = entry_for("/dev/serial/by-id/usb-not-there")

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == "There is no such port. Is the dongle plugged in?"
    assert entry.error_reason_translation_key == "port_not_found"


@pytest.mark.usefixtures("fast_clock")
async def test_silent_port_is_free_again_after_a_failed_set_up(
    hass: HomeAssistant, mute_port: tuple[str, int]
) -> None:
    entry = entry_for(mute_port[0])

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "dongle_silent"
    assert not held_by_us(mute_port[0])


async def test_meter_that_does_not_answer_the_sign_in_is_no_reason_to_ask_for_a_password(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_IGNORED
    entry = entry_for()

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "join_failed"
    assert not hass.config_entries.flow.async_progress()


async def test_refused_credentials_start_a_new_sign_in(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    entry = entry_for()

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"


async def test_remembered_network_spares_the_scan(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    assert "SKJOIN" in words(dongle)
    assert "SKSCAN" not in words(dongle)


async def test_live_session_spares_the_sign_in(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    live_session(dongle)

    await set_up(hass, entry_for())

    assert state_of(hass, "power") == "632"
    assert not {"SKSCAN", "SKJOIN", "SKRESET"} & set(words(dongle))


async def test_network_that_moved_is_remembered_without_a_reload(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    elsewhere = {**NETWORK.as_dict(), "channel": 0x25}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_NETWORK: elsewhere})
    dongle.first_replies["SKJOIN"] = JOIN_IGNORED

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_NETWORK] == NETWORK.as_dict()
    assert words(dongle).count("SKVER") == 1


async def test_damaged_memory_of_the_network_only_costs_a_scan(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_NETWORK: {"pan": 1}})

    await set_up(hass, entry)

    assert entry.data[CONF_NETWORK] == NETWORK.as_dict()
    assert "SKSCAN" in words(dongle)


async def test_unload_closes_the_port_and_leaves_the_session_up(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    assert not dongle.is_closing()

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.NOT_LOADED
    assert dongle.is_closing()
    assert "SKTERM" not in words(dongle)


async def test_entry_can_be_reloaded_again_and_again(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    for _ in range(3):
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "power") == "632"


async def test_unload_in_the_middle_of_a_connection_frees_the_port(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.unplug()
    dongle.replies["SKJOIN"] = b"OK\r\n"  # and nothing more: the sign-in goes on and on
    refresh = hass.async_create_task(entry.runtime_data.async_request_refresh())
    await until(lambda: words(dongle).count("SKJOIN") == 2)

    assert await hass.config_entries.async_unload(entry.entry_id)
    await refresh

    assert dongle.is_closing()


async def test_stopping_home_assistant_closes_the_port_and_leaves_the_session_up(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()

    assert dongle.is_closing()
    assert "SKTERM" not in words(dongle)


async def test_disabling_the_entry_ends_the_session(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await hass.async_block_till_done()

    assert words(dongle)[-1] == "SKTERM"
    assert dongle.is_closing()


async def test_removing_the_entry_ends_the_session(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    live_session(dongle)
    dongle.commands.clear()

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert words(dongle)[-1] == "SKTERM"
    assert "SKJOIN" not in words(dongle)
    assert dongle.is_closing()


async def test_removing_the_entry_of_a_dongle_that_is_gone_is_no_trouble(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_for("/dev/serial/by-id/usb-not-there")
    await set_up(hass, entry)
    caplog.clear()

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert not hass.config_entries.async_entries(DOMAIN)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_removing_a_disabled_entry_does_not_touch_the_port(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    dongle.commands.clear()

    await hass.config_entries.async_remove(entry.entry_id)

    assert not dongle.commands


async def test_dongle_that_is_unplugged_and_comes_back_is_used_again(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    dongle.unplug()
    await poll(hass)

    assert state_of(hass, "power") == "632"
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("fast_clock")
async def test_loss_and_recovery_are_logged_once_each(
    hass: HomeAssistant, dongle: ScriptedDongle, caplog: pytest.LogCaptureFixture
) -> None:
    await set_up(hass, entry_for())
    caplog.clear()
    dongle.unplug()
    dongle.replies["SKVER"] = b""

    for _ in range(3):
        await poll(hass)
    assert state_of(hass, "power") == STATE_UNAVAILABLE
    dongle.replies.pop("SKVER")
    for _ in range(2):
        await poll(hass)

    assert state_of(hass, "power") == "632"
    told = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(f"custom_components.{DOMAIN}") and record.levelno >= logging.INFO
    ]
    assert len(told) == 2
    assert told[0].startswith("Error fetching Smart meter data: Nothing answers on this port.")
    assert told[1] == "Fetching Smart meter data recovered"


@pytest.mark.usefixtures("fast_clock")
async def test_meter_that_fell_silent_is_found_again(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    dongle.on_request = lambda _: dongle.accept()
    await poll(hass)
    assert state_of(hass, "power") == STATE_UNAVAILABLE

    dongle.on_request = dongle.answer
    await poll(hass)
    assert state_of(hass, "power") == "632"


async def test_credentials_refused_later_ask_for_new_ones(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    dongle.unplug()
    await poll(hass)

    assert state_of(hass, "power") == STATE_UNAVAILABLE
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"


async def test_log_holds_neither_id_nor_password_nor_address(
    hass: HomeAssistant, dongle: ScriptedDongle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_NETWORK: None})

    await set_up(hass, entry)
    await poll(hass)
    dongle.unplug()
    await poll(hass)
    await hass.config_entries.async_remove(entry.entry_id)

    log = caplog.text.upper()
    assert "SKSETPWD" in log
    for secret in (ROUTE_B_ID, PASSWORD, METER_IP, NETWORK.address):
        assert secret not in log
        assert secret.encode().hex().upper() not in log


async def test_port_of_an_integration_that_is_not_ready_is_waited_for(
    hass: HomeAssistant,
) -> None:
    entry = entry_for("esphome-hass://esphome/0123?port_name=uart")

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "port_unreachable"
    assert entry.data[CONF_DEVICE].startswith("esphome-hass://")
