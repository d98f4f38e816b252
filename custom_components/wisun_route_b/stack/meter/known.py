"""What is worth remembering about a meter from one start to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self, cast

from ..errors import ProtocolError
from .description import DESCRIPTION_PROPERTIES, MeterDescription, describe, scale_from
from .properties import PROPERTIES, MeterProperty
from .report import ReadReport
from .scale import Scale

_KNOWN = frozenset(row.epc for row in DESCRIPTION_PROPERTIES)


@dataclass(frozen=True, slots=True)
class KnownMeter:
    """A meter that has described itself before, so that a start need not wait for that.

    It holds for the meter with this address only. No key in it, but a serial number.
    """

    address: str = field(repr=False)
    """The meter's MAC address, 16 hexadecimal digits."""
    said: ReadReport = field(repr=False)
    """What it answered about DESCRIPTION_PROPERTIES."""

    @property
    def description(self) -> MeterDescription:
        """The meter's name plate."""
        return describe(self.said)

    @property
    def scale(self) -> Scale | None:
        """How its energy counts become kWh; None if it did not answer them."""
        return scale_from(self.said)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that the meter might answer another time."""
        return not self.said.absent

    def as_dict(self) -> dict[str, object]:
        """Return a form that JSON can keep: each EPC with its bytes, in hexadecimal."""
        return {
            "address": self.address,
            "values": {
                f"{epc:02X}": _bytes_of(epc, value).hex()
                for epc, value in sorted(self.said.values.items())
            },
            "refused": [f"{epc:02X}" for epc in sorted(self.said.refused)],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self | None:
        """Read what :meth:`as_dict` returned; None if it is damaged."""
        match data:
            case {"address": str(address), "values": Mapping() as values, "refused": list(refused)}:
                try:
                    return cls(address, _report(values, refused))
                except KeyError, TypeError, ValueError, ProtocolError:
                    return None
            case _:
                return None


def _bytes_of(epc: int, value: object) -> bytes:
    # The table decoded it, so it is what the table can encode.
    return cast("MeterProperty[object]", PROPERTIES[epc]).encode(value)


def _report(values: Mapping[str, str], refused: list[str]) -> ReadReport:
    """Return the report that these bytes stand for; what is not in it was not answered."""
    decoded = {
        epc: PROPERTIES[epc].decode(bytes.fromhex(edt), None)
        for epc, edt in ((int(name, 16), edt) for name, edt in values.items())
    }
    turned_down = frozenset(int(name, 16) for name in refused)
    return ReadReport(
        values=MappingProxyType(decoded),
        refused=turned_down,
        absent=_KNOWN - decoded.keys() - turned_down,
    )
