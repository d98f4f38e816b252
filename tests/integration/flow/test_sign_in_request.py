"""What a dialog remembers of a meter is read when the port is free, and not before."""

from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_NETWORK, CONF_ROUTE_B_ID
from custom_components.wisun_route_b.stack import Credentials
from tests.stack.scripted import NETWORK, PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import SCRIPTED_PORT, entry_for, live_session, until, words
from .dialogs import FORM, open_form, submit

_GONE = "/dev/no-such-port"
_ELSEWHERE = {**NETWORK.as_dict(), "channel": 0x25}
_NEW_ID = "F" * 24 + ROUTE_B_ID[-8:]


async def _submit_while_it_is_set_up(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    flow_id: str,
    form: dict[str, Any],
    **found: object,
) -> None:
    """Submit a form while the entry is being set up, which finds something out meanwhile."""
    async with entry.setup_lock:
        submitted = hass.async_create_task(submit(hass, flow_id, form))
        flows = hass.config_entries.flow
        await until(lambda: flows.async_get(flow_id)["step_id"] == "connect")
        hass.config_entries.async_update_entry(entry, data={**entry.data, **found})
    result = await submitted
    assert result["type"] is FlowResultType.ABORT, result
    assert result["reason"] in {"reauth_successful", "reconfigure_successful"}


async def test_dongle_that_has_moved_is_signed_in_with_on_its_new_port(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for(_GONE)
    entry.add_to_hass(hass)
    flow = await entry.start_reauth_flow(hass)

    await _submit_while_it_is_set_up(
        hass, entry, flow["flow_id"], {CONF_PASSWORD: PASSWORD}, **{CONF_DEVICE: SCRIPTED_PORT}
    )

    assert entry.data[CONF_DEVICE] == SCRIPTED_PORT


@pytest.mark.parametrize("kind", ["reauth", "reconfigure"])
async def test_network_that_was_found_meanwhile_is_joined_without_a_scan(
    hass: HomeAssistant, dongle: ScriptedDongle, kind: str
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_NETWORK: _ELSEWHERE})
    if kind == "reauth":
        flow = await entry.start_reauth_flow(hass)
        form = {CONF_PASSWORD: PASSWORD}
    else:
        flow = await entry.start_reconfigure_flow(hass)
        form = {CONF_DEVICE: SCRIPTED_PORT}

    await _submit_while_it_is_set_up(
        hass, entry, flow["flow_id"], form, **{CONF_NETWORK: NETWORK.as_dict()}
    )

    assert "SKSREG S2 31" in dongle.commands
    assert "SKSREG S2 25" not in dongle.commands
    assert "SKSCAN" not in words(dongle)


async def test_session_is_no_proof_of_a_password_that_was_replaced_meanwhile(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    live_session(dongle)
    flow = await entry.start_reconfigure_flow(hass)

    await _submit_while_it_is_set_up(
        hass,
        entry,
        flow["flow_id"],
        {CONF_DEVICE: SCRIPTED_PORT},
        **{CONF_PASSWORD: "BA9876543210"},
    )

    assert entry.data[CONF_PASSWORD] == PASSWORD
    assert "SKJOIN" in words(dongle)


@pytest.mark.usefixtures("fast_clock")
async def test_home_with_a_new_id_has_its_pause_whoever_ended_the_session(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry,
        unique_id=Credentials(_NEW_ID, PASSWORD).fingerprint,
        data={**entry.data, CONF_ROUTE_B_ID: _NEW_ID},
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    ended = next(at for word, at in dongle.command_times if word == "SKTERM")
    await hass.config_entries.async_remove(entry.entry_id)

    result = await submit(hass, await open_form(hass), FORM, **{CONF_ROUTE_B_ID: _NEW_ID})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    joined = [at for word, at in dongle.command_times if word == "SKJOIN" and at > ended]
    assert joined
    assert joined[0] - ended >= 10.0
