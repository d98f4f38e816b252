"""Costs where a price entity goes away, clocks are changed, or the recorder leaves sensors out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.wisun_route_b.history.costs import CostObstacle
from custom_components.wisun_route_b.history.statistics import Obstacle
from custom_components.wisun_route_b.stack import JST
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
from tests.integration.history.test_forty_days_of_a_tariff import set_up_tariff

YEN = Decimal("0.01")
BY_ENTITY = {"entity_energy_price": PRICE, "number_energy_price": None}
OTHER = "sensor.price_of_the_market"


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> PricedHarness:
    hass.loop.set_debug(False)
    built = PricedHarness(hass, freezer, START)
    await built.set_up()
    return built


def _wrong(
    costs: dict[datetime, Decimal], right: dict[datetime, Decimal]
) -> dict[str, tuple[Decimal | None, Decimal]]:
    return {
        str(hour): (costs.get(hour), cost)
        for hour, cost in right.items()
        if abs(costs.get(hour, Decimal(-(10**9))) - cost) > YEN
    }


# --- The price entity ----------------------------------------------------------------------


async def test_renamed_price_entity_has_its_past_once_the_dashboard_shows_it(
    house: PricedHarness,
) -> None:
    """The dashboard keeps the old name: until it is corrected there are no prices, and no changes."""
    registry = er.async_get(house.hass)
    registry.async_get_or_create(
        "sensor", "test", "price", suggested_object_id=PRICE.removeprefix("sensor.")
    )
    await house.show_costs(source(**BY_ENTITY))
    await house.start()
    await house.live(at(4.3))
    registry.async_update_entity(PRICE, new_entity_id=OTHER)
    house.price_entity, house.price_of = OTHER, lambda _: "17"
    await house.live(at(8.3))
    before = await house.money(COST)
    assert house.repair is not None

    report = await house.repair.async_import(at(0))

    costs = report.sensors["imported_energy"].costs
    assert costs is not None
    assert costs.plan.changes == ()
    assert await house.money(COST) == before

    house.sources = [source(entity_energy_price=OTHER, number_energy_price=None)]
    await house._prefer(house.sources)
    await house.live(at(9.3))
    await house.repair.async_import(at(0))

    hours = [at(number) for number in range(1, 9)]
    right = {hour: house.worth("normal", hour) for hour in hours}
    assert sum(right.values()) > 0
    assert _wrong(await house.money(COST), right) == {}


async def test_deleted_price_entity_leaves_its_past_and_no_price_after_it(
    house: PricedHarness,
) -> None:
    house.price_of = lambda moment: str(moment.hour)
    await house.show_costs(source(**BY_ENTITY))
    await house.start()
    await house.live(at(9.3))
    house.price_entity = None
    house.hass.states.async_remove(PRICE)
    await house.live(at(11.3))
    await house.stop()
    house.move(at(14.4))
    await house.start()
    await house.live(at(16.3))
    assert house.repair is not None

    report = await house.repair.async_import(at(0))

    costs = report.sensors["imported_energy"].costs
    assert costs is not None
    assert {at(12), at(13)} <= costs.plan.unpriced
    right = {at(number): house.worth("normal", at(number)) for number in range(1, 9)}
    assert sum(right.values()) > 0
    assert _wrong(await house.money(COST), right) == {}


# --- Summer time ---------------------------------------------------------------------------

BANDS = {
    "reading_day": 1,
    "prices": [
        {
            "basic_charge": 0,
            "price_1": 30,
            "time_bands": [{"days": "every", "start_hour": 23, "end_hour": 7, "per_kwh": 20}],
        }
    ],
}


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", datetime(2030, 3, 31, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2030, 10, 27, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2030, 3, 10, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2030, 11, 3, 6, tzinfo=UTC)),
    ],
)
async def test_hours_of_a_change_of_clocks_have_their_costs(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    zone: str,
    change: datetime,
) -> None:
    """One of the hours is twice on the clock of the house, or not at all; bands go by Japan's."""
    hass.loop.set_debug(False)
    await hass.config.async_set_time_zone(zone)
    house = PricedHarness(hass, freezer, change - timedelta(hours=5.5))
    house.price_of = lambda now: str((now.hour * 5 + now.minute // 30 * 7) % 41 - 3)
    export = {"entity_energy_price_export": PRICE, "number_energy_price_export": None}
    await set_up_tariff(hass, house, BANDS, **export)
    await house.start()
    await house.live(change - timedelta(hours=2.8))
    await house.stop()
    house.move(change + timedelta(hours=2.5))
    await house.start()
    await house.live(change + timedelta(hours=5.2))
    await _bands_are_right(house)
    assert house.repair is not None

    await house.repair.async_import(change - timedelta(hours=48))

    assert len(await _bands_are_right(house)) >= 50
    right = {
        hour: house.worth("reverse", hour)
        for hour in await house.stored(EXPORTED)
        if hour >= change - timedelta(hours=4)
    }
    assert _wrong(await house.money(COMPENSATION), right) == {}
    again = await house.repair.async_import(change - timedelta(hours=48))
    assert (again.hours, again.cost_hours) == (frozenset(), frozenset())


async def _bands_are_right(house: PricedHarness) -> dict[datetime, Decimal]:
    hours = sorted(await house.stored(IMPORTED))[1:]
    assert hours == [hours[0] + number * timedelta(hours=1) for number in range(len(hours))]
    right = {
        hour: energy * (20 if hour.astimezone(JST).hour in {23, 0, 1, 2, 3, 4, 5, 6} else 30)
        for hour, energy in house.expected(IMPORTED, hours).items()
    }
    assert sum(right.values()) > 0
    assert _wrong(await house.money(COST), right) == {}
    return right


# --- The recorder leaves sensors out -------------------------------------------------------


@pytest.mark.parametrize("left_out", [{COST}, {IMPORTED}, {IMPORTED, COST}])
async def test_sensors_that_are_not_recorded_get_nothing_and_the_others_all(
    house: PricedHarness, left_out: set[str]
) -> None:
    get_instance(house.hass).entity_filter = lambda entity_id: entity_id not in left_out
    await house.show_costs(
        source(entity_energy_price_export=None, number_energy_price_export=float(FIXED))
    )
    await house.start()
    await house.live(at(4.3))
    await house.stop()
    house.move(at(7.4))
    await house.start()
    await house.live(at(9.3))
    assert house.repair is not None
    costs_before = await house.money(COST)

    report = await house.repair.async_import(at(-48))

    sensor = report.sensors["imported_energy"]
    if IMPORTED in left_out:
        assert sensor.obstacle is Obstacle.NOT_RECORDED
        assert await house.stored(IMPORTED) == {}
        assert await house.money(COST) == costs_before
    else:
        assert sensor.costs is not None
        assert sensor.costs.obstacle is CostObstacle.NOT_RECORDED
        energies = await house.stored(IMPORTED)
        assert len(energies) > 50
        assert energies == house.expected(IMPORTED, energies)
    if COST in left_out:
        assert await house.rows(COST, "sum") == {}
    energies = await house.stored(EXPORTED)
    right = {hour: energies[hour] * FIXED for hour in sorted(energies)[1:]}
    assert len(right) > 50
    assert _wrong(await house.money(COMPENSATION), right) == {}
    assert await house.stored(WATER, "sum")
