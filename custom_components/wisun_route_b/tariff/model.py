"""What is on a Japanese electricity bill: the prices, and since when they are valid.

No prices of any supplier are in here: a person copies them from the bill.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

_WEEK: Final = range(7)
_WEEKEND: Final = range(5, 7)


class Days(StrEnum):
    """On which days of the week a time band holds. Holidays count as the weekday they are on."""

    EVERY = "every"
    WEEKDAYS = "weekdays"
    WEEKEND = "weekend"

    @property
    def numbers(self) -> range:
        """The days as :meth:`datetime.weekday` counts them."""
        match self:
            case Days.EVERY:
                return _WEEK
            case Days.WEEKDAYS:
                return range(5)
            case Days.WEEKEND:
                return _WEEKEND


@dataclass(frozen=True, slots=True)
class TimeBand:
    """Hours of the week that have a price of their own, outside of the steps."""

    days: Days
    start: int
    """The first hour, 0 to 23."""
    end: int
    """The hour at which it ends, 1 to 24; not after ``start``, it goes on after midnight."""
    price: Decimal
    """Yen per kWh."""

    @property
    def slots(self) -> frozenset[tuple[int, int]]:
        """The hours as weekday and hour; what is after midnight belongs to the day it is on."""
        hours = (
            range(self.start, self.end)
            if self.start < self.end
            else (*range(self.start, 24), *range(self.end))
        )
        return frozenset((day, hour) for day in self.days.numbers for hour in hours)


@dataclass(frozen=True, slots=True)
class Step:
    """A price for a part of a month's energy (電力量料金の段階)."""

    up_to: Decimal | None
    """The use in the billing period up to which it holds, kWh; None for all the rest."""
    price: Decimal
    """Yen per kWh; 0 for what a minimum charge (最低料金) includes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The prices of a contract from a day on."""

    since: date | None
    """The first day; None for as far back as anybody asks."""
    basic: Decimal
    """Basic or minimum charge (基本料金, 最低料金), yen per billing period."""
    steps: tuple[Step, ...]
    """In rising order; the last one has no limit. Energy within a time band does not count."""
    bands: tuple[TimeBand, ...] = ()
    other: Decimal = Decimal()
    """What else is on the bill each month, yen: discounts are negative."""
    _by_hour: dict[tuple[int, int], Decimal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the steps; raises ValueError if they do not rise, or do not end."""
        limits = [step.up_to for step in self.steps]
        if not limits or limits[-1] is not None or None in limits[:-1]:
            raise ValueError("The last step, and only that, has no limit")
        known = [Decimal(), *(limit for limit in limits if limit is not None)]
        if any(older >= newer for older, newer in pairwise(known)):
            raise ValueError("The limits of the steps must rise")
        by_hour = {slot: band.price for band in self.bands for slot in band.slots}
        if len(by_hour) != sum(len(band.slots) for band in self.bands):
            raise ValueError("Two time bands have an hour in common")
        object.__setattr__(self, "_by_hour", by_hour)

    @property
    def is_stepped(self) -> bool:
        """Whether the price depends on how much was used before."""
        return len(self.steps) > 1

    def band_price(self, local: datetime) -> Decimal | None:
        """Return the price of the time band at a moment (time of Japan); None outside of all."""
        return self._by_hour.get((local.weekday(), local.hour))


@dataclass(frozen=True, slots=True)
class MonthlyRate:
    """A levy or an adjustment from the bill of a month on (◯月分)."""

    since: date
    """The first day of the month that the bill is named after."""
    per_kwh: Decimal
    """Yen per kWh; the fuel adjustment may be negative."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """All that a person copies from the bill."""

    reading_day: int
    """The day of the meter reading (計量日, 検針日), 1 to 31; the last one of shorter months."""
    terms: tuple[Terms, ...]
    """In the order of time."""
    fuel: tuple[MonthlyRate, ...] = ()
    """Fuel adjustment (燃料費調整額), in the order of time; none for a contract without one."""
    levy: tuple[MonthlyRate, ...] = ()
    """Renewable energy levy (再エネ賦課金), in the order of time."""
    has_market_price: bool = False
    """Whether the price of a market is added to all of it, each half-hour another one."""

    def __post_init__(self) -> None:
        """Refuse terms whose order is not that of time; raises ValueError."""
        starts = [terms.since or date.min for terms in self.terms]
        if not starts or any(older >= newer for older, newer in pairwise(starts)):
            raise ValueError("The prices must be in the order of time")
        for rates in (self.fuel, self.levy):
            if any(older.since >= newer.since for older, newer in pairwise(rates)):
                raise ValueError("The months must be in the order of time")


def rate_in(rates: tuple[MonthlyRate, ...], month: date) -> MonthlyRate | None:
    """Return the rate that holds for the bill of a month, the newest one that has begun.

    None if the first one begins later.
    """
    begun = [rate for rate in rates if rate.since <= month]
    return begun[-1] if begun else None
