"""What the PANA packets of a sign-in give away (RFC 5191): nothing secret is looked at.

A meter sends four: start, challenge, proof, result. It sends the third only to who has proved
to know the password, so a sign-in that stops at the second was refused.
"""

from collections.abc import Iterator
from typing import Final

#: Header: reserved, length, flags, type (2 bytes each), session and sequence (4 bytes each).
_HEADER: Final = 16
_SEQUENCE: Final = slice(12, 16)
#: AVP header: code, flags, length, reserved (2 bytes each).
_AVP_HEADER: Final = 8
_EAP_PAYLOAD, _RESULT_CODE = 2, 7
_SUCCESS: Final = 0
_EAP_FAILURE: Final = 4


def sequence_of(packet: bytes) -> bytes:
    """Return what is the same in every repetition of a packet, and in no other packet."""
    return packet[_SEQUENCE]


def turns_down(packet: bytes) -> bool:
    """Return whether a packet reports explicitly that the sign-in is refused."""
    return any(
        (code == _RESULT_CODE and int.from_bytes(value) != _SUCCESS)
        or (code == _EAP_PAYLOAD and value[:1] == bytes((_EAP_FAILURE,)))
        for code, value in _avps(packet)
    )


def _avps(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield code and value of each attribute; a damaged packet has fewer of them."""
    at = _HEADER
    while at + _AVP_HEADER <= len(packet):
        code = int.from_bytes(packet[at : at + 2])
        size = int.from_bytes(packet[at + 4 : at + 6])
        value = packet[at + _AVP_HEADER : at + _AVP_HEADER + size]
        if len(value) < size:
            return
        yield code, value
        at += _AVP_HEADER + size + -size % 4
