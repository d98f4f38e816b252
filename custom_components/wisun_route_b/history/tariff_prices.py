"""What a kWh cost in past hours by the meter's own tariff. Runs in the recorder's thread.

The price of an hour depends on what was used before it in its billing period, so the sensor's hours
are read from the beginning of that on, as they are when the plan has been carried out.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal

from homeassistant.components.recorder.core import Recorder
from sqlalchemy.orm import Session

from ..const import TARIFF_CURRENCY
from ..tariff.hours import first_needed, hour_prices
from .corrections import Plan
from .cost_source import TariffPrice
from .costs import HourPrice
from .prices import read_prices
from .register import HOUR
from .statistics import Snapshot, read_sums


def read_tariff_prices(  # noqa: PLR0913, PLR0917 - where to read, and for what
    instance: Recorder,
    session: Session,
    price: TariffPrice,
    currency: str,
    plan: Plan,
    snapshot: Snapshot,
    hours: Collection[datetime],
) -> dict[datetime, HourPrice]:
    """Return the prices of these hours, by the tariff, as far as they are known.

    Where the tariff cannot say it, because the use of the period is not known, or the price of the
    market, an hour has the price that the entity has shown.
    """
    shown = read_prices(instance, session, price.shown, currency, hours)
    if not hours or currency != TARIFF_CURRENCY:
        return shown
    since = first_needed(price.tariff, hours).astimezone(UTC)
    sums = read_sums(session, snapshot, since - HOUR)
    sums |= {hour: row.sum for hour, row in plan.wanted.items()}
    energies = {
        hour: total - sums[hour - HOUR] for hour, total in sums.items() if hour - HOUR in sums
    }
    computed = hour_prices(price.tariff, energies, hours)
    return shown | _with_market(instance, session, price, computed)


def _with_market(
    instance: Recorder, session: Session, price: TariffPrice, computed: dict[datetime, Decimal]
) -> dict[datetime, HourPrice]:
    """Add the price of the market, half-hour by half-hour where that is known."""
    if not price.tariff.has_market_price:
        return {hour: HourPrice(each) for hour, each in computed.items()}
    if price.market is None:
        return {}
    market = read_prices(instance, session, price.market, TARIFF_CURRENCY, computed.keys())
    found: dict[datetime, HourPrice] = {}
    for hour, each in market.items():
        fixed = computed[hour]
        halves = each.halves and (fixed + each.halves[0], fixed + each.halves[1])
        found[hour] = HourPrice(fixed + each.whole, halves)
    return found
