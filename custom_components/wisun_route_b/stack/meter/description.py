"""A meter's description of itself: read once, and stored from one start to the next.

Everything here is derived from one report on :data:`DESCRIPTION_PROPERTIES`, which is what is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from types import MappingProxyType
from typing import Self, cast

from ..errors import DecodeError, ProtocolError
from .manufacturers import manufacturer_name
from .properties import (
    COEFFICIENT,
    CUMULATIVE_ENERGY_UNIT,
    EFFECTIVE_DIGITS,
    GET_PROPERTY_MAP,
    MANUFACTURER_CODE,
    PROPERTIES,
    SERIAL_NUMBER,
    STANDARD_VERSION,
    AnyProperty,
    MeterProperty,
)
from .readings import StandardVersion
from .report import ReadReport
from .scale import Scale

_LOGGER = logging.getLogger(__name__)

#: What turns register counts into kWh.
SCALE_PROPERTIES: tuple[AnyProperty, ...] = (
    CUMULATIVE_ENERGY_UNIT,
    COEFFICIENT,
    EFFECTIVE_DIGITS,
)
#: Properties that describe a meter, in one Get: those that all else depends on ...
ESSENTIAL_PROPERTIES: tuple[AnyProperty, ...] = (
    GET_PROPERTY_MAP,
    *SCALE_PROPERTIES,
    STANDARD_VERSION,
    MANUFACTURER_CODE,
)
#: ... and what can wait for the first reading, with which it shares a Get.
NAME_PLATE_PROPERTIES: tuple[AnyProperty, ...] = (SERIAL_NUMBER,)
DESCRIPTION_PROPERTIES: tuple[AnyProperty, ...] = (*ESSENTIAL_PROPERTIES, *NAME_PLATE_PROPERTIES)
_EPCS = frozenset(row.epc for row in DESCRIPTION_PROPERTIES)


@dataclass(frozen=True, slots=True)
class MeterDescription:
    """Maker, serial number, version, list of properties and scale of one meter, as far as it answered.

    It holds for the meter with this address only. No key in it, but a serial number.
    """

    address: str = field(repr=False)
    """The meter's MAC address, 16 hexadecimal digits."""
    answers: ReadReport = field(repr=False)
    """What it answered about DESCRIPTION_PROPERTIES."""

    @property
    def readable(self) -> frozenset[int]:
        """EPCs of its Get property map; empty if the map could not be read."""
        return self.answers.value(GET_PROPERTY_MAP) or frozenset()

    @property
    def manufacturer_code(self) -> bytes | None:
        """Three bytes of the list of the ECHONET Consortium."""
        return self.answers.value(MANUFACTURER_CODE)

    @property
    def manufacturer(self) -> str | None:
        """Name behind the code, or the code in hexadecimal where the list lacks it."""
        code = self.manufacturer_code
        return None if code is None else manufacturer_name(code) or code.hex().upper()

    @property
    def serial_number(self) -> str | None:
        """Serial number, without the NUL bytes that fill it up."""
        return self.answers.value(SERIAL_NUMBER)

    @property
    def standard_version(self) -> StandardVersion | None:
        """Release of the appendix that the meter follows."""
        return self.answers.value(STANDARD_VERSION)

    @property
    def scale(self) -> Scale | None:
        """How its energy counts become kWh; None if it did not answer them."""
        return scale_from(self.answers)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that the meter might answer another time."""
        return not self.answers.absent

    def offers(self, *properties: AnyProperty) -> bool:
        """Return whether the meter's Get property map has all of these."""
        return all(row.epc in self.readable for row in properties)

    def as_dict(self) -> dict[str, object]:
        """Return a form that JSON can keep: each EPC with its bytes, in hexadecimal."""
        return {
            "address": self.address,
            "values": {
                f"{epc:02X}": _bytes_of(epc, value).hex()
                for epc, value in sorted(self.answers.values.items())
            },
            "refused": [f"{epc:02X}" for epc in sorted(self.answers.refused)],
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
    # Decoded by this row of the table, so the row can encode it.
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
        absent=_EPCS - decoded.keys() - turned_down,
    )


def scale_from(report: ReadReport) -> Scale | None:
    """Return the scale that a report on SCALE_PROPERTIES gives, or None.

    Only a meter that refuses D3 has the coefficient 1; one that stayed silent about it may
    have another.
    """
    unit = report.value(CUMULATIVE_ENERGY_UNIT)
    coefficient = report.value(COEFFICIENT)
    if coefficient is None and COEFFICIENT.epc in report.refused:
        coefficient = 1
    if unit is None or coefficient is None:
        return None
    try:
        return Scale(unit, coefficient, report.value(EFFECTIVE_DIGITS))
    except DecodeError as err:
        _LOGGER.warning("The meter's energies cannot be read: %s", err)
        return None
