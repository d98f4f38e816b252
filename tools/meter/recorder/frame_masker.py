"""Replaces what is secret in J11 frames by placeholders of the same length."""

from custom_components.wisun_route_b.stack import Credentials, j11_layout

from .frames import HEADER, PROVEN, RESPONSE, checksum, frame_size, is_frame
from .payloads import blank_whole
from .placeholders import PLACEHOLDER_ID, PLACEHOLDER_PASSWORD, Placeholders, same_length

_Part = j11_layout.Part
#: A checksum that data of zeros do not have: what was no whole frame does not become one.
_NO_CHECKSUM = b"\xff\xff"
_CODE = slice(4, 6)


class FrameMasker:
    """Masks one conversation; the size of everything stays, and checksums are those of what is shown."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Take the credentials, to find them also in unexpected places."""
        self._placeholders = Placeholders(credentials)

    def __call__(self, unit: bytes) -> bytes:
        """Return a unit of the wire as it may be shown; of noise, and of a torn frame's data, the size."""
        if is_frame(unit):
            return self._frame(unit)
        if frame_size(unit) is not None:
            return (unit[:PROVEN] + _NO_CHECKSUM).ljust(len(unit), b"\0")[: len(unit)]
        kept = len(RESPONSE) if unit.startswith(RESPONSE) else 0
        return unit[:kept].ljust(len(unit), b"\0")

    def _frame(self, frame: bytes) -> bytes:
        code = int.from_bytes(frame[_CODE])
        parts = j11_layout.parts(code, frame[HEADER:])
        data = b"".join(self._part(code, part, value) for part, value in parts)
        data = self._placeholders.literally(data)
        return frame[:PROVEN] + checksum(data) + data

    def _part(self, code: int, part: j11_layout.Part, data: bytes) -> bytes:
        match part:
            case _Part.PLAIN:
                return data
            case _Part.MAC:
                return self._placeholders.address(int.from_bytes(data)).to_bytes(8)
            case _Part.IP:
                return self._placeholders.ip(int.from_bytes(data)).to_bytes(16)
            case _Part.PAN:
                return self._placeholders.pan(int.from_bytes(data)).to_bytes(2)
            case _Part.PAYLOAD:
                return blank_whole(data)
            case _:
                return _secret(code, data)


def _secret(code: int, data: bytes) -> bytes:
    match code:
        case 0x0054:  # set credentials
            return same_length(PLACEHOLDER_ID + PLACEHOLDER_PASSWORD, data)
        case 0x0051:  # scan: the pairing ID is the end of the Route-B ID
            return same_length(PLACEHOLDER_ID[-8:], data)
        case _:
            return bytes(len(data))
