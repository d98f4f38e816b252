"""The price of each hour (or half-hour) of the past, from what was used before in its billing period."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from .bill import Tally
from .model import Tariff
from .periods import BillingPeriod, period_of

HOUR: Final = timedelta(hours=1)


def first_needed(tariff: Tariff, hours: Collection[datetime]) -> datetime:
    """Return since when the use must be known to price these hours (aware, at least one)."""
    return period_of(tariff.reading_day, min(hours)).start


def hour_prices(
    tariff: Tariff,
    energies: Mapping[datetime, Decimal],
    hours: Collection[datetime],
    span: timedelta = HOUR,
) -> dict[datetime, Decimal]:
    """Return the mean price of these hours, yen per kWh, without the market's share.

    ``energies`` are kWh by the start of the hour; ``span`` is 30 minutes for half-hours. An hour that goes from one step into the next
    has the price that makes its cost right. One whose place in the steps is not known, because an
    hour before it in the period has no energy, has none.
    """
    fixed = Tariff(tariff.reading_day, tariff.terms, tariff.fuel, tariff.levy)
    found: dict[datetime, Decimal] = {}
    last: dict[BillingPeriod, datetime] = {}
    for hour in sorted(hours):
        period = period_of(tariff.reading_day, hour)
        last[period] = hour
    for period, until in last.items():
        tally = Tally(fixed, period)
        at = period.start
        while at <= until:
            energy = energies.get(at)
            price = tally.price(at)
            if energy is None:
                tally.lose(at)
            elif (cost := tally.add(at, energy)) is not None and energy > 0:
                price = cost / energy
            if at in hours and price is not None:
                found[at] = price
            at += span
    return found
