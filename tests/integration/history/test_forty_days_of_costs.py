"""Forty days with everything that happens: every hour's yen is its energy times its price."""

from datetime import datetime
from decimal import Decimal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, WATER
from tests.integration.history.priced_house import (
    COMPENSATION,
    COST,
    FIXED,
    PRICE,
    PricedHouse,
    source,
)
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


def _price_of(moment: datetime) -> str:
    """Return a market price, which is below zero at times."""
    return str(Decimal((moment.day * 7 + moment.hour * 5) % 41) - 3)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("recorder_config", [{"purge_keep_days": KEPT}])
async def test_forty_days_of_costs_have_no_hole(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    hass.loop.set_debug(False)
    house = PricedHouse(hass, freezer, START)
    house.price_of = _price_of
    house.meter.set_counts(ROLL_OVER, (0, 0))
    await house.set_up()
    await house.show_costs(source())
    await house.start()
    for down, up in OUTAGES:
        if house.now < EXCHANGE < down:
            await exchange(house)
        await house.live(down)
        await house.stop()
        house.move(up)
        await house.start()
    await house.live(END)

    await _every_hour_is_energy_times_price(house)
    await the_other_sensor_is_untouched(house)

    # A range that a person asks for is priced once more, to the same yen; again changes nothing.
    assert house.repair is not None
    await house.repair.async_import(START)
    await _every_hour_is_energy_times_price(house)
    ids = (COST, COMPENSATION)
    before = [await house.rows(each, "sum") for each in ids]
    others = [await house.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)]
    report = await house.repair.async_import(START)
    assert not report.hours
    assert not report.cost_hours
    assert [await house.rows(each, "sum") for each in ids] == before
    assert [await house.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)] == others


async def _every_hour_is_energy_times_price(house: PricedHouse) -> None:
    energies = await house.stored(IMPORTED)
    costs = await house.money(COST)
    hours = sorted(energies)[1:]
    assert sorted(costs)[-len(hours) :] == hours
    right = {hour: house.truth(IMPORTED, [hour])[hour] * FIXED for hour in hours}
    assert _wrong(costs, right) == {}

    exported, known = await house.money(COMPENSATION), await house.rows(PRICE, "mean")
    exported_energy = await house.stored(EXPORTED)
    hours = sorted(exported_energy)[1:]
    priced = [hour for hour in hours if hour in known]
    assert len(priced) > 700
    right = {hour: house.worth("reverse", hour) for hour in priced}
    # The registers of two meters say nothing of half-hours: that hour goes by its mean price.
    changed = EXCHANGE.replace(minute=0)
    right[changed] = exported_energy[changed] * known[changed]
    assert any(cost < 0 for cost in right.values())
    assert _wrong(exported, right) == {}


def _wrong(
    shown: dict[datetime, Decimal], right: dict[datetime, Decimal]
) -> dict[str, tuple[Decimal | None, Decimal]]:
    return {
        str(hour): (shown.get(hour), cost)
        for hour, cost in right.items()
        if abs(shown.get(hour, Decimal(10**9)) - cost) > YEN
    }
