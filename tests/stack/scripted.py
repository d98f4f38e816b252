"""A dongle that says exactly what a test wants, at the wire.

The emulator is faithful; this one is for lines that no emulator should ever say. It answers
the commands of a connection to a single-stack dongle, in the shapes of captures 05 to 09, and
leaves everything after that to ``on_request``.
"""

import asyncio
from collections.abc import Callable
import re
from typing import override

from custom_components.wisun_route_b.stack import Connector, Network
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property

ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"
DONGLE_IP = "FE80:0000:0000:0000:021D:1290:0005:747B"
METER_IP = "FE80:0000:0000:0000:021C:6400:6014:21A3"
METER_MAC = "001C6400601421A3"
NEIGHBOUR_IP = "FE80:0000:0000:0000:021C:6400:6014:9999"
NETWORK = Network(0x31, 0x21A3, METER_MAC)

_SENDTO = re.compile(rb"SKSENDTO 1 \S+ \S+ \d (?:\d )?([0-9A-F]{4}) ")

#: What the meter of capture 08 says of itself.
METER_SAYS: dict[int, str] = {
    0x80: "30",
    0x82: "00004600",
    0x88: "42",
    0x8A: "000016",
    0x8D: "463234473336363530350000",
    0x9F: "1941414160404000624300414040430202",
    0xD3: "00000001",
    0xD7: "06",
    0xE0: "0000FE73",
    0xE1: "01",
    0xE3: "00000016",
    0xE7: "00000278",
    0xE8: "001E0032",
    0xEA: "07EA05140E00000000FE68",
}


def erxudp(
    payload: bytes, *, source: str = METER_IP, port: str = "0E1A", secured: str = "1"
) -> bytes:
    """Return the line of a datagram in the form of a single-stack dongle."""
    head = f"ERXUDP {source} {DONGLE_IP} {port} {port} {METER_MAC} {secured} "
    return f"{head}{len(payload):04X} {payload.hex().upper()}\r\n".encode()


def pana(sequence: int, attributes: bytes = b"") -> bytes:
    """Return the line of a PANA packet of the meter: a header, and attributes behind it."""
    size = 16 + len(attributes)
    head = bytes(2) + size.to_bytes(2) + bytes.fromhex("80000002") + bytes(4)
    return erxudp(head + sequence.to_bytes(4) + attributes, port="02CC", secured="0")


#: Start and challenge, acknowledged, and then nothing: the password was wrong.
JOIN_REFUSED = (
    f"OK\r\nEVENT 21 {METER_IP} 00\r\n".encode()
    + pana(1)
    + pana(2)
    + f"EVENT 24 {METER_IP}\r\n".encode()
)


def answer_to(request: Frame, says: dict[int, str] = METER_SAYS) -> Frame:
    """Return what a meter that knows ``says`` answers to a Get."""
    listed = tuple(
        Property(item.epc, bytes.fromhex(says.get(item.epc, ""))) for item in request.properties
    )
    esv = ESV.GET_RES if all(item.edt for item in listed) else ESV.GET_SNA
    return Frame(request.tid, METER, CONTROLLER, esv, listed)


