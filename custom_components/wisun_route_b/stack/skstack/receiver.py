"""Bytes in, messages out: reader, parser and EPANDESC builder joined, and what went wrong."""

from dataclasses import dataclass

from .events import EventNumber
from .messages import Event, Message, Unknown
from .pan_description import PanDescriptionBuilder
from .parser import PanDescriptionBegins, classify_unknown, parse
from .reader import Line, Packet, Reader, Unit

_OF_A_SCAN = frozenset((EventNumber.BEACON, EventNumber.SCAN_FINISHED))


@dataclass(frozen=True, slots=True)
class ReceiverStatistics:
    """How well a dongle has been understood since the receiver was made."""

    messages: int = 0
    """Everything that was handed out, echoes and unknown lines included."""
    datagrams: int = 0
    """Complete ERXUDP among them."""
    raw_datagrams: int = 0
    """Those that came as raw bytes and not in hexadecimal (a setting in the dongle's flash)."""
    dropped_bytes: int = 0
    """Bytes that no message holds: lines of more than 4096 bytes, unfinished lines."""
    dropped_lines: int = 0
    """The lines these bytes belonged to."""
    unknown_lines: int = 0
    """Lines that were handed out as Unknown."""
    damaged_datagrams: int = 0
    """Unknown lines that once were an ERXUDP."""
    incomplete_pan_descriptions: int = 0
    """EPANDESC blocks that were dropped."""


class Receiver:
    """Decodes the bytes of one dongle. Pure: no I/O, no clock, and it never raises."""

    __slots__ = ("_damaged", "_datagrams", "_messages", "_pan", "_reader", "_unknown")

    def __init__(self) -> None:
        """Start at what is assumed to be the beginning of a line."""
        self._reader = Reader()
        self._pan = PanDescriptionBuilder()
        self._messages = 0
        self._datagrams = 0
        self._unknown = 0
        self._damaged = 0

    @property
    def statistics(self) -> ReceiverStatistics:
        """The counts up to now."""
        return ReceiverStatistics(
            messages=self._messages,
            datagrams=self._datagrams,
            raw_datagrams=self._reader.raw_payloads,
            dropped_bytes=self._reader.dropped_bytes,
            dropped_lines=self._reader.dropped_lines,
            unknown_lines=self._unknown,
            damaged_datagrams=self._damaged,
            incomplete_pan_descriptions=self._pan.incomplete,
        )

    @property
    def holds_back(self) -> bool:
        """Whether :meth:`give_up` would return something."""
        return self._reader.holds_back

    def receive(self, data: bytes) -> list[Message]:
        """Take bytes as they come, in pieces of any size; return what they complete."""
        return self._decode(self._reader.receive(data))

    def give_up(self) -> list[Message]:
        """Return what is held back, and forget what is unfinished.

        For when an answer of the dongle is due and does not come: behind a datagram that
        broke off, up to 1234 bytes wait for the rest of it (see :mod:`.reader`).
        """
        messages = self._decode(self._reader.give_up())
        messages += self._count(self._end_pan_description())
        return messages

    def _decode(self, units: list[Unit]) -> list[Message]:
        messages: list[Message] = []
        for unit in units:
            messages += self._count(self._from_unit(unit))
        return messages

    def _from_unit(self, unit: Unit) -> list[Message]:
        match unit:
            case Packet(glue, header, payload):
                # It arrives when it does, also between the lines of an EPANDESC.
                self._datagrams += 1
                return [*_explain_glue(glue), header.datagram(payload)]
            case Line(text):
                return self._from_line(text)

    def _from_line(self, line: bytes) -> list[Message]:
        if self._pan.add(line):
            return self._end_pan_description() if self._pan.finished else []
        glue, message = parse(line)
        # What happens in between has nothing to do with the block, unless the scan goes on or ends.
        passing = isinstance(message, Event) and message.number not in _OF_A_SCAN
        before = [] if passing else self._end_pan_description()
        before += _explain_glue(glue)
        if isinstance(message, PanDescriptionBegins):
            self._pan.begin()
            return before
        return [*before, message]

    def _end_pan_description(self) -> list[Message]:
        description = self._pan.end()
        return [] if description is None else [description]

    def _count(self, messages: list[Message]) -> list[Message]:
        self._messages += len(messages)
        for message in messages:
            if isinstance(message, Unknown):
                self._unknown += 1
                self._damaged += b"ERXUDP" in message.line
        return messages


def _explain_glue(glue: bytes) -> list[Message]:
    return [classify_unknown(glue)] if glue else []
