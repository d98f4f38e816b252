"""What was used in a billing period, out of the meter's registers; and what will be used in the rest."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ..stack import JST, Scale
from .bill import Tally

HALF_HOUR: Final = timedelta(minutes=30)
#: Half-hours of a day.
_OF_A_DAY: Final = 48
_MICROSECOND: Final = timedelta.resolution

type PriceAt = Callable[[datetime], Decimal | None]
"""The market's price in the half-hour that begins at a moment, yen per kWh."""


@dataclass(frozen=True, slots=True)
class Use:
    """The energy of a span."""

    start: datetime
    end: datetime
    energy: Decimal | None
    """KWh; None between the registers of two meters."""

    def halves(self) -> Iterator[Use]:
        """Yield it cut at full half-hours, its energy in equal shares of time."""
        total = Decimal((self.end - self.start) // _MICROSECOND)
        at = self.start
        while at < self.end:
            until = min(self.end, half_hour_of(at) + HALF_HOUR)
            share = Decimal((until - at) // _MICROSECOND) / total
            yield Use(at, until, None if self.energy is None else self.energy * share)
            at = until


def half_hour_of(moment: datetime) -> datetime:
    """Return the start of the half-hour in which a moment lies."""
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)


def uses(registers: Mapping[datetime, Decimal], scale: Scale) -> Iterator[Use]:
    """Yield what was used between each two readings of the imported register (kWh)."""
    for older, newer in pairwise(sorted(registers)):
        yield Use(older, newer, scale.consumed(registers[older], registers[newer]))


def count(tally: Tally, rows: Iterable[Use], market: PriceAt) -> None:
    """Count uses that lie within the tally's period, in the order of time."""
    for row in rows:
        for part in row.halves():
            if part.energy is not None:
                tally.add(part.start, part.energy, market(half_hour_of(part.start)))


class UsualDay:
    """The mean of each half-hour of the day in some recent days: its energy, and the market's price."""

    def __init__(self, recent: Iterable[Use], market: PriceAt) -> None:
        """Take the uses of those days; spans that are no half-hour are left out."""
        energies: dict[int, list[Decimal]] = {}
        prices: dict[int, list[Decimal]] = {}
        for row in recent:
            if row.energy is None or row.end - row.start != HALF_HOUR:
                continue
            index = _index(row.start)
            energies.setdefault(index, []).append(row.energy)
            if (price := market(row.start)) is not None:
                prices.setdefault(index, []).append(price)
        self._energies = {index: _mean(numbers) for index, numbers in energies.items()}
        self._prices = {index: _mean(numbers) for index, numbers in prices.items()}

    @property
    def is_known(self) -> bool:
        """Whether a whole day of energy is known."""
        return len(self._energies) == _OF_A_DAY

    @property
    def has_prices(self) -> bool:
        """Whether a whole day of prices is known."""
        return len(self._prices) == _OF_A_DAY

    def price(self, moment: datetime) -> Decimal | None:
        """Return the price of the half-hour in which a moment lies."""
        return self._prices.get(_index(moment))

    def count_the_rest(self, tally: Tally, since: datetime) -> None:
        """Count what will be used from a moment to the end of the period, if it is known."""
        at = since
        while at < tally.period.stop:
            until = half_hour_of(at) + HALF_HOUR
            share = Decimal((until - at) // _MICROSECOND) / Decimal(HALF_HOUR // _MICROSECOND)
            tally.add(at, self._energies[_index(at)] * share, self.price(at))
            at = until


def _index(moment: datetime) -> int:
    local = moment.astimezone(JST)
    return local.hour * 2 + local.minute // 30


def _mean(numbers: list[Decimal]) -> Decimal:
    return sum(numbers, Decimal()) / len(numbers)
