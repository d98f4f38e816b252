"""From register counts to kWh, and across the roll-over of a register."""

from dataclasses import dataclass
from decimal import Decimal

from ..errors import DecodeError, EncodeError, ScaleUnknownError

#: kWh per count for each code of property E1 (ECHONET Appendix R, class 0x0288, E1).
UNITS: dict[int, Decimal] = {
    0x00: Decimal(1),
    0x01: Decimal("0.1"),
    0x02: Decimal("0.01"),
    0x03: Decimal("0.001"),
    0x04: Decimal("0.0001"),
    0x0A: Decimal(10),
    0x0B: Decimal(100),
    0x0C: Decimal(1000),
    0x0D: Decimal(10000),
}

#: A fall is a roll-over if what it leaves is at most this fraction of the register: 1000 kWh
#: of a usual one (six digits of 0.1 kWh), a month or more of a household.
_ROLL_OVER_SHARE = 100

#: Highest count that any energy register can show (Appendix R, class 0x0288).
MAX_COUNT = 99_999_999


@dataclass(frozen=True, slots=True)
class Scale:
    """How a meter's energy counts are to be read: kWh = count x coefficient x unit."""

    unit: Decimal
    """kWh per count (property E1)."""
    coefficient: int = 1
    """Property D3, 1 to 999999; 1 where the meter has no D3."""
    digits: int | None = None
    """Property D7: the register restarts at 0 after 10 ** digits - 1 counts."""

    def __post_init__(self) -> None:
        """Refuse a scale that would turn every register into zero."""
        if self.coefficient < 1:
            raise DecodeError("A coefficient of zero makes every energy zero")

    @property
    def step(self) -> Decimal:
        """The smallest difference that this meter can show, in kWh."""
        return self.unit * self.coefficient

    @property
    def modulus(self) -> Decimal | None:
        """The energy in kWh at which a register starts again from zero, if known."""
        return None if self.digits is None else 10**self.digits * self.step

    def kwh(self, count: int) -> Decimal:
        """Return the energy of a count."""
        return count * self.step

    def count(self, energy: Decimal) -> int:
        """Return the count of an energy in kWh; it must be a whole number of steps."""
        count = energy / self.step
        if count != int(count):
            raise EncodeError("The energy is no whole number of register steps")
        return int(count)

    def consumed(self, older: Decimal, newer: Decimal) -> Decimal | None:
        """Return the energy in kWh between two readings of one register.

        None if the register fell and that was no roll-over: the meter was exchanged, or D7
        is unknown. A roll-over leaves a difference that is small beside the whole register.
        """
        difference = newer - older
        if difference >= 0:
            return difference
        if self.modulus is None or difference + self.modulus > self.modulus / _ROLL_OVER_SHARE:
            return None
        return difference + self.modulus


def require(scale: Scale | None) -> Scale:
    """Return the scale, or raise ScaleUnknownError."""
    if scale is None:
        raise ScaleUnknownError("The meter did not answer its energy unit (E1)")
    return scale
