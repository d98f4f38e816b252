"""Blanks what identifies a household in a datagram; size and technical data stay."""

PANA_PORT = 0x02CC
#: RFC 5191: a header of 16 bytes, then attributes, each with a header of 8.
_PANA_HEADER, _ATTRIBUTE_HEADER = 16, 8
_ATTRIBUTES = range(1, 10)
#: Attributes that hold a number and no key: integrity and PRF algorithm, result, lifetime.
_HARMLESS = frozenset((3, 6, 7, 8))

_ECHONET_FRAME = b"\x10\x81"
#: EHD, TID, SEOJ, DEOJ, ESV and OPC stand before the properties.
_ECHONET_HEADER = 12
_OPC = 11
#: How many bytes stay of what identifies a meter: nothing of the serial number, the maker of
#: the identification numbers, and of a location the code that says that a position follows.
_PRIVATE = {0x8D: 0, 0x83: 4, 0xC0: 4, 0x81: 1}


def blank(port: int, payload: bytes) -> bytes:
    """Return a payload of the same size without what identifies a meter."""
    if port == PANA_PORT:
        return _blank_pana(payload)
    if is_echonet(payload):
        return blank_echonet(payload)
    return payload


def is_echonet(payload: bytes) -> bool:
    """Return whether a payload begins as an ECHONET Lite frame."""
    return payload.startswith(_ECHONET_FRAME)


def _blank_pana(payload: bytes) -> bytes:
    blanked = bytearray(payload)
    position = _PANA_HEADER
    while position < len(blanked):
        code = int.from_bytes(blanked[position : position + 2])
        size = int.from_bytes(blanked[position + 4 : position + 6])
        value = position + _ATTRIBUTE_HEADER
        if code not in _ATTRIBUTES or value + size > len(blanked):
            _zero(blanked, position, len(blanked))  # no known attribute
            break
        position = value + size + -size % 4
        if code not in _HARMLESS or size != 4:  # noqa: PLR2004 - bytes of a number
            _zero(blanked, value, position)
    return bytes(blanked)


def blank_echonet(payload: bytes) -> bytes:
    """Return an ECHONET Lite frame of the same size without what identifies a meter."""
    blanked = bytearray(payload)
    position = _ECHONET_HEADER
    for _ in range(payload[_OPC] if len(payload) > _OPC else 0):
        if position + 2 > len(blanked):
            break
        epc, size = blanked[position : position + 2]
        position += 2
        if epc in _PRIVATE:
            _zero(blanked, position + _PRIVATE[epc], position + size)
        position += size
    return bytes(blanked)


def blank_whole(payload: bytes) -> bytes:
    """Return a payload that arrived whole as :func:`blank_echonet` does; what is no part of a frame is zero.

    That is what stands behind the properties, a property that is longer than the rest, and all of a
    payload that does not begin as a frame.
    """
    if not is_echonet(payload) or len(payload) < _ECHONET_HEADER:
        return bytes(len(payload))
    blanked = bytearray(blank_echonet(payload))
    position = _ECHONET_HEADER
    for _ in range(payload[_OPC]):
        following = position + 2 + payload[position + 1] if position + 1 < len(payload) else 0
        if not 0 < following <= len(payload):
            break
        position = following
    _zero(blanked, position, len(blanked))
    return bytes(blanked)


def _zero(data: bytearray, start: int, end: int) -> None:
    end = min(end, len(data))
    if start < end:
        data[start:end] = bytes(end - start)
