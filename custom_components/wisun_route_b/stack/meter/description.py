"""What a meter is: read once per connection."""

from dataclasses import dataclass, field
import logging

from ..errors import DecodeError
from .manufacturers import manufacturer_name
from .properties import (
    COEFFICIENT,
    CUMULATIVE_ENERGY_UNIT,
    EFFECTIVE_DIGITS,
    GET_PROPERTY_MAP,
    MANUFACTURER_CODE,
    SERIAL_NUMBER,
    STANDARD_VERSION,
    AnyProperty,
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
#: What describes a meter: one Get for what the rest hangs on, the name plate after it.
DESCRIPTION_PROPERTIES: tuple[AnyProperty, ...] = (
    GET_PROPERTY_MAP,
    *SCALE_PROPERTIES,
    STANDARD_VERSION,
    MANUFACTURER_CODE,
    SERIAL_NUMBER,
)


@dataclass(frozen=True, slots=True)
class MeterDescription:
    """What a meter says of itself: maker, serial number, version, as far as it answers."""

    readable: frozenset[int]
    """EPCs of its Get property map; empty if the map could not be read."""
    manufacturer_code: bytes | None
    manufacturer: str | None
    """Name behind the code, or the code in hexadecimal where the list lacks it."""
    serial_number: str | None = field(repr=False)
    standard_version: StandardVersion | None

    def offers(self, *properties: AnyProperty) -> bool:
        """Tell whether the meter's Get property map has all of these."""
        return all(row.epc in self.readable for row in properties)


def describe(report: ReadReport) -> MeterDescription:
    """Gather the description from a report on DESCRIPTION_PROPERTIES."""
    code = report.value(MANUFACTURER_CODE)
    return MeterDescription(
        readable=report.value(GET_PROPERTY_MAP) or frozenset(),
        manufacturer_code=code,
        manufacturer=None if code is None else manufacturer_name(code) or code.hex().upper(),
        serial_number=report.value(SERIAL_NUMBER),
        standard_version=report.value(STANDARD_VERSION),
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
