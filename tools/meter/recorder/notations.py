"""The two notations of a record: lines of text for SKSTACK, hexadecimal digits for J11."""

from collections.abc import Callable
import re
from typing import Protocol, override

from custom_components.wisun_route_b.stack import Credentials

from .frame_masker import FrameMasker
from .frames import REQUEST, RESPONSE, FrameSplitter, frame_size
from .masker import Masker
from .splitter import Splitter

_END = b"\r\n"
#: Characters that mean something in the notation of text.
_MARKS = b"\\{}"
_SPACE, _LAST = 0x20, 0x7E
#: What may be the serial number of a meter, which has twelve characters, or the end of one.
_NUMBER = re.compile(rb"(?=[A-Za-z-]*[0-9])[0-9A-Za-z-]{6}")


class Notation(Protocol):
    """Cuts what was received into entries, and writes entries without their secrets."""

    header: str
    """A line of the header, or nothing."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received; return the entries that are complete now."""

    def rest(self) -> list[bytes]:
        """Return what waits for its end, which will not come."""

    def sent(self, data: bytes) -> str:
        """Return what the host wrote in one piece."""

    def received(self, data: bytes) -> str:
        """Return an entry of what was received."""


class Text(Notation):
    """Lines of text, with escapes for other bytes and for a line that ends without CR LF."""

    header = ""

    def __init__(self, credentials: Credentials | None) -> None:
        """Start at the beginning of a conversation."""
        self._masker = Masker(credentials)
        self._splitter = Splitter()

    @override
    def feed(self, data: bytes) -> list[bytes]:
        return self._splitter.feed(data)

    @override
    def rest(self) -> list[bytes]:
        rest = self._splitter.rest()
        return [rest] if rest else []

    @override
    def sent(self, data: bytes) -> str:
        return self.received(data)

    @override
    def received(self, data: bytes) -> str:
        ended = data.endswith(_END)
        text = "".join(map(_character, self._masker(data.removesuffix(_END))))
        if text.endswith(" "):
            text = f"{text[:-1]}\\x20"
        return text if ended else f"{text}\\"


class Hexadecimal(Notation):
    """Frames as hexadecimal digits; what was asked in text before is so as well."""

    header = "# encoding: hex\n"

    def __init__(self, credentials: Credentials | None) -> None:
        """Start at the beginning of a conversation."""
        self._masker = FrameMasker(credentials)
        self._text_masker = Masker(credentials)
        self._splitter = FrameSplitter()

    @override
    def feed(self, data: bytes) -> list[bytes]:
        return self._splitter.feed(data)

    @override
    def rest(self) -> list[bytes]:
        return self._splitter.rest()

    @override
    def sent(self, data: bytes) -> str:
        mask: Callable[[bytes], bytes] = (
            self._masker if data.startswith(REQUEST) else self._text_masker
        )
        return _digits(mask(data))

    @override
    def received(self, data: bytes) -> str:
        return _digits(self._masker(data))


def in_frames(received: bytes) -> bool:
    """Return whether the beginning of a conversation is to be written as frames.

    It is if a J11 dongle says this. So are mostly binary bytes, and a number without an end of line: they may
    be the rest of one of its frames, with a serial number in it, and text would show them.
    """
    text = sum(_SPACE <= byte <= _LAST or byte in _END for byte in received)
    is_number = _END not in received and _NUMBER.search(received) is not None
    return _speaks_j11(received) or is_number or 2 * text < len(received)


def _speaks_j11(received: bytes) -> bool:
    at = received.find(RESPONSE)
    while at >= 0:
        if frame_size(received[at:]) is not None:
            return True
        at = received.find(RESPONSE, at + 1)
    return False


def _character(byte: int) -> str:
    if _SPACE <= byte <= _LAST and byte not in _MARKS:
        return chr(byte)
    return f"\\x{byte:02X}"


def _digits(data: bytes) -> str:
    return data.hex(" ").upper()
