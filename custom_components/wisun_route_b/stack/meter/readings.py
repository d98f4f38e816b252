"""Values of a meter's properties, typed.

Energies are registers in kWh (``Decimal``, exact), never consumption per slot. ``None`` always
means that the meter has no value there. Times of meters are in Japan Standard Time, sent without a zone.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Final

#: Meter clocks run on Japan Standard Time; Japan has no daylight saving time.
JST = timezone(timedelta(hours=9), "JST")
#: How many days before today a meter remembers (property E5: 0 to 99; Appendix, class 0x0288).
HISTORY_DAYS: Final = 99
#: Half-hours that one request for history 2 (EC, ED) returns at most (Appendix, class 0x0288).
HISTORY_SLOTS: Final = 12
#: Registers in one answer of the minute history (EE).
MINUTE_SLOTS: Final = 10


class Place(IntEnum):
    """Where a device is installed (property 81, bits 6 to 3)."""

    LIVING_ROOM = 1
    DINING_ROOM = 2
    KITCHEN = 3
    BATHROOM = 4
    TOILET = 5
    WASHROOM = 6
    HALLWAY = 7
    ROOM = 8
    STAIRS = 9
    ENTRANCE = 10
    STORAGE = 11
    GARDEN = 12
    GARAGE = 13
    VERANDA = 14
    OTHER = 15


@dataclass(frozen=True, slots=True)
class InstallationLocation:
    """Property 81: a place and its number, or one of the special forms."""

    code: int
    """The first byte as sent; 00 = not set, FF = undefined, 80 to FE = free definition."""
    place: Place | None = None
    number: int | None = None
    """Number of the place, 0 to 7."""
    position: bytes | None = field(default=None, repr=False)
    """The 16 bytes of position information that follow code 01."""


@dataclass(frozen=True, slots=True)
class StandardVersion:
    """Property 82: the Appendix release that the meter implements."""

    release: str
    """One letter: F on first-generation meters, R on second-generation ones."""
    revision: int


@dataclass(frozen=True, slots=True)
class Identification:
    """Properties 83 and C0: a manufacturer code and a number that is unique under it."""

    manufacturer: bytes
    """Three bytes."""
    number: bytes = field(repr=False)
    """13 bytes (83) or 12 bytes (C0)."""


@dataclass(frozen=True, slots=True)
class Currents:
    """Property E8: root-mean-square currents in A, in steps of 0.1; negative = feed-in."""

    r: Decimal | None
    t: Decimal | None
    """None on a single-phase two-wire connection, which has no T phase."""


@dataclass(frozen=True, slots=True)
class FixedTimeEnergy:
    """Properties EA and EB: the register at the last full half-hour."""

    measured_at: datetime
    """Aware, JST."""
    energy: Decimal | None
    """kWh."""


@dataclass(frozen=True, slots=True)
class RegisterPair:
    """Both energy registers at one moment, in kWh."""

    normal: Decimal | None
    """Imported from the grid."""
    reverse: Decimal | None
    """Exported to the grid."""


@dataclass(frozen=True, slots=True)
class OneMinuteEnergy:
    """Property D0 (second generation): both registers at the last full minute."""

    measured_at: datetime
    """Aware, JST."""
    registers: RegisterPair


@dataclass(frozen=True, slots=True)
class DayHistory:
    """Properties E2 and E4: one day of half-hourly registers in one direction."""

    day: int | None
    """Days ago, 0 = today; None before a day was ever chosen (property E5)."""
    registers: tuple[Decimal | None, ...]
    """48 registers in kWh at 00:00, 00:30 ... 23:30; None for a time still to come."""


@dataclass(frozen=True, slots=True)
class HistorySelector:
    """Properties ED and EF: which slots history 2 or 3 shall answer."""

    start: datetime | None
    """The newest slot, aware, JST; None before a time was ever chosen."""
    count: int
    """Number of slots, 1 to 12 (ED) or 1 to 10 (EF)."""


@dataclass(frozen=True, slots=True)
class SlotHistory:
    """Properties EC and EE: registers of both directions, going back from a moment."""

    start: datetime | None
    """The time of the first slot, aware, JST; None before a time was ever chosen."""
    slots: tuple[RegisterPair, ...]
    """Newest first: 30 minutes (EC) or one minute (EE) apart."""
