"""The options: what a person chooses there, and what comes of it at once."""

from datetime import timedelta
from typing import Any, cast

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers.selector import NumberSelector
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import (
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    DOMAIN,
)
from custom_components.wisun_route_b.entry_data import StoredOptions
from custom_components.wisun_route_b.flow.options import options_schema
from custom_components.wisun_route_b.orders import Orders, async_place
from tests.stack.scripted import ScriptedDongle

from ..conftest import entry_for, set_up, state_of, words

DEFAULTS = {
    CONF_POLL_INTERVAL: 30,
    CONF_REPAIR: True,
    "costs": True,
    CONF_IMPORT_DAYS: "none",
    "contract": "none",
    "contract_size": 0,
}


async def _choose(
    hass: HomeAssistant, entry: MockConfigEntry, **answers: object
) -> ConfigFlowResult:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "init")
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {**DEFAULTS, **answers}
    )
    await hass.async_block_till_done()
    return result


def _offered(form: ConfigFlowResult) -> dict[str, Any]:
    schema = form["data_schema"]
    assert schema is not None
    return {str(key): key.default() for key in schema.schema}


def _stored_days(storage: dict[str, Any], entry: MockConfigEntry) -> int | None:
    data = storage[f"{DOMAIN}.{entry.data[CONF_IDENTITY]}.history"]["data"]
    return cast("int | None", data["import_days"])


async def test_form_shows_what_holds_today(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert _offered(form) == DEFAULTS
    await _choose(hass, entry, poll_interval=60, repair_history=False)

    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert _offered(form) == {**DEFAULTS, CONF_POLL_INTERVAL: 60, CONF_REPAIR: False}


async def test_what_the_first_set_up_has_still_to_do_is_kept(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    entry = entry_for("/dev/no-such-port")
    entry.add_to_hass(hass)
    identity = entry.data[CONF_IDENTITY]
    order = {"imported_energy": "sensor.old"}
    await async_place(hass, identity, Orders(30, order))
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert _offered(form) == {**DEFAULTS, CONF_IMPORT_DAYS: "month"}
    await _choose(hass, entry, **_offered(form) | {CONF_POLL_INTERVAL: 60})

    assert entry.options == {CONF_POLL_INTERVAL: 60, CONF_REPAIR: True, "costs": True}
    assert _stored_days(hass_storage, entry) == 30
    assert hass_storage[f"{DOMAIN}.{identity}.take_over"]["data"]["order"] == order

    # Until the set-up has come to it, the import can be changed and taken back.
    await _choose(hass, entry, import_days="all")
    assert _stored_days(hass_storage, entry) == 99
    await _choose(hass, entry, import_days="none")
    assert _stored_days(hass_storage, entry) is None


async def test_entry_is_set_up_anew_with_the_chosen_interval(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    before = entry.runtime_data
    assert before.update_interval == timedelta(seconds=30)

    await _choose(hass, entry, poll_interval=10.0)  # a number field returns floats

    assert entry.options == {CONF_POLL_INTERVAL: 10, CONF_REPAIR: True, "costs": True}
    assert entry.runtime_data is not before
    assert entry.runtime_data.update_interval == timedelta(seconds=10)
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")


async def test_nothing_is_interrupted_where_nothing_was_changed(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await _choose(hass, entry)
    sign_ins = words(dongle).count("SKJOIN")

    await _choose(hass, entry)

    assert words(dongle).count("SKJOIN") == sign_ins


@pytest.mark.parametrize("interval", [30, 60])
async def test_days_to_import_are_an_order_and_no_setting(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_storage: dict[str, Any], interval: int
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await _choose(hass, entry)

    result = await _choose(hass, entry, import_days="month", poll_interval=interval)

    settings = {CONF_POLL_INTERVAL: interval, CONF_REPAIR: True, "costs": True}
    assert result["data"] == entry.options == settings
    assert entry.state is ConfigEntryState.LOADED
    assert _stored_days(hass_storage, entry) == 30
    assert entry.runtime_data.backfill.to_import is not None
    # Nothing is ordered, or taken back, by whoever changes something else.
    await _choose(hass, entry, poll_interval=100)
    assert _stored_days(hass_storage, entry) == 30


@pytest.mark.parametrize(
    "answers",
    [{"import_days": "some"}, {"import_days": 30}],
)
async def test_numbers_out_of_range_are_refused(
    hass: HomeAssistant, dongle: ScriptedDongle, answers: dict[str, int]
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    with pytest.raises(InvalidData):
        await _choose(hass, entry, **answers)


@pytest.mark.parametrize(("days", "shown"), [(7, "month"), (30, "month"), (60, "all")])
async def test_days_that_an_older_version_has_ordered_are_shown_and_stay(
    hass: HomeAssistant, hass_storage: dict[str, Any], days: int, shown: str
) -> None:
    entry = entry_for("/dev/no-such-port")
    entry.add_to_hass(hass)
    await async_place(hass, entry.data[CONF_IDENTITY], Orders(days))
    await hass.config_entries.async_setup(entry.entry_id)

    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert _offered(form)[CONF_IMPORT_DAYS] == shown
    await _choose(hass, entry, import_days=shown, poll_interval=60)

    assert _stored_days(hass_storage, entry) == days


@pytest.mark.parametrize("seconds", [9, 9.5, 301, 1e9, -1, float("nan"), float("inf")])
async def test_number_out_of_range_is_an_error_of_its_field_in_the_language_of_the_house(
    hass: HomeAssistant, dongle: ScriptedDongle, seconds: float
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    result = await _choose(hass, entry, poll_interval=seconds, contract="ampere", contract_size=1e6)

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {
        "poll_interval": "poll_interval_out_of_range",
        "contract_size": "contract_size_missing",
    }
    assert not entry.options


def test_no_number_field_leaves_the_message_to_home_assistant() -> None:
    """Its messages about a number out of range exist in English only."""
    fields = [
        field
        for field in options_schema(StoredOptions()).schema.values()
        if isinstance(field, NumberSelector)
    ]

    assert fields
    assert not [field for field in fields if {"min", "max"} & field.config.keys()]
