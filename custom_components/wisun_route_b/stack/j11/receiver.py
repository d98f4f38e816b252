"""Bytes in, messages out: reader and parser joined, and what went wrong."""

from dataclasses import dataclass

from .frames import Frame
from .messages import Malformed, Message, Unknown
from .parser import parse
from .reader import Reader


@dataclass(frozen=True, slots=True)
class ReceiverStatistics:
    """How well a dongle has been understood since the receiver was made."""

    messages: int = 0
    """Everything that was handed out, unknown and malformed frames included."""
    unknown: int = 0
    """Frames among them whose code is not listed."""
    malformed: int = 0
    """Frames among them whose data cannot be."""
    dropped_bytes: int = 0
    """Bytes that no frame holds: noise, and damaged or unfinished frames."""
    bad_headers: int = 0
    """Frames that were dropped for their length or header checksum."""
    bad_data_sums: int = 0
    """Frames that were dropped for their data checksum."""
    unfinished: int = 0
    """Frames that were dropped because their rest did not come."""


class Receiver:
    """Decodes the bytes of one dongle. Pure: no I/O, no clock, and it never raises."""

    __slots__ = ("_malformed", "_messages", "_reader", "_unknown")

    def __init__(self) -> None:
        """Start with nothing received."""
        self._reader = Reader()
        self._messages = 0
        self._unknown = 0
        self._malformed = 0

    @property
    def statistics(self) -> ReceiverStatistics:
        """The counts up to now."""
        reader = self._reader
        return ReceiverStatistics(
            messages=self._messages,
            unknown=self._unknown,
            malformed=self._malformed,
            dropped_bytes=reader.dropped_bytes,
            bad_headers=reader.bad_headers,
            bad_data_sums=reader.bad_data_sums,
            unfinished=reader.unfinished,
        )

    @property
    def incomplete(self) -> bool:
        """Whether a frame has begun and not ended: the caller's gap timer should run."""
        return self._reader.incomplete

    def receive(self, data: bytes) -> list[Message]:
        """Take bytes as they come, in pieces of any size; return what they complete."""
        return [message for _, message in self.receive_frames(data)]

    def receive_frames(self, data: bytes) -> list[tuple[Frame, Message]]:
        """Do as :meth:`receive`; return each message behind its frame, which a trace shows."""
        return self._decode(self._reader.receive(data))

    def give_up(self) -> list[Message]:
        """Return what an unfinished frame held back, and forget the frame.

        For the moment when nothing has come for :data:`~.frames.FRAME_GAP_S`: the rest will not
        come, and the next frame would be taken for it.
        """
        return [message for _, message in self.give_up_frames()]

    def give_up_frames(self) -> list[tuple[Frame, Message]]:
        """Do as :meth:`give_up`; return each message behind its frame."""
        return self._decode(self._reader.give_up())

    def _decode(self, frames: list[Frame]) -> list[tuple[Frame, Message]]:
        decoded = [(frame, parse(frame)) for frame in frames]
        self._messages += len(decoded)
        for _, message in decoded:
            self._unknown += isinstance(message, Unknown)
            self._malformed += isinstance(message, Malformed)
        return decoded
