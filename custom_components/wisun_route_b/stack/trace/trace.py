"""Redacted trace of the serial conversation.

Each driver words its own lines, because only it knows what a message may show; this module knows
no protocol of a dongle. It has what those lines share: pseudonyms for addresses, and ECHONET Lite
frames without what identifies a household. As a second net, every secret that is known literally is
removed from each line. What cannot be parsed is shown by its shape, see :func:`shape`.
"""

import asyncio
from collections.abc import Callable
import logging
import re
from typing import Final

from ..redact import Redactor
from .line_log import LineLog, TraceDirection
from .masked_frame import masked_frame
from .pseudonyms import Pseudonyms

_LOGGER = logging.getLogger(__name__)

_RUN: Final = re.compile(rb"[0-9A-Za-z]+")
_UNPRINTABLE: Final = re.compile(rb"[^ -~]")
_PUNCTUATION: Final = re.compile(rb"[^0-9A-Za-z ]")
#: Characters of a shape that are shown.
_SHAPE_LENGTH: Final = 160


class Trace:
    """The trace of one meter, over all its connections."""

    def __init__(self, redactor: Redactor, log: LineLog | None = None) -> None:
        """Take the redactor of the literal secrets, and the log that keeps the lines."""
        self.redactor = redactor
        """Knows the literal secrets; a driver adds the addresses that it learns."""
        self._log = log or LineLog()

    @property
    def pseudonyms(self) -> Pseudonyms:
        """Stable pseudonyms, the same in all lines of this conversation."""
        return self._log.pseudonyms

    def sent(self, text: str) -> None:
        """Log what is about to be written; the text holds no secret."""
        self._keep(TraceDirection.SENT, text)

    def received(self, text: str) -> None:
        """Log what was received; the text holds no secret."""
        self._keep(TraceDirection.RECEIVED, text)

    def note(self, text: str) -> None:
        """Log a remark about the port, which is not on the line."""
        self._keep(TraceDirection.NOTE, text)

    def frame(self, direction: TraceDirection, payload: bytes) -> str:
        """Log an ECHONET Lite frame, masked, and return it for the line that it is a part of."""
        frame = self.redactor.literally(masked_frame(payload))
        self._log.add_frame(asyncio.get_running_loop().time(), direction, frame)
        return frame

    def _keep(self, direction: TraceDirection, text: str) -> None:
        text = self.redactor.literally(text)
        _LOGGER.debug("%s %s", direction, text)
        self._log.add(asyncio.get_running_loop().time(), direction, text)


def shape(line: bytes, known: Callable[[re.Match[bytes]], bool]) -> str:
    """Return the shape of bytes that cannot be parsed: known words, and the length of all else.

    Every other letter or digit becomes an ``x``, because noise may have left a part of a key or of
    an address. ``known`` decides for each run of letters and digits.
    """

    def hide(run: re.Match[bytes]) -> bytes:
        return run[0] if known(run) else b"x" * len(run[0])

    printable = _UNPRINTABLE.search(line) is None
    text = _RUN.sub(hide, line if printable else _PUNCTUATION.sub(b".", line)).decode("ascii")
    if len(text) <= _SHAPE_LENGTH:
        return text
    return f"{text[:_SHAPE_LENGTH]}… ({len(line)} bytes)"
