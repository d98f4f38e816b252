"""Forty days with a tariff, and an import of 99 days: every hour's yen is its energy times its price."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.wisun_route_b.const import DOMAIN, ELECTRICITY_PRICE, TARIFF
from custom_components.wisun_route_b.stack import JST
from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, WATER
from tests.integration.history.priced_harness import (
    COMPENSATION,
    COST,
    PRICE,
    PricedHarness,
    source,
)
from tests.integration.history.scenario import START as EVENING, at
from tests.integration.history.test_forty_days import (
    END,
    EXCHANGE,
    KEPT,
    OUTAGES,
    ROLL_OVER,
    START,
    exchange,
    the_other_sensor_is_untouched,
)

YEN = Decimal("0.01")
#: The reading before the 99 days was on December 15: until the next one no step is known.
FIRST_READING = datetime(2030, 1, 15, tzinfo=JST)
DATA = {
    "reading_day": 15,
    "prices": [
        {
            "basic_charge": 1247,
            "price_1": 29.8,
            "limit_1": 120,
            "price_2": 36.4,
            "limit_2": 300,
            "price_3": 40.49,
        },
        {
            "valid_from": "2030-03-20",
            "basic_charge": 1300,
            "price_1": 31,
            "limit_1": 120,
            "price_2": 37,
            "limit_2": 300,
            "price_3": 41,
            "time_bands": [{"days": "weekend", "start_hour": 22, "end_hour": 6, "per_kwh": 19.5}],
        },
    ],
    "fuel_adjustment": [
        {"month": "2030-01", "per_kwh": -8.05},
        {"month": "2030-03", "per_kwh": -9.21},
        {"month": "2030-04", "per_kwh": 1.5},
    ],
    "levy": [{"month": "2029-05", "per_kwh": 3.98}],
}


def by_hand(energies: Mapping[datetime, Decimal]) -> dict[datetime, Decimal]:
    """Return what each hour costs; computed apart from the code under test."""
    costs: dict[datetime, Decimal] = {}
    used, part = Decimal(), None
    for hour in sorted(energies):
        local, energy = hour.astimezone(JST), energies[hour]
        day = local.date()
        if local < FIRST_READING:
            continue
        limits, prices, adjustment = _valid_on(day)
        key = (limits, adjustment)
        if key != part:
            used, part = Decimal(), key
        cost = energy * (adjustment + Decimal("3.98"))
        if (
            day >= date(2030, 3, 20)
            and local.weekday() >= 5
            and (local.hour < 6 or local.hour >= 22)
        ):
            cost += energy * Decimal("19.5")
        else:
            for low, high, price in zip((0, *limits), (*limits, 10**9), prices, strict=True):
                within = min(used + energy, Decimal(high)) - max(used, Decimal(low))
                cost += max(within, Decimal()) * Decimal(price)
            used += energy
        costs[hour] = cost
    return costs


def _valid_on(day: date) -> tuple[tuple[int, int], tuple[str, str, str], Decimal]:
    """Return limits, prices and fuel adjustment of a day.

    From March 15 to April 14 there are 31 days: 5 with the old prices, 26 with the new.
    """
    old, new = ("29.8", "36.4", "40.49"), ("31", "37", "41")
    if day < date(2030, 2, 15):
        return (120, 300), old, Decimal("-8.05")
    if day < date(2030, 3, 15):
        return (120, 300), old, Decimal("-9.21")
    if day < date(2030, 3, 20):
        return (19, 48), old, Decimal("1.5")
    return (101, 252), new, Decimal("1.5")


async def set_up_tariff(
    hass: HomeAssistant, harness: PricedHarness, data: dict[str, Any], **choices: Any
) -> None:
    """Have the meter's own tariff as the price of the dashboard."""
    await harness.set_up()
    er.async_get(hass).async_get_or_create(
        "sensor",
        DOMAIN,
        f"{harness.identity}_{ELECTRICITY_PRICE}",
        suggested_object_id=PRICE.removeprefix("sensor."),
        config_entry=harness.entry,
    )
    hass.config_entries.async_add_subentry(
        harness.entry,
        ConfigSubentry(
            data=MappingProxyType(data), subentry_type=TARIFF, title="Tariff", unique_id=None
        ),
    )
    prices = {
        "entity_energy_price": PRICE,
        "number_energy_price": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": 8.0,
    }
    await harness.show_costs(source(**prices | choices))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("recorder_config", [{"purge_keep_days": KEPT}])
