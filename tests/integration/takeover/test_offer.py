"""Moving over from Home Assistant's own integration: what the dialog offers, does and undoes."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import cast

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    statistics_during_period,
)
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    get_schema_suggested_value,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from custom_components.wisun_route_b.config_flow import RouteBConfigFlow
from custom_components.wisun_route_b.const import CONF_ROUTE_B_ID, DOMAIN
from custom_components.wisun_route_b.session_end import session_ended_at
from tests.stack.scripted import JOIN_REFUSED, PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import (
    CORE_SUCCEEDED,
    SCRIPTED_PORT,
    entry_for,
    hurry,
    nothing_goes_on,
    state_of,
    until,
    words,
)
from ..flow.dialogs import submit

OTHER = "route_b_smart_meter"


@pytest.fixture
def other(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Home Assistant's own integration, as a module that only says when it is (un)loaded.

    The clock is fast, because a meter needs a pause of 10 s after the session of the other one;
    not as fast as elsewhere, because the recorder takes part.
    """
    hurry(hass, monkeypatch, 10)
    journal: list[str] = []

    def note(what: str) -> Callable[[HomeAssistant, ConfigEntry], Awaitable[bool | None]]:
        async def noted(_: HomeAssistant, entry: ConfigEntry) -> bool | None:
            journal.append(f"{what} {entry.data[CONF_DEVICE]}")
            return CORE_SUCCEEDED

        return noted

    mock_integration(
        hass,
        MockModule(OTHER, async_setup_entry=note("load"), async_unload_entry=note("unload")),
    )
    mock_platform(hass, f"{OTHER}.config_flow")
    with mock_config_flow(OTHER, ConfigFlow):
        yield journal


