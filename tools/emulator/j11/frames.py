"""The frames of J11, written and read here on purpose without the code under test.

Unique code 4, command code 2, length 2 (4 + data), header sum 2 (of the first eight bytes),
data sum 2, data; big-endian (V12 p10-13).
"""

FROM_HOST = b"\xd0\xea\x83\xfc"
FROM_DONGLE = b"\xd0\xf9\xee\x5d"
HEADER = 12
#: What the length field says at least and at most (V12 p35).
SHORTEST, LONGEST = 4, 1353
#: A response carries its request's code with this bit.
RESPONSE = 0x2000


def total(data: bytes | bytearray) -> int:
    """Return a checksum."""
    return sum(data) & 0xFFFF


def encode(code: int, data: bytes = b"") -> bytes:
    """Return a response or notification."""
    head = FROM_DONGLE + code.to_bytes(2) + (len(data) + SHORTEST).to_bytes(2)
    return head + total(head).to_bytes(2) + total(data).to_bytes(2) + data


def split(data: bytes) -> list[bytes]:
    """Return the frames of what is printed at once."""
    frames: list[bytes] = []
    while data:
        size = 8 + int.from_bytes(data[6:8])
        frames.append(data[:size])
        data = data[size:]
    return frames
