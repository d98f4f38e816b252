"""Billing periods (料金の算定期間): from one meter reading to the next."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ..stack import JST
from .model import Step, Tariff, Terms

_DAY: Final = timedelta(days=1)
_KWH: Final = Decimal(1)


def midnight(day: date) -> datetime:
    """Return the moment at which a day begins in Japan."""
    return datetime.combine(day, time(), JST)


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """The days that one bill is about."""

    first: date
    """The day of the reading: it counts to the period that begins with it."""
    end: date
    """The day of the next reading, the first one after the period."""

    @property
    def start(self) -> datetime:
        """The moment at which it begins."""
        return midnight(self.first)

    @property
    def stop(self) -> datetime:
        """The moment at which the next one begins."""
        return midnight(self.end)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.first).days

    @property
    def month(self) -> date:
        """The first day of the month the bill is named after (◯月分): that of its last day."""
        return (self.end - _DAY).replace(day=1)


def period_of(reading_day: int, moment: datetime) -> BillingPeriod:
    """Return the billing period in which a moment (aware) lies."""
    today = moment.astimezone(JST).date()
    this = _reading(reading_day, today)
    if today < this:
        return BillingPeriod(_reading(reading_day, today.replace(day=1) - _DAY), this)
    return BillingPeriod(this, _reading(reading_day, today.replace(day=28) + 4 * _DAY))


def _reading(reading_day: int, month: date) -> date:
    last = calendar.monthrange(month.year, month.month)[1]
    return month.replace(day=min(reading_day, last))


@dataclass(frozen=True, slots=True)
class Part:
    """The days of a billing period that have the same prices: mostly all of them."""

    start: datetime
    terms: Terms
    steps: tuple[Step, ...]
    """Those of the terms, their limits shortened to these days."""
    share: Decimal
    """Its days among those of the period, by which the basic charge goes."""


def parts_of(tariff: Tariff, period: BillingPeriod) -> Iterator[Part]:
    """Yield the parts of a period, in the order of time; days before all prices are in none.

    Where prices change within a period, basic charge and steps go by the days (日割計算): each
    step's kWh are rounded to a whole one, 0.5 upwards. Source: the examples at
    www.faq.eneos.co.jp/faq/show/7094 (15 of 30 days make 60 of 120 kWh, 8 of 15, 53 of 105).
    """
    rows = [terms for terms in tariff.terms if (terms.since or period.first) < period.end]
    for index, terms in enumerate(rows):
        first = max(terms.since or period.first, period.first)
        end = period.end
        if index + 1 < len(rows) and (following := rows[index + 1].since) is not None:
            end = min(end, following)
        if first < end:
            days = (end - first).days
            steps = terms.steps if days == period.days else _shortened(terms.steps, days, period)
            yield Part(midnight(first), terms, steps, Decimal(days) / Decimal(period.days))


def _shortened(steps: tuple[Step, ...], days: int, period: BillingPeriod) -> tuple[Step, ...]:
    shortened: list[Step] = []
    before = limit = Decimal()
    for step in steps:
        if step.up_to is None:
            shortened.append(step)
            continue
        width = (step.up_to - before) * days / period.days
        limit += width.quantize(_KWH, ROUND_HALF_UP)
        before = step.up_to
        shortened.append(Step(limit, step.price))
    return tuple(shortened)
