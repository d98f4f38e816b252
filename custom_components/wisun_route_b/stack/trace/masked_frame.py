"""An ECHONET Lite frame in hexadecimal, without what may identify a household.

Shown is only what is known to be harmless. A property that this package does not know, one
whose data are not what they should be, and everything behind the first byte that makes no
sense are masked: it may hold the serial number, or a line of text with an address, where a
datagram has lost its end and includes what followed.
"""

from collections.abc import Iterator
from decimal import Decimal
import re
from typing import Final

from ..echonet import CONTROLLER, ESV, METER, NODE_PROFILE
from ..errors import DecodeError
from ..meter.properties import (
    IDENTIFICATION_NUMBER,
    INSTALLATION_LOCATION,
    PRODUCT_CODE,
    PROPERTIES,
    ROUTE_B_ID,
    SERIAL_NUMBER,
)
from ..meter.scale import Scale
from ..redact import MASK

#: Properties whose data identify a household. The product code does not, but a serial
#: number whose EPC noise has changed would look just like one.
_PRIVATE: Final = frozenset(
    row.epc for row in (IDENTIFICATION_NUMBER, PRODUCT_CODE, ROUTE_B_ID, SERIAL_NUMBER)
)
#: Of the node profile, and not of the meter: counts and lists of instances and classes.
_NODE_PROFILE: Final = frozenset((0xD4, 0xD5, 0xD6))
_HEADER: Final = b"\x10\x81"
_OBJECTS: Final = frozenset(eoj.encode() for eoj in (CONTROLLER, METER, NODE_PROFILE))
_SERVICES: Final = frozenset(ESV)
#: Bytes up to and with OPC, of an EPC with its PDC, and of the lowest EPC.
_FIXED_BYTES: Final = 12
_PROPERTY_HEADER_BYTES: Final = 2
_LOWEST_EPC: Final = 0x80
#: Bytes of data that cannot hold enough of anything.
_SHORT_BYTES: Final = 4
#: A piece of a line inside a datagram that lost its end; no register or date looks like that.
_TEXT: Final = re.compile(rb"[0-9A-Za-z: ]{6}")
#: Any scale: only whether the counts are possible is of interest here.
_SCALE: Final = Scale(Decimal(1))


def masked_frame(payload: bytes) -> str:
    """Return a frame field by field: EHD, TID, SEOJ, DEOJ, ESV, OPC, then each property.

    Masked data have their length before them (PDC), as all have; of a masked end the length
    is shown.
    """
    return " ".join(_fields(payload))


def _fields(payload: bytes) -> Iterator[str]:
    if not _begins_well(payload):
        yield _rest(payload)
        return
    for first, end in ((0, 2), (2, 4), (4, 7), (7, 10), (10, 11), (11, 12)):
        yield payload[first:end].hex().upper()
    at = _FIXED_BYTES
    for _ in range(payload[_FIXED_BYTES - 1]):
        edt = _data_of(payload[at:])
        if edt is None:
            break
        shown = edt.hex().upper() if _is_harmless(payload[at], edt) else MASK
        yield f"{payload[at]:02X} {len(edt):02X} {shown}".rstrip()
        at += _PROPERTY_HEADER_BYTES + len(edt)
    if at < len(payload):
        yield _rest(payload[at:])


def _begins_well(payload: bytes) -> bool:
    return (
        len(payload) >= _FIXED_BYTES
        and payload.startswith(_HEADER)
        and {payload[4:7], payload[7:10]} <= _OBJECTS
        and payload[10] in _SERVICES
    )


def _data_of(rest: bytes) -> bytes | None:
    """Return the data of the property that stands first, None if none does."""
    if len(rest) < _PROPERTY_HEADER_BYTES or rest[0] < _LOWEST_EPC:
        return None
    edt = rest[_PROPERTY_HEADER_BYTES : _PROPERTY_HEADER_BYTES + rest[1]]
    return edt if len(edt) == rest[1] else None


def _is_harmless(epc: int, edt: bytes) -> bool:
    row = PROPERTIES.get(epc)
    if epc in _PRIVATE:
        return not edt
    if row is INSTALLATION_LOCATION:
        return len(edt) <= 1  # else it may be a position
    if len(edt) <= _SHORT_BYTES:
        return row is not None or epc in _NODE_PROFILE or not edt
    if row is None or _TEXT.search(edt):
        return False
    try:
        row.decode(edt, _SCALE)
    except DecodeError:
        return False
    return True


def _rest(data: bytes) -> str:
    return f"{MASK} ({len(data)} bytes)"
