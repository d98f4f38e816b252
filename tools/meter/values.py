"""Values of a meter, for users and for programs. Every digit is kept."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum

from custom_components.wisun_route_b.stack import manufacturer_name, properties, readings

from .screen import Json

NO_DATA = "no data"
HIDDEN = "hidden (--show-addresses)"

#: Properties that identify a household.
PRIVATE = frozenset((properties.IDENTIFICATION_NUMBER.epc, properties.ROUTE_B_ID.epc))

_DAYS = {0: "today", 1: "yesterday"}
_LOCATIONS = {0x00: "not set", 0xFF: "undefined"}


def epc_text(epc: int) -> str:
    """Return a property code as the documents write it."""
    return f"{epc:02X}"


# --- For programs ------------------------------------------------------------------------


def as_json(value: object) -> Json:  # noqa: PLR0911 - one for each kind
    """Return a value as JSON: decimals as strings, times as ISO 8601, codes in hexadecimal."""
    match value:
        case None | bool() | str():
            return value
        case Enum(name=name):
            return name.lower()
        case int():
            return value
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex().upper()
        case frozenset():
            return [epc_text(epc) for epc in sorted(value)]
        case tuple():
            return [as_json(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"A {type(value).__name__} has no form in JSON")


# --- For users ---------------------------------------------------------------------------


def as_text(row: properties.AnyProperty, value: object) -> str:
    """Return the value of a property in one line, with its unit."""
    if isinstance(value, bytes):
        name = manufacturer_name(value) if row.epc == properties.MANUFACTURER_CODE.epc else None
        return f"{value.hex().upper()} ({name})" if name else value.hex().upper()
    return _plain(value, row.unit)


def moment_text(moment: datetime) -> str:
    """Return a moment of the meter's clock; seconds only where there are any."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def energy_text(energy: Decimal | None) -> str:
    """Return an energy with its unit."""
    return NO_DATA if energy is None else f"{energy:f} kWh"


def _plain(value: object, unit: str | None) -> str:  # noqa: PLR0911 - one for each kind
    match value:
        case None:
            return NO_DATA
        case Enum(name=name):
            return name.lower().replace("_", " ")
        case Decimal():
            return _with_unit(f"{value:f}", unit)
        case int():
            return _with_unit(f"{value}", unit)
        case time():
            return f"{value:%H:%M}"
        case frozenset():
            return " ".join(epc_text(epc) for epc in sorted(value))
        case _:
            return _compound(value)


def _compound(value: object) -> str:
    match value:
        case readings.StandardVersion(release, revision):
            return f"{release}.{revision}"
        case readings.Identification(manufacturer, number):
            return f"{manufacturer.hex().upper()} {number.hex().upper()}"
        case readings.InstallationLocation():
            return _location(value)
        case readings.Currents():
            return currents_text(value)
        case _:
            return _energies(value)


def _energies(value: object) -> str:  # noqa: PLR0911 - one for each kind
    match value:
        case readings.FixedTimeEnergy(measured_at, energy):
            return f"{energy_text(energy)} at {moment_text(measured_at)}"
        case readings.OneMinuteEnergy(measured_at, registers):
            return f"{_pair(registers)} at {moment_text(measured_at)}"
        case readings.DayHistory(day, registers):
            known = sum(energy is not None for energy in registers)
            which = "no day chosen" if day is None else _DAYS.get(day, f"{day} days ago")
            return f"{which}: {known} of {len(registers)} registers (see history)"
        case readings.HistorySelector(start, count):
            return "not set" if start is None else f"{count} back from {moment_text(start)}"
        case readings.SlotHistory(start, slots):
            if start is None:
                return "no time chosen"
            return f"{len(slots)} back from {moment_text(start)}: {_newest(slots)}"
        case _:
            return str(value)


def _with_unit(number: str, unit: str | None) -> str:
    return number if unit is None else f"{number} {unit}"


def _pair(registers: readings.RegisterPair) -> str:
    return f"{energy_text(registers.normal)} in, {energy_text(registers.reverse)} out"


def _newest(slots: tuple[readings.RegisterPair, ...]) -> str:
    return _pair(slots[0]) if slots else NO_DATA


def currents_text(currents: readings.Currents) -> str:
    """Return the currents of both phases, or of the one there is."""
    phases: Iterable[tuple[str, Decimal | None]] = (("R", currents.r), ("T", currents.t))
    known = [f"{name} {amperes:f} A" for name, amperes in phases if amperes is not None]
    return ", ".join(known) or NO_DATA


def _location(location: readings.InstallationLocation) -> str:
    if location.place is not None:
        place = location.place.name.lower().replace("_", " ")
        return f"{place} {location.number}" if location.number else place
    return _LOCATIONS.get(location.code, f"code {location.code:02X}")
