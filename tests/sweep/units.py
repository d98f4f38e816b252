"""The words of the sweep: what passes the wire, and where in a conversation it stands.

Nothing here knows a serial protocol. A second protocol brings a :class:`Splitter` and a
:class:`Vocabulary` of its own; recording, faults and verdicts stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, override


class Direction(StrEnum):
    """Which way something goes over the wire."""

    OUT = "out"
    """From the host to the dongle."""
    IN = "in"
    """From the dongle to the host."""


class Place(StrEnum):
    """Which part of a unit is damaged."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Unit:
    """The least that a protocol says at once: a command, a line, a datagram with its header."""

    direction: Direction
    kind: str
    """What it is, without blanks and without anything that differs from run to run; empty for
    what says nothing, such as an empty line."""
    data: bytes
    """All its bytes, the end of the line included."""
    payload: bytes = b""
    """The datagram it carries, decoded."""


#: Makes the negative answer to a command.
type Refusal = Callable[[Unit], bytes]


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One unit of a scenario: the ``ordinal``-th of its kind, counted from 1."""

    direction: Direction
    kind: str
    ordinal: int

    @override
    def __str__(self) -> str:
        return f"{self.direction}:{self.kind}:{self.ordinal}"

    @classmethod
    def parse(cls, text: str) -> Step:
        """Read what ``str`` returned; ValueError if it is no step."""
        direction, _, rest = text.partition(":")
        kind, _, ordinal = rest.rpartition(":")
        return cls(Direction(direction), kind, int(ordinal))


class Splitter(Protocol):
    """Cuts both streams of one connection into units and names them."""

    def feed(self, direction: Direction, data: bytes) -> list[Unit]:
        """Take bytes in pieces of any size, return the units that they complete."""


class Vocabulary(Protocol):
    """What can be said at this wire instead of, or beside, what was said."""

    strays: Mapping[str, bytes]
    """Lines of a dongle by the name of their fault: well-formed, and wrong at this moment."""
    refusals: Mapping[str, Refusal]
    """Negative answers to a command by the name of their fault."""

    def forbidden(self, unit: Unit) -> str | None:
        """Return why no host may send this at this moment, None if it may."""

    def is_command(self, unit: Unit) -> bool:
        """Return whether the dongle answers this."""

    def damaged(self, unit: Unit, place: Place) -> bytes:
        """Return the unit with one byte of it replaced, so that the damage can be detected."""

    def unended(self, unit: Unit) -> bytes:
        """Return the unit without its end, so that the next one is glued to it."""

    def other_transaction(self, unit: Unit) -> bytes | None:
        """Return an answer of the meter under another transaction, None for anything else."""

    def empty_refusal(self, unit: Unit) -> bytes | None:
        """Return a refusal without any property in place of an answer of the meter."""

    def refuse_joins(self, unit: Unit) -> bytes | None:
        """Return a negative answer to a request to sign in, None for anything else."""

    def resets(self, unit: Unit) -> bool:
        """Return whether this command resets the dongle."""

    def answers_request(self, unit: Unit) -> bool:
        """Return whether this is an answer of the meter to a request."""
