"""Forty days with everything that happens: every hour's yen is its energy times its price."""

from datetime import datetime
from decimal import Decimal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, WATER
from tests.integration.history.priced_harness import (
    COMPENSATION,
    COST,
    FIXED,
    PRICE,
    PricedHarness,
    source,
)
from tests.integration.history.test_forty_days import (
    EXCHANGE,
    KEPT,
    ROLL_OVER,
    START,
    live_forty_days,
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
    harness = PricedHarness(hass, freezer, START)
    harness.price_of = _price_of
    harness.meter.set_counts(ROLL_OVER, (0, 0))
    await harness.set_up()
    await harness.show_costs(source())
    await harness.start()
    await live_forty_days(harness)

    await _every_hour_is_energy_times_price(harness)
    await the_other_sensor_is_untouched(harness)

    # A range that a person asks for is priced once more, to the same yen; again changes nothing.
    assert harness.repair is not None
    await harness.repair.async_import(START)
    await _every_hour_is_energy_times_price(harness)
    ids = (COST, COMPENSATION)
    before = [await harness.rows(each, "sum") for each in ids]
    others = [await harness.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)]
    report = await harness.repair.async_import(START)
    assert not report.hours
    assert not report.cost_hours
    assert [await harness.rows(each, "sum") for each in ids] == before
    assert [await harness.stored(each, "sum") for each in (IMPORTED, EXPORTED, WATER)] == others


async def _every_hour_is_energy_times_price(harness: PricedHarness) -> None:
    energies = await harness.stored(IMPORTED)
    costs = await harness.money(COST)
    hours = sorted(energies)[1:]
    assert sorted(costs)[-len(hours) :] == hours
    right = {hour: harness.expected(IMPORTED, [hour])[hour] * FIXED for hour in hours}
    assert _wrong(costs, right) == {}

    exported, known = await harness.money(COMPENSATION), await harness.rows(PRICE, "mean")
    exported_energy = await harness.stored(EXPORTED)
    hours = sorted(exported_energy)[1:]
    priced = [hour for hour in hours if hour in known]
    assert len(priced) > 700
    right = {hour: harness.worth("reverse", hour) for hour in priced}
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
