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


def count_the_rest(tally: Tally, since: datetime, recent: Iterable[Use], market: PriceAt) -> bool:
    """Count what will be used from a moment to the end of the period; return whether that is known.

    Each half-hour as the mean of the same one of the day in ``recent``; a whole day of them
    must be known. The market's price likewise: the mean of the same half-hour of the day.
    """
    energies: dict[int, list[Decimal]] = {}
    prices: dict[int, list[Decimal]] = {}
    for row in recent:
        if row.energy is None or row.end - row.start != HALF_HOUR:
            continue
        index = _index(row.start)
        energies.setdefault(index, []).append(row.energy)
        if (price := market(row.start)) is not None:
            prices.setdefault(index, []).append(price)
    if len(energies) < _OF_A_DAY:
        return False
    at = since
    while at < tally.period.stop:
        until = half_hour_of(at) + HALF_HOUR
        index = _index(at)
        share = Decimal((until - at) // _MICROSECOND) / Decimal(HALF_HOUR // _MICROSECOND)
        price = _mean(prices[index]) if index in prices else None
        tally.add(at, _mean(energies[index]) * share, price)
        at = until
    return True


def _index(moment: datetime) -> int:
    local = moment.astimezone(JST)
    return local.hour * 2 + local.minute // 30


def _mean(numbers: list[Decimal]) -> Decimal:
    return sum(numbers, Decimal()) / len(numbers)
