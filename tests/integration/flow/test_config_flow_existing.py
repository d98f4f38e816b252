"""The dialogs of a meter that is set up: signing in again, and another port, ID or password."""

import asyncio
from datetime import timedelta
import threading
from typing import Any

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    get_schema_suggested_value,
)

from custom_components.wisun_route_b.const import (
    CONF_DONGLE_KIND,
    CONF_IDENTITY,
    CONF_KNOWN,
    CONF_ROUTE_B_ID,
    CONF_USB,
    DOMAIN,
)
from custom_components.wisun_route_b.stack import Credentials
from tests.stack.scripted import JOIN_REFUSED, PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import (
    KNOWN,
    SCRIPTED_PORT,
    entry_for,
    live_session,
    nothing_goes_on,
    set_up,
    state_of,
    until,
    words,
)
from .dialogs import FORM, open_form, submit

#: Another ID that finds the same radio: the meter is heard by the last eight characters.
NEW_ID = "F" * 24 + ROUTE_B_ID[-8:]
NEW_PASSWORD = "BA9876543210"


# --- Signing in again -----------------------------------------------------------------------


async def _refused_entry(hass: HomeAssistant, dongle: ScriptedDongle) -> tuple[Any, str]:
    """Return an entry whose password the meter refuses, and the flow that this starts."""
    entry = entry_for()
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    await set_up(hass, entry)
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    return entry, flow["flow_id"]


async def test_new_password_gets_the_meter_back(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, flow_id = await _refused_entry(hass, dongle)
    before = dict(entry.data)

    result = await submit(hass, flow_id, {CONF_PASSWORD: "wrong"})
    assert result["errors"] == {CONF_PASSWORD: "invalid_password"}
    result = await submit(hass, flow_id, {CONF_PASSWORD: PASSWORD})
    assert result["step_id"] == "reauth_confirm"
    assert result["errors"] == {"base": "credentials_refused"}
    dongle.replies.clear()
    result = await submit(hass, flow_id, {CONF_PASSWORD: "BA9876543210"})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == {
        **before,
        CONF_KNOWN: KNOWN,
        CONF_DONGLE_KIND: "skstack",
        CONF_PASSWORD: "BA9876543210",
        CONF_USB: None,
    }
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "power") == "632"


