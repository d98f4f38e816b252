"""The last lines of the serial conversation, for finding a fault.

It keeps masked lines only (see :mod:`.trace`), bounded in number and in size. It belongs to a meter,
not to a connection: what went before a loss explains the loss.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .pseudonyms import Pseudonyms

#: Lines that are kept: some hours of a quiet link, some minutes of one with faults.
_MAX_LINES: Final = 500
#: ECHONET Lite frames that are kept in each direction, however many other lines come.
_MAX_FRAMES: Final = 20
#: Characters of a line that are kept. A day of history has about 550.
_MAX_CHARACTERS: Final = 1500


class TraceDirection(StrEnum):
    """Direction of a line; the values are the marks of the captures."""

    SENT = ">"
    RECEIVED = "<"
    #: A remark about the port, which is not on the line.
    NOTE = "#"


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One line of the conversation, masked."""

    at: float
    """Seconds of the running loop's clock."""
    direction: TraceDirection
    text: str

    def as_text(self, now: float) -> str:
        """Return it with its age: seconds before ``now``, which is negative."""
        return f"{self.at - now:.3f} {self.direction} {self.text}"


class LineLog:
    """A ring of lines, and one of frames for each direction."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lines = deque[LoggedLine](maxlen=_MAX_LINES)
        self._frames = {
            direction: deque[LoggedLine](maxlen=_MAX_FRAMES)
            for direction in (TraceDirection.SENT, TraceDirection.RECEIVED)
        }
        self.pseudonyms = Pseudonyms()
        """What stands in the lines for addresses; the same in all of them."""

    @property
    def lines(self) -> tuple[LoggedLine, ...]:
        """The last lines, oldest first."""
        return tuple(self._lines)

    def frames(self, direction: TraceDirection) -> tuple[LoggedLine, ...]:
        """Return the last ECHONET Lite frames that were sent or received, oldest first."""
        return tuple(self._frames[direction])

    def add(self, at: float, direction: TraceDirection, text: str) -> None:
        """Keep a line that holds no secret; ``at`` in seconds of the running loop's clock."""
        self._lines.append(LoggedLine(at, direction, _clipped(text)))

    def add_frame(self, at: float, direction: TraceDirection, frame: str) -> None:
        """Keep a frame that holds no secret; ``at`` in seconds of the running loop's clock."""
        self._frames[direction].append(LoggedLine(at, direction, _clipped(frame)))


def _clipped(text: str) -> str:
    if len(text) <= _MAX_CHARACTERS:
        return text
    return f"{text[:_MAX_CHARACTERS]}… ({len(text)} characters)"
