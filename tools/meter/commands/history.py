"""``history``: dated registers of the past, and the energy between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import JST, SmartMeter, errors, half_hours, readings

from ..context import Command, Context, connected
from ..exit_codes import ExitCode, UsageError
from ..screen import Json
from ..values import as_json, moment_text

_HALF_HOUR = timedelta(minutes=30)
_DAY = timedelta(days=1)
_ROW = "{:<18}{:>14}{:>14}{:>12}{:>12}"


class Source(StrEnum):
    """Which history of the meter is asked."""

    DAYS = "e2"
    """E2 and E4: a whole day in each answer."""
    SLOTS = "ec"
    """EC: six hours in each answer."""


@dataclass(frozen=True, slots=True)
class History(Command):
    """Half-hourly registers of some days, each with the energy of the half-hour it begins."""

    name: ClassVar = "history"
    day: int = 0
    first: date | None = None
    last: date | None = None
    source: Source = Source.DAYS

    @override
    async def run(self, context: Context) -> ExitCode:
        async with connected(context) as meter:
            now = await meter.clock()
            first, last = self._days(now.date())
            past = _Past(meter, now, context)
            # One slot more closes the last half-hour of the last day.
            midnight = datetime.combine(last + _DAY, time(), JST)
            slots = await past.slots(first, min(midnight, now), self.source)
            energies = {
                energy.start: energy
                for energy in (half_hours.consumptions(slots, meter.scale) if meter.scale else ())
            }
        shown = [slot for slot in slots if slot.at < midnight]
        context.screen.result(
            _document(shown, energies, past.problems, self.source),
            _lines(shown, energies, past.problems),
        )
        known = any(slot.registers.normal is not None for slot in shown)
        return ExitCode.OK if known else ExitCode.LINK

    def _days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day that are wanted, by the meter's calendar."""
        if self.first is None:
            first = last = today - self.day * _DAY
        else:
            first, last = self.first, self.last or today
        if not today - readings.HISTORY_DAYS * _DAY <= first <= last <= today:
            raise UsageError(
                f"The meter keeps {readings.HISTORY_DAYS} days and today, which is {today} by its clock."
            )
        return first, last


class _Past:
    """Reads the history of one meter, oldest first."""

    def __init__(self, meter: SmartMeter, now: datetime, context: Context) -> None:
        self._meter = meter
        self._today = now.date()
        self._desk = context
        self.problems: dict[date, str] = {}
        """Days that could not be read, and why."""

    async def slots(
        self, first: date, end: datetime, source: Source
    ) -> tuple[half_hours.Slot, ...]:
        """Return the slots from the midnight of ``first`` up to ``end``, inclusive."""
        days = (end.date() - first).days + 1
        slots: list[half_hours.Slot] = []
        for number in range(days):
            day = first + number * _DAY
            self._desk.screen.busy(f"Reading the history: day {number + 1} of {days} …")
            try:
                if source is Source.DAYS:
                    slots += await self._whole_day(day)
                else:
                    slots += await self._piecewise(day, end)
            except errors.DecodeError as err:
                self.problems[day] = str(err)
        return tuple(slot for slot in slots if slot.at <= end)

    async def _whole_day(self, day: date) -> tuple[half_hours.Slot, ...]:
        slots = await self._meter.day_history((self._today - day).days)
        if slots[0].at.date() != day:  # the meter's today has become yesterday
            self._today = (await self._meter.clock()).date()
            slots = await self._meter.day_history((self._today - day).days)
        return slots

    async def _piecewise(self, day: date, end: datetime) -> list[half_hours.Slot]:
        midnight = datetime.combine(day, time(), JST)
        whole = int((min(end, midnight + _DAY - _HALF_HOUR) - midnight) / _HALF_HOUR) + 1
        slots: list[half_hours.Slot] = []
        while len(slots) < whole:
            count = min(readings.HISTORY_SLOTS, whole - len(slots))
            newest = midnight + (len(slots) + count - 1) * _HALF_HOUR
            slots += await self._meter.half_hour_history(newest, count)
        return slots


def _document(
    slots: Sequence[half_hours.Slot],
    energies: Mapping[datetime, half_hours.Consumption],
    problems: Mapping[date, str],
    source: Source,
) -> Json:
    return {
        "source": source.value,
        "unit": "kWh",
        "slots": [
            {
                "at": as_json(slot.at),
                "register": as_json(slot.registers),
                "consumption": _consumption(energies.get(slot.at)),
            }
            for slot in slots
        ],
        "missing": [{"day": day.isoformat(), "reason": reason} for day, reason in problems.items()],
    }


def _consumption(energy: half_hours.Consumption | None) -> Json:
    return {
        "normal": as_json(energy.normal if energy else None),
        "reverse": as_json(energy.reverse if energy else None),
    }


def _lines(
    slots: Sequence[half_hours.Slot],
    energies: Mapping[datetime, half_hours.Consumption],
    problems: Mapping[date, str],
) -> Iterator[str]:
    yield _ROW.format("", "register in", "register out", "used", "fed in") + "  (kWh)"
    for slot in slots:
        energy = energies.get(slot.at)
        yield _ROW.format(
            moment_text(slot.at),
            _number(slot.registers.normal),
            _number(slot.registers.reverse),
            _number(energy.normal if energy else None),
            _number(energy.reverse if energy else None),
        )
    between = [energies[slot.at] for slot in slots if slot.at in energies]
    yield _total("Used", [energy.normal for energy in between])
    if any(energy.reverse is not None for energy in between):
        yield _total("Fed in", [energy.reverse for energy in between])
    for day, reason in problems.items():
        yield f"{day}: not read: {reason}"


def _total(what: str, energies: Sequence[Decimal | None]) -> str:
    known = [energy for energy in energies if energy is not None]
    return f"{what} in {len(known)} half-hours: {sum(known, Decimal()):f} kWh"


def _number(energy: Decimal | None) -> str:
    return "-" if energy is None else f"{energy:f}"
