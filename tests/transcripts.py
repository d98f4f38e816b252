"""Reads the captures in ``fixtures/transcripts``; its README explains the notation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
import re

FOLDER = Path(__file__).parent / "fixtures" / "transcripts"

_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_UNKNOWN_BYTES = re.compile(rb"\{(\d+) bytes\}")
_PLACEHOLDER = re.compile(rb"\{[^}]*\}")


class Direction(Enum):
    """Who is speaking."""

    SENT = ">"
    RECEIVED = "<"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a conversation, line end included if there is one."""

    direction: Direction
    data: bytes
    """Placeholders stand as they are, but ``{14 bytes}`` has become 14 zero bytes."""
    complete: bool = True
    """False where the source leaves something out."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One capture."""

    name: str
    source: str
    device: str
    entries: tuple[Entry, ...]

    def sent(self) -> list[bytes]:
        """Return what the host wrote, one item per line."""
        return [item.data for item in self.entries if item.direction is Direction.SENT]

    def received(self) -> list[bytes]:
        """Return what the dongle said, one item per line."""
        return [item.data for item in self.entries if item.direction is Direction.RECEIVED]


def load(name: str) -> Transcript:
    """Read one capture by its file name, or by the number that its name begins with."""
    (path,) = FOLDER.glob(f"{name}*")
    return parse(path.name, path.read_text(encoding="utf-8"))


def load_all() -> list[Transcript]:
    """Read every capture."""
    return [load(path.name) for path in sorted(FOLDER.glob("*.txt"))]


def parse(name: str, text: str) -> Transcript:
    """Read a capture from its text."""
    lines = text.splitlines()
    in_hex = any(line.startswith("# encoding: hex") for line in lines)
    return Transcript(
        name=name,
        source=_header(lines, "source"),
        device=_header(lines, "device"),
        entries=tuple(_entries(lines, _hex_entry if in_hex else _text_entry)),
    )


def _header(lines: list[str], key: str) -> str:
    prefix = f"# {key}: "
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "")


def _entries(lines: list[str], read: Callable[[Direction, str], Entry]) -> Iterator[Entry]:
    for line in lines:
        mark, space, text = line.partition(" ")
        if mark in (">", "<") and (space or not text):
            yield read(Direction(mark), text)


def _hex_entry(direction: Direction, text: str) -> Entry:
    digits = _UNKNOWN_BYTES.sub(lambda match: b"00" * int(match[1]), text.encode())
    return Entry(direction, bytes.fromhex(digits.decode()), complete=digits == text.encode())


def _text_entry(direction: Direction, text: str) -> Entry:
    data = text.encode()
    end = b"\r\n"
    if data.endswith(b"\\"):
        data, end = data[:-1], b""
    complete = _PLACEHOLDER.search(data) is None
    data = _UNKNOWN_BYTES.sub(lambda match: bytes(int(match[1])), data)
    data = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), data)
    return Entry(direction, data + end, complete)