async def test_forty_days_of_a_tariff_have_no_hole(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    hass.loop.set_debug(False)
    harness = PricedHarness(hass, freezer, START)
    # The sensor comes after ten days, and shows what the tariff does not say.
    harness.price_of = lambda now: "unavailable" if now < START + timedelta(days=10) else "33"
    harness.meter.set_counts(ROLL_OVER, (0, 0))
    await set_up_tariff(hass, harness, DATA)
    await harness.start()
    for down, up in OUTAGES:
        if harness.now < EXCHANGE < down:
            await _import_twice(harness)
            await exchange(harness)
        await harness.live(down)
        await harness.stop()
        harness.move(up)
        await harness.start()
    await harness.live(END)

    await _every_hour_is_energy_times_price(harness)
    await the_other_sensor_is_untouched(harness)


async def _import_twice(harness: PricedHarness) -> None:
    """Import all that the meter remembers; the second time changes nothing."""
    assert harness.repair is not None
    await harness.live(harness.now + timedelta(hours=5))
    since = harness.now - timedelta(days=99)
    report = await harness.repair.async_import(since)
    costs = report.sensors["imported_energy"].costs
    assert costs is not None
    assert len(costs.plan.changes) > 1000
    assert max(costs.plan.unpriced) < FIRST_READING
    await _every_hour_is_energy_times_price(harness)

    ids = (COST, COMPENSATION)
    before = [await harness.rows(each, "sum") for each in ids]
    others = [await harness.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)]
    again = await harness.repair.async_import(since)
    assert (again.hours, again.cost_hours) == (frozenset(), frozenset())
    assert [await harness.rows(each, "sum") for each in ids] == before
    assert [await harness.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)] == others


async def _every_hour_is_energy_times_price(harness: PricedHarness) -> None:
    energies = await harness.stored(IMPORTED)
    hours = sorted(energies)[1:]
    right = by_hand(harness.expected(IMPORTED, hours))
    costs = await harness.money(COST)
    assert len(right) > 1500
    assert {
        str(hour): (costs.get(hour), cost)
        for hour, cost in right.items()
        if abs(costs.get(hour, Decimal(10**9)) - cost) > YEN
    } == {}
    assert not [hour for hour in costs if FIRST_READING > hour > min(costs)]


# --- Small ones ----------------------------------------------------------------------------


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> PricedHarness:
    hass.loop.set_debug(False)
    return PricedHarness(hass, freezer, EVENING)


FLAT = {"reading_day": 1, "prices": [{"basic_charge": 0, "price_1": 25}]}


async def _imported(house: PricedHarness) -> tuple[Any, dict[datetime, Decimal]]:
    """Live for some hours, import two days, and return the report of costs and the bars."""
    await house.start()
    await house.live(at(5.3))
    assert house.repair is not None
    report = await house.repair.async_import(at(-48))
    return report.sensors["imported_energy"].costs, await house.money(COST)


async def test_hours_before_the_entity_existed_are_priced(
    hass: HomeAssistant, house: PricedHarness
) -> None:
    house.price_of = lambda _: "unavailable"
    await set_up_tariff(hass, house, FLAT)

    found, costs = await _imported(house)

    energies = await house.stored(IMPORTED)
    hours = sorted(energies)[1:]
    assert len(hours) > 48
    assert found.plan.unpriced == frozenset()
    assert [hour for hour in hours if abs(costs[hour] - 25 * energies[hour]) > YEN] == []


async def test_price_of_a_market_that_is_not_known_leaves_hours_as_they_are(
    hass: HomeAssistant, house: PricedHarness
) -> None:
    house.price_of = lambda _: "unavailable"
    await set_up_tariff(hass, house, FLAT | {"price_entity": "sensor.deleted"})

    found, costs = await _imported(house)

    assert found.plan.changes == ()
    assert len(found.plan.unpriced) > 48
    assert all(cost == 0 for cost in costs.values())


async def test_export_has_no_steps_of_the_import(hass: HomeAssistant, house: PricedHarness) -> None:
    """The price of the tariff, shown for what is exported, is an entity like any other."""
    house.price_of = lambda _: "7"
    prices = {
        "entity_energy_price": None,
        "number_energy_price": 10.0,
        "entity_energy_price_export": PRICE,
        "number_energy_price_export": None,
    }
    await set_up_tariff(hass, house, FLAT, **prices)

    await _imported(house)

    energies, money = await house.stored(EXPORTED), await house.money(COMPENSATION)
    hours = [hour for hour in sorted(energies)[1:] if hour >= at(1)]
    assert [hour for hour in hours if abs(money[hour] - 7 * energies[hour]) > YEN] == []


async def test_house_in_another_currency_takes_what_the_entity_has_shown(
    hass: HomeAssistant, house: PricedHarness
) -> None:
    house.price_unit = "EUR/kWh"
    house.price_of = lambda _: "0.3"
    await set_up_tariff(hass, house, FLAT)
    hass.config.currency = "EUR"

    found, costs = await _imported(house)

    assert found.plan.unpriced or found.obstacle
    assert max(costs.values(), default=Decimal()) < 10
