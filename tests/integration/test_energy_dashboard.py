"""The Energy dashboard shows the meter without another click, and is asked before anything else."""

from typing import Any, cast

from homeassistant.components.energy.data import (
    ENERGY_SOURCE_SCHEMA,
    EnergyManager,
)
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from custom_components.wisun_route_b.const import CONF_DASHBOARD, DOMAIN
from tests.stack.scripted import JOIN_REFUSED, ScriptedDongle

from .conftest import entry_for, set_up, without_half_hours
from .flow.dialogs import FORM, open_form, submit
from .repairs.shown_issues import issues, texts
from .takeover.test_energy_dashboard import choose, chosen, grid

_SENSOR = "sensor.smart_meter_"
IMPORTED, EXPORTED, POWER = (
    f"{_SENSOR}{key}" for key in ("imported_energy", "exported_energy", "power")
)
CONNECTION = grid(
    IMPORTED, stat_energy_to=EXPORTED, stat_rate=POWER, power_config={"stat_rate": POWER}
)


@pytest.fixture
async def energy(
    recorder_mock: Recorder, hass: HomeAssistant, dongle: ScriptedDongle
) -> HomeAssistant:
    """A Home Assistant with a dashboard in which nothing was chosen yet, and a meter."""
    hass.config.components.add("frontend")
    assert await async_setup_component(hass, "energy", {})
    await hass.async_block_till_done()
    without_half_hours(dongle)
    return hass


async def sources(hass: HomeAssistant) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", (await chosen(hass) or {}).get("energy_sources", []))


def switch(form: ConfigFlowResult) -> bool | None:
    """Return whether the switch of a form is on; None if there is none."""
    schema = form["data_schema"]
    assert schema is not None
    return next(
        (bool(cast("Any", key).default()) for key in schema.schema if str(key) == CONF_DASHBOARD),
        None,
    )


async def form_of(hass: HomeAssistant) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_configure(await open_form(hass))


async def set_up_by_dialog(hass: HomeAssistant, **answers: Any) -> str:
    """Set the meter up as a person does; return the key of what the last page says."""
    result = await submit(hass, await open_form(hass), FORM | answers)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)
    page = result["description"]
    assert page is not None
    return page


async def test_meter_is_a_grid_connection_after_the_dialog(energy: HomeAssistant) -> None:
    assert switch(await form_of(energy)) is True

    said = await set_up_by_dialog(energy, energy_dashboard=True)

    assert await sources(energy) == [CONNECTION]
    ENERGY_SOURCE_SCHEMA(await sources(energy))
    assert said == "good_added"


async def test_meter_is_in_the_dashboard_after_a_power_cut(energy: HomeAssistant) -> None:
    await set_up_by_dialog(energy, energy_dashboard=True)

    on_disk = EnergyManager(energy)
    await on_disk.async_initialize()
    assert on_disk.data is not None
    assert cast("Any", on_disk.data)["energy_sources"] == [CONNECTION]


async def test_meter_that_is_not_to_be_added_is_not(energy: HomeAssistant) -> None:
    said = await set_up_by_dialog(energy, energy_dashboard=False)

    assert await chosen(energy) is None
    assert said == "good_by_hand"


async def test_connection_that_exists_is_not_doubled_unasked(energy: HomeAssistant) -> None:
    await choose(energy, energy_sources=[grid("sensor.other")])
    form = await form_of(energy)
    assert switch(form) is False

    said = await set_up_by_dialog(energy, energy_dashboard=switch(form))

    assert await sources(energy) == [grid("sensor.other")]
    assert said == "good_left"


async def test_connection_that_exists_stays_beside_ours_if_that_is_wanted(
    energy: HomeAssistant,
) -> None:
    await choose(energy, energy_sources=[grid("sensor.other")])

    await set_up_by_dialog(energy, energy_dashboard=True)

    assert await sources(energy) == [grid("sensor.other"), CONNECTION]


