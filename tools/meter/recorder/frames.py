"""Splits the bytes of a J11 dongle into frames, whole or torn, and what is between them.

A frame: unique code (4), command code (2), length (2, of all that follows but the header checksum's own
place: 4 + size of the data), checksums of these eight bytes and of the data (2 + 2), data.
"""

REQUEST = bytes.fromhex("D0EA83FC")
RESPONSE = bytes.fromhex("D0F9EE5D")
HEADER = 12
#: Bytes of the header that prove themselves: all but the checksum of the data.
PROVEN = 10
_SUMMED, _LENGTH = 8, slice(6, 8)
_HEADER_SUM, _DATA_SUM = slice(8, 10), slice(10, 12)
_UNCOUNTED = 8
#: The largest frame has 1361 bytes.
_LENGTHS = range(4, 1354)


def checksum(data: bytes | bytearray) -> bytes:
    """Return the sum of bytes as a frame has it."""
    return (sum(data) & 0xFFFF).to_bytes(2)


def frame_size(data: bytes | bytearray) -> int | None:
    """Return the size that a header announces; None if these bytes begin with no good header."""
    if len(data) < PROVEN or data[:4] not in (REQUEST, RESPONSE):
        return None
    length = int.from_bytes(data[_LENGTH])
    if length not in _LENGTHS or data[_HEADER_SUM] != checksum(data[:_SUMMED]):
        return None
    return _UNCOUNTED + length


def is_frame(data: bytes | bytearray) -> bool:
    """Return whether these bytes are one frame, with both checksums right."""
    return frame_size(data) == len(data) and data[_DATA_SUM] == checksum(data[HEADER:])


class FrameSplitter:
    """Takes bytes in pieces of any size; what it returns, put together, is all of them."""

    def __init__(self) -> None:
        """Start between two frames."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return what is complete now: frames, noise, and frames that cannot become whole."""
        self._buffer += data
        units: list[bytes] = []
        while end := self._unit_end():
            units.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
        return units

    def rest(self) -> list[bytes]:
        """Return what waits for its end, which will not come."""
        units: list[bytes] = []
        while self._buffer:
            end = self._next_code(1)
            units.append(bytes(self._buffer[: end if end > 0 else None]))
            del self._buffer[: len(units[-1])]
            units += self.feed(b"")
        return units

    def _next_code(self, start: int) -> int:
        return self._buffer.find(RESPONSE, start)

    def _unit_end(self) -> int:
        """Return the size of the unit at the beginning; 0 while that is unknown."""
        if (at := self._next_code(0)) != 0:
            return at if at > 0 else len(self._buffer) - self._begun_code()
        if len(self._buffer) < PROVEN:
            return 0
        size = frame_size(self._buffer)
        if size is None:
            return len(RESPONSE)  # what stands behind it is noise, up to the next one
        if len(self._buffer) < size:
            return 0
        if is_frame(self._buffer[:size]):
            return size
        inside = self._next_code(1)
        return inside if 0 < inside < size else size

    def _begun_code(self) -> int:
        sizes = range(len(RESPONSE) - 1, 0, -1)
        return next((size for size in sizes if self._buffer.endswith(RESPONSE[:size])), 0)
