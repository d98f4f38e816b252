"""RFC 2217: a serial port behind a telnet server, as ser2net and many serial servers offer it.

Telnet (RFC 854) gives the byte FF a meaning: in data it is doubled. Both directions must be binary
(RFC 856), or the server may change line ends. The parameters of the line are set by commands of
the COM port option (RFC 2217); nothing waits for their answers, which differ between servers.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
import re
from typing import Final, override

from ..errors import PortBusyError, PortError, PortUnreachableError
from .flood import FloodGuard

IAC: Final = 0xFF
_SE, _SB, _WILL, _WONT, _DO, _DONT = 0xF0, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE
_BINARY, _SUPPRESS_GO_AHEAD, _COM_PORT = 0, 3, 44
_BINARY_OUT, _BINARY_IN, _COM_PORT_OUT = (_WILL, _BINARY), (_DO, _BINARY), (_WILL, _COM_PORT)
#: What we ask for at once; everything else that a server offers or wants is declined.
_REQUESTED: Final = (
    _BINARY_OUT,
    _BINARY_IN,
    (_WILL, _SUPPRESS_GO_AHEAD),
    (_DO, _SUPPRESS_GO_AHEAD),
    _COM_PORT_OUT,
)
#: A command of the server -> that of ours that it answers; and the one that declines it.
_REQUESTS: Final = {_DO: _WILL, _DONT: _WILL, _WILL: _DO, _WONT: _DO}
_REFUSALS: Final = {_DO: _WONT, _WILL: _DONT}
#: COM port commands (RFC 2217, 3): SET-DATASIZE 8, SET-PARITY none, SET-STOPSIZE 1, SET-CONTROL no
#: flow control.
_LINE: Final = (b"\x02\x08", b"\x03\x01", b"\x04\x01", b"\x05\x01")
#: Bytes of data kept from before the negotiation has ended: a refusal in words.
_EARLY_LIMIT: Final = 256
#: Texts of bridges before they hang up: ser2net "Port already in use", "Port's device already in use".
_IN_USE: Final = re.compile(rb"\b(?:in use|busy|occupied)\b", re.IGNORECASE)
#: Two of WILL, WONT, DO, DONT with options that IANA has assigned (0 to 49): which noise hardly produces.
_NEGOTIATION: Final = re.compile(rb"(?:\xff[\xfb-\xfe][\x00-\x31]){2}")


class _Within(Enum):
    """Where in the stream the next byte is."""

    DATA = auto()
    COMMAND = auto()
    OPTION = auto()
    SUBNEGOTIATION = auto()
    SUBNEGOTIATION_COMMAND = auto()


class TelnetDecoder:
    """Takes telnet out of a stream that may be cut anywhere. No I/O."""

    def __init__(self, negotiated: Callable[[int, int], None]) -> None:
        """Take what is called with WILL, WONT, DO or DONT and its option."""
        self._negotiated = negotiated
        self._within = _Within.DATA
        self._command = 0

    def decode(self, received: bytes) -> bytes:
        """Return the data in what was received."""
        data = bytearray()
        for byte in received:
            if self._within is _Within.DATA and byte != IAC:
                data.append(byte)
            elif self._take(byte):
                data.append(IAC)
        return bytes(data)

    def _take(self, byte: int) -> bool:
        """Take a byte of a command; return whether it makes a doubled FF complete."""
        match self._within:
            case _Within.DATA:
                self._within = _Within.COMMAND
            case _Within.COMMAND:
                self._command = byte
                self._within = _AFTER_COMMAND.get(byte, _Within.DATA)
                return byte == IAC
            case _Within.OPTION:
                self._within = _Within.DATA
                self._negotiated(self._command, byte)
            case _Within.SUBNEGOTIATION:
                if byte == IAC:
                    self._within = _Within.SUBNEGOTIATION_COMMAND
            case _Within.SUBNEGOTIATION_COMMAND:
                self._within = _Within.DATA if byte == _SE else _Within.SUBNEGOTIATION
        return False


_AFTER_COMMAND: Final = {
    _SB: _Within.SUBNEGOTIATION,
    **dict.fromkeys((_WILL, _WONT, _DO, _DONT), _Within.OPTION),
}


class Rfc2217Client(asyncio.Protocol):
    """Stands between a TCP connection and the protocol that wants a serial port."""

    def __init__(self, protocol: asyncio.Protocol, baud_rate: int) -> None:
        """Prepare; the event loop makes the connection."""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when data can be sent; fails with a PortError."""
        self._protocol = protocol
        self._baud_rate = baud_rate
        self._decoder = TelnetDecoder(self._negotiated)
        #: Commands are not data, and no listener counts them. A server doubles each FF.
        self._guard = FloodGuard(2 * baud_rate)
        self._missing = {_BINARY_OUT, _BINARY_IN, _COM_PORT_OUT}
        self._early = bytearray()
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # as every TCP connection's
        self._send(*(bytes((IAC, *request)) for request in _REQUESTED))

    def _send(self, *commands: bytes) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(commands))

    def _negotiated(self, command: int, option: int) -> None:
        request = (_REQUESTS[command], option)
        if request not in _REQUESTED:
            if command in _REFUSALS:
                self._send(bytes((IAC, _REFUSALS[command], option)))
        elif request in self._missing:
            self._missing.remove(request)
            self._answered(request, accepted=command in _REFUSALS)

    def _answered(self, request: tuple[int, int], *, accepted: bool) -> None:
        if request == _COM_PORT_OUT:
            if accepted:  # else the line is set up at the server, as plain telnet has no way to
                self._set_line()
        elif not accepted:
            self._fail(PortUnreachableError("The telnet server does not pass on all bytes"))
        if not self._missing and not self.ready.done() and self._transport is not None:
            self.ready.set_result(None)
            self._protocol.connection_made(_EscapingTransport(self._transport, self._guard))

    def _set_line(self) -> None:
        baud_rate = b"\x01" + self._baud_rate.to_bytes(4)  # SET-BAUDRATE
        for command in (baud_rate, *_LINE):
            self._send(bytes((IAC, _SB, _COM_PORT)), _escaped(command), bytes((IAC, _SE)))

    def _fail(self, error: PortError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # the waiting caller gets it

    @override
    def data_received(self, data: bytes) -> None:
        if self._guard.is_flood(len(data)):
            self._hang_up()
            return
        serial = self._decoder.decode(data)
        if not self.ready.done():
            self._early += serial[: _EARLY_LIMIT - len(self._early)]
        elif serial:
            self._protocol.data_received(serial)

    def _hang_up(self) -> None:
        self._fail(PortUnreachableError("The server sends more than a serial line can carry"))
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None:
            self._protocol.connection_lost(exc)
        elif says_in_use(self._early):
            self._fail(PortBusyError("The server says that its port is in use"))
        else:
            self._fail(PortUnreachableError("The server has hung up"))


class _EscapingTransport(asyncio.Transport):
    """A transport whose data may hold the byte FF."""

    def __init__(self, transport: asyncio.Transport, guard: FloodGuard) -> None:
        super().__init__()
        self._transport = transport
        self._guard = guard

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._guard.expect_answer()
        self._transport.write(_escaped(bytes(data)))

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def close(self) -> None:
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()


def _escaped(data: bytes) -> bytes:
    return data.replace(b"\xff", b"\xff\xff")


def says_in_use(text: bytes | bytearray) -> bool:
    """Return whether a bridge reports that another client has its port ("Port already in use")."""
    return _IN_USE.search(text) is not None


def is_telnet(first: bytes | bytearray) -> bool:
    """Return whether a conversation begins as a telnet server's does: two commands before any line."""
    return _NEGOTIATION.search(first.partition(b"\n")[0]) is not None
