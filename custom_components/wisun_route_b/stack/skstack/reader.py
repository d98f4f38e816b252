r"""Bytes to lines and datagrams: the only place that knows where one ends.

CR ends a line, LF ends a line, and an empty line means nothing. So CRLF, the bare CR of ROPT
and a stray LF need no cases of their own, and an answer is delivered at its CR.

A payload of ERXUDP is either raw or hexadecimal, depending on a flash setting of the dongle,
and is followed by CRLF in both forms. The reader needs no setting for it. Where a header
promises *n* bytes, look at the first CR or LF behind it, ``end``:

- ``end`` lies beyond *n*: it cannot be raw, for a raw payload ends at *n*. It is a datagram
  if exactly *2n* hexadecimal digits stand before ``end``, and damage otherwise.
- ``end`` lies at *n* or before: it cannot be hexadecimal, for that needs *2n* digits first.
  It is a datagram if CRLF stands exactly at *n*; before that, CR, LF and whole lines belong
  to the payload. If not, it is damage.

A raw payload that happens to consist of hexadecimal digits is no exception. Damage costs its
own line up to ``end`` and nothing else: what stands behind has not been consumed and is read
again as lines of its own. Until *n* + 2 bytes are there the second case is undecided; that is
at most 1234 bytes, and :meth:`Reader.give_up` is for a caller with a shorter time-out.
What no reader can see is a datagram that lost exactly as many bytes as the lines behind it
have: it ends with these lines instead, and it is the next layer that must check its contents.

Each byte is searched once and each line is matched once (once more for each payload that was
waited for), so the cost is linear however the bytes are cut.
"""

from dataclasses import dataclass, field
import re

from .erxudp import Header

#: Size in bytes above which a line without end is noise. The longest real one is a datagram
#: in hexadecimal, 126 + 2 * 1232, behind the echo of an unfinished SKSENDTO, 66 + 1232.
MAX_LINE = 4096

_LINE_END = re.compile(rb"[\r\n]")
_CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; never empty."""

    text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Packet:
    """An ERXUDP header with the payload that it promised."""

    glue: bytes = field(repr=False)
    """What stood before it on the same line: the echo of a command that was not finished."""
    header: Header
    payload: bytes = field(repr=False)


type Unit = Line | Packet


class Reader:
    """Cuts the stream of one serial port; never raises, never keeps more than it must."""

    __slots__ = (
        "_buffer",
        "_searched",
        "_skipping",
        "_wanted",
        "dropped_bytes",
        "dropped_lines",
        "raw_payloads",
    )

    def __init__(self) -> None:
        """Start at what is assumed to be the beginning of a line."""
        self._buffer = bytearray()
        self._searched = 0  # no line ends before this position
        self._wanted = 0  # nothing can be decided with fewer bytes than this
        self._skipping = False  # inside a line that is too long
        self.dropped_bytes = 0
        self.dropped_lines = 0
        self.raw_payloads = 0
        """Datagrams that were not printed in hexadecimal."""

    @property
    def holds_back(self) -> bool:
        """Whether whole lines wait for the rest of a datagram that may never come."""
        return self._wanted > 0

    def receive(self, data: bytes) -> list[Unit]:
        """Take bytes as they come, return what they complete."""
        self._buffer += data
        return self._drain(final=False)

    def give_up(self) -> list[Unit]:
        """Assume that nothing follows: return what an unfinished datagram held back.

        The unfinished line at the very end is dropped.
        """
        units = self._drain(final=True)
        self._drop(len(self._buffer))
        self._skipping = False
        return units

    def _drain(self, *, final: bool) -> list[Unit]:
        units: list[Unit] = []
        while (unit := self._next(final=final)) is not None:
            units.append(unit)
        return units

    def _next(self, *, final: bool) -> Unit | None:
        """Consume and return the next unit, or return None: more bytes are needed."""
        if len(self._buffer) < self._wanted and not final:
            return None
        while (end := self._find_line_end()) is not None:
            if self._skipping or end > MAX_LINE:
                self._drop(end)
                self._skipping = False
            elif end > 0:
                return self._cut(end, final=final)
            self._consume(1)
        return None

    def _cut(self, end: int, *, final: bool) -> Unit | None:
        """Decide about the line that ends at ``end``: the rules at the top of this file."""
        line = bytes(self._buffer[:end])
        for header in Header.find_all(line):
            raw_end = header.end + header.size
            if end > raw_end:
                payload = header.unhex(line[header.end :])
                consumed = end
            elif len(self._buffer) < raw_end + len(_CRLF) and not final:
                self._wanted = raw_end + len(_CRLF)
                return None
            else:
                complete = self._buffer.startswith(_CRLF, raw_end)
                payload = bytes(self._buffer[header.end : raw_end]) if complete else None
                self.raw_payloads += complete
                consumed = raw_end
            if payload is not None:
                self._consume(consumed)
                return Packet(line[: header.start], header, payload)
        self._consume(end)
        return Line(line)

    def _find_line_end(self) -> int | None:
        """Return where the first line ends; stop keeping one that grows too long."""
        found = _LINE_END.search(self._buffer, self._searched)
        if found is not None:
            self._searched = found.start()
            return self._searched
        if self._skipping or len(self._buffer) > MAX_LINE:
            self._drop(len(self._buffer))
            self._skipping = True
        self._searched = len(self._buffer)
        return None

    def _drop(self, count: int) -> None:
        """Drop bytes; those of one line count as one line."""
        if count and not self._skipping:
            self.dropped_lines += 1
        self.dropped_bytes += count
        self._consume(count)

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0
        self._wanted = 0
