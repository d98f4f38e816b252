"""What the use since the meter reading costs now, and will cost at its end. No Home Assistant.

The meter's half-hours are counted one after the other; what was used since the newest one comes
from its live register.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ..stack import Scale
from ..tariff.bill import Bill, Tally
from ..tariff.model import Tariff
from ..tariff.periods import BillingPeriod, period_of
from ..tariff.use import PriceAt, Use, count, count_the_rest, uses

#: How far back half-hours say how the rest of the period will go.
RECENT: Final = timedelta(days=7)
#: How old the newest half-hour may be for the time since then to lie within one price.
_IS_NEW: Final = timedelta(minutes=65)


@dataclass(frozen=True, slots=True)
class LiveRegister:
    """What the imported register shows, kWh, and when that was read."""

    at: datetime
    energy: Decimal


class Account:
    """Counts the half-hours of one billing period once, and what came since again and again."""

    def __init__(
        self, tariff: Tariff, registers: Mapping[datetime, Decimal], scale: Scale, market: PriceAt
    ) -> None:
        """Take the registers at half-hours, which reach back as far as is known."""
        self._tariff, self._registers, self._scale = tariff, registers, scale
        self._market = market
        self._counted: tuple[BillingPeriod, Tally] | None = None
        self._expected: Bill | None = None
        self.since: datetime | None = None
        """From when on the use of the period is known."""
        self.newest = max(registers, default=None)

    def tally(self, now: datetime, live: LiveRegister | None) -> Tally | None:
        """Return what was used in the period of ``now``; None if that is not known yet."""
        base = self._base(period_of(self._tariff.reading_day, now))
        if base is None or self.newest is None:
            return None
        until = now if live is None else live.at
        if self.depends_on_time and until - self.newest > _IS_NEW:
            return None
        tally = base.copy()
        if live is not None and live.at > max(self.newest, tally.period.start):
            energy = self._scale.consumed(self._registers[self.newest], live.energy)
            tail = Use(self.newest, live.at, energy)
            count(tally, _within(tally.period, [tail]), self._market)
        return tally

    def expected(self, now: datetime) -> Bill | None:
        """Return the bill of the whole period; None if too little is known of the use."""
        base = self._base(period_of(self._tariff.reading_day, now))
        if base is None or self.newest is None:
            return None
        if self._expected is None or self._expected.period != base.period:
            tally = base.copy()
            recent = [
                row
                for row in uses(self._registers, self._scale)
                if row.start >= self.newest - RECENT
            ]
            since = max(self.newest, base.period.start)
            if not count_the_rest(tally, since, recent, self._market):
                return None
            self._expected = tally.bill()
        return self._expected

    @property
    def depends_on_time(self) -> bool:
        """Whether it matters when energy was used, beside how much."""
        return self._tariff.has_market_price or any(row.bands for row in self._tariff.terms)

    def _base(self, period: BillingPeriod) -> Tally | None:
        """Return the period's half-hours, counted."""
        if self._counted is not None and self._counted[0] == period:
            return self._counted[1]
        before = [at for at in self._registers if at <= period.start]
        first = max(before) if before else min(self._registers, default=None)
        if first is None:
            return None
        self.since = max(first, period.start)
        registers = {at: value for at, value in self._registers.items() if at >= first}
        tally = Tally(self._tariff, period)
        count(tally, _within(period, uses(registers, self._scale)), self._market)
        self._counted = period, tally
        return tally


def _within(period: BillingPeriod, rows: Iterable[Use]) -> Iterator[Use]:
    """Yield the uses of a period; one that goes over its bounds is shared by time."""
    for row in rows:
        if period.start <= row.start and row.end <= period.stop:
            yield row
        elif row.start < period.stop and row.end > period.start:
            yield from (part for part in row.halves() if period.start <= part.start < period.stop)
