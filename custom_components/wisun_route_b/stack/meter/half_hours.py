"""Dated registers out of the three kinds of history, and the energy between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
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


class Gap(StrEnum):
    """Why there is no energy between two slots."""

    NO_READING = "no_reading"
    """A register is missing at one end: a time still to come, or a direction not measured."""
    REGISTER_FELL = "register_fell"
    """The register is lower than before and did not roll over: another meter hangs there."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """The energy of the span between two slots."""

    start: datetime
    end: datetime
    normal: Decimal | None
    """Imported, kWh; None with the reason in ``gap``."""
    reverse: Decimal | None
    """Exported, kWh; None likewise."""
    gap: Gap | None = None
    """Why a value is None; the worse reason if the directions differ."""


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
        normal, why = _between(older.registers.normal, newer.registers.normal, scale)
        reverse, why_reverse = _between(older.registers.reverse, newer.registers.reverse, scale)
        gaps = {why, why_reverse}
        worst = next((gap for gap in (Gap.REGISTER_FELL, Gap.NO_READING) if gap in gaps), None)
        yield Consumption(older.at, newer.at, normal, reverse, worst)


def _between(
    older: Decimal | None, newer: Decimal | None, scale: Scale
) -> tuple[Decimal | None, Gap | None]:
    if older is None or newer is None:
        return None, Gap.NO_READING
    energy = scale.consumed(older, newer)
    return energy, Gap.REGISTER_FELL if energy is None else None
