"""A harness whose Energy dashboard computes costs: a fixed price for what comes, an entity for what goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, override

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
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component

from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from tests.integration.history.entry_fixture import (
    EXPORTED,
    HALF_HOUR,
    HOUR,
    IMPORTED,
    HistoryHarness,
)

PRICE = "sensor.price"
COST, COMPENSATION = f"{IMPORTED}_cost", f"{EXPORTED}_compensation"
FIXED = Decimal("31.37")


def source(**choices: Any) -> dict[str, Any]:
    """Return a grid connection of the dashboard."""
    return {
        "type": "grid",
        "stat_energy_from": IMPORTED,
        "stat_energy_to": EXPORTED,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": float(FIXED),
        "stat_compensation": None,
        "entity_energy_price_export": PRICE,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0,
        **choices,
    }


class PricedHarness(HistoryHarness):
    """Home Assistant's own cost sensors beside the meter's."""

    sources: list[dict[str, Any]]
    price_of: Callable[[datetime], str] = staticmethod(lambda _: "12.5")
    price_unit = "JPY/kWh"
    price_entity: str | None = PRICE
    """Which entity shows the price; None for none."""
    shown_prices: list[tuple[datetime, str]]

    async def show_costs(self, *sources: dict[str, Any]) -> None:
        """Set the Energy dashboard up."""
        self.hass.config.currency = "JPY"
        self.sources, self.shown_prices = list(sources), []
        assert await async_setup_component(self.hass, "energy", {})
        await self._prefer(self.sources)

    async def _prefer(self, sources: list[dict[str, Any]]) -> None:
        manager = await async_get_manager(self.hass)
        await manager.async_update(
            {"energy_sources": sources, "device_consumption": []}  # type: ignore[typeddict-item]
        )
        await self.hass.async_block_till_done()

    async def remember_prices(self, since: datetime) -> None:
        """Have the recorder know the price entity since a full hour, by its hourly means."""
        end = self.now.replace(minute=0, second=0, microsecond=0)
        hours = [since + number * HOUR for number in range((end - since) // HOUR)]
        prices = [float(self.price_of(hour)) for hour in hours]
        async_import_statistics(
            self.hass,
            StatisticMetaData(
                mean_type=StatisticMeanType.ARITHMETIC,
                has_sum=False,
                name=None,
                source="recorder",
                statistic_id=PRICE,
                unit_class=None,
                unit_of_measurement=self.price_unit,
            ),
            [
                StatisticData(start=hour, mean=price, min=price, max=price)
                for hour, price in zip(hours, prices, strict=True)
            ],
        )
        await self.recorded()

    @override
    async def start(
        self, listen: Callable[[HistoryBackfill], None] = lambda _: None, **options: Any
    ) -> HistoryBackfill:
        """Have the cost sensors begin again, as they do at a start."""
        await self._prefer([])
        for entity_id in (IMPORTED, EXPORTED):
            self.set_state(entity_id, "unavailable")
        await self._prefer(self.sources)
        return await super().start(listen, **options)

    @override
    def poll(self) -> None:
        price = self.price_of(self.now)
        is_new = not self.shown_prices or self.shown_prices[-1][1] != price
        if is_new and self.price_entity is not None:
            self.shown_prices.append((self.now, price))
            self.hass.states.async_set(
                self.price_entity,
                price,
                {"state_class": "measurement", "unit_of_measurement": self.price_unit},
            )
        super().poll()

    async def money(self, statistic_id: str) -> dict[datetime, Decimal]:
        """Return the hourly bars of a cost sensor."""
        return await self.rows(statistic_id, "change")

    async def rows(self, statistic_id: str, kind: str) -> dict[datetime, Decimal]:
        await self.recorded()
        found = await get_instance(self.hass).async_add_executor_job(
            lambda: statistics_during_period(
                self.hass,
                datetime(2020, 1, 1, tzinfo=UTC),
                None,
                {statistic_id},
                "hour",
                None,
                {"change", "sum", "mean"},
            )
        )
        return {
            datetime.fromtimestamp(row["start"], UTC): Decimal(row[kind])  # type: ignore[literal-required]
            for row in found.get(statistic_id, [])
            if row[kind] is not None  # type: ignore[literal-required]
        }

    def worth(self, side: str, hour: datetime) -> Decimal:
        """Return what an hour is worth at the prices that were shown, half-hour by half-hour."""
        return sum(
            (
                self.meter.counted(side, start, start + HALF_HOUR) * self._mean_price(start)
                for start in (hour, hour + HALF_HOUR)
            ),
            Decimal(),
        )

    def _mean_price(self, start: datetime) -> Decimal:
        end = start + HALF_HOUR
        total = Decimal()
        ends = [moment for moment, _ in self.shown_prices[1:]] + [datetime.max.replace(tzinfo=UTC)]
        for (since, price), until in zip(self.shown_prices, ends, strict=True):
            seconds = (min(until, end) - max(since, start)).total_seconds()
            if seconds > 0:
                total += Decimal(price) * Decimal(seconds)
        return total / Decimal(timedelta(minutes=30).total_seconds())


__all__ = ["COMPENSATION", "COST", "FIXED", "HOUR", "PRICE", "PricedHarness", "source"]
