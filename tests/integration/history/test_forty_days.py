"""Forty simulated days with outages, restarts, clock faults and a meter exchange."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, WATER, HistoryHarness

#: After today, or the recorder would take its own first run for the newer one.
START = datetime(2030, 3, 3, 1, 17, tzinfo=UTC)


def day(number: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """Return a moment of a day of the scenario, in the meter's time zone."""
    midnight = datetime(2030, 3, 2, 15, tzinfo=UTC)
    return midnight + timedelta(days=number, hours=hour, minutes=minute, seconds=second)


#: When Home Assistant goes down and comes up again.
OUTAGES = (
    (day(2, 14, 50), day(2, 15, 10)),  # 20 min, across a full hour
    (day(3, 22, 40), day(4, 1, 40)),  # 3 h, across the meter's midnight
    (day(5, 10), day(5, 13)),  # 3 h, from full hour to full hour
    (day(6, 17, 15), day(6, 17, 35)),  # 20 min, within one hour, in the middle of half-hours
    (day(8, 8, 59, 50), day(9, 15, 0, 20)),  # 30 h, the register rolls over meanwhile
    (day(11, 23, 50), day(12, 0, 10)),  # 20 min, across midnight
    (day(14, 6, 17), day(26, 6, 44)),  # 12 days: longer than the recorder looks back
    (day(33, 8, 45), day(33, 11, 45)),  # 3 h, across Home Assistant's midnight (UTC)
)
ROLL_OVER = day(8, 20, 10)
LIVE_ROLL_OVER = day(20)
EXCHANGE = day(30, 10, 25)
END = day(40, 12, 30)


#: Days that the recorder looks back at a start (10 by default): the long outage is longer.
KEPT = 2


@pytest.mark.timeout(300)
@pytest.mark.parametrize("recorder_config", [{"purge_keep_days": KEPT}])
async def test_forty_days_have_no_hole(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    hass.loop.set_debug(False)
    harness = HistoryHarness(hass, freezer, START)
    harness.meter.set_counts(ROLL_OVER, (0, 0))
    await harness.set_up()
    await harness.start()
    await live_forty_days(harness)

    for entity_id in (IMPORTED, EXPORTED):
        bars = await harness.stored(entity_id)
        hours = sorted(bars)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        assert hours[-1] == END.replace(minute=0) - HOUR
        expected = harness.expected(entity_id, hours[1:])
        assert {
            str(hour): (bars[hour], expected[hour])
            for hour in expected
            if bars[hour] != expected[hour]
        } == {}
        sums = await harness.stored(entity_id, "sum")
        assert sums[hours[-1]] - sums[hours[0]] == sum(expected.values(), Decimal())
    await the_other_sensor_is_untouched(harness)
    await nothing_is_left_to_do(harness)


async def live_forty_days(harness: HistoryHarness) -> None:
    """Let all outages and the exchange of the meter happen, to the end of the scenario."""
    for down, up in OUTAGES:
        if harness.now < EXCHANGE < down:
            await exchange(harness)
        await harness.live(down)
        await harness.stop()
        harness.move(up)
        await harness.start()
    await harness.live(END)


async def exchange(harness: HistoryHarness) -> None:
    """The meter is replaced; for half an hour none can be read."""
    await harness.live(EXCHANGE - timedelta(seconds=1))
    harness.meter.connected = False
    harness.meter.install(EXCHANGE, 8, (0, 0))
    harness.poll()
    await harness.live(EXCHANGE + timedelta(minutes=20))
    harness.meter.connected = True


async def the_other_sensor_is_untouched(harness: HistoryHarness) -> None:
    """Whatever was done to ours, every hour of the other one is as the recorder made it."""
    sums = await harness.stored(WATER, "sum")
    long_gap = max(OUTAGES, key=lambda outage: outage[1] - outage[0])
    looked_back = (long_gap[1] - timedelta(days=KEPT)).replace(minute=0)
    expected, state = {}, Decimal()
    hour = START.replace(minute=0)
    while hour < END.replace(minute=0):
        state = harness.water.get(hour, state)
        if not long_gap[0] <= hour + HOUR <= looked_back:
            expected[hour] = state
        hour += HOUR
    assert sums == expected  # it began with zero


async def nothing_is_left_to_do(harness: HistoryHarness) -> None:
    before = [await harness.stored(entity_id, "sum") for entity_id in (IMPORTED, EXPORTED, WATER)]
    assert harness.repair is not None
    report = harness.repair.report

    assert await harness.repair.async_repair()

    assert harness.repair.report is report
    after = [await harness.stored(entity_id, "sum") for entity_id in (IMPORTED, EXPORTED, WATER)]
    assert after == before
