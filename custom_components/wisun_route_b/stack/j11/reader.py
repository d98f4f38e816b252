"""Bytes to frames: the only place that knows where one begins and ends.

What stands in front of a unique code is noise. Behind it the header must prove itself (length
4 to 1353, header checksum); then as many bytes are awaited as it announces, and the data
checksum decides. A frame that fails costs its unique code only: the search goes on behind it, so
a whole frame inside the announced length of a torn one is found. A unique code inside the data of a good
frame means nothing, because a payload may contain it.

Until the announced bytes are there nothing can be decided; that is at most 1361 bytes, which
bounds the buffer, and :meth:`Reader.give_up` is for a caller that has received nothing for
:data:`~.frames.FRAME_GAP_S`. What no reader can see is damage that leaves both sums as they
were (two bytes exchanged, for instance): the next layer must check its contents.

The cost is linear in the noise, with a factor that is bounded by the size of a frame: each byte
is summed at most once for each good header in front of it.
"""

from .frames import (
    CHECKSUMS_SIZE,
    HEADER_SIZE,
    MAX_LENGTH,
    RESPONSE_CODE,
    UNCOUNTED_SIZE,
    Frame,
    checksum,
)

_CODE_SIZE = len(RESPONSE_CODE)
_CHECKED = slice(0, 8)
_CODE, _LENGTH, _HEADER_SUM, _DATA_SUM = slice(4, 6), slice(6, 8), slice(8, 10), slice(10, 12)


class Reader:
    """Cuts the stream of one serial port; never raises, never keeps more than one frame."""

    __slots__ = (
        "_buffer",
        "bad_data_sums",
        "bad_headers",
        "dropped_bytes",
        "frames",
        "unfinished",
    )

    def __init__(self) -> None:
        """Start with nothing received."""
        self._buffer = bytearray()
        self.frames = 0
        """Whole frames that were handed out."""
        self.dropped_bytes = 0
        """Bytes that no frame holds."""
        self.bad_headers = 0
        """Unique codes with an impossible length or a wrong header checksum behind them."""
        self.bad_data_sums = 0
        """Frames whose data did not have the announced sum: damaged, or torn."""
        self.unfinished = 0
        """Frames that were given up because their rest did not come."""

    @property
    def incomplete(self) -> bool:
        """Whether something has begun that may be a frame: the gap timer should run."""
        return bool(self._buffer)

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes as they come, return the frames that they complete."""
        self._buffer += data
        return self._drain(final=False)

    def give_up(self) -> list[Frame]:
        """Assume that the rest does not come: return the frames that it held back."""
        return self._drain(final=True)

    def _drain(self, *, final: bool) -> list[Frame]:
        frames: list[Frame] = []
        while self._find_code(final=final):
            size = self._announced_size()
            if size is None:
                self.bad_headers += 1
                self._drop(_CODE_SIZE)
            elif len(self._buffer) < max(size, HEADER_SIZE):
                if not final:
                    break
                self.unfinished += 1
                self._drop(_CODE_SIZE)
            elif (frame := self._cut(size)) is not None:
                frames.append(frame)
            else:
                self.bad_data_sums += 1
                self._drop(_CODE_SIZE)
        self.frames += len(frames)
        return frames

    def _find_code(self, *, final: bool) -> bool:
        """Drop what stands in front of a unique code; return whether there is one."""
        at = self._buffer.find(RESPONSE_CODE)
        if at >= 0:
            self._drop(at)
            return True
        self._drop(len(self._buffer) - (0 if final else self._begun_code()))
        return False

    def _begun_code(self) -> int:
        """Return how many bytes at the end may be the beginning of a unique code."""
        for size in range(_CODE_SIZE - 1, 0, -1):
            if self._buffer.endswith(RESPONSE_CODE[:size]):
                return size
        return 0

    def _announced_size(self) -> int | None:
        """Return the size of the frame at the beginning; 0 = not yet known, None = impossible."""
        if len(self._buffer) < _HEADER_SUM.stop:
            return 0
        length = int.from_bytes(self._buffer[_LENGTH])
        if not CHECKSUMS_SIZE <= length <= MAX_LENGTH:
            return None
        if checksum(self._buffer[_CHECKED]) != int.from_bytes(self._buffer[_HEADER_SUM]):
            return None
        return UNCOUNTED_SIZE + length

    def _cut(self, size: int) -> Frame | None:
        """Consume and return the frame at the beginning, if the sum of its data is right."""
        data = bytes(self._buffer[HEADER_SIZE:size])
        if checksum(data) != int.from_bytes(self._buffer[_DATA_SUM]):
            return None
        code = int.from_bytes(self._buffer[_CODE])
        del self._buffer[:size]
        return Frame(code, data)

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        del self._buffer[:count]
