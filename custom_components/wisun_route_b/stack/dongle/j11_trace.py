"""The lines of the trace for J11: each frame in hexadecimal, with its name.

Addresses and PANs become pseudonyms, keys are masked, and an ECHONET Lite frame is shown without what
identifies a household. So is the checksum of data of which something is hidden.
"""

from typing import Final

from ..j11 import Command
from ..j11.addresses import ip_text, mac_text
from ..j11.frames import HEADER_SIZE, REQUEST_CODE, RESPONSE_CODE, Frame, encode_response
from ..j11.layout import Part, parts, title
from ..redact import MASK
from ..trace.line_log import TraceDirection
from ..trace.trace import Trace

#: Where the checksum of the data stands.
_DATA_SUM: Final = slice(10, 12)
_SHOWN: Final = slice(4, 10)


class J11Trace:
    """Writes the frames of one dongle into the trace."""

    def __init__(self, trace: Trace) -> None:
        """Take the trace that keeps the lines."""
        self._trace = trace

    def sent(self, command: Command) -> None:
        """Log a command that is about to be written."""
        self._trace.sent(self._text(TraceDirection.SENT, command.code, command.data))

    def received(self, frame: Frame) -> None:
        """Log what was received."""
        data = encode_response(frame.code, frame.data)
        self._trace.received(self._text(TraceDirection.RECEIVED, frame.code, data))

    def _text(self, direction: TraceDirection, code: int, frame: bytes) -> str:
        unique = REQUEST_CODE if direction is TraceDirection.SENT else RESPONSE_CODE
        split = list(parts(code, frame[HEADER_SIZE:]))
        hidden = any(part is not Part.PLAIN for part, _ in split)
        checksum = MASK if hidden else frame[_DATA_SUM].hex().upper()
        head = f"{title(code)}: {unique.hex().upper()} {frame[_SHOWN].hex(' ', -2).upper()}"
        return " ".join((head, checksum, *(self._part(direction, *part) for part in split)))

    def _part(self, direction: TraceDirection, part: Part, data: bytes) -> str:
        pseudonyms = self._trace.pseudonyms
        match part:
            case Part.PLAIN:
                return data.hex(" ").upper()
            case Part.MAC:
                return pseudonyms.address(mac_text(data))
            case Part.IP:
                return pseudonyms.address(ip_text(data))
            case Part.PAN:
                return pseudonyms.pan(int.from_bytes(data))
            case Part.PAYLOAD:
                return self._trace.frame(direction, data)
            case Part.SECRET:
                return f"{MASK} ({len(data)} bytes)"
