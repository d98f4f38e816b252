"""Splits the bytes of a dongle into lines; a binary datagram is one, whatever bytes it holds."""

import re

_IPV6 = rb"[0-9A-F]{4}(?::[0-9A-F]{4}){7}"
#: ERXUDP up to its payload, in every dialect; groups: local port, size of the payload.
DATAGRAM = re.compile(
    rb"ERXUDP %b %b [0-9A-F]{4} ([0-9A-F]{4}) [0-9A-F]{16} (?:[0-9A-F]{2} )?[01] (?:[0-9A-F] )?"
    rb"([0-9A-F]{4}) " % (_IPV6, _IPV6)
)
_HEX_DIGITS = b"0123456789ABCDEF"
_END = b"\r\n"


class Splitter:
    """Takes bytes in pieces of any size, returns whole lines with their ends."""

    def __init__(self) -> None:
        """Start at the beginning of a line."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        self._buffer += data
        lines: list[bytes] = []
        while (end := self._line_end()) is not None:
            lines.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
        return lines

    def rest(self) -> bytes:
        """Return what waits for its end; it will not come."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _line_end(self) -> int | None:
        newline = self._buffer.find(b"\n")
        datagram = DATAGRAM.search(self._buffer)
        if datagram is not None and not 0 <= newline < datagram.start():
            return self._datagram_end(datagram.end(), int(datagram[2], 16))
        return newline + 1 if newline >= 0 else None

    def _datagram_end(self, start: int, size: int) -> int | None:
        """Return where a datagram ends; frames of both protocols begin with no hex digit."""
        buffer = self._buffer
        if len(buffer) == start:
            return None
        if size == 0 or buffer[start] in _HEX_DIGITS:
            newline = buffer.find(b"\n", start)
            return newline + 1 if newline >= 0 else None
        end = start + size
        if len(buffer) < end + len(_END):
            return None
        return end + len(_END) if buffer.startswith(_END, end) else end