class ScriptedDongle(asyncio.Transport):
    """Both ends in one: the transport the host writes to, and what answers there."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Frame] = []
        """ECHONET Lite requests of the host, in order."""
        self.commands: list[str] = []
        """Command lines of the host, in order."""
        self.command_times: list[tuple[str, float]] = []
        """First word of each command, and when it came in seconds of the loop's clock."""
        self.replies: dict[str, bytes] = {}
        """What to answer to a command instead of the usual, by its first word or as a whole."""
        self.first_replies: dict[str, bytes] = {}
        """The same, for the next such command only."""
        self.write_error: OSError | None = None
        """What a write fails with."""
        self.swallow = 0
        """Bytes that the dongle takes for the rest of a datagram."""
        self.on_request: Callable[[Frame], None] = self.answer
        self._host: asyncio.Protocol | None = None
        self._buffer = b""
        self._closed = False

    def connector(self) -> Connector:
        async def connect(
            factory: Callable[[], asyncio.Protocol],
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            self._host = factory()
            self._closed = False
            self._buffer = b""
            self.opened()
            self._host.connection_made(self)
            return self, self._host

        return connect

    def opened(self) -> None:
        """Note that the port is being opened."""

    def say(self, data: bytes) -> None:
        """Have the host receive these bytes, now."""
        assert self._host is not None
        if not self._closed:
            self._host.data_received(data)

    def unplug(self) -> None:
        """End the connection from this side."""
        assert self._host is not None
        if not self._closed:
            self._closed = True
            self._host.connection_lost(OSError(5, "gone"))

    def answer(self, request: Frame) -> None:
        """Answer a request as the meter of capture 08 would."""
        self.accept()
        self.say(erxudp(answer_to(request).encode()))

    def accept(self) -> None:
        """Say that the datagram is on the air: EVENT 21 first, as in every capture."""
        self.say(f"EVENT 21 {METER_IP} 00\r\nOK\r\n".encode())

    # --- asyncio.Transport ---

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.write_error is not None:
            raise self.write_error
        rest = bytes(data)[self.swallow :]
        self.swallow = max(0, self.swallow - len(data))
        self._buffer += rest
        asyncio.get_running_loop().call_soon(self._work)

    @override
    def close(self) -> None:
        if not self._closed and self._host is not None:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._host.connection_lost, None)

    @override
    def abort(self) -> None:
        self.close()

    @override
    def is_closing(self) -> bool:
        return self._closed

    # --- the interpreter ---

    def _work(self) -> None:
        while self._buffer:
            if sendto := _SENDTO.match(self._buffer):
                end = sendto.end() + int(sendto[1], 16)
                if len(self._buffer) < end:
                    return
                payload, self._buffer = self._buffer[sendto.end() : end], self._buffer[end:]
                request = Frame.decode(payload)
                self.requests.append(request)
                self.on_request(request)
            elif b"\n" in self._buffer:
                line, _, self._buffer = self._buffer.partition(b"\n")
                self._command(line.strip().decode("latin-1"))
            else:
                return

    def know(self, says: dict[int, str]) -> None:
        """Answer requests from now on as a meter that knows ``says`` (EDT in hex by EPC)."""

        def answer(request: Frame) -> None:
            self.accept()
            self.say(erxudp(answer_to(request, says).encode()))

        self.on_request = answer

    def withhold_answers(self) -> list[Frame]:
        """Accept requests from now on without an answer; return the list that they are added to."""
        withheld: list[Frame] = []

        def keep(request: Frame) -> None:
            self.accept()
            withheld.append(request)

        self.on_request = keep
        return withheld

    def _command(self, line: str) -> None:
        word = line.partition(" ")[0]
        if not word or not word.isascii():
            return  # an empty line, or the question whether this is a J11 dongle
        self.commands.append(line)
        self.command_times.append((word, asyncio.get_running_loop().time()))
        reply = self.replies.get(line, self.replies.get(word, self.usual(word)))
        first = line if line in self.first_replies else word
        self.say(self.first_replies.pop(first, reply))

    def usual(self, word: str) -> bytes:
        """Return what a healthy dongle answers to a command."""
        usual = {
            "SKVER": "EVER 1.2.10\r\nOK\r\n",
            "SKAPPVER": "EAPPVER rev26e\r\nOK\r\n",
            "SKINFO": f"EINFO {DONGLE_IP} 001D12900005747B 21 FFFF FFFE\r\nOK\r\n",
            "SKLL64": f"{METER_IP}\r\n",
            "SKSCAN": (
                f"OK\r\nEVENT 20 {DONGLE_IP}\r\nEPANDESC\r\n  Channel:31\r\n"
                "  Channel Page:09\r\n  Pan ID:21A3\r\n"
                f"  Addr:{METER_MAC}\r\n  LQI:98\r\n  PairID:{ROUTE_B_ID[-8:]}\r\n"
                f"EVENT 22 {DONGLE_IP}\r\n"
            ),
            "SKJOIN": f"OK\r\nEVENT 21 {METER_IP} 00\r\nEVENT 25 {METER_IP}\r\n",
            "SKTERM": f"OK\r\nEVENT 27 {METER_IP}\r\n",
        }
        return usual.get(word, "OK\r\n").encode()
