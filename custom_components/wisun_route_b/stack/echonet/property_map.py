"""Property maps: the lists of EPCs in properties 9D, 9E and 9F (Appendix, annex 1).

Fewer than 16 properties: a count and one byte per EPC. Sixteen and more: a count and a
bitmap of 16 bytes, in which bit *b* of byte *i* stands for EPC ``(8 + b) << 4 | i``.
"""

from collections.abc import Collection

from ..errors import DecodeError, EncodeError

#: From this count on the bitmap form is used.
_BITMAP_FROM = 16
_BITMAP_SIZE = 16
#: Property codes of device objects and profiles.
_EPCS = range(0x80, 0x100)


def encode(epcs: Collection[int]) -> bytes:
    """Return the map of these EPCs (0x80 to 0xFF each)."""
    distinct = sorted(set(epcs))
    if not all(epc in _EPCS for epc in distinct):
        raise EncodeError("An EPC lies between 80 and FF")
    if len(distinct) < _BITMAP_FROM:
        return bytes((len(distinct), *distinct))
    bitmap = bytearray(_BITMAP_SIZE)
    for epc in distinct:
        bitmap[epc & 0x0F] |= 1 << ((epc >> 4) - 8)
    return bytes((len(distinct),)) + bytes(bitmap)


def decode(edt: bytes) -> frozenset[int]:
    """Read a map in either form; raise DecodeError unless count and contents agree."""
    if not edt:
        raise DecodeError("A property map has at least a count")
    count, body = edt[0], edt[1:]
    epcs = _from_list(count, body) if count < _BITMAP_FROM else _from_bitmap(body)
    if len(epcs) != count:
        raise DecodeError("The property map does not hold as many EPCs as it says")
    return epcs


def _from_list(count: int, body: bytes) -> frozenset[int]:
    if len(body) != count:
        raise DecodeError("The property list is not as long as its count says")
    if not all(epc in _EPCS for epc in body):
        raise DecodeError("An EPC lies between 80 and FF")
    return frozenset(body)


def _from_bitmap(body: bytes) -> frozenset[int]:
    if len(body) != _BITMAP_SIZE:
        raise DecodeError("The bitmap of a property map has 16 bytes")
    return frozenset(
        (8 + bit) << 4 | low
        for low, column in enumerate(body)
        for bit in range(8)
        if column >> bit & 1
    )
