"""J11 frames: one header of twelve bytes with two checksums, then the data.

    0  unique code   D0EA83FC to the dongle, D0F9EE5D from it
    4  command code
    6  length        4 + size of the data: it counts both checksums
    8  header sum    sum of bytes 0 to 7, modulo 65536
    10 data sum      sum of the data bytes, modulo 65536
    12 data

All integers are big-endian. Source: ROHM, J11 UART IF command specification v1.2, 2026-01-14
("V12"), pages 10 to 13 and 35. Every frame of ROHM's application note 63AN027J agrees.
"""

from dataclasses import dataclass, field

from ..errors import EncodeError

#: Begins a request of the host (V12 p11).
REQUEST_CODE = bytes.fromhex("D0EA83FC")
#: Begins a response or a notification of the dongle (V12 p11).
RESPONSE_CODE = bytes.fromhex("D0F9EE5D")
#: Size in bytes of the header, both checksums included (V12 p11).
HEADER_SIZE = 12
#: Size in bytes of the two checksums, which the length field counts (V12 p12).
CHECKSUMS_SIZE = 4
#: Size in bytes of what the length field does not count (V12 p12).
UNCOUNTED_SIZE = HEADER_SIZE - CHECKSUMS_SIZE
#: Largest frame in bytes, and hence the largest length and the most data (V12 p35).
MAX_FRAME_SIZE = 1361
MAX_LENGTH = MAX_FRAME_SIZE - UNCOUNTED_SIZE
MAX_DATA_SIZE = MAX_FRAME_SIZE - HEADER_SIZE
#: Seconds of silence inside a frame after which its rest will not come. The dongle gives a host
#: one second (V12 p35); for the other direction no source names a time, and the largest frame
#: takes 0.12 s at 115200 Bd.
FRAME_GAP_S = 0.5

_CODES = range(0x10000)
_MODULUS = 0x10000


@dataclass(frozen=True, slots=True)
class Frame:
    """A response or notification whose checksums are right."""

    code: int
    """Command code, two bytes."""
    data: bytes = field(repr=False)
    """0 to 1349 bytes."""


def checksum(data: bytes | bytearray) -> int:
    """Return the sum of the bytes, modulo 65536 (V12 p12)."""
    return sum(data) % _MODULUS


def encode_request(code: int, data: bytes = b"") -> bytes:
    """Return the bytes of a request; EncodeError if a value does not fit."""
    return _encode(REQUEST_CODE, code, data)


def encode_response(code: int, data: bytes = b"") -> bytes:
    """Return the bytes of a response or notification, as a dongle sends them."""
    return _encode(RESPONSE_CODE, code, data)


def _encode(unique_code: bytes, code: int, data: bytes) -> bytes:
    if code not in _CODES:
        raise EncodeError("The command code is out of range")
    if len(data) > MAX_DATA_SIZE:
        raise EncodeError("The data of the frame are too long")
    head = unique_code + code.to_bytes(2) + (CHECKSUMS_SIZE + len(data)).to_bytes(2)
    return head + checksum(head).to_bytes(2) + checksum(data).to_bytes(2) + data
