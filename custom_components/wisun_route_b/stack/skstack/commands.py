"""The commands of SKSTACK, to the byte.

Every argument is checked against its exact form before it is printed, so neither a carriage
return nor a second command can hide in a password. WOPT, WUART and SKSAVE do not exist here
on purpose: they wear out the dongle's flash memory (10,000 writes), and nothing needs them.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
import re

from ..errors import EncodeError
from ..route_b import ECHONET_PORT, MAX_PAYLOAD
from . import _tokens
from .dialects import Dialect
from .messages import AppVersion, Info, Register, Version

#: The B-route side of dual firmware.
_SIDE_B = "0"
#: Registers whose value is, or contains, the pairing ID or the tail of a MAC address.
_PRIVATE_REGISTERS = frozenset({"S3", "S03", "SA", "S0A", "SB", "S0B"})
#: One digit: whether two are decimal or hexadecimal differs between the sources, and
#: a scan of duration 9 already takes more than two minutes.
_MAX_SCAN_DURATION = 9
#: The bits of SKSCAN's mask stand for these; all 28 are asked for as every capture does it.
_CHANNELS = range(33, 61)
_ALL_CHANNELS = 0xFFFFFFFF
#: Energy detection, active with pairing ID, active without.
_SCAN_MODES = (0, 2, 3)
_MAX_HANDLE = 6
#: Plain, encrypted or not at all, encrypted if possible.
_SECURITY = (0, 1, 2)

_PASSWORD = re.compile(rb"[0-9A-Za-z]{12}")
_ROUTE_B_ID = re.compile(_tokens.DIGIT + rb"{32}")
_REGISTER = re.compile(rb"S[0-9A-F]{1,2}")
_REGISTER_VALUE = re.compile(rb"[0-9A-Za-z]{1,16}")
_IPV6 = re.compile(_tokens.IPV6)
_MAC = re.compile(_tokens.MAC)


class ReplyKind(Enum):
    """How the answer to a command ends when all goes well; ``FAIL`` can always come."""

    #: With ``OK``; what was asked for comes in lines of its own before it.
    OK = auto()
    #: With the one line that was asked for; no OK follows (SKLL64).
    LINE = auto()
    #: With ``OK nn`` and a bare CR (ROPT).
    CR_OK = auto()


@dataclass(frozen=True, slots=True)
class Command:
    """One command, ready to be written."""

    name: str
    data: bytes = field(repr=False)
    """Everything to write, terminator included."""
    summary: str
    """For a log: no secret, no address."""
    reply: ReplyKind = ReplyKind.OK
    answer: type[Version | AppVersion | Info | Register] | None = None
    """The line that stands before the OK; an OK without it belongs to an earlier command."""
    payload: bytes = field(default=b"", repr=False)
    """The datagram at the end of ``data``, if it sends one."""


def skver() -> Command:
    """Ask for the firmware version; :class:`~.messages.Version` answers."""
    return _command("SKVER", answer=Version)


def skappver() -> Command:
    """Ask for the application version, which RL7023 does not know (``FAIL ER04``)."""
    return _command("SKAPPVER", answer=AppVersion)


def skinfo() -> Command:
    """Ask who the dongle is; :class:`~.messages.Info` answers."""
    return _command("SKINFO", answer=Info)


def skreset() -> Command:
    """Forget session, credentials and registers; the echo is on again afterwards."""
    return _command("SKRESET")


def sksreg(register: str, value: str | None = None) -> Command:
    """Write a register (``S2``, ``SFE``, ...), or read it if there is no value."""
    name = _checked(register, _REGISTER, "register")
    if value is None:
        return _command("SKSREG", name, answer=Register)
    _checked(value, _REGISTER_VALUE, "register value")
    shown = "****" if name in _PRIVATE_REGISTERS else value
    return _command("SKSREG", name, value, summary=f"SKSREG {name} {shown}")


def sksetpwd(password: str) -> Command:
    """Set the Route-B password, 12 letters and digits."""
    _checked(password, _PASSWORD, "password")
    return _command("SKSETPWD", f"{len(password):X}", password, summary="SKSETPWD C ****")


def sksetrbid(route_b_id: str) -> Command:
    """Set the Route-B ID, 32 hexadecimal digits."""
    text = _checked(route_b_id, _ROUTE_B_ID, "Route-B ID").upper()
    return _command("SKSETRBID", text, summary="SKSETRBID ****")


def skscan(
    dialect: Dialect, duration: int, channels: range = _CHANNELS, *, mode: int = 2
) -> Command:
    """Scan; each channel takes 0.0096 * (2**duration + 1) s. EVENT 22 ends it, not the OK.

    The channels of SKSTACK are the logical ones of the radio. Mode 2 finds only PANs that show a
    pairing ID.
    """
    _in_range(duration, range(_MAX_SCAN_DURATION + 1), "scan duration")
    _in_range(mode, _SCAN_MODES, "scan mode")
    side = [_SIDE_B] if dialect is Dialect.DUAL else []
    return _command("SKSCAN", f"{mode}", f"{_mask(channels):08X}", f"{duration}", *side)


def _mask(channels: range) -> int:
    """Return the channel mask of SKSCAN: bit 0 is channel 33 (BP35A1 manual, page 20)."""
    if channels == _CHANNELS:
        return _ALL_CHANNELS
    for channel in channels or (0,):
        _in_range(channel, _CHANNELS, "channel")
    return sum(1 << channel - _CHANNELS.start for channel in channels)


def skll64(address: str) -> Command:
    """Ask for the link-local IPv6 address of a MAC address; it answers without OK."""
    mac = _checked(address, _MAC, "MAC address").upper()
    return _command("SKLL64", mac, summary="SKLL64 ****", reply=ReplyKind.LINE)


def skjoin(ip: str) -> Command:
    """Sign in to the meter; EVENT 25 or, up to 41 s later, EVENT 24 is the result."""
    return _command("SKJOIN", _ip(ip), summary="SKJOIN ****")


def skrejoin() -> Command:
    """Sign in again to the meter of the session (``FAIL ER10`` if there is none)."""
    return _command("SKREJOIN")


def skterm() -> Command:
    """End the session (``FAIL ER10`` if there is none); EVENT 27 or 28 follows the OK."""
    return _command("SKTERM")


def sksendto(  # noqa: PLR0913 - these are the arguments of the command
    dialect: Dialect,
    ip: str,
    payload: bytes,
    *,
    port: int = ECHONET_PORT,
    handle: int = 1,
    security: int = 1,
) -> Command:
    """Send a datagram of 1 to 0x4D0 bytes; ``security`` 1 = encrypted or not at all.

    The payload follows the header raw and without a line end: the dongle counts.
    """
    _in_range(len(payload), range(1, MAX_PAYLOAD + 1), "payload size")
    _in_range(port, range(1, 1 << 16), "port")
    _in_range(handle, range(1, _MAX_HANDLE + 1), "handle")
    _in_range(security, _SECURITY, "security")
    side = f"{_SIDE_B} " if dialect is Dialect.DUAL else ""
    header = f"SKSENDTO {handle} {_ip(ip)} {port:04X} {security} {side}{len(payload):04X} "
    return Command(
        name="SKSENDTO",
        data=header.encode("ascii") + payload,
        summary=f"SKSENDTO {len(payload)} bytes to port {port:04X}",
        payload=payload,
    )


def skaddnbr(ip: str, address: str) -> Command:
    """Make a neighbour known, which saves the first datagram its address resolution."""
    mac = _checked(address, _MAC, "MAC address").upper()
    return _command("SKADDNBR", _ip(ip), mac, summary="SKADDNBR ****")


def sktable(table: int) -> Command:
    """Print a table: 1 addresses, 2 neighbours, 0xE ports (dual also 9 and 0xA)."""
    _in_range(table, (0x1, 0x2, 0x9, 0xA, 0xE), "table")
    return _command("SKTABLE", f"{table:X}")


def ropt() -> Command:
    """Ask for the data format of ERXUDP: 00 binary, 01 hexadecimal (ROHM and RATOC only)."""
    return Command(name="ROPT", data=b"ROPT\r", summary="ROPT", reply=ReplyKind.CR_OK)


def _command(
    name: str,
    *arguments: str,
    summary: str | None = None,
    reply: ReplyKind = ReplyKind.OK,
    answer: type[Version | AppVersion | Info | Register] | None = None,
) -> Command:
    line = " ".join((name, *arguments))
    return Command(
        name=name,
        data=f"{line}\r\n".encode("ascii"),
        summary=summary or line,
        reply=reply,
        answer=answer,
    )


def _ip(ip: str) -> str:
    return _checked(ip, _IPV6, "IPv6 address").upper()


def _checked(argument: str, form: re.Pattern[bytes], what: str) -> str:
    """Return the argument if it has its form; raise EncodeError, which never quotes it."""
    if not form.fullmatch(argument.encode("ascii", "replace")):
        raise EncodeError(f"The {what} does not have the right form")
    return argument


def _in_range(value: int, allowed: range | tuple[int, ...], what: str) -> None:
    if value not in allowed:
        raise EncodeError(f"The {what} is out of range")
