"""The lines of the trace for SKSTACK IP.

A message is shown field by field: addresses become pseudonyms, frames lose what identifies a
household. A line that cannot be parsed is shown by its shape: known words stay.
"""

import re
from typing import Final

from ..redact import MASK
from ..route_b import PANA_PORT
from ..skstack import (
    AppVersion,
    Command,
    Datagram,
    Echo,
    Event,
    Fail,
    Info,
    LinkLocalAddress,
    Message,
    Ok,
    PanDescription,
    Register,
    Unknown,
    Version,
)
from ..trace.line_log import TraceDirection
from ..trace.trace import Trace, shape

#: Words that stay in a line that cannot be parsed: those of SKSTACK and those of our commands.
_WORDS: Final = frozenset(
    b"OK FAIL EVENT EPANDESC ERXUDP EINFO EVER EAPPVER ESREG EADDR ENEIGHBOR ENBR EPORT ESEC"
    b" EPONG EEDSCAN EHANDLE Channel Page Pan ID Addr LQI Side PairID SKVER SKAPPVER SKINFO"
    b" SKSREG SKRESET SKSETPWD SKSETRBID SKSCAN SKLL64 SKJOIN SKREJOIN SKTERM SKSENDTO"
    b" SKTABLE ROPT WOPT RUART WUART".split()
)
#: Short arguments that stay as well: a failure, a register, the number of an event.
_ARGUMENT: Final = re.compile(rb"ER[0-9]{2}|S[0-9A-F]{1,2}")
_EVENT_NUMBER: Final = re.compile(rb"(?<=EVENT )[0-9A-F]{2}\b")

#: What versions and registers look like; nothing else is repeated.
_VERSION: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){1,3}|rev[0-9a-z]{1,5}")
_REGISTER: Final = re.compile(r"[0-9A-F]{1,2}")
_IPV6: Final = re.compile(rb"\b(?:[0-9A-F]{4}:){7}[0-9A-F]{4}\b")


class SkstackTrace:
    """Writes the commands and messages of one dongle into the trace."""

    def __init__(self, trace: Trace) -> None:
        """Take the trace that keeps the lines."""
        self._trace = trace

    def sent(self, command: Command) -> None:
        """Log a command that is about to be written."""
        text = command.summary
        if command.payload:
            text = f"{text}: {self._trace.frame(TraceDirection.SENT, command.payload)}"
        elif receiver := _IPV6.search(command.data):
            text = text.replace(MASK, self._at(receiver[0].decode("ascii")))
        self._trace.sent(text)

    def received(self, message: Message) -> None:
        """Log what was received."""
        self._trace.received(self._text(message))

    def _at(self, address: str) -> str:
        return self._trace.pseudonyms.address(address)

    # --- Message by message ----------------------------------------------------------------

    def _text(self, message: Message) -> str:
        match message:
            case Datagram():
                return self._datagram(message)
            case Event():
                return self._event(message)
            case PanDescription():
                return self._pan_description(message)
            case Info():
                return self._info(message)
            case LinkLocalAddress(ip):
                return self._at(ip)
            case _:
                return _line(message)

    def _datagram(self, datagram: Datagram) -> str:
        head = (
            f"ERXUDP {self._at(datagram.source)} {self._at(datagram.destination)}"
            f" {datagram.remote_port:04X} {datagram.local_port:04X} {self._at(datagram.address)}"
            f"{_byte(datagram.rssi)} {datagram.secured:d}{_digit(datagram.side)}"
            f" {len(datagram.payload):04X}"
        )
        if PANA_PORT in (datagram.local_port, datagram.remote_port):
            return f"{head} PANA {_kind_of_packet(datagram.payload)}"
        return f"{head} {self._trace.frame(TraceDirection.RECEIVED, datagram.payload)}"

    def _event(self, event: Event) -> str:
        address = "" if event.address is None else f" {self._at(event.address)}"
        return f"EVENT {event.number:02X}{address}{_digit(event.side)}{_byte(event.parameter)}"

    def _pan_description(self, pan: PanDescription) -> str:
        pseudonyms = self._trace.pseudonyms
        pair = "none"
        if pan.pair_id is not None:
            ours = self._trace.redactor.hides(pan.pair_id)
            pair = "ours" if ours else pseudonyms.pair(pan.pair_id)
            if ours:
                self._trace.redactor.learn(pan.address)
        return (
            f"EPANDESC channel {pan.channel:02X}, page {pan.page:02X}, {pseudonyms.pan(pan.pan_id)},"
            f" {self._at(pan.address)}, LQI {pan.lqi:02X}, side{_digit(pan.side) or ' none'},"
            f" pairing ID {pair}"
        )

    def _info(self, info: Info) -> str:
        self._trace.redactor.learn(info.address)
        side = " FFFE" if info.side is None else _digit(info.side)
        return (
            f"EINFO {self._at(info.ip)} {self._at(info.address)} {info.channel:02X}"
            f" {self._trace.pseudonyms.pan(info.pan_id)}{side}"
        )


def _line(message: Ok | Fail | Version | AppVersion | Register | Echo | Unknown) -> str:
    match message:
        case Echo(line) | Unknown(line):
            return f"{type(message).__name__}: {_shape(line)}"
        case Ok(value):
            return "OK" if value is None else f"OK {value}"
        case Fail(code):
            return f"FAIL ER{code:02d}"
        case Version(text):
            return f"EVER {_if_it_matches(_VERSION, text)}"
        case AppVersion(text):
            return f"EAPPVER {_if_it_matches(_VERSION, text)}"
        case Register(value):
            return f"ESREG {_if_it_matches(_REGISTER, value)}"


def _if_it_matches(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else _shape(text.encode())


def _byte(value: int | None) -> str:
    return "" if value is None else f" {value:02X}"


def _digit(value: int | None) -> str:
    return "" if value is None else f" {value:X}"


def _kind_of_packet(packet: bytes) -> str:
    """Return flags and message type of a PANA packet (RFC 5191, 6.2)."""
    return f"flags {packet[4:6].hex().upper()}, type {packet[6:8].hex().upper()}, the rest masked"


def _shape(line: bytes) -> str:
    """Return the shape of a line, in which the words of SKSTACK stay."""
    numbers = {found.start() for found in _EVENT_NUMBER.finditer(line)}

    def known(run: re.Match[bytes]) -> bool:
        known_word = run[0] in _WORDS or _ARGUMENT.fullmatch(run[0]) is not None
        return known_word or run.start() in numbers

    return shape(line, known)
