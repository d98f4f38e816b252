"""The energy of the last half-hour, out of the readings that the meter announces."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from .const import CLOCK_TOLERANCE
from .stack import (
    JST,
    ReadReport,
    Scale,
    SmartMeter,
    half_hours as meter_half_hours,
    properties,
    readings,
)

#: Readings of each register that are kept: what is asked about is the newest two.
_MAX_READINGS: Final = 4


type Direction = properties.MeterProperty[readings.FixedTimeEnergy]


@dataclass(frozen=True, slots=True)
class HalfHour:
    """What went through the meter between two of its fixed-time readings."""

    start: datetime
    """Aware, on a full half-hour of the meter's clock."""
    energy: Decimal
    """kWh."""


def fixed_time_slot(report: ReadReport) -> meter_half_hours.Slot | None:
    """Return the EA and EB of a report as a slot of a history."""
    normal = report.value(properties.FIXED_TIME_ENERGY_NORMAL)
    reverse = report.value(properties.FIXED_TIME_ENERGY_REVERSE)
    newest = max((reading.measured_at for reading in (normal, reverse) if reading), default=None)
    if newest is None:
        return None

    def at_newest(reading: readings.FixedTimeEnergy | None) -> Decimal | None:
        return reading.energy if reading and reading.measured_at == newest else None

    return meter_half_hours.Slot(
        newest, readings.RegisterPair(at_newest(normal), at_newest(reverse))
    )


class HalfHours:
    """Keeps the newest fixed-time registers of both directions. No clock, no I/O."""

    def __init__(self) -> None:
        """Start without any reading."""
        self._registers: dict[int, dict[datetime, Decimal]] = {
            properties.FIXED_TIME_ENERGY_NORMAL.epc: {},
            properties.FIXED_TIME_ENERGY_REVERSE.epc: {},
        }

    def note(self, report: ReadReport, now: datetime) -> None:
        """Take the EA and EB of a report; nothing that is dated later than ``now``.

        Such a reading would stay the newest one, and hide all true ones, until then.
        """
        for direction in (
            properties.FIXED_TIME_ENERGY_NORMAL,
            properties.FIXED_TIME_ENERGY_REVERSE,
        ):
            reading = report.value(direction)
            if reading is not None and reading.measured_at <= now + CLOCK_TOLERANCE:
                self._keep(direction.epc, reading.measured_at, reading.energy)

    def note_history(self, slots: Iterable[meter_half_hours.Slot]) -> None:
        """Take half-hourly registers of a history."""
        for slot in slots:
            self._keep(properties.FIXED_TIME_ENERGY_NORMAL.epc, slot.at, slot.registers.normal)
            self._keep(properties.FIXED_TIME_ENERGY_REVERSE.epc, slot.at, slot.registers.reverse)

    def last(self, direction: Direction, scale: Scale | None) -> HalfHour | None:
        """Return the newest half-hour; None if one of its ends is missing or not plausible."""
        registers = self._registers[direction.epc]
        if not registers or scale is None:
            return None
        end = max(registers)
        older = registers.get(end - meter_half_hours.HALF_HOUR)
        energy = None if older is None else scale.consumed(older, registers[end])
        return None if energy is None else HalfHour(end - meter_half_hours.HALF_HOUR, energy)

    def newest(self, direction: Direction) -> datetime | None:
        """Return the moment of the newest reading."""
        return max(self._registers[direction.epc], default=None)

    def register(self, direction: Direction, moment: datetime) -> Decimal | None:
        """Return what a register (kWh) showed at a full half-hour; None if that is not kept."""
        return self._registers[direction.epc].get(moment)

    def missing(self) -> datetime | None:
        """Return the end of the newest half-hour whose beginning is not known."""
        ends = [
            max(registers)
            for registers in self._registers.values()
            if registers and max(registers) - meter_half_hours.HALF_HOUR not in registers
        ]
        return max(ends, default=None)

    def _keep(self, epc: int, moment: datetime, energy: Decimal | None) -> None:
        if energy is None or (moment.minute % 30, moment.second) != (0, 0):
            return
        registers = self._registers[epc]
        registers[moment] = energy
        for oldest in sorted(registers)[:-_MAX_READINGS]:
            del registers[oldest]


class HalfHourLookup:
    """Reads from the meter's history where the newest half-hour began: once for each half-hour."""

    def __init__(self, meter: SmartMeter, half_hours: HalfHours) -> None:
        """Take the meter, and the half-hours to complete."""
        self._meter, self._half_hours = meter, half_hours
        self._tried: datetime | None = None

    def next(self) -> datetime | None:
        """Return the end of a half-hour that is worth reading, and no second time; None for none."""
        missing = self._half_hours.missing()
        if missing is None or missing == self._tried:
            return None
        self._tried = missing
        return missing

    async def read(self, end: datetime, now: datetime, *, by_slot: bool) -> None:
        """Read the registers at both ends of the half-hour before ``end``; raises RouteBError.

        Not ``by_slot``, for a meter without history 2, its whole day is read.
        """
        if by_slot:
            slots = await self._meter.half_hour_history(end, 2)
        else:
            days = (now.astimezone(JST).date() - (end - meter_half_hours.HALF_HOUR).date()).days
            slots = await self._meter.day_history(days)
        self._half_hours.note_history(
            slot for slot in slots if end - meter_half_hours.HALF_HOUR <= slot.at <= end
        )
