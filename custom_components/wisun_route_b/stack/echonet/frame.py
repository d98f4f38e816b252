"""The ECHONET Lite frame, format 1 (ECHONET Lite specification 1.14, part 2, chapter 3).

    EHD1 EHD2 | TID | SEOJ | DEOJ | ESV | OPC | (EPC PDC EDT) x OPC

SetGet frames carry a second list: the properties to get follow those to set. Decoding is
strict: every length must fit exactly, or :class:`DecodeError` is raised.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from ..errors import DecodeError, EncodeError
from ..route_b import MAX_PAYLOAD

#: EHD1 = ECHONET Lite, EHD2 = format 1 (part 2, 3.2.1).
_HEADER = b"\x10\x81"
_FIXED_SIZE = 12
#: What may follow the last property: padding to an even length, as some senders do.
_PADDING = b"\x00"
_EOJ_SIZE = 3

#: Largest frame in bytes: that of a datagram's payload.
MAX_FRAME_SIZE = MAX_PAYLOAD


class ESV(IntEnum):
    """ECHONET Lite service codes (part 2, tables 3-9 to 3-11)."""

    SET_I_SNA = 0x50
    SET_C_SNA = 0x51
    GET_SNA = 0x52
    INF_SNA = 0x53
    SET_GET_SNA = 0x5E
    SET_I = 0x60
    SET_C = 0x61
    GET = 0x62
    INF_REQ = 0x63
    SET_GET = 0x6E
    SET_RES = 0x71
    GET_RES = 0x72
    INF = 0x73
    INFC = 0x74
    INFC_RES = 0x7A
    SET_GET_RES = 0x7E

    @property
    def has_get_list(self) -> bool:
        """Return whether a frame with this service carries a second property list."""
        return self in (ESV.SET_GET, ESV.SET_GET_RES, ESV.SET_GET_SNA)


@dataclass(frozen=True, slots=True)
class Eoj:
    """An ECHONET object: class group, class and instance code, one byte each."""

    group: int
    class_code: int
    instance: int

    def encode(self) -> bytes:
        """Return the three bytes of the wire."""
        return bytes((self.group, self.class_code, self.instance))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read three bytes."""
        if len(data) != _EOJ_SIZE:
            raise DecodeError("An EOJ has three bytes")
        return cls(*data)


#: The controller, which is us (class 05FF; Route B fixes instance 01, AIF 1.01, 2.1).
CONTROLLER = Eoj(0x05, 0xFF, 0x01)
#: The low-voltage smart electric energy meter (class 0288).
METER = Eoj(0x02, 0x88, 0x01)
#: The node profile, which announces what a node is.
NODE_PROFILE = Eoj(0x0E, 0xF0, 0x01)


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a frame: its code (EPC) and its data (EDT, empty in a request)."""

    epc: int
    edt: bytes = field(default=b"", repr=False)
    """May be a serial number or an identification."""

    def encode(self) -> bytes:
        """Return EPC, PDC and EDT."""
        try:
            return bytes((self.epc, len(self.edt))) + self.edt
        except ValueError as err:
            raise EncodeError("EPC and PDC are single bytes") from err


@dataclass(frozen=True, slots=True)
class Frame:
    """One ECHONET Lite message.

    ``properties`` is the only list, or the list to set of a SetGet service;
    ``get_properties`` is the list to get of a SetGet service, else empty.
    """

    tid: int
    seoj: Eoj
    deoj: Eoj
    esv: ESV
    properties: tuple[Property, ...] = ()
    get_properties: tuple[Property, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the wire; raise EncodeError if they cannot exist."""
        if self.get_properties and not self.esv.has_get_list:
            raise EncodeError("Only SetGet services have a second property list")
        try:
            data = b"".join(
                (
                    _HEADER,
                    self.tid.to_bytes(2),
                    self.seoj.encode(),
                    self.deoj.encode(),
                    bytes((self.esv,)),
                    _encode_list(self.properties),
                    _encode_list(self.get_properties) if self.esv.has_get_list else b"",
                )
            )
        except (ValueError, OverflowError) as err:
            raise EncodeError("A field of the frame is out of range") from err
        if len(data) > MAX_FRAME_SIZE:
            raise EncodeError("The frame is longer than a Route-B datagram")
        return data

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one whole datagram; raise DecodeError unless every byte is accounted for.

        A single NUL behind the last property is accepted: it is no property, which has two bytes
        at least.
        """
        if len(data) < _FIXED_SIZE:
            raise DecodeError("The frame is too short")
        if data[:2] != _HEADER:
            raise DecodeError("Not an ECHONET Lite frame of format 1")
        try:
            esv = ESV(data[10])
        except ValueError as err:
            raise DecodeError(f"Unknown service code {data[10]:02X}") from err
        properties, end = _decode_list(data, 11)
        get_properties: tuple[Property, ...] = ()
        if esv.has_get_list:
            get_properties, end = _decode_list(data, end)
        if data[end:] not in (b"", _PADDING):
            raise DecodeError("The frame is longer than its properties")
        return cls(
            tid=int.from_bytes(data[2:4]),
            seoj=Eoj.decode(data[4:7]),
            deoj=Eoj.decode(data[7:10]),
            esv=esv,
            properties=properties,
            get_properties=get_properties,
        )


def _encode_list(properties: tuple[Property, ...]) -> bytes:
    return bytes((len(properties),)) + b"".join(item.encode() for item in properties)


def _decode_list(data: bytes, start: int) -> tuple[tuple[Property, ...], int]:
    """Read OPC and the properties behind it; return them and where they end."""
    if start >= len(data):
        raise DecodeError("The frame ends before its property count")
    properties: list[Property] = []
    position = start + 1
    for _ in range(data[start]):
        if position + 2 > len(data):
            raise DecodeError("The frame ends inside a property header")
        epc, size = data[position], data[position + 1]
        position += 2
        if position + size > len(data):
            raise DecodeError("The frame ends inside a property")
        properties.append(Property(epc, data[position : position + size]))
        position += size
    return tuple(properties), position
