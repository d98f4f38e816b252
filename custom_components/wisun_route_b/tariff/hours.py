"""The price of each hour (or half-hour) of the past, from what was used before in its billing period."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from .bill import Tally
from .model import Tariff
from .periods import BillingPeriod, period_of
from .use import Use

HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def first_needed(tariff: Tariff, hours: Collection[datetime]) -> datetime:
    """Return since when the use must be known to price these hours (aware, at least one)."""
    return period_of(tariff.reading_day, min(hours)).start


def hour_prices(
    tariff: Tariff,
    energies: Mapping[datetime, Decimal],
    hours: Collection[datetime],
    span: timedelta = HOUR,
    gaps: Iterable[Use] = (),
) -> dict[datetime, Decimal]:
    """Return the mean price of these hours, yen per kWh, without the market's share.

    ``energies`` are kWh by the start of the hour; ``span`` is 30 minutes for half-hours. An hour that goes from one step into the next
    has the price that makes its cost right. One whose place in the steps is not known, because an
    hour before it in the period has no energy, has none.

    ``gaps`` are longer spans whose energy is known as a whole, or lies between two meters: hours in
    them have a price only if it is the same in all steps, those after them count on, as in the bill.
    """
    fixed = Tariff(tariff.reading_day, tariff.terms, tariff.fuel, tariff.levy)
    shares = _shares(gaps, span)
    found: dict[datetime, Decimal] = {}
    last: dict[BillingPeriod, datetime] = {}
    for hour in sorted(hours):
        period = period_of(tariff.reading_day, hour)
        last[period] = hour
    for period, until in last.items():
        tally = Tally(fixed, period)
        at = period.start
        while at <= until:
            price = _count(tally, at, energies.get(at), shares)
            if at in hours and price is not None:
                found[at] = price
            at += span
    return found


def _count(
    tally: Tally, at: datetime, energy: Decimal | None, shares: Mapping[datetime, Decimal]
) -> Decimal | None:
    """Count an hour; return its price per kWh, None if that is not known."""
    if energy is None and at in shares:
        tally.add(at, shares[at])
        without_step = tally.copy()
        without_step.lose(at)
        return without_step.price(at)
    price = tally.price(at)
    if energy is None:
        tally.lose(at)
    elif (cost := tally.add(at, energy)) is not None and energy > 0:
        price = cost / energy
    return price


def _shares(gaps: Iterable[Use], span: timedelta) -> dict[datetime, Decimal]:
    """Return what each hour of the gaps counts, in equal shares of time; nothing between two meters."""
    found: dict[datetime, Decimal] = {}
    for part in (half for gap in gaps for half in gap.halves()):
        hour = part.start - (part.start - _EPOCH) % span
        found[hour] = found.get(hour, Decimal()) + (part.energy or Decimal())
    return found
