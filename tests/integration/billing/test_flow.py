"""The dialog of the tariff: filled in from a bill, refused where it makes no sense, changed later."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.entry_data import identity_of_device
from custom_components.wisun_route_b.tariff.stored import tariff_of
from tests.integration.conftest import entry_for, set_up, state_of
from tests.stack.scripted import ScriptedDongle

#: Prices of a contract with a basic charge and three steps.
PRICES = {
    "reading_day": 15,
    "basic_charge": 1247.0,
    "price_1": 29.8,
    "limit_1": 120,
    "price_2": 36.4,
    "limit_2": 300,
    "price_3": 40.49,
}
NIGHT = {"days": "every", "start_hour": 23, "end_hour": 7, "per_kwh": 20}


@pytest.fixture
async def entry(hass: HomeAssistant, dongle: ScriptedDongle) -> MockConfigEntry:
    made = entry_for()
    await set_up(hass, made)
    return made


async def fill_in(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    prices: dict[str, Any],
    adjustments: dict[str, Any],
    context: dict[str, Any] | None = None,
) -> Any:
    """Go through both pages; return the first answer that is no next page."""
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, "tariff"),
        context=context or {"source": "user"},  # type: ignore[arg-type]
    )
    if form["type"] is FlowResultType.ABORT:
        return form
    second = await flows.async_configure(form["flow_id"], prices)
    if second["type"] is not FlowResultType.FORM or second["step_id"] == "prices":
        return second
    result = await flows.async_configure(second["flow_id"], adjustments)
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


def shown(hass: HomeAssistant, key: str) -> str | None:
    """Return the state of a sensor of the tariff."""
    state = hass.states.get(f"sensor.electricity_tariff_{key}")
    return state.state if state else None


def tariff_row(entry: MockConfigEntry) -> ConfigSubentry:
    rows: list[ConfigSubentry] = list(entry.subentries.values())
    assert len(rows) == 1
    return rows[0]


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, prices: dict[str, Any], adjustments: dict[str, Any]
) -> Any:
    row = tariff_row(entry)
    context = {"source": "reconfigure", "subentry_id": row.subentry_id}
    return await fill_in(hass, entry, prices, adjustments, context)


async def test_tariff_is_added_and_its_entities_are_there_at_once(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert shown(hass, "electricity_price_now") is None

    result = await fill_in(
        hass,
        entry,
        PRICES,
        {
            "fuel_adjustment": [{"month": "2026年10月", "per_kwh": -8.05}],
            "levy": [{"month": "2026/05", "per_kwh": 3.98}],
        },
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Electricity tariff"
    data = tariff_row(entry).data
    assert data["fuel_adjustment"] == [{"month": "2026-10", "per_kwh": -8.05}]
    assert tariff_of(data) is not None
    for key in ("electricity_price_now", "bill_so_far", "bill_expected"):
        assert shown(hass, key) is not None, key
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    of_tariff = [
        row for row in registered if row.config_subentry_id == tariff_row(entry).subentry_id
    ]
    identity = entry.data["identity"]
    assert identity_of_device(hass, entry) == identity
    assert {row.unique_id for row in of_tariff} == {
        f"{identity}_{key}" for key in ("electricity_price", "bill_so_far", "bill_expected")
    }


async def test_meter_has_one_tariff(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await fill_in(hass, entry, PRICES, {})

    result = await fill_in(hass, entry, PRICES, {})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_removed_tariff_takes_its_entities_and_leaves_the_meter(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await fill_in(hass, entry, PRICES, {})

    hass.config_entries.async_remove_subentry(entry, tariff_row(entry).subentry_id)
    await hass.async_block_till_done()

    assert shown(hass, "electricity_price_now") is None
    assert state_of(hass, "power") is not None


@pytest.mark.parametrize(
    ("answers", "field", "error"),
    [
        ({"limit_1": 300}, "limit_2", "limits_must_rise"),
        ({"included_energy": 150}, "limit_1", "limits_must_rise"),
        ({"limit_2": None}, "limit_2", "limit_missing"),
        ({"price_3": None}, "price_3", "price_missing"),
        ({"price_2": None}, "price_2", "price_missing"),
        ({"limit_1": None, "price_2": None}, "limit_1", "limit_missing"),
        ({"limit_1": -1}, "limit_1", "number_negative"),
        ({"basic_charge": -1}, "basic_charge", "number_negative"),
        ({"basic_charge": "nan"}, "basic_charge", "number_invalid"),
        ({"price_1": "cheap"}, "price_1", "number_invalid"),
        ({"price_1": 10**400}, "price_1", "number_invalid"),
        ({"reading_day": "nan"}, "reading_day", "number_invalid"),
        ({"reading_day": 14.5}, "reading_day", "reading_day_invalid"),
        ({"reading_day": 0}, "reading_day", "reading_day_invalid"),
        ({"reading_day": 32}, "reading_day", "reading_day_invalid"),
        ({"valid_from": "2026-02-30"}, "valid_from", "day_invalid"),
        ({"valid_from": "2999-01-01"}, "valid_from", "valid_from_too_late"),
    ],
)
async def test_prices_that_make_no_sense_are_refused_at_the_field(
    hass: HomeAssistant, entry: MockConfigEntry, answers: dict[str, Any], field: str, error: str
) -> None:
    typed = {key: value for key, value in (PRICES | answers).items() if value is not None}

    result = await fill_in(hass, entry, typed, {})

    assert (result["step_id"], result["errors"]) == ("prices", {field: error})


@pytest.mark.parametrize(
    ("answers", "field", "error"),
    [
        ({"levy": [{"month": "May", "per_kwh": 3.98}]}, "levy", "month_invalid"),
        ({"levy": [{"month": "5月分", "per_kwh": 3.98}]}, "levy", "month_invalid"),
        ({"levy": [{"month": "2026-05"}]}, "levy", "month_invalid"),
        ({"levy": [{"month": "2026-05", "per_kwh": "nan"}]}, "levy", "number_invalid"),
        ({"levy": "3.98"}, "levy", "number_invalid"),
        ({"time_bands": [NIGHT | {"end_hour": 25}]}, "time_bands", "band_hours_invalid"),
        ({"time_bands": [NIGHT | {"end_hour": 0}]}, "time_bands", "band_hours_invalid"),
        ({"time_bands": [NIGHT | {"start_hour": 22.5}]}, "time_bands", "band_hours_invalid"),
        ({"time_bands": [{"start_hour": 1, "end_hour": 2}]}, "time_bands", "band_incomplete"),
        ({"time_bands": [NIGHT | {"days": []}]}, "time_bands", "band_incomplete"),
        ({"price_entity": "light.lamp"}, "price_entity", "price_entity_unit"),
        ({"price_entity": "price"}, "price_entity", "price_entity_unit"),
        (
            {"fuel_adjustment": [{"month": m, "per_kwh": 1} for m in ("2026-10", "2026年10月")]},
            "fuel_adjustment",
            "month_twice",
        ),
        ({"time_bands": [NIGHT, NIGHT | {"days": "weekend"}]}, "time_bands", "bands_overlap"),
        ({"time_bands": [NIGHT | {"end_hour": 23}]}, "time_bands", "band_empty"),
        ({"price_entity": "sensor.smart_meter_power"}, "price_entity", "price_entity_is_own"),
        ({"price_entity": "sensor.dollars"}, "price_entity", "price_entity_unit"),
    ],
)
async def test_adjustments_that_make_no_sense_are_told_at_the_field(
    hass: HomeAssistant, entry: MockConfigEntry, answers: dict[str, Any], field: str, error: str
) -> None:
    hass.states.async_set("sensor.dollars", "0.3", {"unit_of_measurement": "USD/kWh"})

    result = await fill_in(hass, entry, PRICES, answers)

    assert (result["step_id"], result["errors"]) == ("adjustments", {field: error})


async def test_correction_replaces_and_new_prices_keep_the_old_ones(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await fill_in(hass, entry, PRICES, {"time_bands": [NIGHT]})
    assert await change(hass, entry, PRICES | {"price_1": 30}, {"time_bands": [NIGHT]})
    (only,) = tariff_row(entry).data["prices"]
    assert (only["price_1"], only["time_bands"]) == (30, [NIGHT])

    result = await change(hass, entry, PRICES | {"price_1": 31, "valid_from": "2026-12-15"}, {})

    assert result["reason"] == "reconfigure_successful"
    old, new = tariff_row(entry).data["prices"]
    assert (old["price_1"], new["price_1"], new["valid_from"]) == (30, 31, "2026-12-15")
    assert "time_bands" not in new


async def stored_days(
    hass: HomeAssistant, entry: MockConfigEntry, *changes: dict[str, Any]
) -> list[tuple[str | None, float]]:
    """Enter prices one after the other; return the days and the first prices of what is stored."""
    await fill_in(hass, entry, PRICES, {})
    for typed in changes:
        result = await change(hass, entry, PRICES | typed, {})
        assert result["reason"] == "reconfigure_successful"
    return [(row.get("valid_from"), row["price_1"]) for row in tariff_row(entry).data["prices"]]


APRIL = {"valid_from": "2027-04-01", "price_1": 33}
DECEMBER = {"valid_from": "2026-12-01", "price_1": 31}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([APRIL, DECEMBER], [(None, 29.8), ("2026-12-01", 31), ("2027-04-01", 33)]),
        # Prices with later ones behind them can be corrected.
        (
            [DECEMBER, APRIL, DECEMBER | {"price_1": 32}],
            [(None, 29.8), ("2026-12-01", 32), ("2027-04-01", 33)],
        ),
        ([APRIL, {"price_1": 28}], [(None, 28), ("2027-04-01", 33)]),
        # A wrong day: the prices get another one, or go.
        (
            [APRIL, DECEMBER | {"remove_prices_from": ["2027-04-01"]}],
            [(None, 29.8), ("2026-12-01", 31)],
        ),
        ([APRIL, APRIL | {"remove_prices_from": ["2027-04-01"]}], [(None, 29.8)]),
    ],
)
async def test_prices_of_other_days_stay(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    changes: list[dict[str, Any]],
    expected: list[tuple[str | None, float]],
) -> None:
    freezer.move_to("2026-11-20 12:00:00+09:00")

    assert await stored_days(hass, entry, *changes) == expected
    assert tariff_of(tariff_row(entry).data) is not None


async def test_only_prices_of_a_tariff_cannot_be_removed(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2026-11-20 12:00:00+09:00")
    await fill_in(hass, entry, PRICES | APRIL, {})

    result = await change(hass, entry, PRICES | APRIL | {"remove_prices_from": ["2027-04-01"]}, {})

    assert result["errors"] == {"remove_prices_from": "all_prices_removed"}


async def test_second_page_shows_the_bands_of_the_prices_that_are_corrected(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2026-11-20 12:00:00+09:00")
    await fill_in(hass, entry, PRICES, {"time_bands": [NIGHT]})
    await change(hass, entry, PRICES | APRIL, {})

    for typed, bands in (({}, [NIGHT]), (APRIL, None)):
        flows = hass.config_entries.subentries
        context = {"source": "reconfigure", "subentry_id": tariff_row(entry).subentry_id}
        form = await flows.async_init((entry.entry_id, "tariff"), context=context)  # type: ignore[arg-type]
        second = await flows.async_configure(form["flow_id"], PRICES | typed)
        assert second["data_schema"] is not None
        (field,) = [key for key in second["data_schema"].schema if key == "time_bands"]
        assert (field.description or {}).get("suggested_value") == bands


async def test_two_open_dialogs_make_one_tariff(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    flows = hass.config_entries.subentries
    results = []
    forms = [
        await flows.async_init((entry.entry_id, "tariff"), context={"source": "user"})
        for _ in range(3)
    ]
    for form in forms[:2]:
        await flows.async_configure(form["flow_id"], PRICES)
    for form, typed in zip(forms, ({}, {}, PRICES), strict=True):
        results.append(await flows.async_configure(form["flow_id"], typed))
        await hass.async_block_till_done(wait_background_tasks=True)

    assert len(entry.subentries) == 1
    assert [result.get("reason") for result in results] == [None, *["already_configured"] * 2]


async def test_change_keeps_what_another_dialog_has_stored_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2026-11-20 12:00:00+09:00")
    await fill_in(hass, entry, PRICES, {})
    flows, row = hass.config_entries.subentries, tariff_row(entry)
    context = {"source": "reconfigure", "subentry_id": row.subentry_id}
    form, late = [
        await flows.async_init((entry.entry_id, "tariff"), context=context)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    await flows.async_configure(form["flow_id"], PRICES | DECEMBER)
    await change(hass, entry, PRICES | APRIL, {})

    await flows.async_configure(form["flow_id"], {})
    await hass.async_block_till_done(wait_background_tasks=True)

    days = [row.get("valid_from") for row in tariff_row(entry).data["prices"]]
    assert days == [None, "2026-12-01", "2027-04-01"]

    hass.config_entries.async_remove_subentry(entry, row.subentry_id)
    result = await flows.async_configure(late["flow_id"], PRICES)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "removed")


async def test_price_entity_is_found_again_under_its_new_name(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    market = registry.async_get_or_create("sensor", "market", "price").entity_id
    hass.states.async_set(market, "-3.5", {"unit_of_measurement": "円/kWh"})
    await fill_in(
        hass, entry, {"reading_day": 1, "basic_charge": 0, "price_1": 9}, {"price_entity": market}
    )
    assert shown(hass, "electricity_price_now") == "5.5"

    registry.async_update_entity(market, new_entity_id="sensor.spot")
    hass.states.async_set("sensor.spot", "4", {"unit_of_measurement": "円/kWh"})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, "electricity_price_now") == "13.0"

    registry.async_remove("sensor.spot")
    hass.states.async_remove("sensor.spot")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, "electricity_price_now") == "unavailable"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"reading_day": 40, "prices": [PRICES]},
        {"reading_day": 1, "prices": "x"},
        {"reading_day": 1, "prices": ["x", {"price_1": 1, "valid_from": "soon"}]},
        {"reading_day": 1, "prices": [PRICES], "levy": [3], "fuel_adjustment": "x"},
        {"reading_day": 1, "prices": [{"price_1": 1, "time_bands": [{"days": []}]}]},
    ],
)
async def test_damaged_tariff_leaves_the_meter_alone(
    hass: HomeAssistant, entry: MockConfigEntry, data: dict[str, Any]
) -> None:
    await fill_in(hass, entry, PRICES, {})
    hass.config_entries.async_update_subentry(entry, tariff_row(entry), data=data)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert shown(hass, "electricity_price_now") == "unavailable"
    assert state_of(hass, "power") not in {None, "unavailable"}

    result = await change(hass, entry, PRICES | {"reading_day": 3}, {})
    assert result["reason"] == "reconfigure_successful"
    assert tariff_row(entry).data["prices"] == [
        {key: value for key, value in PRICES.items() if key != "reading_day"}
    ]
