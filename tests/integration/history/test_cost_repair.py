"""Costs in the real recorder: prices of every kind, and everything that can be wrong with them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.wisun_route_b.history.cost_comparison import CostComparison
from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, WATER
from tests.integration.history.priced_harness import (
    COMPENSATION,
    COST,
    FIXED,
    PRICE,
    PricedHarness,
    source,
)
from tests.integration.history.scenario import START, at

YEN = Decimal("0.01")


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> PricedHarness:
    hass.loop.set_debug(False)
    built = PricedHarness(hass, freezer, START)
    await built.set_up()
    return built


async def _outage(house: PricedHarness, *sources: dict[str, Any]) -> None:
    """Live for some hours with Home Assistant off from the fourth to the seventh."""
    await house.show_costs(*sources)
    await house.start()
    await house.live(at(4.3))
    await house.stop()
    house.move(at(7.4))
    await house.start()
    await house.live(at(9.3))


async def _import(house: PricedHarness, **choices: Any) -> tuple[CostComparison, CostComparison]:
    assert house.repair is not None
    report = await house.repair.async_import(at(-48), **choices)
    found = [report.sensors[key].costs for key in ("imported_energy", "exported_energy")]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


async def _right(
    house: PricedHarness, price: Decimal = FIXED, since: datetime | None = None
) -> None:
    energies, costs = await house.stored(IMPORTED), await house.money(COST)
    hours = [hour for hour in sorted(energies)[1:] if since is None or hour >= since]
    wrong = {
        str(hour): (costs.get(hour), energies[hour] * price)
        for hour in hours
        if abs(costs.get(hour, Decimal(-1)) - energies[hour] * price) > YEN
    }
    assert wrong == {}


async def test_outage_and_past_days_have_their_costs(house: PricedHarness) -> None:
    await _outage(house, source())
    await _right(house)

    imported, exported = await _import(house)

    await _right(house)
    assert len(imported.plan.changes) >= 45
    assert exported.plan.unpriced  # the price entity was not there yet
    assert len(await house.money(COST)) == len(await house.stored(IMPORTED))
    before = await house.rows(COST, "sum")
    again, _ = await _import(house)
    assert again.plan.changes == ()
    assert await house.rows(COST, "sum") == before


async def test_dry_run_reports_the_costs_and_writes_nothing(house: PricedHarness) -> None:
    await _outage(house, source())
    before = await house.rows(COST, "sum"), await house.stored(WATER, "sum")

    imported, _ = await _import(house, dry_run=True)

    assert len(imported.plan.changes) >= 45
    assert imported.plan.amount > 0
    assert (await house.rows(COST, "sum"), await house.stored(WATER, "sum")) == before


async def test_costs_are_left_alone_if_that_is_wanted(house: PricedHarness) -> None:
    await _outage(house, source())
    before = await house.rows(COST, "sum")
    assert house.repair is not None

    report = await house.repair.async_import(at(-48), costs=False)

    assert report.sensors["imported_energy"].costs is None
    assert await house.rows(COST, "sum") == before


async def test_old_form_of_the_source_is_understood(house: PricedHarness) -> None:
    await _outage(house, source())
    # Home Assistant itself changes it when it starts: the cost sensors stay as they are.
    old = {
        "type": "grid",
        "flow_from": [
            {
                "stat_energy_from": IMPORTED,
                "stat_cost": None,
                "entity_energy_price": None,
                "number_energy_price": 10.0,
            }
        ],
        "flow_to": [
            {
                "stat_energy_to": EXPORTED,
                "stat_compensation": None,
                "entity_energy_price": None,
                "number_energy_price": 7.0,
            }
        ],
        "cost_adjustment_day": 0,
    }
    from homeassistant.components.energy.data import async_get_manager

    manager = await async_get_manager(house.hass)
    assert manager.data is not None
    manager.data["energy_sources"] = [old]  # type: ignore[list-item]

    await _import(house)

    energies, money = await house.stored(EXPORTED), await house.money(COMPENSATION)
    await _right(house, Decimal(10))
    hours = sorted(energies)[1:]
    assert all(abs(money[hour] - 7 * energies[hour]) <= YEN for hour in hours)


@pytest.mark.parametrize(
    ("choices", "obstacle"),
    [
        ({"number_energy_price": None}, "no_price"),
        ({"stat_cost": "sensor.my_total"}, "own_total"),
        ({"stat_energy_from": "sensor.other"}, "no_price"),
    ],
)
async def test_without_a_price_of_the_dashboard_nothing_is_touched(
    house: PricedHarness, choices: dict[str, Any], obstacle: str
) -> None:
    await _outage(house, source(**choices))

    imported, _ = await _import(house)

    assert imported.obstacle == obstacle
    assert imported.plan.changes == ()
    assert await house.money(COST) == {}


@pytest.mark.parametrize(
    "unit",
    ["USD/kWh", "JPY/m³", "EUR/MWh"],
)
async def test_price_in_another_unit_is_no_price(house: PricedHarness, unit: str) -> None:
    house.price_unit = unit
    await _outage(house, source(entity_energy_price=PRICE, number_energy_price=None))
    before = await house.rows(COST, "sum")

    imported, _ = await _import(house)

    assert imported.plan.changes == ()
    assert len(imported.plan.unpriced) >= 48
    assert await house.rows(COST, "sum") == before


@pytest.mark.parametrize(
    ("unit", "shown", "price"),
    [
        ("JPY/MWh", "31370", "31.37"),
        ("JPY/Wh", "0.03137", "31.37"),
        ("円/kWh", "-4.5", "-4.5"),
        ("￥\uff0fkwh", "4.5", "4.5"),
        ("JPY/kWh", "0", "0"),
    ],
)
async def test_price_per_another_amount_is_converted(
    house: PricedHarness, unit: str, shown: str, price: str
) -> None:
    house.price_unit = unit
    house.price_of = lambda _: shown

    await _outage(house, source(entity_energy_price=PRICE, number_energy_price=None))
    await _import(house)

    await _right(house, Decimal(price), at(1))


async def test_prices_from_before_another_unit_are_not_taken_for_the_new_one(
    house: PricedHarness,
) -> None:
    house.price_unit, house.price_of = "JPY/MWh", lambda _: "31370"
    await _outage(house, source(entity_energy_price=PRICE, number_energy_price=None))
    before = await house.money(COST)
    house.price_unit, house.price_of = "JPY/kWh", lambda _: "31.37"
    house.poll()

    imported, _ = await _import(house)

    assert imported.plan.changes == ()
    assert await house.money(COST) == before


@pytest.mark.parametrize("shown", ["unavailable", "unknown", "cheap"])
async def test_price_that_is_no_number_is_no_price(house: PricedHarness, shown: str) -> None:
    house.price_of = lambda _: shown
    await _outage(house, source(entity_energy_price=PRICE, number_energy_price=None))
    before = await house.money(COST)

    imported, _ = await _import(house)

    assert imported.plan.changes == ()
    assert await house.money(COST) == before


async def test_deleted_cost_statistics_are_written_again_once_they_are_compiled(
    house: PricedHarness,
) -> None:
    await _outage(house, source())
    get_instance(house.hass).async_clear_statistics([COST])
    await house.recorded()
    imported, _ = await _import(house)
    assert imported.obstacle == "not_compiled"

    await house.live(house.now + timedelta(hours=2))
    await _import(house)

    await _right(house)


async def test_lost_link_is_not_booked_in_the_hour_of_the_return(house: PricedHarness) -> None:
    await house.show_costs(source())
    await house.start()
    await house.live(at(3.4))
    house.meter.connected = False
    await house.live(at(8.2))
    house.meter.connected = True
    await house.live(at(10.3))

    await _right(house)


async def test_price_of_the_past_stays_in_what_was_computed(house: PricedHarness) -> None:
    """Only what a person asks for is priced by today's price."""
    await house.show_costs(source(number_energy_price=20.0))
    await house.start()
    await house.live(at(5.3))
    before = await house.money(COST)
    house.sources = [source(number_energy_price=40.0)]
    await house._prefer(house.sources)
    assert house.repair is not None
    house.repair._memory.verified.clear()  # the notes were lost

    await house.live(at(7.3))

    after = await house.money(COST)
    assert {hour: after[hour] for hour in list(before)[:-1]} == pytest.approx(
        {hour: before[hour] for hour in list(before)[:-1]}, abs=YEN
    )


