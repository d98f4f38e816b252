"""A J11 dongle that says exactly what a test wants, at the wire.

It answers the requests of a connection in the shapes of capture 30 (ROHM's application note), and leaves
to ``on_request`` what the meter says. A test replaces the response to a command by its code.
"""

import asyncio
from collections.abc import Callable
from typing import Final, override

from custom_components.wisun_route_b.stack import Network
from custom_components.wisun_route_b.stack.echonet import Frame
from custom_components.wisun_route_b.stack.j11.frames import encode_response
from tests.stack.scripted import METER_MAC, ScriptedDongle, answer_to

#: Where :class:`ScriptedJ11Dongle` finds its meter.
J11_NETWORK: Final = Network(0x31, 0x21A3, METER_MAC)
#: The channel of that network in J11.
CHANNEL: Final = 12
MAC: Final = bytes.fromhex(METER_MAC)
OTHER_MAC: Final = bytes.fromhex("001C640060149999")
PAN: Final = bytes.fromhex("21A3")
RSSI: Final = b"\xb9"
DBM: Final = -71
METER_IP: Final = bytes.fromhex("FE80000000000000021C6400601421A3")
ECHONET: Final = bytes.fromhex("0E1A")

OK: Final = b"\x01"
_REQUEST_CODE: Final = bytes.fromhex("D0EA83FC")
_IDLE, _OPERATING, _AUTHENTICATED = 1, 2, 3


def response(code: int, data: bytes = OK) -> bytes:
    """Return the frame of a response to the request ``code``."""
    return encode_response(code | 0x2000, data)


def notification(code: int, data: bytes = b"") -> bytes:
    """Return the frame of a notification."""
    return encode_response(code, data)


def datagram(
    payload: bytes,
    *,
    source: bytes = METER_IP,
    pan: bytes = PAN,
    port: bytes = ECHONET,
    secured: int = 2,
    rssi: bytes = RSSI,
    size: int | None = None,
) -> bytes:
    """Return the frame of a datagram that was received."""
    length = (len(payload) if size is None else size).to_bytes(2)
    head = source + ECHONET + port + pan + bytes((0, secured)) + rssi
    return notification(0x6018, head + length + payload)


def pana_result(outcome: int, mac: bytes = MAC) -> bytes:
    return notification(0x6028, bytes((outcome,)) + mac)


def connection_changed(change: int, mac: bytes = MAC) -> bytes:
    return notification(0x601A, bytes((change,)) + mac + RSSI)


class ScriptedJ11Dongle(ScriptedDongle):
    """Both ends in one; see :class:`ScriptedDongle` for what a test can look at."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        """All that the host has written."""
        self.codes: list[int] = []
        """Codes of the host's requests, in order."""
        self.data: list[bytes] = []
        """Their data."""
        self.responses: dict[int, bytes] = {}
        """What to say to a request instead of the usual, by its code."""
        self.first_responses: dict[int, list[bytes]] = {}
        """The same, for the next such requests only."""
        self.started = False
        self.state = _IDLE
        self.channel = 0xFF
        self.firmware = 0x0400
        self.han = 0
        self.joined = PAN + MAC
        """PAN and MAC of the meter that 0053 joins."""
        self.on_request: Callable[[Frame], None] = self.answer_meter

    # --- What a test may do ----------------------------------------------------------------

    def answer_meter(self, request: Frame) -> None:
        """Answer a request of ECHONET Lite as the meter of capture 08 would."""
        self.say(datagram(answer_to(request).encode()))

    def restart(self) -> None:
        """Restart as the watchdog does it."""
        self.started, self.state, self.channel = False, _IDLE, 0xFF
        self.say(notification(0x6019))

    def authenticate(self) -> None:
        """Have a session, as an earlier program has left it."""
        self.started, self.state, self.channel = True, _AUTHENTICATED, CHANNEL

    # --- The interpreter -------------------------------------------------------------------

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        super().write(data)

    @override
    def _work(self) -> None:
        while (at := self._buffer.find(_REQUEST_CODE)) >= 0:
            self._buffer = self._buffer[at:]
            size = 8 + int.from_bytes(self._buffer[6:8])
            if len(self._buffer) < max(size, 12):
                return
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            self._request(int.from_bytes(request[4:6]), request[12:])

    def _request(self, code: int, data: bytes) -> None:
        self.codes.append(code)
        self.data.append(data)
        self.command_times.append((f"{code:04X}", asyncio.get_running_loop().time()))
        if waiting := self.first_responses.get(code):
            self.say(waiting.pop(0))
        elif code in self.responses:
            self.say(self.responses[code])
        else:
            self._execute(code, data)

    def _execute(self, code: int, data: bytes) -> None:
        match code:
            case 0x00D9:
                self.restart()
            case 0x0051:
                self._scan(code)
            case 0x0056:
                self.state = _AUTHENTICATED
                self.say(response(code) + pana_result(1))
            case 0x0008:
                self._transmit(code, data)
            case _:
                self._change_state(code, data)
                self.say(response(code, OK + self._answer(code)))

    def _change_state(self, code: int, data: bytes) -> None:
        self.state = {0x0053: _OPERATING, 0x0057: _OPERATING, 0x0058: _IDLE}.get(code, self.state)
        if code == 0x005F:
            self.started, self.channel = True, data[2]

    def _answer(self, code: int) -> bytes:
        """Return what stands behind the result of a response."""
        answers = {
            0x006B: self.firmware.to_bytes(2) + bytes.fromhex("01030000158A"),
            0x0001: bytes((3 if self.started else 2, self.state, self.han)),
            0x0107: bytes((5, 0, self.channel, 0)),
            0x0011: self._peers(),
            0x0053: bytes((CHANNEL,)) + self.joined + RSSI,
        }
        return answers.get(code, b"")

    def _peers(self) -> bytes:
        if self.state == _IDLE:
            return b"\x00"
        pan, mac = self.joined[:2], self.joined[2:]
        return b"\x01\x01" + mac + pan + bytes((1, 7, self.state - 1))

    def _scan(self, code: int) -> None:
        for channel in range(4, 18):
            heard = b"\x00" + bytes((channel, 1)) + MAC + PAN + RSSI
            silent = b"\x01" + bytes((channel,))
            self.say(notification(0x4051, heard if channel == CHANNEL else silent))
        self.say(response(code))

    def _transmit(self, code: int, data: bytes) -> None:
        payload = data[22:]
        self.say(response(code, OK + b"\x00" + payload[:5]))
        request = Frame.decode(payload)
        self.requests.append(request)
        self.on_request(request)
