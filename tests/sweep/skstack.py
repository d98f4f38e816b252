"""SKSTACK IP at the wire: how to cut it into units, and what can go wrong in its words.

Damage replaces one character by ``?``, which no field of SKSTACK contains. Nothing above the
wire could detect another digit in place of a digit, or another byte inside a raw payload: neither
the serial line nor a datagram has a checksum. So a raw payload is damaged in its header or its
line end, and the last byte of an SKSENDTO turns the size of its last property into nonsense.
One exception is deliberate: a character of a password or an ID that a command sets. The dongle
takes it, and the sign-in fails later.
"""

from collections.abc import Callable, Mapping
from functools import partial
import re

from tools.emulator import Emulator
from tools.meter.recorder.splitter import DATAGRAM, Splitter as LineSplitter

from .echonet import ANSWERS, ESV, OPC, describe, other_transaction, without_properties
from .units import Direction, Place, Refusal, Unit

_SENDTO = re.compile(rb"SKSENDTO \S+ \S+ (\S+) \d (?:\d )?([0-9A-Fa-f]{4}) ")
_ECHONET, _PANA = 0x0E1A, 0x02CC
_MARK = b"?"
_FAIL_CODES = ("04", "05", "06", "09", "10")
_EVENTS_OF_THE_METER = ("24", "25", "26", "27", "28", "29")
_EVENTS_OF_THE_DONGLE = ("22", "32", "33")
_END = b"\r\n"