async def test_new_id_can_be_typed_where_the_old_one_is_refused(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, flow_id = await _refused_entry(hass, dongle)
    identity = entry.data[CONF_IDENTITY]
    answers = {CONF_PASSWORD: NEW_PASSWORD, CONF_ROUTE_B_ID: NEW_ID}

    result = await submit(hass, flow_id, answers, route_b_id="0011")
    assert result["errors"] == {CONF_ROUTE_B_ID: "invalid_route_b_id"}
    dongle.replies.clear()
    result = await submit(hass, flow_id, answers)
    # Nothing was known of the meter before, so it may be another one.
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "exchange")
    result = await submit(hass, flow_id, {"next_step_id": "finish"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert (entry.data[CONF_ROUTE_B_ID], entry.data[CONF_IDENTITY]) == (NEW_ID, identity)
    assert entry.unique_id == Credentials(NEW_ID, NEW_PASSWORD).fingerprint
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_signing_in_again_is_no_way_to_the_id_of_another_meter(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry_for("/dev/another", route_b_id=NEW_ID).add_to_hass(hass)
    entry, flow_id = await _refused_entry(hass, dongle)

    result = await submit(hass, flow_id, {CONF_PASSWORD: NEW_PASSWORD, CONF_ROUTE_B_ID: NEW_ID})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data[CONF_ROUTE_B_ID] == ROUTE_B_ID


async def test_signing_in_again_lets_go_of_the_port_first_and_restores_what_was_running(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    result = await entry.start_reauth_flow(hass)
    dongle.replies["SKJOIN"] = b"OK\r\n"

    await hass.config_entries.flow.async_configure(result["flow_id"], {CONF_PASSWORD: PASSWORD})
    await until(lambda: words(dongle).count("SKJOIN") == 2)
    assert entry.state is ConfigEntryState.NOT_LOADED
    dongle.replies.clear()
    hass.config_entries.flow.async_abort(result["flow_id"])
    await until(nothing_goes_on)
    await hass.async_block_till_done()

    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_living_session_is_no_proof_of_the_password_asked_for(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    result = await entry.start_reauth_flow(hass)
    live_session(dongle)
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    result = await submit(hass, result["flow_id"], {CONF_PASSWORD: NEW_PASSWORD})

    assert result["errors"] == {"base": "credentials_refused"}
    assert entry.data[CONF_PASSWORD] == PASSWORD


@pytest.mark.usefixtures("fast_clock")
async def test_removing_the_entry_ends_a_new_sign_in(
    hass: HomeAssistant, dongle: ScriptedDongle, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    result = await entry.start_reauth_flow(hass)
    dongle.replies["SKJOIN"] = b"OK\r\n"
    await hass.config_entries.flow.async_configure(result["flow_id"], {CONF_PASSWORD: PASSWORD})
    await until(lambda: words(dongle).count("SKJOIN") == 2)
    dongle.replies.clear()

    await hass.config_entries.async_remove(entry.entry_id)
    await until(nothing_goes_on)
    await hass.async_block_till_done()

    assert not hass.config_entries.flow.async_progress()
    assert dongle.is_closing()
    assert "Error" not in caplog.text


# --- Another port, ID or password -----------------------------------------------------------


async def _reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    return str(result["flow_id"])


def _entities(hass: HomeAssistant) -> dict[str, str]:
    registry = er.async_get(hass)
    return {entity.entity_id: entity.unique_id for entity in registry.entities.values()}


async def test_what_is_left_blank_stays(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    before = dict(entry.data)

    result = await submit(hass, await _reconfigure(hass, entry), {CONF_DEVICE: SCRIPTED_PORT})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.data == {**before, CONF_USB: None}
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_form_shows_the_port_and_no_secret(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    result = await entry.start_reconfigure_flow(hass)

    schema = result["data_schema"]
    assert schema is not None
    assert get_schema_suggested_value(schema.schema, CONF_DEVICE) == SCRIPTED_PORT
    assert get_schema_suggested_value(schema.schema, CONF_ROUTE_B_ID) is None
    assert get_schema_suggested_value(schema.schema, CONF_PASSWORD) is None


async def test_dongle_moves_to_another_port(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for("/dev/was-here")
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    result = await submit(hass, await _reconfigure(hass, entry), {CONF_DEVICE: SCRIPTED_PORT})

    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_DEVICE] == SCRIPTED_PORT
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_new_password_is_tried_and_kept(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    form = {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD}

    result = await submit(hass, flow_id, form, password="too short")
    assert result["errors"] == {CONF_PASSWORD: "invalid_password"}
    assert entry.state is ConfigEntryState.LOADED  # nothing was touched for that
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    result = await submit(hass, flow_id, form)
    assert (result["step_id"], result["errors"]) == (
        "reconfigure",
        {"base": "credentials_refused"},
    )
    assert entry.data[CONF_PASSWORD] == PASSWORD
    dongle.replies.clear()
    result = await submit(hass, flow_id, form)

    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_PASSWORD] == NEW_PASSWORD
    assert entry.state is ConfigEntryState.LOADED


async def test_living_session_is_no_proof_of_a_new_password(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    live_session(dongle)
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    result = await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD})

    assert result["errors"] == {"base": "credentials_refused"}
    assert entry.data[CONF_PASSWORD] == PASSWORD


async def test_living_session_will_do_where_no_secret_is_new(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    live_session(dongle)
    joined = words(dongle).count("SKJOIN")

    result = await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: PASSWORD})

    assert result["reason"] == "reconfigure_successful"
    assert words(dongle).count("SKJOIN") == joined


async def test_closing_the_dialog_restores_the_entry(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    before = dict(entry.data)
    flow_id = await _reconfigure(hass, entry)
    dongle.replies["SKJOIN"] = b"OK\r\n"
    await hass.config_entries.flow.async_configure(
        flow_id, {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD}
    )
    await until(lambda: words(dongle).count("SKJOIN") == 2)
    assert entry.state is ConfigEntryState.NOT_LOADED
    dongle.replies.clear()

    hass.config_entries.flow.async_abort(flow_id)
    await until(nothing_goes_on)
    await hass.async_block_till_done()

    assert entry.data == before
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_meter_is_read_while_a_form_waits_after_a_failure(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)

    result = await submit(hass, flow_id, {CONF_DEVICE: "/dev/no-such-port"})

    assert result["errors"] == {"base": "port_not_found"}
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    result = await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT})
    assert result["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED


async def test_nothing_that_was_typed_is_lost_by_a_failure(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    typed = {CONF_ROUTE_B_ID: NEW_ID, CONF_PASSWORD: NEW_PASSWORD}

    result = await submit(hass, flow_id, {CONF_DEVICE: "/dev/no-such-port", **typed})
    assert result["errors"] == {"base": "port_not_found"}
    schema = result["data_schema"]
    assert schema is not None
    assert get_schema_suggested_value(schema.schema, CONF_ROUTE_B_ID) == NEW_ID
    # The password is shown nowhere, and need not be typed again.
    result = await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: NEW_ID})

    assert result["reason"] == "reconfigure_successful"
    assert (entry.data[CONF_ROUTE_B_ID], entry.data[CONF_PASSWORD]) == (NEW_ID, NEW_PASSWORD)


async def test_password_that_was_refused_is_forgotten(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD})
    dongle.replies.clear()

    result = await submit(hass, flow_id, {CONF_DEVICE: SCRIPTED_PORT})

    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_PASSWORD] == PASSWORD


async def test_dialog_that_nobody_finishes_locks_nobody_out(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for("/dev/no-such-port")
    entry.add_to_hass(hass)
    forsaken = await _reconfigure(hass, entry)
    of_new = {CONF_ROUTE_B_ID: NEW_ID, CONF_PASSWORD: NEW_PASSWORD}
    await submit(hass, forsaken, {CONF_DEVICE: "/dev/no-such-port", **of_new})

    result = await submit(hass, await open_form(hass), FORM | of_new)

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("fast_clock")
async def test_set_up_that_is_under_way_is_waited_for(
    hass: HomeAssistant, mute_port: tuple[str, int]
) -> None:
    entry = entry_for(mute_port[0])
    entry.add_to_hass(hass)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: entry.state is ConfigEntryState.SETUP_IN_PROGRESS)

    result = await submit(
        hass,
        await _reconfigure(hass, entry),
        {CONF_DEVICE: mute_port[0], CONF_PASSWORD: NEW_PASSWORD},
    )

    # And not that another program uses the port.
    assert result["errors"] == {"base": "dongle_silent"}
    await setting_up


async def test_closing_the_dialog_while_the_entry_unloads_starts_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    joined = words(dongle).count("SKJOIN")
    form = {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD}
    await hass.config_entries.flow.async_configure(flow_id, form)
    await until(lambda: entry.state is not ConfigEntryState.LOADED)

    hass.config_entries.flow.async_abort(flow_id)
    await until(nothing_goes_on)
    await hass.async_block_till_done()

    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    assert entry.data[CONF_PASSWORD] == PASSWORD
    assert words(dongle).count("SKJOIN") == joined + 1  # that of the entry itself


async def test_closing_the_dialog_before_anything_was_tried_starts_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    commands = len(dongle.commands)
    looking, closed = asyncio.Event(), threading.Event()

    def slow_look(device: str) -> str:
        hass.loop.call_soon_threadsafe(looking.set)
        assert closed.wait(10)
        return device

    monkeypatch.setattr(usb, "get_serial_by_id", slow_look)
    form = {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD}
    submitted = hass.async_create_task(hass.config_entries.flow.async_configure(flow_id, form))
    await looking.wait()

    hass.config_entries.flow.async_abort(flow_id)
    closed.set()

    with pytest.raises(UnknownFlow):
        await submitted
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert len(dongle.commands) == commands


async def test_removing_the_entry_ends_its_dialog(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await _reconfigure(hass, entry)

    await hass.config_entries.async_remove(entry.entry_id)

    assert not hass.config_entries.flow.async_progress()


async def test_new_id_of_the_same_meter_is_taken_without_a_question(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)  # which remembers the meter's address
    identity, entities = entry.data[CONF_IDENTITY], _entities(hass)

    result = await submit(
        hass,
        await _reconfigure(hass, entry),
        {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: NEW_ID, CONF_PASSWORD: NEW_PASSWORD},
    )

    assert result["reason"] == "reconfigure_successful"
    assert entry.unique_id == Credentials(NEW_ID, NEW_PASSWORD).fingerprint
    assert (entry.data[CONF_ROUTE_B_ID], entry.data[CONF_IDENTITY]) == (NEW_ID, identity)
    assert _entities(hass) == entities


async def _exchanged(hass: HomeAssistant, dongle: ScriptedDongle) -> tuple[MockConfigEntry, Any]:
    """Return an entry of a meter that is gone, and what its new ID leads to."""
    entry = entry_for()
    await set_up(hass, entry)
    gone = {**entry.data, CONF_KNOWN: {**KNOWN, "address": "001C640000000001"}}
    hass.config_entries.async_update_entry(entry, data=gone)
    result = await submit(
        hass,
        await _reconfigure(hass, entry),
        {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: NEW_ID, CONF_PASSWORD: NEW_PASSWORD},
    )
    return entry, result


async def test_exchanged_meter_keeps_entities_and_history_of_the_home(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, result = await _exchanged(hass, dongle)
    identity, entities = entry.data[CONF_IDENTITY], _entities(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "exchange")
    assert entry.data[CONF_ROUTE_B_ID] == ROUTE_B_ID  # nothing is changed before the answer

    result = await submit(hass, result["flow_id"], {"next_step_id": "finish"})

    assert result["reason"] == "reconfigure_successful"
    assert (entry.data[CONF_ROUTE_B_ID], entry.data[CONF_IDENTITY]) == (NEW_ID, identity)
    assert entry.data[CONF_KNOWN] == KNOWN
    assert _entities(hass) == entities
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_question_that_nobody_answers_is_given_up(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, asked = await _exchanged(hass, dongle)
    assert entry.state is ConfigEntryState.NOT_LOADED
    # A browser that looks again is asked the same.
    again = await hass.config_entries.flow.async_configure(asked["flow_id"])
    assert again["step_id"] == "exchange"

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=11))
    await hass.async_block_till_done()

    assert not hass.config_entries.flow.async_progress()
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    assert entry.data[CONF_ROUTE_B_ID] == ROUTE_B_ID


async def test_meter_of_another_home_changes_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, result = await _exchanged(hass, dongle)

    result = await submit(hass, result["flow_id"], {"next_step_id": "another_home"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "another_home")
    assert (entry.data[CONF_ROUTE_B_ID], entry.data[CONF_PASSWORD]) == (ROUTE_B_ID, PASSWORD)
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_same_home_can_be_added_twice_by_no_way(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    other = entry_for("/dev/another", route_b_id="F" * 32)
    other.add_to_hass(hass)
    entry = entry_for()
    await set_up(hass, entry)
    flow_id = await _reconfigure(hass, entry)
    of_other = {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: "F" * 32}

    result = await hass.config_entries.flow.async_configure(flow_id, of_other)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    result = await hass.config_entries.flow.async_configure(
        await _reconfigure(hass, entry), {CONF_DEVICE: "/dev/another"}
    )

    assert result["errors"] == {CONF_DEVICE: "port_already_configured"}
    assert entry.state is ConfigEntryState.LOADED


async def test_meter_may_be_reconfigured_while_it_asks_for_a_password(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry, _ = await _refused_entry(hass, dongle)
    dongle.replies.clear()

    result = await submit(
        hass,
        await _reconfigure(hass, entry),
        {CONF_DEVICE: SCRIPTED_PORT, CONF_PASSWORD: NEW_PASSWORD},
    )

    assert result["reason"] == "reconfigure_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()  # the question is answered


async def test_re_added_old_id_is_refused_while_the_home_has_a_new_one(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    _, result = await _exchanged(hass, dongle)
    await submit(hass, result["flow_id"], {"next_step_id": "finish"})

    result = await submit(hass, await open_form(hass), FORM, device="/dev/another")

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1
