"""The dongle's virtual registers (SKSREG), and the three of them that flash keeps."""

from dataclasses import dataclass
import re

from ..products import Product
from ..radio_environment import FIRST_CHANNEL, LAST_CHANNEL

CHANNEL, PAN_ID, PAIR_ID, ECHO, WITH_RSSI = 0x02, 0x03, 0x0A, 0xFE, 0xA2
_LIMITED, _AIR_TIME = 0xFB, 0xFD
_AUTO_LOAD = 0xFF
_SAVED = (CHANNEL, PAN_ID, _AUTO_LOAD)


@dataclass(frozen=True, slots=True)
class _Register:
    default: str
    pattern: str = r"[01]"
    writable: bool = True


def _table(product: Product, *, echo: bool) -> dict[int, _Register]:
    """Return the registers that matter on Route B (A1 p9-10, C2 p15-18)."""
    lifetime = "15180" if product.dual else "384"
    return {
        CHANNEL: _Register("21", r"[0-9A-F]{2}"),
        PAN_ID: _Register("FFFF", r"[0-9A-F]{1,4}"),
        0x07: _Register("00000000", writable=False),
        PAIR_ID: _Register("CCDDEEFF", r"\S{8}"),
        0x15: _Register("0"),
        0x16: _Register(lifetime, r"[0-9A-F]{1,8}"),
        0x17: _Register("1"),
        0xA0: _Register("1"),
        0xA1: _Register("1"),
        WITH_RSSI: _Register("0"),
        0xA9: _Register("1"),
        0xF0: _Register("0"),
        0xFB: _Register("0", writable=False),
        0xFD: _Register("0000000000000000", r"0+"),
        ECHO: _Register("1" if echo else "0"),
        _AUTO_LOAD: _Register("0"),
    }


class Registers:
    """Values by register number."""

    def __init__(self, product: Product, *, echo: bool) -> None:
        """Power on."""
        self._table = _table(product, echo=echo)
        self._saved: dict[int, str] | None = None
        self._values: dict[int, str] = {}
        self._air_time = 0.0
        self.limited = False
        """Register SFB: nothing may be transmitted. It outlives a reset."""
        self.reset()

    def reset(self) -> None:
        """Return every register to its initial value; flash stays as it is."""
        self._values = {number: row.default for number, row in self._table.items()}
        self._air_time = 0.0

    def power_on(self) -> None:
        """Begin again, with what flash keeps if it is to be loaded by itself (SFF)."""
        self.reset()
        self.limited = False
        if self._saved is not None and self._saved[_AUTO_LOAD] == "1":
            self._values |= self._saved

    def get(self, name: str) -> str | None:
        """Return a value, None if there is no such register."""
        number = _number(name)
        if number is None:
            return None
        if number == _LIMITED:
            return f"{self.limited:d}"
        if number == _AIR_TIME:
            return f"{int(self._air_time):016X}"
        return self._values.get(number)

    def set(self, name: str, value: str) -> bool:
        """Take a value; return whether it was fit."""
        number = _number(name)
        row = None if number is None else self._table.get(number)
        if number is None or row is None or not row.writable:
            return False
        if not re.fullmatch(row.pattern, value):
            return False
        if number == CHANNEL and not FIRST_CHANNEL <= int(value, 16) <= LAST_CHANNEL:
            return False
        if number == _AIR_TIME:
            self._air_time = 0.0
        self._values[number] = value.zfill(4) if number == PAN_ID else value
        return True

    def add_air_time(self, milliseconds: float) -> None:
        """Count time of transmission (register SFD)."""
        self._air_time += milliseconds

    def save(self) -> None:
        """Keep what flash keeps."""
        self._saved = {number: self._values[number] for number in _SAVED}

    def load(self) -> bool:
        """Bring back what was saved; return whether there was anything."""
        if self._saved is None:
            return False
        self._values |= self._saved
        return True

    def erase(self) -> None:
        """Forget what was saved."""
        self._saved = None

    def set_pair_id(self, pair_id: str) -> None:
        """SKSETRBID does this, with the end of the ID."""
        self._values[PAIR_ID] = pair_id

    @property
    def channel(self) -> int:
        """Register S2."""
        return int(self._values[CHANNEL], 16)

    @property
    def pan_id(self) -> int:
        """Register S3."""
        return int(self._values[PAN_ID], 16)

    @property
    def pair_id(self) -> str:
        """Register S0A."""
        return self._values[PAIR_ID]

    @property
    def echo(self) -> bool:
        """Register SFE."""
        return self._values[ECHO] == "1"

    @property
    def with_rssi(self) -> bool:
        """Register SA2."""
        return self._values[WITH_RSSI] == "1"


def _number(name: str) -> int | None:
    return int(name[1:], 16) if re.fullmatch(r"S[0-9A-F]{1,2}", name) else None
