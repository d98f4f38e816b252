"""The bill of one billing period, counted half-hour by half-hour; and the price of the next kWh.

Rounding is that of the suppliers: what is added up keeps all its decimals, then the levy is cut off
to whole yen, and so is the total. Sources: kepco.jp/ryokin/menu/dento_a (円位未満切捨て, both);
"単位および端数処理" of the suppliers' conditions (合計金額 … 端数は切り捨て). Suppliers round the use of
a period to whole kWh first; here it stays as the meter counts it.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

from ..stack import JST
from .model import MonthlyRate, Step, Tariff, rate_in
from .periods import BillingPeriod, Part, parts_of

_YEN: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill, in yen; levy and total in whole ones."""

    period: BillingPeriod
    energy: Decimal
    """What it is about, kWh."""
    basic: Decimal
    """Basic or minimum charge of the whole period."""
    use: Decimal
    """Charge by use (電力量料金), with the market's price where there is one."""
    fuel: Decimal
    """Fuel adjustment; may be negative."""
    levy: Decimal
    """Renewable energy levy."""
    other: Decimal
    """Discounts and the like."""
    unpriced: Decimal
    """Energy of which no price is known, kWh; it is in none of the charges."""

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        total = self.basic + self.use + self.fuel + self.levy + self.other
        return total.quantize(_YEN, ROUND_DOWN)


class Tally:
    """Counts the energy of one billing period against its steps, in the order of time."""

    def __init__(self, tariff: Tariff, period: BillingPeriod) -> None:
        """Start with nothing used."""
        self.period = period
        self._tariff = tariff
        self._parts = tuple(parts_of(tariff, period))
        self._fuel = Decimal() if not tariff.fuel else _per_kwh(tariff.fuel, period)
        self._levy = Decimal() if not tariff.levy else _per_kwh(tariff.levy, period)
        self._part: Part | None = None
        self._stepped = self._energy = self._use = self._priced = Decimal()
        self._is_complete = True

    def copy(self) -> Tally:
        """Return one that goes on from here by itself."""
        return copy(self)

    @property
    def energy(self) -> Decimal:
        """What was counted, kWh."""
        return self._energy

    def lose(self, start: datetime) -> None:
        """Note that an unknown amount of energy was used: what follows has no known step."""
        self._go_to(start)
        self._is_complete = False

    def add(
        self, start: datetime, energy: Decimal, market: Decimal | None = None
    ) -> Decimal | None:
        """Count the energy (kWh) of a span within one hour; return what it costs, in yen.

        That is without basic charge and rounding. None if its price is not known.
        """
        part = self._go_to(start)
        self._energy += energy
        if part is None:
            return None
        band = part.terms.band_price(start.astimezone(JST))
        if band is not None:
            charge: Decimal | None = energy * band
        else:
            charge = self._charge(part, energy)
            self._stepped += energy
        adjustment = self._adjustment(market)
        if charge is None or adjustment is None or self._fuel is None or self._levy is None:
            return None
        self._use += charge + energy * adjustment
        self._priced += energy
        return charge + energy * (adjustment + self._fuel + self._levy)

    def price(self, moment: datetime, market: Decimal | None = None) -> Decimal | None:
        """Return what the next kWh costs, yen; ``moment`` is not before what was added."""
        part = self._go_to(moment)
        if part is None:
            return None
        price = part.terms.band_price(moment.astimezone(JST))
        if price is None:
            price = self._step(part).price if self._is_known(part) else None
        adjustment = self._adjustment(market)
        if price is None or adjustment is None or self._fuel is None or self._levy is None:
            return None
        return price + adjustment + self._fuel + self._levy

    def bill(self) -> Bill | None:
        """Return the bill so far; None if prices, adjustment or levy of the period are not known."""
        if self._fuel is None or self._levy is None or not self._parts:
            return None
        shares = [(part.terms, part.share) for part in self._parts]
        return Bill(
            self.period,
            self._energy,
            basic=sum((terms.basic * share for terms, share in shares), Decimal()),
            use=self._use,
            fuel=self._fuel * self._priced,
            levy=(self._levy * self._priced).quantize(_YEN, ROUND_DOWN),
            other=sum((terms.other * share for terms, share in shares), Decimal()),
            unpriced=self._energy - self._priced,
        )

    # --- Steps -----------------------------------------------------------------------------

    def _go_to(self, moment: datetime) -> Part | None:
        part = next((row for row in reversed(self._parts) if row.start <= moment), None)
        if part is not self._part:
            self._part = part
            self._stepped, self._is_complete = Decimal(), True
        return part

    def _is_known(self, part: Part) -> bool:
        return self._is_complete or not part.terms.is_stepped

    def _adjustment(self, market: Decimal | None) -> Decimal | None:
        return market if self._tariff.has_market_price else Decimal()

    def _step(self, part: Part) -> Step:
        return next(step for step in part.steps if step.up_to is None or self._stepped < step.up_to)

    def _charge(self, part: Part, energy: Decimal) -> Decimal | None:
        """Return what energy costs in the steps that it goes through."""
        if not self._is_known(part):
            return None
        charge, used, end = Decimal(), self._stepped, self._stepped + energy
        for step in part.steps:
            until = end if step.up_to is None else min(end, step.up_to)
            if until > used:
                charge += (until - used) * step.price
                used = until
        return charge


def _per_kwh(rates: tuple[MonthlyRate, ...], period: BillingPeriod) -> Decimal | None:
    rate = rate_in(rates, period.month)
    return None if rate is None else rate.per_kwh
