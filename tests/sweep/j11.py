"""J11 at the wire: how to cut it into units, and what can go wrong in its frames.

Damage changes one byte of a frame, which its two sums always show. Frames are cut and made with the
emulator's code, not with that of the stack.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from tools.emulator import Emulator
from tools.emulator.j11.frames import (
    FROM_DONGLE,
    FROM_HOST,
    HEADER,
    LONGEST,
    RESPONSE,
    SHORTEST,
    encode,
    total,
)
from tools.emulator.j11.module import State
from tools.emulator.j11.numbers import (
    BUSY,
    CHANGED,
    DAMAGED,
    DATA,
    DROPPED,
    HEADER_SUM,
    PANA,
    RESET,
    SCAN_RESULT,
    START_PANA,
    STARTED,
    TRANSMIT,
    UNHEARD_OF,
    UNKNOWN_COMMAND,
)

from .echonet import ANSWERS, ESV, OPC, describe, other_transaction, without_properties
from .units import Direction, Place, Refusal, Unit

#: What stands in front of the payload of a 0008, and of a 6018.
_SENT_HEAD, _HEARD_HEAD = 22, 27
#: Codes of notifications whose first byte says what it is about.
_NAMED_BY_FIRST_BYTE = (CHANGED, PANA)
#: What a command can be answered: every result of Route B but success (V12 p175-189).
_RESULTS = (
    *(0x02, 0x03, 0x04, 0x06, 0x0A, 0x0B, 0x0C, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14),
    *(0x20, 0x33, 0x34, 0x35, 0x37, 0x3C, 0x3D, 0x51, 0x52, 0x58, 0xF1, 0xF2, 0xF3),
)
#: Requests whose responses come at a wrong moment.
_REQUESTS = (0x0001, 0x0005, 0x0008, 0x0011, 0x0051, 0x0053, 0x0054, 0x0056, 0x005F, 0x006B, 0x0107)
_HAN_NOTIFICATIONS = (0x6023, 0x6036, 0x60DA)
_SPOIL = 0x55
#: The key of the session, and a rewrite of the firmware.
_NEVER = ("0059", "00F0")
#: Seconds that the dongle's answer about its state may be old: as long as the driver waits for one.
_STALE = 1.5
_OK = b"\1"


class J11Splitter:
    """Cuts one connection: a frame is one unit, and so is whatever stands between two."""

    def __init__(self) -> None:
        self._streams = {
            Direction.OUT: _Stream(FROM_HOST, _request),
            Direction.IN: _Stream(FROM_DONGLE, _said),
        }

    def feed(self, direction: Direction, data: bytes) -> list[Unit]:
        return self._streams[direction].feed(data)


class _Stream:
    """One direction."""

    def __init__(self, mark: bytes, name: Callable[[bytes], Unit]) -> None:
        self._mark = mark
        self._name = name
        self._noise = Unit(name(mark.ljust(HEADER, b"\0")).direction, "", b"")
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Unit]:
        self._buffer += data
        units: list[Unit] = []
        while (size := self._size()) > 0:
            unit = bytes(self._buffer[:size])
            del self._buffer[:size]
            whole = unit.startswith(self._mark) and len(unit) >= HEADER
            units.append(self._name(unit) if whole else Unit(self._noise.direction, "", unit))
        return units

    def _size(self) -> int:
        """Return how many bytes at the beginning are a unit; 0 if that is not known yet."""
        buffer = self._buffer
        if not buffer.startswith(self._mark):
            at = buffer.find(self._mark)
            if at > 0:
                return at
            begun = next((n for n in (3, 2, 1) if buffer.endswith(self._mark[:n])), 0)
            return len(buffer) - begun
        if len(buffer) < HEADER:
            return 0
        length = int.from_bytes(buffer[6:8])
        sound = total(buffer[:8]) == int.from_bytes(buffer[8:10])
        if not sound or not SHORTEST <= length <= LONGEST:
            return len(self._mark)
        return 8 + length if len(buffer) >= 8 + length else 0


def _request(frame: bytes) -> Unit:
    code = _code(frame)
    kind, payload = f"{code:04X}", b""
    if code == TRANSMIT:
        payload = frame[HEADER + _SENT_HEAD :]
        kind += f"-{describe(payload)}"
    return Unit(Direction.OUT, kind, frame, payload)


def _said(frame: bytes) -> Unit:
    code, data = _code(frame), frame[HEADER:]
    kind, payload = f"{code:04X}", b""
    if code == DATA:
        payload = data[_HEARD_HEAD:]
        kind += f"-{describe(payload)}"
    elif code in _NAMED_BY_FIRST_BYTE:
        kind += f"-{data[:1].hex()}"
    return Unit(Direction.IN, kind, frame, payload)


def _code(frame: bytes) -> int:
    return int.from_bytes(frame[4:6])


class J11Vocabulary:
    """What a J11 dongle can say."""

    def __init__(self, emulator: Emulator) -> None:
        self._module = emulator.j11.module
        mac = bytes.fromhex(emulator.air.pan.mac)
        pan_id = emulator.air.pan.pan_id.to_bytes(2)
        rssi, head = b"\xb9", b"\x10\x81\x00\x01\x02"
        self.refusals: Mapping[str, Refusal] = {
            "F0": lambda _: encode(DAMAGED, bytes((HEADER_SUM,))),
            "unknown": lambda _: encode(UNHEARD_OF, bytes((UNKNOWN_COMMAND,))),
            "nothing": partial(_answered, b""),
            **{f"{result:02X}": partial(_answered, bytes((result,))) for result in _RESULTS},
        }
        beacon = b"\0\x0c\x01" + mac + pan_id + rssi
        source = emulator.air.pan.address.replace(":", "")
        dropped = bytes.fromhex(source) + b"\x07\0\0\0" + head
        self.strays: Mapping[str, bytes] = {
            "F0": encode(DAMAGED, bytes((HEADER_SUM,))),
            "unknown": encode(UNHEARD_OF, bytes((UNKNOWN_COMMAND,))),
            "4051": encode(SCAN_RESULT, beacon),
            "4051-silent": encode(SCAN_RESULT, b"\x01\x0c"),
            "6019": encode(STARTED),
            "60D1": encode(0x60D1, b"\0"),
            **{f"601A-{n:02}": encode(CHANGED, bytes((n,)) + mac + rssi) for n in range(1, 5)},
            **{f"6028-{n:02}": encode(PANA, bytes((n,)) + mac) for n in range(1, 4)},
            **{f"6038-{n:02X}": encode(DROPPED, bytes((n,)) + dropped) for n in (1, 2, 0x40)},
            **{f"{code:04X}": encode(code, b"\1\2\3") for code in _HAN_NOTIFICATIONS},
            **{f"{code | RESPONSE:04X}": encode(code | RESPONSE, _OK) for code in _REQUESTS},
            **{
                f"{code | RESPONSE:04X}-busy": encode(code | RESPONSE, bytes((BUSY,)))
                for code in _REQUESTS
            },
        }

    def forbidden(self, unit: Unit) -> str | None:
        """Check what the host writes: a command that the line delays is the line's doing."""
        if unit.direction is not Direction.OUT:
            return None
        if unit.kind in _NEVER:
            return f"{unit.kind} was sent"
        if (
            not unit.kind.startswith(f"{TRANSMIT:04X}-")
            or self._module.state is State.AUTHENTICATED
        ):
            return None
        lost = self._module.keys_lost_at
        if lost is None:
            return "a datagram was sent before any sign-in"
        seconds = asyncio.get_running_loop().time() - lost
        return (
            f"a datagram was sent {seconds:.1f} s after the session" if seconds > _STALE else None
        )

    def is_command(self, unit: Unit) -> bool:
        return unit.direction is Direction.OUT and bool(unit.kind)

    def damaged(self, unit: Unit, place: Place) -> bytes:
        data = unit.data
        last = len(data) - 1
        at = {Place.START: 0, Place.MIDDLE: last // 2}.get(place, last)
        return data[:at] + bytes((data[at] ^ _SPOIL,)) + data[at + 1 :]

    def unended(self, unit: Unit) -> bytes:
        return unit.data[:-1]

    def other_transaction(self, unit: Unit) -> bytes | None:
        return self._rewritten(unit, other_transaction)

    def empty_refusal(self, unit: Unit) -> bytes | None:
        return self._rewritten(unit, without_properties)

    def _rewritten(self, unit: Unit, change: Callable[[bytes], bytes]) -> bytes | None:
        if not self.answers_request(unit):
            return None
        payload = change(unit.payload)
        head = unit.data[HEADER : HEADER + _HEARD_HEAD - 2]
        return encode(DATA, head + len(payload).to_bytes(2) + payload)

    def refuse_joins(self, unit: Unit) -> bytes | None:
        if unit.kind != f"{START_PANA:04X}":
            return None
        return _answered(bytes((BUSY,)), unit)

    def resets(self, unit: Unit) -> bool:
        return unit.kind == f"{RESET:04X}"

    def answers_request(self, unit: Unit) -> bool:
        echonet = unit.direction is Direction.IN and unit.kind.startswith(f"{DATA:04X}-")
        return echonet and len(unit.payload) > OPC and unit.payload[ESV] in ANSWERS


def _answered(data: bytes, unit: Unit) -> bytes:
    """Return a response to a request."""
    return encode(_code(unit.data) | RESPONSE, data)
