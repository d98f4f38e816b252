"""The conversation as a file; tests/fixtures/transcripts/README.md has the notation."""

from collections.abc import Callable
from enum import Enum
from typing import TextIO, override

from custom_components.wisun_route_b.stack import Credentials

from .notations import Hexadecimal, Notation, Text, in_frames
from .recording_connector import Listener

_REDACTION = """\
# Redacted: Route-B ID, password, pairing and PAN IDs and all addresses are placeholders; keys and
# nonces of the sign-in, serial and identification numbers are zero. All lengths are as they were.
"""
_REDACTION_OF_FRAMES = """\
# Checksums are those of what is shown. Noise, and what a damaged frame holds, is zero.
"""
#: Seconds without a byte after which the rest of a frame will not come.
_GAP_S = 0.5


class _Mark(Enum):
    SENT = ">"
    RECEIVED = "<"
    REMARK = "#"


type _Event = tuple[float, _Mark, bytes]


class Recorder(Listener):
    """Writes each unit as it comes, once it is known which protocol the dongle speaks."""

    def __init__(
        self,
        file: TextIO,
        credentials: Credentials | None,
        clock: Callable[[], float],
        source: str,
    ) -> None:
        """Write to ``file`` without the credentials; ``clock`` counts seconds."""
        self._file = file
        self._credentials = credentials
        self._clock = clock
        self._source = source
        self._begun = clock()
        self._last = 0
        self._heard_at = self._begun
        self._waiting: list[_Event] = []
        """What was before the headers."""
        self._notation: Notation | None = None
        """None until the headers are written."""
        self.entries = 0
        """Lines of conversation so far."""

    def begin(self, device: str, contains: str) -> None:
        """Write the headers, and what came before; only the first call counts."""
        if self._notation is not None:
            return
        heard = b"".join(data for _, mark, data in self._waiting if mark is _Mark.RECEIVED)
        kind = Hexadecimal if in_frames(heard) else Text
        self._notation = notation = kind(self._credentials)
        headers = {"source": self._source, "device": device, "contains": contains}
        for key, text in headers.items():
            self._write(f"# {key}: {text}\n")
        more = _REDACTION_OF_FRAMES if notation.header else ""
        self._write(f"{notation.header}{_REDACTION}{more}\n")
        for event in self._waiting:
            self._take(notation, event)
        self._waiting.clear()

    def remark(self, text: str) -> None:
        """Write a comment; it must hold no secret."""
        self._note(_Mark.REMARK, text.encode())

    @override
    def sent(self, data: bytes) -> None:
        """Write down a command; the host writes each in one piece."""
        self._note(_Mark.SENT, data)

    @override
    def received(self, data: bytes) -> None:
        """Write down the units that are complete now."""
        self._note(_Mark.RECEIVED, data)

    def close(self, device: str) -> None:
        """Write what never was completed; ``device`` is for a record that never began."""
        self.begin(device, "an attempt to connect")
        if self._notation is not None:
            self._release(self._notation, self._clock())

    def _note(self, mark: _Mark, data: bytes) -> None:
        event = (self._clock(), mark, data)
        if self._notation is None:
            self._waiting.append(event)
        else:
            self._take(self._notation, event)

    def _take(self, notation: Notation, event: _Event) -> None:
        now, mark, data = event
        if notation.header and now - self._heard_at > _GAP_S:
            self._release(notation, now)
        match mark:
            case _Mark.REMARK:
                self._write(f"# --- {data.decode()}\n")
            case _Mark.SENT:
                self._entry(now, mark, notation.sent(data))
            case _Mark.RECEIVED:
                self._heard_at = now
                for unit in notation.feed(data):
                    self._entry(now, mark, notation.received(unit))

    def _release(self, notation: Notation, now: float) -> None:
        for unit in notation.rest():
            self._entry(now, _Mark.RECEIVED, notation.received(unit))

    def _entry(self, at: float, mark: _Mark, text: str) -> None:
        self.entries += 1
        now = round(1000 * (at - self._begun))
        elapsed, self._last = now - self._last, now
        time = f"#@ +{elapsed} ms\n" if elapsed else ""
        self._write(f"{time}{f'{mark.value} {text}'.rstrip(' ')}\n")

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