async def _their_meter(
    hass: HomeAssistant,
    device: str = SCRIPTED_PORT,
    route_b_id: str = ROUTE_B_ID,
    password: str = PASSWORD,
) -> MockConfigEntry:
    entry = MockConfigEntry(
        domain=OTHER,
        title="Route B Smart Meter",
        unique_id=route_b_id,
        data={CONF_DEVICE: device, CONF_ID: route_b_id, CONF_PASSWORD: password},
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def _open(hass: HomeAssistant) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def _choose(hass: HomeAssistant, step: str) -> ConfigFlowResult:
    menu = await _open(hass)
    assert (menu["type"], menu["step_id"]) == (FlowResultType.MENU, "start")
    return await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": step})


async def test_meter_moves_over_without_anything_typed(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "take_over")
    assert form["description_placeholders"] == {"port": SCRIPTED_PORT}
    assert other == [f"load {SCRIPTED_PORT}"]  # nothing happens before a person says so

    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    ours = result["result"]
    assert (ours.data[CONF_DEVICE], ours.data[CONF_ROUTE_B_ID], ours.data[CONF_PASSWORD]) == (
        SCRIPTED_PORT,
        ROUTE_B_ID,
        PASSWORD,
    )
    assert (ours.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    assert other == [f"load {SCRIPTED_PORT}", f"unload {SCRIPTED_PORT}"]
    assert theirs.disabled_by is ConfigEntryDisabler.USER


async def test_meter_has_its_pause_after_the_session_of_the_other_integration(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    await _their_meter(hass)
    form = await _choose(hass, "take_over")

    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    ended = session_ended_at(hass, result["result"].unique_id or "")
    joined = [at for word, at in dongle.command_times if word == "SKJOIN"]
    assert ended is not None
    assert joined
    assert joined[0] - ended >= 10.0


async def test_meter_can_be_set_up_by_hand_all_the_same(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass, "/dev/another", "F" * 32)

    form = await _choose(hass, "by_hand")
    assert form["step_id"] == "user"
    result = await submit(
        hass,
        form["flow_id"],
        {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD},
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert theirs.state is ConfigEntryState.LOADED


async def test_failure_enables_the_other_integration_again_and_can_be_mended(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert (result["step_id"], result["errors"]) == ("take_over", {"base": "credentials_refused"})
    assert (theirs.disabled_by, theirs.state) == (None, ConfigEntryState.LOADED)
    assert dongle.is_closing()
    dongle.replies.clear()
    result = await submit(hass, form["flow_id"], {"adopt": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert theirs.disabled_by is ConfigEntryDisabler.USER


async def test_form_comes_back_as_it_was_filled_in(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    await _their_meter(hass, "/dev/another", "F" * 32)
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    answers = {"meter": theirs.entry_id, "adopt": False, "import_days": "all"}

    result = await submit(hass, form["flow_id"], answers)

    assert result["errors"] == {"base": "credentials_refused"}
    schema = result["data_schema"]
    assert schema is not None
    for field, value in answers.items():
        assert get_schema_suggested_value(schema.schema, field) == value


async def test_port_of_a_meter_that_is_set_up_is_no_end_of_the_dialog(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    entry_for(route_b_id="F" * 32).add_to_hass(hass)
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")

    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert result["errors"] == {"base": "port_already_configured"}
    assert theirs.state is ConfigEntryState.LOADED
    assert not dongle.commands


async def test_closing_the_dialog_enables_the_other_integration_again(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    dongle.replies["SKJOIN"] = b"OK\r\n"
    await hass.config_entries.flow.async_configure(form["flow_id"], {"adopt": True})
    await until(lambda: "SKJOIN" in words(dongle))
    # After a restart of Home Assistant, or a power cut, it would be back.
    assert (theirs.disabled_by, theirs.state) == (None, ConfigEntryState.NOT_LOADED)

    hass.config_entries.flow.async_abort(form["flow_id"])
    await until(nothing_goes_on)
    await hass.async_block_till_done()

    after = hass.config_entries.async_get_known_entry(theirs.entry_id)
    assert (after.disabled_by, after.state) == (None, ConfigEntryState.LOADED)
    assert dongle.is_closing()
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_meter_that_has_moved_is_not_offered_again(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    await _their_meter(hass)
    form = await _choose(hass, "take_over")
    await submit(hass, form["flow_id"], {"adopt": True})

    assert (await _open(hass))["step_id"] == "user"


async def test_meter_that_is_deleted_meanwhile_moves_all_the_same(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    await hass.config_entries.async_remove(theirs.entry_id)

    result = await submit(hass, form["flow_id"], {"adopt": False})

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_one_of_several_meters_is_chosen_by_its_port(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    first = await _their_meter(hass, "/dev/another", "F" * 32)
    second = await _their_meter(hass)

    form = await _choose(hass, "take_over")
    result = await submit(hass, form["flow_id"], {"meter": second.entry_id, "adopt": False})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert (first.disabled_by, second.disabled_by) == (None, ConfigEntryDisabler.USER)


async def test_other_integration_that_is_connecting_is_waited_for(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass)
    form = await _choose(hass, "take_over")
    theirs.mock_state(hass, ConfigEntryState.SETUP_IN_PROGRESS)

    result = await submit(hass, form["flow_id"], {"adopt": True})
    assert (result["step_id"], result["errors"]) == ("take_over", {"base": "built_in_busy"})
    assert not dongle.commands
    theirs.mock_state(hass, ConfigEntryState.LOADED)
    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def _their_past(hass: HomeAssistant, theirs: MockConfigEntry) -> tuple[str, str]:
    """Give the other integration an energy and a power sensor, statistics, and the dashboard."""
    registry = er.async_get(hass)
    energy, power = (
        registry.async_get_or_create(
            "sensor", OTHER, f"{ROUTE_B_ID}_{what}", config_entry=theirs
        ).entity_id
        for what in ("total_consumption", "instantaneous_power")
    )
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source="recorder",
        statistic_id=energy,
        unit_class="energy",
        unit_of_measurement="kWh",
    )
    hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    rows = [
        StatisticData(start=hour - timedelta(hours=9 - n), state=6500.0 + n, sum=50.0 + n)
        for n in range(8)
    ]
    async_import_statistics(hass, metadata, rows)
    await async_setup_component(hass, "energy", {})
    grid = {
        "type": "grid",
        "stat_energy_from": energy,
        "stat_energy_to": None,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": 31.0,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "stat_rate": power,
        "cost_adjustment_day": 0,
    }
    manager = await async_get_manager(hass)
    await manager.async_update({"energy_sources": [grid]})  # type: ignore[typeddict-item]
    await hass.async_block_till_done()
    return energy, power


async def _rows(hass: HomeAssistant, statistic_id: str) -> list[tuple[float | None, float | None]]:
    instance = get_instance(hass)
    await instance.async_block_till_done()
    found = await instance.async_add_executor_job(
        statistics_during_period,
        hass,
        dt_util.utcnow() - timedelta(days=2),
        None,
        {statistic_id},
        "hour",
        None,
        {"state", "sum"},
    )
    return [(row.get("state"), row.get("sum")) for row in found.get(statistic_id, [])]


@pytest.mark.usefixtures("recorder_mock")
@pytest.mark.parametrize("adopt", [True, False])
async def test_past_of_the_energy_dashboard_comes_along_if_wanted(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str], adopt: bool
) -> None:
    theirs = await _their_meter(hass)
    energy, power = await _their_past(hass, theirs)
    past = await _rows(hass, energy)
    assert len(past) == 8
    form = await _choose(hass, "take_over")

    result = await submit(hass, form["flow_id"], {"adopt": adopt})
    await hass.async_block_till_done(wait_background_tasks=True)

    ours = "sensor.smart_meter_imported_energy"
    preferences = (await async_get_manager(hass)).data
    assert preferences is not None
    (source,) = cast("list[dict[str, object]]", preferences["energy_sources"])
    shown = (source["stat_energy_from"], source["stat_rate"], source["number_energy_price"])
    if adopt:
        assert await _rows(hass, ours) == past
        assert shown == (ours, "sensor.smart_meter_power", 31.0)
        assert source["stat_energy_to"] == "sensor.smart_meter_exported_energy"
    else:
        assert await _rows(hass, energy) == past
        assert await _rows(hass, ours) == []
        assert shown == (energy, power, 31.0)
    assert dict(result["result"].options) == {}
    assert result["description"] == ("good_switched" if adopt else "good_left")


async def test_damaged_credentials_end_the_dialog_before_anything_is_touched(
    hass: HomeAssistant, dongle: ScriptedDongle, other: list[str]
) -> None:
    theirs = await _their_meter(hass, password="no password")
    form = await _choose(hass, "take_over")

    result = await submit(hass, form["flow_id"], {"adopt": True})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "take_over_damaged")
    assert theirs.state is ConfigEntryState.LOADED
    assert not dongle.commands


async def test_take_over_cannot_be_reached_where_there_is_nothing_to_take(
    hass: HomeAssistant,
) -> None:
    flow = RouteBConfigFlow()

    with pytest.raises(UnknownFlow):
        await flow.async_step_take_over()
