"""The meter itself, class 0x0288: what each property holds at a given moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

from ..products import link_local
from .clock import HALF_HOUR, JST, half_hour_before
from .echonet import property_map
from .grid_power import INSTALLED, LoadProfile
from .model import MeterModel

_NO_ENERGY = bytes.fromhex("FFFFFFFE")
_NO_PHASE = bytes.fromhex("7FFE")
_NO_DAY = 0xFF
#: Selector of history 2 before it is ever set: six times FF, and one slot.
_NO_SLOT = b"\xff" * 6 + b"\x01"
_SLOTS_A_DAY = 48
_LAST_DAY = 99
_MINUTE = timedelta(minutes=1)
#: What the selectors of history 2 and 3 take: minutes of the hour, and most slots.
_HALF_HOURLY = (range(0, 60, 30), 12)
_MINUTELY = (range(60), 10)
_VOLTS = 100
#: MAC prefix of Toshiba / Landis+Gyr meters, seen in five captures.
_OUI = "001C64"
#: No meter clock shows an earlier year (our own choice).
_FIRST_YEAR = 2000


class Meter:
    """One meter: its registers, its settings and its properties as bytes."""

    def __init__(self, seed: int, model: MeterModel) -> None:
        """Install the meter of a household; same seed, same readings."""
        random = Random(f"meter/{seed}")
        self.model = model
        self.profile = LoadProfile(seed)
        self.mac = f"{_OUI}00{random.getrandbits(32):08X}"
        self.serial = f"F24G{random.randrange(10**6):06}"
        self.unique = random.randbytes(13)
        self._location = b"\x61"
        self._day = _NO_DAY
        self._slots = _NO_SLOT
        self._minutes = _NO_SLOT

    @property
    def address(self) -> str:
        """The IPv6 address."""
        return link_local(self.mac)

    # --- Readings -------------------------------------------------------------------------

    def registers(self, moment: datetime) -> tuple[int, int] | None:
        """Return the counts of both energy registers, normal and reverse; None before 2019."""
        if moment < INSTALLED:
            return None
        energy = self.profile.energy(moment)
        modulus = 10**self.model.digits
        unit = self.model.watt_seconds_per_count
        return energy.imported // unit % modulus, energy.exported // unit % modulus

    def currents(self, moment: datetime) -> tuple[int, int | None]:
        """Return the currents of R and T in 0.1 A: together they make the power at 100 V."""
        tenths = round(self.profile.power(moment) * 10 / _VOLTS)
        if not self.model.three_wire:
            return tenths, None
        r = tenths * (40 + moment.minute % 20) // 100
        return r, tenths - r

    # --- Properties -----------------------------------------------------------------------

    def get(self, epc: int, now: datetime) -> bytes | None:
        """Return the data of a property, None if the meter does not have it."""
        if epc not in self.model.readable or epc in self.model.refused:
            return None
        reader = self._readers.get(epc)
        return None if reader is None else reader(now.astimezone(JST))

    def set(self, epc: int, edt: bytes) -> bool:
        """Take a value; return whether it was taken."""
        if epc not in self.model.writable:
            return False
        match epc:
            case 0x81 if len(edt) == 1:
                self._location = edt
            case 0xE5 if len(edt) == 1 and edt[0] <= _LAST_DAY:
                self._day = edt[0]
            case 0xED if _is_selector(edt, *_HALF_HOURLY):
                self._slots = edt
            case 0xEF if _is_selector(edt, *_MINUTELY):
                self._minutes = edt
            case _:
                return False
        return True

    def fixed_time(self, now: datetime, *, reverse: bool) -> bytes:
        """Return EA or EB: the register at the last full half-hour."""
        moment = half_hour_before(now)
        return _date(moment) + _clock(moment, 3) + self._register(moment, now, reverse=reverse)

    @cached_property
    def _readers(self) -> dict[int, Callable[[datetime], bytes]]:
        model = self.model
        return {
            0x80: lambda _: b"\x30",
            0x81: lambda _: self._location,
            0x82: lambda _: b"\x00\x00" + model.release + b"\x00",
            0x83: lambda _: b"\xfe" + model.manufacturer + self.unique,
            0x88: lambda _: b"\x42",
            0x8A: lambda _: model.manufacturer,
            0x8D: lambda _: self.serial.encode().ljust(12, b"\x00"),
            0x97: lambda now: _clock(now, 2),
            0x98: _date,
            0x9D: lambda _: property_map(model.announced),
            0x9E: lambda _: property_map(model.writable),
            0x9F: lambda _: property_map(model.readable),
            0xC0: lambda _: b"\x00" + model.manufacturer + self.unique[:12],
            0xD0: self._one_minute,
            0xD3: lambda _: model.coefficient.to_bytes(4),
            0xD7: lambda _: bytes((model.digits,)),
            0xE0: lambda now: self._register(now, now, reverse=False),
            0xE1: lambda _: bytes((model.unit,)),
            0xE2: lambda now: self._day_history(now, reverse=False),
            0xE3: lambda now: self._register(now, now, reverse=True),
            0xE4: lambda now: self._day_history(now, reverse=True),
            0xE5: lambda _: bytes((self._day,)),
            0xE7: lambda now: self.profile.power(now).to_bytes(4, signed=True),
            0xE8: self._phases,
            0xEA: lambda now: self.fixed_time(now, reverse=False),
            0xEB: lambda now: self.fixed_time(now, reverse=True),
            0xEC: lambda now: self._slot_history(self._slots, HALF_HOUR, now),
            0xED: lambda _: self._slots,
            0xEE: lambda now: self._slot_history(self._minutes, _MINUTE, now),
            0xEF: lambda _: self._minutes,
        }

    def _register(self, moment: datetime, now: datetime, *, reverse: bool) -> bytes:
        counts = None if moment > now else self.registers(moment)
        return _NO_ENERGY if counts is None else counts[reverse].to_bytes(4)

    def _phases(self, now: datetime) -> bytes:
        r, t = self.currents(now)
        return r.to_bytes(2, signed=True) + (_NO_PHASE if t is None else t.to_bytes(2, signed=True))

    def _day_history(self, now: datetime, *, reverse: bool) -> bytes:
        """Return E2 or E4: 48 registers of the day chosen by E5, oldest first."""
        head = self._day.to_bytes(2)
        if self._day == _NO_DAY:
            return head + _NO_ENERGY * _SLOTS_A_DAY
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight - timedelta(days=self._day)
        slots = (start + HALF_HOUR * slot for slot in range(_SLOTS_A_DAY))
        return head + b"".join(self._register(slot, now, reverse=reverse) for slot in slots)

    def _one_minute(self, now: datetime) -> bytes:
        """Return D0: both registers at the last full minute."""
        moment = now.replace(second=0, microsecond=0)
        return _date(moment) + _clock(moment, 3) + self._pair(moment, now)

    def _pair(self, moment: datetime, now: datetime) -> bytes:
        normal = self._register(moment, now, reverse=False)
        if not self.model.counts_reverse:
            return normal + _NO_ENERGY
        return normal + self._register(moment, now, reverse=True)

    def _slot_history(self, selector: bytes, step: timedelta, now: datetime) -> bytes:
        """Return EC or EE: registers of both directions, back from the chosen slot."""
        start = _selected(selector)
        if start is None:
            return selector + _NO_ENERGY * 2 * selector[6]
        pairs = (self._pair(start - step * slot, now) for slot in range(selector[6]))
        return selector + b"".join(pairs)


def _date(moment: datetime) -> bytes:
    return moment.year.to_bytes(2) + bytes((moment.month, moment.day))


def _clock(moment: datetime, size: int) -> bytes:
    return bytes((moment.hour, moment.minute, moment.second))[:size]


def _selected(edt: bytes) -> datetime | None:
    """Return the moment of a history selector: YYYY MM DD hh mm n."""
    try:
        month, day, hour, minute = edt[2:6]
        return datetime(int.from_bytes(edt[:2]), month, day, hour, minute, tzinfo=JST)
    except ValueError:
        return None


def _is_selector(edt: bytes, minutes: range, most: int) -> bool:
    if len(edt) != len(_NO_SLOT):
        return False
    start = _selected(edt)
    return (
        start is not None
        and start.minute in minutes
        and start.year >= _FIRST_YEAR
        and 1 <= edt[6] <= most
    )
