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
from ..tariff.periods import BillingPeriod, parts_of, period_of
from ..tariff.use import PriceAt, Use, UsualDay, count, uses

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
        if self.depends_on_time(base.period) and until - self.newest > _IS_NEW:
            return None
        tally = base.copy()
        if live is not None and live.at > max(self.newest, tally.period.start):
            energy = self._scale.consumed(self._registers[self.newest], live.energy)
            tail = Use(self.newest, live.at, energy)
            count(tally, _within(tally.period, [tail]), self._market)
        return tally

    def expected(self, now: datetime, live: LiveRegister | None = None) -> Bill | None:
        """Return the bill of the whole period; None if too little is known of use or prices."""
        base = self._base(period_of(self._tariff.reading_day, now))
        if base is None or self.newest is None:
            return None
        if self._expected is None or self._expected.period != base.period:
            self._expected = self._expect(base, self.newest)
        expected = self._expected
        tally = None if expected is None else self.tally(now, live)
        if expected is None or tally is None or tally.energy <= expected.energy:
            return expected
        return tally.bill()  # the last half-hour has used more than usual

    def _expect(self, base: Tally, newest: datetime) -> Bill | None:
        rows = tuple(uses(self._registers, self._scale))
        usual = UsualDay((row for row in rows if row.start >= newest - RECENT), self._market)
        if not usual.is_known:
            return None
        tally = base.copy()
        if self._tariff.has_market_price:
            if not usual.has_prices:
                return None
            # What was used before prices were known has those of the same half-hours of other days.
            tally = Tally(self._tariff, base.period)
            count(tally, _within(base.period, rows), lambda at: self._price_of(at, usual))
        usual.count_the_rest(tally, max(newest, base.period.start))
        return tally.bill()

    def _price_of(self, half_hour: datetime, usual: UsualDay) -> Decimal | None:
        price = self._market(half_hour)
        return usual.price(half_hour) if price is None else price

    def depends_on_time(self, period: BillingPeriod) -> bool:
        """Whether it matters when energy was used within a period, beside how much."""
        parts = tuple(parts_of(self._tariff, period))
        return (
            self._tariff.has_market_price
            or len(parts) > 1
            or any(part.terms.bands for part in parts)
        )

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
