"""The largest half-hour of each month. No clock, no Home Assistant.

A contract by measured demand (実量制) is based on the largest half-hour of this month and the eleven
before it; its demand is the energy of the half-hour divided by half an hour. Months are those of
the calendar in Japan.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ..const import MAX_POWER_KW
from ..stack import JST, half_hours

#: Months that a contract looks at, this one included.
MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest half-hour of a time."""

    start: datetime
    """Aware, JST, on a full half-hour."""
    power: Decimal
    """Its average imported power, kW."""


@dataclass(slots=True)
class Peaks:
    """The largest half-hours that are known, and of which time they are known."""

    months: dict[date, Peak]
    """By the first day of the month."""
    since: datetime | None = None
    """The start of the first half-hour that was looked at."""
    until: datetime | None = None
    """The end of the last one; those between have been looked at as well."""

    def note(self, start: datetime, energy: Decimal) -> None:
        """Take the imported energy (kWh) of the half-hour that begins at ``start``."""
        power = energy / Decimal(half_hours.HALF_HOUR.total_seconds() / 3600)
        if not 0 <= power <= MAX_POWER_KW:
            return
        local = start.astimezone(JST)
        month = local.date().replace(day=1)
        known = self.months.get(month)
        # Of two that are equal, the later one, in whatever order they come: it counts longer.
        if known is None or (power, local) > (known.power, known.start):
            self.months[month] = Peak(local, power)

    def note_covered(self, since: datetime, until: datetime) -> None:
        """Note that all half-hours of a time have been looked at."""
        if self.until is None or since > self.until:
            self.since = since
        self.until = until if self.until is None else max(until, self.until)

    def of_month(self, now: datetime) -> Peak | None:
        """Return the largest half-hour of the month in which ``now`` lies."""
        return self.months.get(now.astimezone(JST).date().replace(day=1))

    def of_twelve_months(self, now: datetime) -> Peak | None:
        """Return the largest half-hour of this month and the eleven before it."""
        found = [self.months[month] for month in _months_back(now) if month in self.months]
        return max(found, key=lambda peak: peak.power, default=None)

    def forget(self, now: datetime) -> None:
        """Drop months that nothing looks at any more, and those that are yet to come."""
        kept = set(_months_back(now))
        self.months = {month: peak for month, peak in self.months.items() if month in kept}


def _months_back(now: datetime) -> Iterator[date]:
    month = now.astimezone(JST).date().replace(day=1)
    for _ in range(MONTHS):
        yield month
        month = (
            month.replace(year=month.year - 1, month=12)
            if month.month == 1
            else (month.replace(month=month.month - 1))
        )
