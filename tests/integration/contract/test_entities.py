"""Load and overload: from the options and the bytes of the meter to the states."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.conftest import entry_for, poll, set_up, state_of
from tests.stack.scripted import METER_SAYS, ScriptedDongle

OVERLOAD = "binary_sensor.smart_meter_overload"


def _currents(dongle: ScriptedDongle, edt: str) -> None:
    """Have the meter say other currents, in steps of 0.1 A."""
    says = METER_SAYS | {0xE8: edt}
    dongle.know(says)


async def _choose(hass: HomeAssistant, entry: MockConfigEntry, **answers: Any) -> Any:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    usual = {"poll_interval": 30, "repair_history": True, "costs": True, "import_days": "none"}
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {**usual, **answers}
    )
    await hass.async_block_till_done()
    return result


async def test_without_a_contract_there_is_no_load(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    assert state_of(hass, "current_r") == "3.0"
    assert state_of(hass, "load") is None
    assert hass.states.get(OVERLOAD) is None


async def test_load_follows_the_currents(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    result = await _choose(hass, entry, contract="ampere", contract_size=40)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    state = hass.states.get("sensor.smart_meter_load")
    assert state is not None
    assert state.state == "20.0"  # 3 A and 5 A of 40 A
    assert state.attributes["unit_of_measurement"] == "%"
    assert state.attributes["contract"] == "40 A"
    overload = hass.states.get(OVERLOAD)
    assert overload is not None
    assert (overload.state, overload.attributes["device_class"]) == ("off", "problem")

    _currents(dongle, "00CB00C8")  # 20.3 A and 20 A
    await poll(hass)
    assert state_of(hass, "load") == "100.8"
    overload = hass.states.get(OVERLOAD)
    assert overload is not None
    assert overload.state == "on"

    _currents(dongle, "01907FFE")  # 40 A, and no T phase this time: it may be any
    await poll(hass)
    assert state_of(hass, "current_t") == "unavailable"
    assert state_of(hass, "load") == "unavailable"
    overload = hass.states.get(OVERLOAD)
    assert overload is not None
    assert overload.state == "unknown"

    _currents(dongle, "7FFE7FFE")  # no data
    await poll(hass)
    assert state_of(hass, "load") == "unavailable"
    overload = hass.states.get(OVERLOAD)
    assert overload is not None
    assert overload.state == "unknown"


async def test_entities_of_a_contract_go_with_it(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await _choose(hass, entry, contract="kva", contract_size=6)
    assert state_of(hass, "load") == "16.7"  # 5 A in one phase, of 30 A

    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["data_schema"] is not None
    schema = {str(key): key.default() for key in form["data_schema"].schema}
    assert (schema["contract"], schema["contract_size"]) == ("kva", 6)
    hass.config_entries.options.async_abort(form["flow_id"])
    await _choose(hass, entry, contract="none", contract_size=6)

    assert state_of(hass, "load") is None
    assert hass.states.get(OVERLOAD) is None
    assert entry.options == {"poll_interval": 30, "repair_history": True, "costs": True}


async def test_contract_without_a_size_is_asked_for_again(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    result = await _choose(hass, entry, contract="ampere", contract_size=0, poll_interval=60)

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"contract_size": "contract_size_missing"}
    suggested = {
        str(key): key.description["suggested_value"] for key in result["data_schema"].schema
    }
    assert suggested["poll_interval"] == 60
    assert entry.options == {}


async def test_two_wires_have_a_load_without_a_t_phase(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    options = {"contract": "kva", "contract_size": 3}
    hass.config_entries.async_update_entry(entry, options=options)
    _currents(dongle, "00967FFE")
    await set_up(hass, entry)
    await poll(hass)

    assert state_of(hass, "load") == "50.0"  # 15 A of 30 A


@pytest.mark.parametrize(
    "options",
    [
        {"contract": "ampere"},
        {"contract": "volt", "contract_size": 40},
        {"contract": "kva", "contract_size": "6"},
        {"contract": "kva", "contract_size": 1e9},
    ],
)
async def test_damaged_contract_is_dropped(
    hass: HomeAssistant, dongle: ScriptedDongle, options: dict[str, Any]
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, "power") == "632"
    assert state_of(hass, "load") is None
    assert entry.options == {}
