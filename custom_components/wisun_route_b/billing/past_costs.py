"""What the half-hours of a meter's history cost by its tariff, for the action that returns them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..entry_data import RouteBConfigEntry
from ..history.cost_source import market_price_of, tariff_data
from ..history.recorder_task import run_in_recorder
from ..history.sensor_hours import memory_reach
from ..stack import Scale
from ..tariff.hours import first_needed, hour_prices
from ..tariff.model import Tariff
from ..tariff.stored import PRICE_ENTITY, tariff_of
from ..tariff.use import HALF_HOUR, uses
from .market import half_hourly_prices


@dataclass(frozen=True, slots=True)
class PastCosts:
    """The tariff of a meter, for its half-hours of the past."""

    tariff: Tariff
    price_entity: str | None = field(repr=False)
    """What the entity with the market's price is remembered by."""

    def first_needed(self, start: datetime) -> datetime:
        """Return since when the registers are needed for the half-hour that begins at ``start``.

        That is the reading before it, as far as the meter remembers.
        """
        return min(start, max(first_needed(self.tariff, [start]), memory_reach()))

    async def async_prices(
        self,
        hass: HomeAssistant,
        registers: Mapping[datetime, Decimal],
        scale: Scale,
        starts: Iterable[datetime],
    ) -> dict[datetime, Decimal]:
        """Return the price of half-hours, yen per kWh, as far as it is known.

        ``registers`` are what the imported one showed, kWh, at half-hours since ``first_needed`` or
        before; a half-hour between two of them that the meter has lost counts by its share.
        """
        wanted = list(starts)
        spans = list(uses(registers, scale))
        energies = {
            row.start: row.energy
            for row in spans
            if row.energy is not None and row.end - row.start == HALF_HOUR
        }
        gaps = [row for row in spans if row.start not in energies]
        found = hour_prices(self.tariff, energies, wanted, HALF_HOUR, gaps)
        if not self.tariff.has_market_price:
            return found
        market = await self._market(hass, wanted)
        return {at: price + market[at] for at, price in found.items() if at in market}

    async def _market(self, hass: HomeAssistant, starts: list[datetime]) -> dict[datetime, Decimal]:
        source = market_price_of(hass, self.price_entity)
        if source is None:
            return {}
        hours = {dt_util.as_utc(at).replace(minute=0) for at in starts}
        work = partial(half_hourly_prices, source, hours)
        try:
            return await run_in_recorder(hass, "prices of the market", work)
        except HomeAssistantError:
            return {}


def past_costs(entry: RouteBConfigEntry) -> PastCosts | None:
    """Return the tariff of a meter; None if it has none."""
    data = tariff_data(entry)
    tariff = None if data is None else tariff_of(data)
    if data is None or tariff is None:
        return None
    return PastCosts(tariff, data.get(PRICE_ENTITY))
