"""ECHONET Lite frames, written and read here on purpose without the code under test.

Two ends that share a codec share its mistakes.
"""

from dataclasses import dataclass
from enum import IntEnum

#: The UDP port of ECHONET Lite, 3610.
ECHONET_PORT = 0x0E1A
_HEADER = b"\x10\x81"
_FIXED_SIZE = 12

METER = b"\x02\x88\x01"
NODE_PROFILE = b"\x0e\xf0\x01"
CONTROLLER = b"\x05\xff\x01"

type Properties = tuple[tuple[int, bytes], ...]


class Service(IntEnum):
    """The services (ESV) that a Route-B meter meets or uses."""

    SET_I_SNA = 0x50
    SET_C_SNA = 0x51
    GET_SNA = 0x52
    INF_SNA = 0x53
    SET_I = 0x60
    SET_C = 0x61
    GET = 0x62
    INF_REQ = 0x63
    SET_RES = 0x71
    GET_RES = 0x72
    INF = 0x73
    INFC = 0x74
    INFC_RES = 0x7A


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: who, to whom, what, and the properties with their data."""

    tid: int
    source: bytes
    destination: bytes
    service: int
    properties: Properties

    def encode(self) -> bytes:
        """Return the bytes of the datagram."""
        items = b"".join(bytes((epc, len(edt))) + edt for epc, edt in self.properties)
        return (
            _HEADER
            + self.tid.to_bytes(2)
            + self.source
            + self.destination
            + bytes((self.service, len(self.properties)))
            + items
        )


def decode(data: bytes) -> Frame | None:
    """Return the frame, or None for anything that is not exactly one."""
    if len(data) < _FIXED_SIZE or data[:2] != _HEADER:
        return None
    properties: list[tuple[int, bytes]] = []
    position = _FIXED_SIZE
    for _ in range(data[11]):
        head = data[position : position + 2]
        if len(head) < 2:  # noqa: PLR2004 - EPC and PDC
            return None
        position += 2
        edt = data[position : position + head[1]]
        if len(edt) < head[1]:
            return None
        position += head[1]
        properties.append((head[0], edt))
    if position != len(data):
        return None
    return Frame(
        tid=int.from_bytes(data[2:4]),
        source=data[4:7],
        destination=data[7:10],
        service=data[10],
        properties=tuple(properties),
    )


def property_map(epcs: frozenset[int]) -> bytes:
    """Return a property map: a list up to 15 properties, else a bitmap (annex 1)."""
    count = bytes((len(epcs),))
    if len(epcs) < 16:  # noqa: PLR2004 - annex 1 of the Appendix
        return count + bytes(sorted(epcs))
    rows = (
        sum(1 << high for high in range(8) if (0x80 | high << 4 | low) in epcs) for low in range(16)
    )
    return count + bytes(rows)