class SkstackSplitter:
    """Cuts one connection: a line, or an SKSENDTO or ERXUDP with its payload, is one unit."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._in = LineSplitter()
        self._asked = ""

    def feed(self, direction: Direction, data: bytes) -> list[Unit]:
        if direction is Direction.OUT:
            self._out += data
            return [self._command(unit) for unit in iter(self._cut_command, b"")]
        return [self._said(line) for line in self._in.feed(data)]

    def _cut_command(self) -> bytes:
        """Take the first whole command, or nothing."""
        buffer = self._out
        if match := _SENDTO.match(buffer):
            end = match.end() + int(match[2], 16)
            if len(buffer) < end:
                return b""
        else:
            end = buffer.find(b"\n") + 1
        unit = bytes(buffer[:end])
        del buffer[:end]
        return unit

    def _command(self, data: bytes) -> Unit:
        words = data.split(maxsplit=2)
        if not words:
            return Unit(Direction.OUT, "", data)
        kind = _word(words[0])
        payload = b""
        if kind == "SKSREG":
            kind += f"-{_word(words[1])}"
        elif match := _SENDTO.match(data):
            payload = data[match.end() :]
            kind += f"-{describe(payload)}"
        self._asked = kind.partition("-")[0]
        return Unit(Direction.OUT, kind, data, payload)

    def _said(self, data: bytes) -> Unit:
        match = DATAGRAM.search(data)
        if match is not None:
            return self._datagram(data, match)
        words = [_word(word) for word in data.replace(b":", b" ").split()]
        kind = words[0] if words else ""
        if kind == "EVENT" and len(words) > 1:
            kind += f"-{words[1]}"
            if words[1] == "21":
                kind += f"-{words[-1]}"
        elif kind == "OK":
            kind += f"-{self._asked}"
        elif kind.startswith("SK"):
            kind = f"echo-{kind}"
        elif kind == "FE80":
            kind = "IPV6"
        return Unit(Direction.IN, kind, data)

    def _datagram(self, data: bytes, match: re.Match[bytes]) -> Unit:
        size = int(match[2], 16)
        payload = data[match.end() :].removesuffix(_END)
        if len(payload) == 2 * size:
            payload = bytes.fromhex(payload.decode("ascii"))
        port = int(match[1], 16)
        kind = "PANA" if port == _PANA else describe(payload)
        return Unit(Direction.IN, f"ERXUDP-{kind}", data, payload)


def _word(text: bytes) -> str:
    return re.sub(r"[^0-9A-Za-z]", "?", text.decode("latin-1"))


class SkstackVocabulary:
    """What an SKSTACK dongle of one firmware can say."""

    def __init__(self, emulator: Emulator) -> None:
        lines = emulator.dongle.radio.printer.lines
        meter, dongle = emulator.air.pan.address, lines.address
        failures = {f"ER{code}": f"FAIL ER{code}\r\n".encode() for code in _FAIL_CODES}
        self.refusals: Mapping[str, Refusal] = {
            name: partial(_said_of_any, line) for name, line in failures.items()
        }
        self.strays: Mapping[str, bytes] = {
            "OK": b"OK\r\n",
            "EVENT-C0": b"EVENT C0\r\n",
            **{f"FAIL-{name}": line for name, line in failures.items()},
            **{f"EVENT-21-{value:02}": lines.event(0x21, meter, value) for value in range(3)},
            **{f"EVENT-{n}": lines.event(int(n, 16), meter) for n in _EVENTS_OF_THE_METER},
            **{f"EVENT-{n}": lines.event(int(n, 16), dongle) for n in _EVENTS_OF_THE_DONGLE},
        }

    def forbidden(self, unit: Unit) -> str | None:
        del unit  # SKSENDTO never sends in plain text, its third argument sees to that
        return None

    def is_command(self, unit: Unit) -> bool:
        return unit.direction is Direction.OUT and bool(unit.kind)

    def damaged(self, unit: Unit, place: Place) -> bytes:
        data = unit.data
        if unit.direction is Direction.OUT:
            return _spoil(data, _place_in_command(data, place))
        match = DATAGRAM.search(data)
        text = len(data) - len(_END)
        if match is None or text - match.end() != int(match[2], 16):
            return _spoil(data, {Place.START: 0, Place.MIDDLE: text // 2}.get(place, text - 1))
        return _spoil(data, {Place.START: 0, Place.MIDDLE: match.end() // 2}.get(place, text))

    def unended(self, unit: Unit) -> bytes:
        if _SENDTO.match(unit.data):
            return unit.data[:-1]
        return unit.data.removesuffix(_END)

    def other_transaction(self, unit: Unit) -> bytes | None:
        return self._rewritten(unit, other_transaction)

    def empty_refusal(self, unit: Unit) -> bytes | None:
        return self._rewritten(unit, without_properties)

    def _rewritten(self, unit: Unit, change: Callable[[bytes], bytes]) -> bytes | None:
        match = DATAGRAM.search(unit.data)
        if match is None or not self.answers_request(unit):
            return None
        raw = len(unit.data) - match.end() - len(_END) == len(unit.payload)
        payload = change(unit.payload)
        head = unit.data[: match.start(2)] + f"{len(payload):04X} ".encode()
        return head + (payload if raw else payload.hex().upper().encode()) + _END

    def refuse_joins(self, unit: Unit) -> bytes | None:
        return self.refusals["ER10"](unit) if unit.kind == "SKJOIN" else None

    def resets(self, unit: Unit) -> bool:
        return unit.kind == "SKRESET"

    def answers_request(self, unit: Unit) -> bool:
        echonet = unit.direction is Direction.IN and unit.kind.startswith("ERXUDP-")
        return echonet and len(unit.payload) > OPC and unit.payload[ESV] in ANSWERS


def _said_of_any(line: bytes, unit: Unit) -> bytes:
    """Return a negative answer that is the same for every command."""
    del unit
    return line


def _place_in_command(data: bytes, place: Place) -> int:
    """Return which byte of a command is damaged; the payload of SKSENDTO is spared but its end."""
    match = _SENDTO.match(data)
    text = match.end() if match else len(data.rstrip(_END))
    last = len(data) - 1 if match else text - 1
    return {Place.START: 0, Place.MIDDLE: text // 2}.get(place, last)


def _spoil(data: bytes, at: int) -> bytes:
    return data[:at] + _MARK + data[at + 1 :]
