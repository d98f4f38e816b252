"""Dated registers out of the three kinds of history, and the energy between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from .readings import JST, DayHistory, RegisterPair, SlotHistory
from .scale import Scale

HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """Both registers at one moment of the past."""

    at: datetime
    """Aware, JST: the moment of the reading, not a span."""
    registers: RegisterPair


@dataclass(frozen=True, slots=True)
class Consumption:
    """The energy of the span between two slots."""

    start: datetime
    end: datetime
    normal: Decimal | None
    """Imported, kWh; None where a register is missing or the meter was exchanged."""
    reverse: Decimal | None
    """Exported, kWh; None likewise."""


def day_slots(day: date, normal: DayHistory | None, reverse: DayHistory | None) -> tuple[Slot, ...]:
    """Return the 48 slots of a day, 00:00 to 23:30, out of E2 and E4."""
    midnight = datetime.combine(day, time(), JST)
    return tuple(
        Slot(midnight + index * HALF_HOUR, RegisterPair(_at(normal, index), _at(reverse, index)))
        for index in range(48)
    )


def _at(history: DayHistory | None, index: int) -> Decimal | None:
    return None if history is None else history.registers[index]


def slots_back(history: SlotHistory, step: timedelta) -> tuple[Slot, ...]:
    """Return the slots of EC (half-hours) or EE (minutes), the oldest first."""
    if history.start is None:
        return ()
    newest_first = (
        Slot(history.start - index * step, registers)
        for index, registers in enumerate(history.slots)
    )
    return tuple(reversed(tuple(newest_first)))


def consumptions(slots: Sequence[Slot], scale: Scale) -> Iterator[Consumption]:
    """Yield the energy between each two neighbours; a roll-over is seen through."""
    for older, newer in pairwise(slots):
        yield Consumption(
            older.at,
            newer.at,
            _between(older.registers.normal, newer.registers.normal, scale),
            _between(older.registers.reverse, newer.registers.reverse, scale),
        )


def _between(older: Decimal | None, newer: Decimal | None, scale: Scale) -> Decimal | None:
    if older is None or newer is None:
        return None
    return scale.consumed(older, newer)
