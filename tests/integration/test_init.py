"""The life of an entry: set-up, loss and return of the link, unload, stop, removal."""

import asyncio
import logging
import re

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_DEVICE, EVENT_HOMEASSISTANT_STOP, STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.wisun_route_b.const import CONF_KNOWN, CONF_NETWORK, DOMAIN
from custom_components.wisun_route_b.stack import LinkState, errors
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import (
    JOIN_REFUSED,
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    erxudp,
)

from .conftest import (
    JOIN_IGNORED,
    KNOWN,
    Later,
    entry_for,
    held_by_us,
    live_session,
    plug_in,
    poll,
    set_up,
    state_of,
    until,
    without_half_hours,
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
    assert not [
        record
        for record in caplog.records
        if record.name.startswith(f"custom_components.{DOMAIN}") and record.levelno >= logging.INFO
    ]


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
    await until(lambda: state_of(hass, "link_state") == "no_dongle")
    entry.runtime_data.keeper.retry_now()
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state_of(hass, "power") == "632"
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("fast_clock")
async def test_loss_and_recovery_are_logged_once_each(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    caplog.clear()
    dongle.replies |= {"SKVER": b"", "SKRESET": b""}
    dongle.unplug()
    keeper = entry.runtime_data.keeper

    await until(lambda: isinstance(keeper.status.error, errors.DongleSilentError))
    await poll(hass)  # says nothing, as the values are still held
    await later(100)
    for _ in range(3):
        await until(lambda: isinstance(keeper.status.error, errors.DongleSilentError))
        await poll(hass)
    dongle.replies.clear()
    await until(lambda: keeper.state is LinkState.CONNECTED)
    await until(lambda: entry.runtime_data.last_update_success)
    for _ in range(2):
        await poll(hass)

    assert state_of(hass, "power") == "632"
    messages = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(f"custom_components.{DOMAIN}") and record.levelno >= logging.INFO
    ]
    assert messages[:2] == [
        "The link to the meter is lost: The serial port has disappeared",
        "The serial port has disappeared: opening the port again",
    ]
    assert messages[2].startswith("Error fetching Smart meter data: Nothing answers on this port.")
    assert re.fullmatch(r"The link is back after \d+ s", messages[3])
    assert messages[4:] == ["Fetching Smart meter data recovered"]


async def test_one_lost_answer_makes_nothing_flicker_and_logs_nothing(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    fast_clock: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    without_half_hours(dongle)
    await set_up(hass, entry_for())
    await hass.async_block_till_done(wait_background_tasks=True)
    states: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        states.append(str(event.data["new_state"] and event.data["new_state"].state))

    async_track_state_change_event(hass, "sensor.smart_meter_power", note)
    caplog.clear()

    def lose(_: Frame) -> None:
        dongle.accept()
        if len(dongle.requests) > asked + 4:  # all resends of one request
            dongle.on_request = dongle.answer

    asked = len(dongle.requests)
    dongle.on_request = lose
    await poll(hass)

    assert len(dongle.requests) > asked + 4
    assert state_of(hass, "power") == "632"
    assert set(states) <= {"632"}
    assert not [
        record
        for record in caplog.records
        if record.name.startswith(f"custom_components.{DOMAIN}") and record.levelno >= logging.INFO
    ]


async def test_dead_link_takes_the_values_away_after_ninety_seconds(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKVER"] = b""
    dongle.unplug()
    await until(lambda: not entry.runtime_data.keeper.status.usable)

    await later(88)
    assert state_of(hass, "power") == "632"
    await later(4)

    assert state_of(hass, "power") == STATE_UNAVAILABLE
    assert state_of(hass, "imported_energy") == STATE_UNAVAILABLE


async def test_connection_is_told_at_once(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    await set_up(hass, entry_for())
    connection = "binary_sensor.smart_meter_connectivity"
    state = hass.states.get(connection)
    assert state is not None
    assert (state.state, state.attributes["device_class"]) == ("on", "connectivity")

    dongle.replies["SKVER"] = b""
    dongle.unplug()
    await until(lambda: hass.states.is_state(connection, "off"))

    assert state_of(hass, "link_state") in {"no_dongle", "dongle_silent"}


@pytest.mark.usefixtures("fast_clock")
async def test_meter_that_fell_silent_is_signed_in_to_again(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    live_session(dongle)
    await set_up(hass, entry)
    joins = words(dongle).count("SKJOIN")

    def join_revives(request: Frame) -> None:
        if words(dongle).count("SKJOIN") > joins:
            dongle.answer(request)
        else:
            dongle.accept()

    dongle.on_request = join_revives
    await poll(hass)
    await until(lambda: entry.runtime_data.keeper.state is LinkState.CONNECTED)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert words(dongle).count("SKJOIN") == joins + 1
    assert words(dongle).count("SKRESET") == 0
    assert state_of(hass, "power") == "632"


@pytest.mark.usefixtures("fast_clock")
async def test_credentials_refused_later_ask_for_new_ones(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    dongle.unplug()
    await until(lambda: entry.runtime_data.keeper.state is LinkState.REFUSED)
    await hass.async_block_till_done(wait_background_tasks=True)

    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"
    assert state_of(hass, "link_state") == "refused"


@pytest.mark.usefixtures("fast_clock")
async def test_meter_that_cannot_be_reached_never_asks_for_new_credentials(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKJOIN"] = JOIN_IGNORED

    dongle.unplug()
    keeper = entry.runtime_data.keeper
    for attempt in range(1, 5):
        await until(lambda: words(dongle).count("SKVER") > attempt)  # noqa: B023 - awaited here
        await until(lambda: keeper.status.retry_at is not None)
        keeper.retry_now()

    assert keeper.state is LinkState.WAITING
    assert not hass.config_entries.flow.async_progress()
    assert isinstance(keeper.status.error, errors.JoinFailedError)


async def test_limit_of_the_transmission_time_is_a_state_and_passes(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())
    dongle.replies["SKSREG"] = b"ESREG 1\r\nOK\r\n"
    asked = len(dongle.requests)

    dongle.say(f"EVENT 32 {METER_IP}\r\n".encode())
    await poll(hass)
    assert state_of(hass, "link_state") == "limited"
    assert hass.states.async_all("binary_sensor")[0].state == "off"
    assert len(dongle.requests) == asked

    dongle.say(f"EVENT 33 {METER_IP}\r\n".encode())
    await until(lambda: state_of(hass, "link_state") == "connected")
    await until(lambda: len(dongle.requests) > asked)


async def test_flood_of_changes_is_shown_once_a_second_and_asks_nothing_of_the_meter(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())
    changes: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        changes.append(event.data["entity_id"])

    async_track_state_change_event(hass, "sensor.smart_meter_link_state", note)
    asked = len(dongle.requests)

    for number in (32, 33, 29, 25) * 250:
        dongle.say(f"EVENT {number} {METER_IP}\r\n".encode())
        if number == 25:
            await asyncio.sleep(0)
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert len(changes) < 10
    assert len(dongle.requests) - asked < 10


async def test_one_refused_sign_in_of_a_running_link_asks_for_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle, fast_clock: None
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.first_replies["SKJOIN"] = JOIN_REFUSED

    dongle.unplug()
    await until(lambda: words(dongle).count("SKJOIN") > 1)
    await poll(hass)
    await until(lambda: entry.runtime_data.keeper.state is LinkState.CONNECTED)

    assert not hass.config_entries.flow.async_progress()


async def test_one_refused_sign_in_at_the_start_asks_for_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.first_replies["SKJOIN"] = JOIN_REFUSED
    entry = entry_for()
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()


async def test_push_does_not_keep_a_dead_value_alive(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.on_request = lambda _: dongle.accept()

    await later(80)
    reading = bytes.fromhex("07EA05140E1E000000FE70")
    dongle.say(erxudp(Frame(7, METER, CONTROLLER, ESV.INF, (Property(0xEA, reading),)).encode()))
    await later(12)

    assert state_of(hass, "power") == STATE_UNAVAILABLE


async def test_sensors_come_when_the_meter_has_told_the_rest_of_its_description(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    known = {**KNOWN, "values": {"82": "00004600"}}
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_KNOWN: known})

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state_of(hass, "imported_energy") == "6513.9"
    assert entry.data[CONF_KNOWN] == KNOWN


async def test_removing_an_entry_without_a_session_signs_in_to_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.commands.clear()

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert not {"SKJOIN", "SKRESET", "SKSCAN"} & set(words(dongle))
    assert dongle.is_closing()


async def test_dongle_that_is_plugged_in_is_used_at_once(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKVER"] = b"FAIL ER04\r\n"
    dongle.unplug()
    await until(lambda: entry.runtime_data.keeper.state is LinkState.WAITING)
    dongle.replies.pop("SKVER")

    plug_in(hass)
    await until(lambda: entry.runtime_data.keeper.state is LinkState.CONNECTED)


async def test_entry_that_waits_for_its_port_is_set_up_when_a_dongle_is_plugged_in(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKVER"] = b"FAIL ER04\r\n"
    entry = entry_for()
    await set_up(hass, entry)
    states = [entry.state]
    dongle.replies.pop("SKVER")

    plug_in(hass)
    await hass.async_block_till_done()

    assert [*states, entry.state] == [ConfigEntryState.SETUP_RETRY, ConfigEntryState.LOADED]


async def test_start_of_a_meter_that_is_known_asks_for_the_values_first(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    live_session(dongle)
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_KNOWN: KNOWN})

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    first, *others = [{item.epc for item in request.properties} for request in dongle.requests]
    assert first == {0xE7, 0xE8, 0xE0, 0xE3}
    assert 0x9F in set.union(*others)
    assert state_of(hass, "imported_energy") == "6513.9"


@pytest.mark.parametrize(
    "damage", [{"address": 5}, {"values": {"E1": "zz"}}, {"values": {"01": ""}}]
)
async def test_damaged_memory_of_the_meter_only_costs_a_request(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: dict[str, object]
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_KNOWN: {**KNOWN, **damage}}
    )

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_KNOWN] == KNOWN


async def test_meter_is_given_a_pause_after_the_end_of_a_session(
    hass: HomeAssistant, dongle: ScriptedDongle, fast_clock: None
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await hass.async_block_till_done()
    ended = hass.loop.time()

    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert hass.loop.time() - ended > 9.5


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
