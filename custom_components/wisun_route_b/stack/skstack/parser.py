"""One line to its message: a table of small pure functions, one for each keyword.

A dongle that echoes prints every character at once, so the bytes of a command that was never
finished stand in front of its next message: ``SKSENDTOEVENT 21 ...``. That "glue" is cut
off wherever the rest is unmistakable. A keyword with arguments is: they have exact forms, and
no argument of a command contains a space. The bare words OK and EPANDESC are not, for a
password may end in them; they count only behind glue that contains no space, hence no
argument, and OK only where that glue looks like a command, since it answers one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import re
from types import MappingProxyType
from typing import Final, NamedTuple, override

from ._tokens import BYTE, DIGIT, IPV6, MAC, WORD, number, upper
from .events import EventNumber, FailCode
from .messages import (
    AppVersion,
    Echo,
    Event,
    Fail,
    Info,
    LinkLocalAddress,
    Ok,
    Register,
    Unknown,
    Version,
)


@dataclass(frozen=True, slots=True)
class PanDescriptionBegins:
    """The headline of an EPANDESC block; its fields follow."""


type Content = (
    Ok
    | Fail
    | Event
    | Info
    | Version
    | AppVersion
    | Register
    | LinkLocalAddress
    | Echo
    | Unknown
    | PanDescriptionBegins
)


class Parsed(NamedTuple):
    """The message of a line, and the glue in front of it."""

    glue: bytes
    content: Content

    @override
    def __repr__(self) -> str:
        """Hide the glue: the echo of a command may hold the password."""
        return f"Parsed({self.content!r})"


# A lone byte behind the address is a parameter, as single-stack firmware prints it; but FF is
# the side of an event that belongs to neither (C2, page 66), and no parameter has that value.
_EVENT = re.compile(
    rb" (?P<number>%b)(?: (?P<address>%b)(?: (?P<side>%b|FF))?(?: (?P<parameter>%b))?)?"
    % (BYTE, IPV6, DIGIT, BYTE)
)
_FAIL = re.compile(rb" ER(?P<code>[0-9]{2})")
_INFO = re.compile(
    rb" (?P<ip>%b) (?P<address>%b) (?P<channel>%b) (?P<pan_id>%b) (?P<side>[01]|FFFE)"
    % (IPV6, MAC, BYTE, WORD)
)
_TEXT = re.compile(rb" (?P<text>[!-~]{1,32})")
_IPV6_LINE = re.compile(IPV6)
_OK = re.compile(rb"(?P<glue>(?:S(?:K[0-9A-Z]*)?)?)OK(?: (?P<value>%b))?" % BYTE)
_PAN_DESCRIPTION = re.compile(rb"(?P<glue>[^ ]*)EPANDESC")
_COMMAND = re.compile(rb"SK[A-Z]|[RW](?:OPT|UART)\b")


def _event(match: re.Match[bytes]) -> Event | None:
    value = number(match["number"])
    if match["address"] is None:
        woke_up = value == EventNumber.WOKE_UP
        return Event(EventNumber.WOKE_UP) if woke_up else None
    side, parameter = match["side"], match["parameter"]
    return Event(
        number=EventNumber(value) if value in EventNumber else value,
        address=upper(match["address"]),
        side=None if side is None else number(side),
        parameter=None if parameter is None else number(parameter),
    )


def _fail(match: re.Match[bytes]) -> Fail:
    code = int(match["code"])
    return Fail(FailCode(code) if code in FailCode else code)


def _info(match: re.Match[bytes]) -> Info:
    side = match["side"]
    return Info(
        ip=upper(match["ip"]),
        address=upper(match["address"]),
        channel=number(match["channel"]),
        pan_id=number(match["pan_id"]),
        side=number(side) if len(side) == 1 else None,
    )


def _version(match: re.Match[bytes]) -> Version:
    return Version(match["text"].decode("ascii"))


def _app_version(match: re.Match[bytes]) -> AppVersion:
    return AppVersion(match["text"].decode("ascii"))


def _register(match: re.Match[bytes]) -> Register:
    return Register(match["text"].decode("ascii"))


class _Rule(NamedTuple):
    """What must follow a keyword, and how to read it."""

    form: re.Pattern[bytes]
    read: Callable[[re.Match[bytes]], Content | None]


_RULES: Final[Mapping[bytes, _Rule]] = MappingProxyType(
    {
        b"EVENT": _Rule(_EVENT, _event),
        b"FAIL": _Rule(_FAIL, _fail),
        b"EINFO": _Rule(_INFO, _info),
        b"EVER": _Rule(_TEXT, _version),
        b"EAPPVER": _Rule(_TEXT, _app_version),
        b"ESREG": _Rule(_TEXT, _register),
    }
)
_KEYWORD = re.compile(rb"(?:%b)(?= )" % b"|".join(_RULES))


def parse(line: bytes) -> Parsed:
    """Return the message of a line. Trailing spaces, which some firmware prints, mean nothing."""
    text = line.rstrip(b" ")
    for keyword in _KEYWORD.finditer(text):
        rule = _RULES[keyword[0]]
        match = rule.form.fullmatch(text, keyword.end())
        if match is not None and (content := rule.read(match)) is not None:
            return Parsed(text[: keyword.start()], content)
    return _parse_bare_word(text) or Parsed(b"", classify_unknown(line))


def classify_unknown(line: bytes) -> Echo | Unknown:
    """Distinguish the echo of a command, finished or not, from unknown text."""
    return Echo(line) if _COMMAND.match(line) else Unknown(line)


def _parse_bare_word(text: bytes) -> Parsed | None:
    if match := _OK.fullmatch(text):
        value = match["value"]
        return Parsed(match["glue"], Ok(None if value is None else value.decode("ascii").upper()))
    if match := _PAN_DESCRIPTION.fullmatch(text):
        return Parsed(match["glue"], PanDescriptionBegins())
    if _IPV6_LINE.fullmatch(text):
        return Parsed(b"", LinkLocalAddress(upper(text)))
    return None