async def test_without_a_dashboard_there_is_no_switch(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    assert switch(await form_of(hass)) is None
    assert await set_up_by_dialog(hass) == "good_plain"


async def test_switch_comes_back_as_it_was_after_a_failure(
    energy: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    result = await submit(energy, await open_form(energy), FORM | {CONF_DASHBOARD: False})

    schema = result["data_schema"]
    assert schema is not None
    (field,) = [key for key in schema.schema if str(key) == CONF_DASHBOARD]
    assert field.description == {"suggested_value": False}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [CONNECTION]),
        ([grid("sensor.other")], [grid("sensor.other"), CONNECTION]),
        ([grid(IMPORTED, number_energy_price=31.0)], [CONNECTION | {"number_energy_price": 31.0}]),
        (
            [grid(IMPORTED, stat_energy_to="sensor.inverter", stat_rate="sensor.clamp")],
            [grid(IMPORTED, stat_energy_to="sensor.inverter", stat_rate="sensor.clamp")],
        ),
        (
            [grid(IMPORTED), grid(None, stat_energy_to=EXPORTED)],
            [
                grid(IMPORTED, stat_rate=POWER, power_config={"stat_rate": POWER}),
                grid(None, stat_energy_to=EXPORTED),
            ],
        ),
    ],
)
async def test_options_add_what_is_missing_and_nothing_else(
    energy: HomeAssistant, before: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    entry = entry_for()
    await set_up(energy, entry)
    await choose(energy, energy_sources=before)
    form = await energy.config_entries.options.async_init(entry.entry_id)
    assert switch(form) is False
    schema = form["data_schema"]
    assert schema is not None
    answers = {str(key): cast("Any", key).default() for key in schema.schema}

    await energy.config_entries.options.async_configure(
        form["flow_id"], answers | {CONF_DASHBOARD: True}
    )
    await energy.async_block_till_done(wait_background_tasks=True)

    assert await sources(energy) == after


async def test_options_do_not_offer_what_is_there(energy: HomeAssistant) -> None:
    entry = entry_for()
    await set_up(energy, entry)
    await choose(energy, energy_sources=[CONNECTION])

    assert switch(await energy.config_entries.options.async_init(entry.entry_id)) is None


async def test_sensor_that_is_disabled_is_not_shown(energy: HomeAssistant) -> None:
    entry = entry_for()
    for key, disabled in (("power", er.RegistryEntryDisabler.USER), ("exported_energy", None)):
        er.async_get(energy).async_get_or_create(
            "sensor",
            DOMAIN,
            f"{entry.unique_id}_{key}",
            disabled_by=disabled,
            object_id_base=f"smart_meter_{key}",
        )
    await set_up_by_dialog(energy, energy_dashboard=True)

    assert await sources(energy) == [grid(IMPORTED, stat_energy_to=EXPORTED)]


# --- Removal ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([CONNECTION], []),
        ([grid("sensor.other"), CONNECTION], [grid("sensor.other")]),
        (
            [grid(IMPORTED, stat_energy_to="sensor.inverter")],
            [grid(None, stat_energy_to="sensor.inverter")],
        ),
    ],
)
async def test_removal_offers_to_take_the_meter_out_of_the_dashboard(
    energy: HomeAssistant, before: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    entry = entry_for()
    await set_up(energy, entry)
    await choose(energy, energy_sources=before)
    assert await async_setup_component(energy, REPAIRS, {})

    await energy.config_entries.async_remove(entry.entry_id)
    await energy.async_block_till_done()

    issue = issues(energy)["dashboard_shows_removed"]
    assert "Smart meter" in (await texts(energy, issue))["fix_flow.step.confirm.description"]
    assert await sources(energy) == before  # nothing happens unasked
    manager: RepairsFlowManager = energy.data[REPAIRS]["flow_manager"]
    flow = await manager.async_init(DOMAIN, data={"issue_id": issue.issue_id})
    await manager.async_configure(flow["flow_id"], {})
    assert await sources(energy) == after
    assert not issues(energy)


async def test_removal_of_a_meter_that_is_not_shown_says_nothing(energy: HomeAssistant) -> None:
    entry = entry_for()
    await set_up(energy, entry)
    await choose(energy, energy_sources=[grid("sensor.other")])

    await energy.config_entries.async_remove(entry.entry_id)

    assert not issues(energy)


async def test_meter_that_is_set_up_again_takes_the_offer_back(energy: HomeAssistant) -> None:
    entry = entry_for()
    await set_up(energy, entry)
    await choose(energy, energy_sources=[CONNECTION])
    await energy.config_entries.async_remove(entry.entry_id)
    assert issues(energy)

    await set_up(energy, entry_for())

    assert not issues(energy)
