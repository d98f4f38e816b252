"""The property table of the low-voltage smart electric energy meter, class 0x0288.

One row a property: the super class first, then the class. Codes, sizes, access rules and first
releases follow the ECHONET Appendix, release R (machine readable appendix 1.3.1); a test
compares every row with it. Access is written Get/Set/announce, one letter each:
M mandatory, O optional, C conditional, - none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Protocol

from . import codecs
from .codecs import Codec
from .readings import (
    Currents,
    DayHistory,
    FixedTimeEnergy,
    HistorySelector,
    Identification,
    InstallationLocation,
    OneMinuteEnergy,
    SlotHistory,
    StandardVersion,
)
from .scale import Scale

_SUPER_CLASS = "ECHONET Appendix R, device object super class"
_CLASS_0288 = "ECHONET Appendix R, class 0x0288"


class AnyProperty(Protocol):
    """A property of which only the wire is of interest, not the type of its value."""

    @property
    def epc(self) -> int:
        """The property code, 0x80 to 0xFF."""

    @property
    def name(self) -> str:
        """The name in snake case."""

    @property
    def unit(self) -> str | None:
        """The unit of the value, if it is a quantity."""

    @property
    def access(self) -> str:
        """Get, Set and announce rule, one letter each."""

    @property
    def first_release(self) -> str:
        """The first Appendix release that has the property."""

    @property
    def source(self) -> str:
        """The document that defines it."""

    @property
    def scaled(self) -> bool:
        """Whether decoding needs the meter's energy scale."""

    def decode(self, edt: bytes, scale: Scale | None = None) -> object:
        """Return the value of these bytes."""


@dataclass(frozen=True, slots=True)
class MeterProperty[T]:
    """One row of the table: a property whose value is a ``T``."""

    epc: int
    name: str
    codec: Codec[T]
    access: str
    unit: str | None = None
    first_release: str = "F"
    source: str = _CLASS_0288

    @property
    def scaled(self) -> bool:
        """Whether the value is an energy, which needs the meter's scale."""
        return self.unit == "kWh"

    def decode(self, edt: bytes, scale: Scale | None = None) -> T:
        """Return the value; DecodeError for impossible bytes or an unknown scale."""
        return self.codec.decode(edt, scale)

    def encode(self, value: T, scale: Scale | None = None) -> bytes:
        """Return the bytes; EncodeError if the value does not fit."""
        return self.codec.encode(value, scale)


class OperationStatus(IntEnum):
    """Property 80."""

    ON = 0x30
    OFF = 0x31


class FaultStatus(IntEnum):
    """Property 88."""

    FAULT = 0x41
    NO_FAULT = 0x42


def _device[T](
    epc: int, name: str, codec: Codec[T], access: str, unit: str | None = None
) -> MeterProperty[T]:
    """Make a row of the super class, where everything exists since release A."""
    return MeterProperty(epc, name, codec, access, unit, "A", _SUPER_CLASS)


# fmt: off
OPERATION_STATUS: MeterProperty[OperationStatus] = _device(
    0x80, "operation_status", codecs.enumeration(OperationStatus), "MOM")
INSTALLATION_LOCATION: MeterProperty[InstallationLocation] = _device(
    0x81, "installation_location", codecs.LOCATION, "MMM")
STANDARD_VERSION: MeterProperty[StandardVersion] = _device(
    0x82, "standard_version", codecs.STANDARD_VERSION, "M-O")
IDENTIFICATION_NUMBER: MeterProperty[Identification] = _device(
    0x83, "identification_number", codecs.identification(0xFE, 17), "O-O")
FAULT_STATUS: MeterProperty[FaultStatus] = _device(
    0x88, "fault_status", codecs.enumeration(FaultStatus), "M-M")
MANUFACTURER_CODE: MeterProperty[bytes] = _device(
    0x8A, "manufacturer_code", codecs.raw(3), "M-O")
BUSINESS_FACILITY_CODE: MeterProperty[bytes] = _device(
    0x8B, "business_facility_code", codecs.raw(3), "O-O")
PRODUCT_CODE: MeterProperty[str] = _device(
    0x8C, "product_code", codecs.text(12), "O-O")
SERIAL_NUMBER: MeterProperty[str] = _device(
    0x8D, "serial_number", codecs.text(12), "O-O")
PRODUCTION_DATE: MeterProperty[date] = _device(
    0x8E, "production_date", codecs.DATE, "O-O")
CURRENT_TIME: MeterProperty[time] = _device(
    0x97, "current_time", codecs.TIME, "OOO")
CURRENT_DATE: MeterProperty[date] = _device(
    0x98, "current_date", codecs.DATE, "OOO")
ANNO_PROPERTY_MAP: MeterProperty[frozenset[int]] = _device(
    0x9D, "anno_property_map", codecs.PROPERTY_MAP, "M-O")
SET_PROPERTY_MAP: MeterProperty[frozenset[int]] = _device(
    0x9E, "set_property_map", codecs.PROPERTY_MAP, "M-O")
