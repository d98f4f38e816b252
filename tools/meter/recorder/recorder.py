"""The conversation as a file; tests/fixtures/transcripts/README.md has the notation."""

from collections.abc import Callable
from typing import TextIO, override

from .masker import Masker
from .recording_connector import Listener
from .splitter import Splitter

_END = b"\r\n"
#: Characters that mean something in the notation.
_MARKS = b"\\{}"
_SPACE, _LAST = 0x20, 0x7E

_REDACTION = """\
# Redacted: Route-B ID, password, pairing and PAN IDs and all addresses are placeholders; keys and
# nonces of the sign-in, serial and identification numbers are zero. All lengths are as they were.
"""


class Recorder(Listener):
    """Writes each unit as it comes, under headers that are written once they are known."""

    def __init__(
        self, file: TextIO, masker: Masker, clock: Callable[[], float], source: str
    ) -> None:
        """Write to ``file``; ``clock`` counts seconds."""
        self._file = file
        self._masker = masker
        self._clock = clock
        self._source = source
        self._splitter = Splitter()
        self._begun = clock()
        self._last = 0
        self._waiting: list[str] | None = []
        """Lines from before the headers; None once these are written."""
        self.entries = 0
        """Lines of conversation so far."""

    def begin(self, device: str, contains: str) -> None:
        """Write the headers, and what came before; only the first call counts."""
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        headers = {"source": self._source, "device": device, "contains": contains}
        for key, text in headers.items():
            self._write(f"# {key}: {text}\n")
        self._write(f"{_REDACTION}\n{''.join(waiting)}")

    def remark(self, text: str) -> None:
        """Write a comment; it must hold no secret."""
        self._write(f"# --- {text}\n")

    @override
    def sent(self, data: bytes) -> None:
        """Write down a command; the host writes each in one piece."""
        self._entry(">", data)

    @override
    def received(self, data: bytes) -> None:
        """Write down the lines that are complete now."""
        for line in self._splitter.feed(data):
            self._entry("<", line)

    def close(self, device: str) -> None:
        """Write what never was completed; ``device`` is for a record that never began."""
        if rest := self._splitter.rest():
            self._entry("<", rest)
        self.begin(device, "an attempt to connect")

    def _entry(self, mark: str, data: bytes) -> None:
        self.entries += 1
        now = round(1000 * (self._clock() - self._begun))
        elapsed, self._last = now - self._last, now
        time = f"#@ +{elapsed} ms\n" if elapsed else ""
        self._write(f"{time}{f'{mark} {self._notation(data)}'.rstrip(' ')}\n")

    def _notation(self, data: bytes) -> str:
        ended = data.endswith(_END)
        text = "".join(map(_character, self._masker(data.removesuffix(_END))))
        if text.endswith(" "):
            text = f"{text[:-1]}\\x20"
        return text if ended else f"{text}\\"

    def _write(self, text: str) -> None:
        if self._waiting is None:
            self._file.write(text)
            self._file.flush()
        else:
            self._waiting.append(text)


def _character(byte: int) -> str:
    if _SPACE <= byte <= _LAST and byte not in _MARKS:
        return chr(byte)
    return f"\\x{byte:02X}"
