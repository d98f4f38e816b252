"""Test harness for the move from Home Assistant's own integration to ours."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, override

from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.helpers.recorder import get_instance

from custom_components.wisun_route_b.takeover.statistics_migration import async_migrate_statistics
from tests.integration.history.entry_fixture import (
    FIVE_MINUTES,
    HOUR,
    IMPORTED,
    UNIT,
    WATER,
    HistoryHarness,
)

#: 19:30 in Japan, with no sun on the roof. After today, or the recorder would take its own first run for the newer one.
START = datetime(2030, 5, 20, 10, 30, tzinfo=UTC)
#: As Home Assistant names it: with the Route-B ID in it.
ROUTE_B_ID = "0123456789abcdef0123456789abcdef"
OLD = f"sensor.route_b_smart_meter_{ROUTE_B_ID}_total_consumption"


class TakeoverHarness(HistoryHarness):
    """A harness in which another integration reads the meter first."""

    theirs = True
    unread = False
    """Whether neither of the two integrations reads the meter."""
    their_unit = "kWh"
    disk: dict[str, Any]
    """What is in Home Assistant's storage."""

    @override
    def poll(self) -> None:
        if self.unread:
            self.poll_water()
        elif self.theirs:
            self.poll_water()
            self.poll_theirs()
        else:
            super().poll()

    def poll_theirs(self) -> None:
        pair = self.meter.registers(self.now)
        assert pair is not None
        assert pair.normal is not None
        factor = {"kWh": 1, "Wh": 1000, "L": 1}[self.their_unit]
        attributes = {
            "state_class": "total",
            "device_class": "volume" if self.their_unit == "L" else "energy",
            "unit_of_measurement": self.their_unit,
        }
        self.hass.states.async_set(OLD, str(float(pair.normal) * factor), attributes)

    def poll_water(self) -> None:
        litres = (self.now - datetime(2027, 1, 1, tzinfo=UTC)) // timedelta(minutes=7)
        self.hass.states.async_set(
            WATER,
            str(litres),
            {
                "state_class": "total_increasing",
                "device_class": "water",
                "unit_of_measurement": "L",
            },
        )

    @override
    def real_id(self, entity_id: str) -> str:
        return entity_id if entity_id == OLD else super().real_id(entity_id)

    def move_out(self) -> None:
        """Disable the other integration."""
        self.unread, self.theirs = True, False
        self.hass.states.async_remove(OLD)

    def move_in(self) -> None:
        """Show our first values."""
        if self.theirs:
            self.move_out()
        self.unread = False
        self.poll()

    def move_back(self) -> None:
        """Go back to the other integration."""
        self.theirs = True
        self.hass.states.async_remove(self.real_id(IMPORTED))
        self.poll()

    async def compile_now(self) -> None:
        """Compile the five minutes that are over at this moment."""
        end = self.now
        self.move(end + timedelta(seconds=10))
        await self.compile(StatisticsTask(end - FIVE_MINUTES, True))

    async def migrate(self, old: str = OLD) -> bool:
        migrating = self.hass.async_create_task(
            async_migrate_statistics(self.hass, old, self.real_id(IMPORTED))
        )
        await self.recorded()
        return await migrating

    async def all_is_right(self, first: datetime, *, closely: Decimal = UNIT) -> None:
        """Every hour from one on shows what the meter counted, and the total goes on.

        The last poll of an hour may be 20 s old: the register may have counted on.
        """
        bars = await self.stored(IMPORTED)
        hours = [hour for hour in sorted(bars) if hour >= first]
        assert hours == [first + number * HOUR for number in range(len(hours))]
        expected = self.expected(IMPORTED, hours)
        assert {
            hour: bars[hour] for hour in hours if abs(bars[hour] - expected[hour]) > closely
        } == {}
        sums = await self.stored(IMPORTED, "sum")
        assert sums[hours[-1]] - sums[hours[0]] == sum(bars[hour] for hour in hours[1:])
        assert sum(bars[hour] for hour in hours) > len(hours) * UNIT

    def is_all_there(self, bars: Mapping[datetime, Decimal]) -> bool:
        """Return whether all bars together are what the meter counted in the time of them."""
        counted = self.meter.counted("normal", at(1), max(bars) + HOUR)
        return abs(sum(bars[hour] for hour in bars if hour >= at(1)) - counted) <= UNIT

    async def water_is_right(self) -> None:
        """The bars of a sensor that has nothing to do with it have no holes."""
        bars = await self.stored(WATER)
        hours = sorted(bars)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        assert {bars[hour] for hour in hours[1:]} <= {8, 9}


def at(hours: float) -> datetime:
    """Return a moment, in hours after the full hour in which the scenario begins."""
    return START.replace(minute=0) + timedelta(hours=hours)


async def costs(harness: TakeoverHarness, statistic_id: str) -> dict[datetime, float]:
    """Return the hourly bars of a sensor of costs."""
    await harness.recorded()
    found = await get_instance(harness.hass).async_add_executor_job(
        lambda: statistics_during_period(
            harness.hass,
            START - timedelta(days=1),
            None,
            {statistic_id},
            "hour",
            None,
            {"change"},
        )
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): row["change"] or 0.0
        for row in found.get(statistic_id, [])
    }
