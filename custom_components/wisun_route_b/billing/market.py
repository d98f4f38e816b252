"""What a market's price was, half-hour by half-hour, as the recorder remembers it."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from homeassistant.components.recorder.core import Recorder
from sqlalchemy.orm import Session

from ..const import TARIFF_CURRENCY
from ..history.cost_source import EntityPrice
from ..history.prices import read_prices
from ..tariff.use import HALF_HOUR


def half_hourly_prices(
    source: EntityPrice, hours: Collection[datetime], instance: Recorder, session: Session
) -> dict[datetime, Decimal]:
    """Return the price of each half-hour of these hours, yen per kWh, as far as it is known.

    Runs in the recorder's thread.
    """
    found: dict[datetime, Decimal] = {}
    for hour, price in read_prices(instance, session, source, TARIFF_CURRENCY, hours).items():
        first, second = price.halves or (price.whole, price.whole)
        found |= {hour: first, hour + HALF_HOUR: second}
    return found
