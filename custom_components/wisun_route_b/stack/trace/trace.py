"""Puts the serial conversation into words that are fit for anybody's eyes, and keeps them.

A message is told field by field: addresses become numbers, frames lose what identifies. A line
that makes no sense is told by its shape: known words stay, every other letter or digit is an
``x``, for nobody can tell what noise has left of a key or an address. A last look removes
every secret that is known literally.
"""

import asyncio
import logging
import re
from typing import Final

from ..redact import MASK, Redactor
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
from ..skstack.pana import PANA_PORT
from .line_log import Direction, LineLog
from .masked_frame import masked_frame

_LOGGER = logging.getLogger(__name__)

#: Words that stay in a line that makes no sense: what SKSTACK says, and what we do.
_WORDS: Final = frozenset(
    b"OK FAIL EVENT EPANDESC ERXUDP EINFO EVER EAPPVER ESREG EADDR ENEIGHBOR ENBR EPORT ESEC"
    b" EPONG EEDSCAN EHANDLE Channel Page Pan ID Addr LQI Side PairID SKVER SKAPPVER SKINFO"
    b" SKSREG SKRESET SKSETPWD SKSETRBID SKSCAN SKLL64 SKJOIN SKREJOIN SKTERM SKSENDTO"
    b" SKTABLE ROPT WOPT RUART WUART".split()
)
#: Short arguments that stay as well: a failure, a register, the number of an event.
_ARGUMENT: Final = re.compile(rb"ER[0-9]{2}|S[0-9A-F]{1,2}")
_EVENT_NUMBER: Final = re.compile(rb"(?<=EVENT )[0-9A-F]{2}\b")
_RUN: Final = re.compile(rb"[0-9A-Za-z]+")
_UNPRINTABLE: Final = re.compile(rb"[^ -~]")
_PUNCTUATION: Final = re.compile(rb"[^0-9A-Za-z ]")
#: Characters of such a shape that are worth showing.
_SHAPE: Final = 160

#: What versions and registers look like; nothing else is repeated.
_VERSION: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){1,3}|rev[0-9a-z]{1,5}")
_REGISTER: Final = re.compile(r"[0-9A-F]{1,2}")
_IPV6: Final = re.compile(rb"\b(?:[0-9A-F]{4}:){7}[0-9A-F]{4}\b")


class Scribe:
    """Writes down one meter's conversation, connection after connection."""

    def __init__(self, redactor: Redactor, log: LineLog | None = None) -> None:
        """Take what hides the literal secrets, and where the lines are kept."""
        self._redactor = redactor
        self._log = log or LineLog()

    def sent(self, command: Command) -> None:
        """Note a command that is about to be written."""
        text = command.summary
        if command.payload:
            text = f"{text}: {self._frame(Direction.SENT, command.payload)}"
        elif receiver := _IPV6.search(command.data):
            text = text.replace(MASK, self._at(receiver[0].decode("ascii")))
        self._keep(Direction.SENT, text)

    def heard(self, message: Message) -> None:
        """Note what the dongle said."""
        self._keep(Direction.HEARD, self._told(message))

    def remark(self, text: str) -> None:
        """Note what became of the port."""
        self._keep(Direction.REMARK, text)

    def _keep(self, direction: Direction, text: str) -> None:
        text = self._redactor.literally(text)
        _LOGGER.debug("%s %s", direction, text)
        self._log.add(asyncio.get_running_loop().time(), direction, text)

    def _frame(self, direction: Direction, payload: bytes) -> str:
        frame = self._redactor.literally(masked_frame(payload))
        self._log.add_frame(asyncio.get_running_loop().time(), direction, frame)
        return frame

    def _at(self, address: str) -> str:
        return self._log.names.address(address)

    # --- Message by message ----------------------------------------------------------------

    def _told(self, message: Message) -> str:
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
        return f"{head} {self._frame(Direction.HEARD, datagram.payload)}"

    def _event(self, event: Event) -> str:
        address = "" if event.address is None else f" {self._at(event.address)}"
        return f"EVENT {event.number:02X}{address}{_digit(event.side)}{_byte(event.parameter)}"

    def _pan_description(self, pan: PanDescription) -> str:
        names = self._log.names
        pair = "none"
        if pan.pair_id is not None:
            ours = self._redactor.hides(pan.pair_id)
            pair = "ours" if ours else names.pair(pan.pair_id)
            if ours:
                self._redactor.learn(pan.address)
        return (
            f"EPANDESC channel {pan.channel:02X}, page {pan.page:02X}, {names.pan(pan.pan_id)},"
            f" {self._at(pan.address)}, LQI {pan.lqi:02X}, side{_digit(pan.side) or ' none'},"
            f" pairing ID {pair}"
        )

    def _info(self, info: Info) -> str:
        self._redactor.learn(info.address)
        side = " FFFE" if info.side is None else _digit(info.side)
        return (
            f"EINFO {self._at(info.ip)} {self._at(info.address)} {info.channel:02X}"
            f" {self._log.names.pan(info.pan_id)}{side}"
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
            return f"EVER {_if_it_looks_like(_VERSION, text)}"
        case AppVersion(text):
            return f"EAPPVER {_if_it_looks_like(_VERSION, text)}"
        case Register(value):
            return f"ESREG {_if_it_looks_like(_REGISTER, value)}"


def _if_it_looks_like(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else _shape(text.encode())


def _byte(value: int | None) -> str:
    return "" if value is None else f" {value:02X}"


def _digit(value: int | None) -> str:
    return "" if value is None else f" {value:X}"


def _kind_of_packet(packet: bytes) -> str:
    """Return flags and message type of a PANA packet (RFC 5191, 6.2)."""
    return f"flags {packet[4:6].hex().upper()}, type {packet[6:8].hex().upper()}, the rest masked"


def _shape(line: bytes) -> str:
    """Return a line of which nothing is known: known words, and how long everything else is."""
    numbers = {found.start() for found in _EVENT_NUMBER.finditer(line)}

    def hide(run: re.Match[bytes]) -> bytes:
        known = run[0] in _WORDS or _ARGUMENT.fullmatch(run[0]) or run.start() in numbers
        return run[0] if known else b"x" * len(run[0])

    printable = _UNPRINTABLE.search(line) is None
    shape = _RUN.sub(hide, line if printable else _PUNCTUATION.sub(b".", line)).decode("ascii")
    if len(shape) <= _SHAPE:
        return shape
    return f"{shape[:_SHAPE]}… ({len(line)} bytes)"