GET_PROPERTY_MAP: MeterProperty[frozenset[int]] = _device(
    0x9F, "get_property_map", codecs.PROPERTY_MAP, "M-O")

ROUTE_B_ID: MeterProperty[Identification] = MeterProperty(
    0xC0, "route_b_id", codecs.identification(0x00, 16), "C-O", first_release="R")
ONE_MINUTE_CUMULATIVE_ENERGY: MeterProperty[OneMinuteEnergy] = MeterProperty(
    0xD0, "one_minute_cumulative_energy", codecs.ONE_MINUTE_ENERGY, "M-O", "kWh", "R")
COEFFICIENT: MeterProperty[int] = MeterProperty(
    0xD3, "coefficient", codecs.unsigned(4, 0, 999_999), "O-O")
EFFECTIVE_DIGITS: MeterProperty[int] = MeterProperty(
    0xD7, "effective_digits", codecs.unsigned(1, 1, 8), "M-O", "digit")
CUMULATIVE_ENERGY_NORMAL: MeterProperty[Decimal | None] = MeterProperty(
    0xE0, "cumulative_energy_normal", codecs.ENERGY, "M-O", "kWh")
CUMULATIVE_ENERGY_UNIT: MeterProperty[Decimal] = MeterProperty(
    0xE1, "cumulative_energy_unit", codecs.UNIT, "M-O", "kWh per count")
HISTORY1_NORMAL: MeterProperty[DayHistory] = MeterProperty(
    0xE2, "history1_normal", codecs.DAY_HISTORY, "M-O", "kWh")
CUMULATIVE_ENERGY_REVERSE: MeterProperty[Decimal | None] = MeterProperty(
    0xE3, "cumulative_energy_reverse", codecs.ENERGY, "C-O", "kWh")
HISTORY1_REVERSE: MeterProperty[DayHistory] = MeterProperty(
    0xE4, "history1_reverse", codecs.DAY_HISTORY, "C-O", "kWh")
HISTORY1_DAY: MeterProperty[int | None] = MeterProperty(
    0xE5, "history1_day", codecs.DAY, "MMO")
INSTANTANEOUS_POWER: MeterProperty[int | None] = MeterProperty(
    0xE7, "instantaneous_power", codecs.POWER, "M-O", "W")
INSTANTANEOUS_CURRENT: MeterProperty[Currents] = MeterProperty(
    0xE8, "instantaneous_current", codecs.CURRENTS, "M-O", "A")
FIXED_TIME_ENERGY_NORMAL: MeterProperty[FixedTimeEnergy] = MeterProperty(
    0xEA, "fixed_time_energy_normal", codecs.FIXED_TIME_ENERGY, "M-O", "kWh")
FIXED_TIME_ENERGY_REVERSE: MeterProperty[FixedTimeEnergy] = MeterProperty(
    0xEB, "fixed_time_energy_reverse", codecs.FIXED_TIME_ENERGY, "C-O", "kWh")
HISTORY2: MeterProperty[SlotHistory] = MeterProperty(
    0xEC, "history2", codecs.slot_history(12), "O-O", "kWh")
HISTORY2_SELECTOR: MeterProperty[HistorySelector] = MeterProperty(
    0xED, "history2_selector", codecs.selector(12), "OOO")
HISTORY3: MeterProperty[SlotHistory] = MeterProperty(
    0xEE, "history3", codecs.slot_history(10), "M-O", "kWh", "R")
HISTORY3_SELECTOR: MeterProperty[HistorySelector] = MeterProperty(
    0xEF, "history3_selector", codecs.selector(10), "MMO", first_release="R")
# fmt: on

_ROWS: tuple[AnyProperty, ...] = (
    OPERATION_STATUS,
    INSTALLATION_LOCATION,
    STANDARD_VERSION,
    IDENTIFICATION_NUMBER,
    FAULT_STATUS,
    MANUFACTURER_CODE,
    BUSINESS_FACILITY_CODE,
    PRODUCT_CODE,
    SERIAL_NUMBER,
    PRODUCTION_DATE,
    CURRENT_TIME,
    CURRENT_DATE,
    ANNO_PROPERTY_MAP,
    SET_PROPERTY_MAP,
    GET_PROPERTY_MAP,
    ROUTE_B_ID,
    ONE_MINUTE_CUMULATIVE_ENERGY,
    COEFFICIENT,
    EFFECTIVE_DIGITS,
    CUMULATIVE_ENERGY_NORMAL,
    CUMULATIVE_ENERGY_UNIT,
    HISTORY1_NORMAL,
    CUMULATIVE_ENERGY_REVERSE,
    HISTORY1_REVERSE,
    HISTORY1_DAY,
    INSTANTANEOUS_POWER,
    INSTANTANEOUS_CURRENT,
    FIXED_TIME_ENERGY_NORMAL,
    FIXED_TIME_ENERGY_REVERSE,
    HISTORY2,
    HISTORY2_SELECTOR,
    HISTORY3,
    HISTORY3_SELECTOR,
)

#: Every property that this package knows, by its code.
PROPERTIES: Mapping[int, AnyProperty] = MappingProxyType({row.epc: row for row in _ROWS})
