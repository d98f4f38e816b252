"""How the bytes of each kind of property become a typed value, and back.

The codes for "no data", overflow and underflow turn into None here and nowhere else. A wrong
length, an undefined code or a value out of its range is a DecodeError: never a wrong number.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import IntEnum

from ..echonet import property_map
from ..errors import DecodeError, EncodeError
from .readings import (
    HISTORY_DAYS,
    JST,
    Currents,
    DayHistory,
    FixedTimeEnergy,
    HistorySelector,
    Identification,
    InstallationLocation,
    OneMinuteEnergy,
    Place,
    RegisterPair,
    SlotHistory,
    StandardVersion,
)
from .scale import MAX_COUNT, UNITS, Scale, require

#: "No data" of every energy register (Appendix R, class 0x0288).
_NO_ENERGY = 0xFFFFFFFE
#: No data, overflow, underflow of E7 (W) and E8 (0.1 A); 7FFE also marks an absent T phase.
_NO_POWER = frozenset((0x7FFFFFFE, 0x7FFFFFFF, -0x80000000))
_NO_CURRENT = frozenset((0x7FFE, 0x7FFF, -0x8000))
_TENTH = Decimal("0.1")
_SLOTS_A_DAY = 48
_NO_DAY = 0xFF
#: A selector that was never set: six times FF, and one slot.
_NO_START = b"\xff" * 6
_POSITION_FOLLOWS = 0x01
#: Codes of property 81 whose bits 6 to 3 name a place; 02 to 07 are reserved.
_PLACES = range(0x08, 0x80)
_IDENTIFICATION_FORMAT = 0xFE


@dataclass(frozen=True, slots=True)
class Codec[T]:
    """A pair of pure functions between EDT bytes and a value, and the sizes it allows."""

    sizes: Container[int]
    read: Callable[[bytes, Scale | None], T]
    write: Callable[[T, Scale | None], bytes]

    def decode(self, edt: bytes, scale: Scale | None) -> T:
        """Return the value; raise DecodeError unless the bytes make sense."""
        if len(edt) not in self.sizes:
            raise DecodeError(f"{len(edt)} bytes are no length of this property")
        return self.read(edt, scale)

    def encode(self, value: T, scale: Scale | None) -> bytes:
        """Return the bytes; raise EncodeError if there are none for this value."""
        try:
            return self.write(value, scale)
        except (OverflowError, ValueError) as err:
            raise EncodeError("The value does not fit the property") from err


# --- Plain values ------------------------------------------------------------------------


def enumeration[E: IntEnum](kind: type[E]) -> Codec[E]:
    """One byte that must be a member of ``kind``."""

    def read(edt: bytes, _: Scale | None) -> E:
        try:
            return kind(edt[0])
        except ValueError as err:
            raise DecodeError(f"{edt[0]:02X} is no {kind.__name__}") from err

    return Codec((1,), read, lambda value, _: bytes((value,)))


def unsigned(size: int, lowest: int, highest: int) -> Codec[int]:
    """Return the codec of a big-endian number between two bounds."""

    def read(edt: bytes, _: Scale | None) -> int:
        return _bounded(int.from_bytes(edt), lowest, highest)

    return Codec((size,), read, lambda value, _: value.to_bytes(size))


def raw(size: int) -> Codec[bytes]:
    """Bytes as they are."""
    return Codec((size,), lambda edt, _: edt, lambda value, _: value)


def text(size: int) -> Codec[str]:
    """ASCII, padded with NUL or spaces."""

    def read(edt: bytes, _: Scale | None) -> str:
        stripped = edt.strip(b"\x00 ")
        if not stripped.isascii() or not stripped.decode("ascii").isprintable():
            raise DecodeError("The text is not printable ASCII")
        return stripped.decode("ascii")

    return Codec((size,), read, lambda value, _: value.encode("ascii").ljust(size, b"\x00"))


def _bounded(value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise DecodeError(f"The value lies outside {lowest} to {highest}")
    return value


PROPERTY_MAP: Codec[frozenset[int]] = Codec(
    range(1, 18), lambda edt, _: property_map.decode(edt), lambda epcs, _: property_map.encode(epcs)
)


# --- Dates -------------------------------------------------------------------------------


def _moment(edt: bytes) -> datetime:
    """Read YYYY MM DD hh mm and, if they are there, ss."""
    year, (month, day, hour, minute, *rest) = int.from_bytes(edt[:2]), edt[2:]
    second = rest[0] if rest else 0
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=JST)
    except ValueError as err:
        raise DecodeError("The date or the time does not exist") from err


def _moment_bytes(moment: datetime, size: int) -> bytes:
    local = moment.astimezone(JST)
    parts = (local.month, local.day, local.hour, local.minute, local.second)
    return (local.year.to_bytes(2) + bytes(parts))[:size]


def _read_date(edt: bytes, _: Scale | None) -> date:
    return _moment(edt + b"\x00\x00").date()


def _read_time(edt: bytes, _: Scale | None) -> time:
    try:
        return time(edt[0], edt[1])
    except ValueError as err:
        raise DecodeError("The time does not exist") from err


DATE: Codec[date] = Codec(
    (4,), _read_date, lambda day, _: day.year.to_bytes(2) + bytes((day.month, day.day))
)
TIME: Codec[time] = Codec((2,), _read_time, lambda clock, _: bytes((clock.hour, clock.minute)))


# --- Identity ----------------------------------------------------------------------------


def _read_location(edt: bytes, _: Scale | None) -> InstallationLocation:
    code = edt[0]
    if (code == _POSITION_FOLLOWS) != (len(edt) > 1):
        raise DecodeError("Position information follows code 01, and only that")
    if code == _POSITION_FOLLOWS:
        return InstallationLocation(code, position=edt[1:])
    if code in _PLACES:
        return InstallationLocation(code, Place(code >> 3), code & 0b111)
    return InstallationLocation(code)


def _read_version(edt: bytes, _: Scale | None) -> StandardVersion:
    release = chr(edt[2])
    if not (release.isascii() and release.isalpha()):
        raise DecodeError("The Appendix release is no letter")
    return StandardVersion(release, edt[3])


def identification(first: int, size: int) -> Codec[Identification]:
    """Return the codec of a fixed first byte, a manufacturer code and a number."""

    def read(edt: bytes, _: Scale | None) -> Identification:
        if edt[0] != first:
            raise DecodeError("The identification number is of another form")
        return Identification(edt[1:4], edt[4:])

    return Codec(
        (size,), read, lambda value, _: bytes((first,)) + value.manufacturer + value.number
    )


LOCATION: Codec[InstallationLocation] = Codec(
    (1, 17), _read_location, lambda value, _: bytes((value.code,)) + (value.position or b"")
)
STANDARD_VERSION: Codec[StandardVersion] = Codec(
    (4,),
    _read_version,
    lambda value, _: b"\x00\x00" + value.release.encode("ascii") + bytes((value.revision,)),
)


# --- Power and current -------------------------------------------------------------------


def _read_power(edt: bytes, _: Scale | None) -> int | None:
    watts = int.from_bytes(edt, signed=True)
    return None if watts in _NO_POWER else watts


def _write_power(watts: int | None, _: Scale | None) -> bytes:
    return (0x7FFFFFFE if watts is None else watts).to_bytes(4, signed=True)


def _current(edt: bytes) -> Decimal | None:
    tenths = int.from_bytes(edt, signed=True)
    return None if tenths in _NO_CURRENT else tenths * _TENTH


def _current_bytes(amperes: Decimal | None) -> bytes:
    tenths = 0x7FFE if amperes is None else int(amperes / _TENTH)
    return tenths.to_bytes(2, signed=True)


POWER: Codec[int | None] = Codec((4,), _read_power, _write_power)
CURRENTS: Codec[Currents] = Codec(
    (4,),
    lambda edt, _: Currents(_current(edt[:2]), _current(edt[2:])),
    lambda value, _: _current_bytes(value.r) + _current_bytes(value.t),
)


# --- Energy ------------------------------------------------------------------------------


def _read_unit(edt: bytes, _: Scale | None) -> Decimal:
    try:
        return UNITS[edt[0]]
    except KeyError as err:
        raise DecodeError(f"{edt[0]:02X} is no energy unit") from err


def _write_unit(unit: Decimal, _: Scale | None) -> bytes:
    for code, value in UNITS.items():
        if value == unit:
            return bytes((code,))
    raise EncodeError("No code stands for this energy unit")


def _read_energy(edt: bytes, scale: Scale | None) -> Decimal | None:
    count = int.from_bytes(edt)
    if count == _NO_ENERGY:
        return None
    return require(scale).kwh(_bounded(count, 0, MAX_COUNT))


def _write_energy(energy: Decimal | None, scale: Scale | None) -> bytes:
    count = _NO_ENERGY if energy is None else require(scale).count(energy)
    return count.to_bytes(4)


def _read_pair(edt: bytes, scale: Scale | None) -> RegisterPair:
    return RegisterPair(_read_energy(edt[:4], scale), _read_energy(edt[4:], scale))


def _write_pair(pair: RegisterPair, scale: Scale | None) -> bytes:
    return _write_energy(pair.normal, scale) + _write_energy(pair.reverse, scale)


def _read_one_minute(edt: bytes, scale: Scale | None) -> OneMinuteEnergy:
    return OneMinuteEnergy(_moment(edt[:7]), _read_pair(edt[7:], scale))


def _write_one_minute(value: OneMinuteEnergy, scale: Scale | None) -> bytes:
    return _moment_bytes(value.measured_at, 7) + _write_pair(value.registers, scale)


UNIT: Codec[Decimal] = Codec((1,), _read_unit, _write_unit)
ENERGY: Codec[Decimal | None] = Codec((4,), _read_energy, _write_energy)
FIXED_TIME_ENERGY: Codec[FixedTimeEnergy] = Codec(
    (11,),
    lambda edt, scale: FixedTimeEnergy(_moment(edt[:7]), _read_energy(edt[7:], scale)),
    lambda value, scale: _moment_bytes(value.measured_at, 7) + _write_energy(value.energy, scale),
)
ONE_MINUTE_ENERGY: Codec[OneMinuteEnergy] = Codec((15,), _read_one_minute, _write_one_minute)


# --- History -----------------------------------------------------------------------------


def _read_day(edt: bytes, _: Scale | None = None) -> int | None:
    day = int.from_bytes(edt)
    return None if day == _NO_DAY else _bounded(day, 0, HISTORY_DAYS)


def _write_day(day: int | None, size: int) -> bytes:
    return (_NO_DAY if day is None else _bounded(day, 0, HISTORY_DAYS)).to_bytes(size)


def _read_day_history(edt: bytes, scale: Scale | None) -> DayHistory:
    registers = (_read_energy(edt[at : at + 4], scale) for at in range(2, len(edt), 4))
    return DayHistory(_read_day(edt[:2]), tuple(registers))


def _write_day_history(value: DayHistory, scale: Scale | None) -> bytes:
    registers = b"".join(_write_energy(energy, scale) for energy in value.registers)
    return _write_day(value.day, 2) + registers


DAY: Codec[int | None] = Codec((1,), _read_day, lambda day, _: _write_day(day, 1))
DAY_HISTORY: Codec[DayHistory] = Codec(
    (2 + 4 * _SLOTS_A_DAY,), _read_day_history, _write_day_history
)


def _start(edt: bytes) -> datetime | None:
    return None if edt == _NO_START else _moment(edt)


def _start_bytes(start: datetime | None) -> bytes:
    return _NO_START if start is None else _moment_bytes(start, 6)


def selector(most: int) -> Codec[HistorySelector]:
    """Return the codec of a start time and a number of slots up to ``most``."""

    def read(edt: bytes, _: Scale | None) -> HistorySelector:
        return HistorySelector(_start(edt[:6]), _bounded(edt[6], 1, most))

    def write(value: HistorySelector, _: Scale | None) -> bytes:
        return _start_bytes(value.start) + bytes((_bounded(value.count, 1, most),))

    return Codec((7,), read, write)


def slot_history(most: int) -> Codec[SlotHistory]:
    """Return the codec of registers of both directions for up to ``most`` slots."""

    def read(edt: bytes, scale: Scale | None) -> SlotHistory:
        count = _bounded(edt[6], 1, most)
        if len(edt) != 7 + 8 * count:
            raise DecodeError("The history does not hold as many slots as it says")
        slots = (_read_pair(edt[at : at + 8], scale) for at in range(7, len(edt), 8))
        return SlotHistory(_start(edt[:6]), tuple(slots))

    def write(value: SlotHistory, scale: Scale | None) -> bytes:
        head = _start_bytes(value.start) + bytes((_bounded(len(value.slots), 1, most),))
        return head + b"".join(_write_pair(pair, scale) for pair in value.slots)

    return Codec(range(15, 8 + 8 * most, 8), read, write)