async def test_hour_that_was_compared_keeps_the_price_of_its_half_hours(
    house: PricedHarness,
) -> None:
    """Home Assistant starts within an hour; after the next start its half-hours are not known."""
    house.price_of = lambda moment: str((moment.hour * 5 + moment.minute // 30 * 7) % 41)
    await house.show_costs(source(entity_energy_price=PRICE, number_energy_price=None))
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(12.5))
    await house.start()
    await house.live(at(13.2))
    before, started = await house.money(COST), at(12)
    assert before[started] > 0
    assert before[started] == pytest.approx(house.worth("normal", started), abs=YEN)

    await house.stop()
    house.move(at(15.5))
    await house.start()
    await house.live(at(17.2))

    after = await house.money(COST)
    assert {hour: after[hour] for hour in before} == pytest.approx(before, abs=YEN)


async def test_import_of_a_range_leaves_the_price_of_later_hours(house: PricedHarness) -> None:
    """The price was changed since: hours outside the requested range keep the old one."""
    await _outage(house, source(number_energy_price=20.0))
    before = await house.money(COST)
    house.sources = [source(number_energy_price=40.0)]
    await house._prefer(house.sources)
    assert house.repair is not None

    await house.repair.async_import(at(-48), at(0))

    after, energies = await house.money(COST), await house.stored(IMPORTED)
    assert len(after) >= len(before) + 45
    assert {hour: after[hour] for hour in before if hour >= at(1)} == pytest.approx(
        {hour: cost for hour, cost in before.items() if hour >= at(1)}, abs=YEN
    )
    hours = [hour for hour in sorted(energies)[1:] if hour < at(0)]
    assert all(abs(after[hour] - 40 * energies[hour]) <= YEN for hour in hours)
