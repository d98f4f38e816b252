"""The commands of J11 that Route B needs, to the byte.

Every argument is checked before it is encoded. Three commands do not exist here on purpose:
00F0 rewrites the firmware, 0059 reveals the key of the session, and 010A switches a flow control
on that USB forms do not wire. 0008 sends in plain text until the authentication has succeeded
(V12 p56): the caller must not use it before :class:`~.messages.PanaResult` reports success.

Sources: V12 pages 28, 34, 40 to 66, 111 to 118; times: pages 155 and 156 (see :mod:`.frames`).
"""

from dataclasses import dataclass, field
import re

from ..errors import EncodeError
from ..route_b import ECHONET_PORT, MAX_PAYLOAD, PANA_PORT
from . import messages
from ._fields import CHANNELS
from .codes import CommandCode
from .frames import encode_request
from .results import ResultCode

#: Mode "Dual" of the initial set-up: HAN and Route B.
MODE_DUAL = 0x05
#: All channels of Route B as a mask: bit n is channel n.
ALL_CHANNELS = sum(1 << channel for channel in CHANNELS)
#: Listening time on a channel is 0.00964 s * 2 ** duration (V12 p59), and about 0.09 s pass
#: between two (derived from the times of page 155).
SCAN_DURATIONS = range(1, 15)
_DWELL_S = 0.00964
_BETWEEN_CHANNELS_S = 0.09

#: Seconds for a response where no other time is documented, and what is added to those that are
#: (V12 p155).
_USUAL_S = 2.0
_ALLOWANCE_S = 1.0
_START_S = 2.6
_TRANSMIT_S = 7.0
_ENERGY_SCAN_S = 4.5

_PORTS = range(1, 0x10000)
#: PANA, MLE and firmware updates (V12 p54).
_SYSTEM_PORTS = frozenset((PANA_PORT, 19788, 31941))
_POWERS = range(3)
_HAN_SLEEP_OFF = 0

_ROUTE_B_ID = re.compile(r"[0-9A-F]{32}", re.ASCII)
_PASSWORD = re.compile(r"[0-9A-Za-z]{12}", re.ASCII)
_PAIRING_ID = re.compile(r"[0-9A-F]{8}", re.ASCII)
_IP = re.compile(r"[0-9A-F]{4}(?::[0-9A-F]{4}){7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Command:
    """One command, ready to be written."""

    code: CommandCode
    """The :class:`~.messages.Response` to it has the same."""
    data: bytes = field(repr=False)
    """The whole frame."""
    summary: str
    """For a log: no secret, no address."""
    answer: type[messages.Answer] | None = None
    """What a successful response brings."""
    timeout_s: float = _USUAL_S
    """Seconds that the response may take, the documented time and a second more."""
    responds: bool = True
    """False for the reset alone, which the notification 6019 follows."""
    payload: bytes = field(default=b"", repr=False)
    """Of a transmission: its datagram."""
    done_before: ResultCode | None = None
    """The result that means, for this command only, that its effect is there already."""

    def is_done(self, result: ResultCode | int) -> bool:
        """Return whether a result means that the command has its effect."""
        return result is ResultCode.SUCCESS or (
            self.done_before is not None and result is self.done_before
        )


def reset() -> Command:
    """Reset the hardware: session, credentials, set-up and ports are lost. 6019 follows."""
    return _command(CommandCode.RESET, "reset", responds=False)


def version() -> Command:
    """Ask for the firmware; legal in every state, without any effect."""
    return _command(CommandCode.VERSION, "version", answer=messages.Version)


def status() -> Command:
    """Ask for the states of the dongle, Route B and HAN."""
    return _command(CommandCode.STATUS, "status", answer=messages.Status)


def settings() -> Command:
    """Ask for the initial set-up."""
    return _command(CommandCode.SETTINGS, "settings", answer=messages.Settings)


def own_ip() -> Command:
    """Ask for the dongle's own IPv6 address."""
    return _command(CommandCode.OWN_IP, "own IPv6 address", answer=messages.OwnIp)


def own_mac() -> Command:
    """Ask for the dongle's own MAC address."""
    return _command(CommandCode.OWN_MAC, "own MAC address", answer=messages.OwnMac)


def connections() -> Command:
    """Ask who is joined: a session that is still alive shows here."""
    return _command(CommandCode.CONNECTIONS, "connections", answer=messages.Connections)


def terminals() -> Command:
    """Ask for the mode and the devices."""
    return _command(CommandCode.TERMINALS, "terminals", answer=messages.Terminals)


def pan_id() -> Command:
    """Ask for the PAN of Route B; only while joined."""
    return _command(CommandCode.PAN_ID, "PAN ID", answer=messages.PanId)


def set_up(channel: int, *, power: int = 0) -> Command:
    """Set mode Dual, channel 4 to 17 and power (0 = 20 mW, 1 = 10 mW, 2 = 1 mW).

    It needs a real channel also before the scan that is to find one. Not while joined. It leaves
    the credentials as they are.
    """
    _in_range(channel, CHANNELS, "channel")
    _in_range(power, _POWERS, "power")
    data = bytes((MODE_DUAL, _HAN_SLEEP_OFF, channel, power))
    return _command(CommandCode.SET_UP, f"set-up on channel {channel}", data)


def set_credentials(route_b_id: str, password: str) -> Command:
    """Set the Route-B ID (32 hexadecimal digits) and the password (12 letters and digits).

    Not while authenticated. The dongle itself makes small letters of the password large.
    """
    text = _checked(route_b_id.upper(), _ROUTE_B_ID, "Route-B ID")
    text += _checked(password, _PASSWORD, "password")
    return _command(
        CommandCode.SET_CREDENTIALS,
        "credentials ****",
        text.encode("ascii"),
        done_before=ResultCode.CREDENTIALS_ALREADY_SET,
    )


def scan(duration: int, *, pairing_id: str | None, channels: int = ALL_CHANNELS) -> Command:
    """Scan; 4051 comes for each channel, and the response at the very end.

    ``duration`` 1 to 14: each channel takes 0.00964 * 2**duration s. ``pairing_id``: the last
    eight characters of the Route-B ID; only the meter that has them answers. ``channels``: bit n
    is channel n. Nothing but a reset stops a scan.
    """
    _in_range(duration, SCAN_DURATIONS, "scan duration")
    if not channels or channels & ~ALL_CHANNELS:
        raise EncodeError("The channel mask is out of range")
    wanted = bytes(8)
    if pairing_id is not None:
        wanted = _checked(pairing_id.upper(), _PAIRING_ID, "pairing ID").encode("ascii")
    data = bytes((duration,)) + channels.to_bytes(4) + bytes((pairing_id is not None,)) + wanted
    return _command(
        CommandCode.SCAN,
        f"scan of duration {duration} on {channels:08X}",
        data,
        timeout_s=scan_time(duration, channels) + _ALLOWANCE_S,
    )


def scan_time(duration: int, channels: int = ALL_CHANNELS) -> float:
    """Return how many seconds a scan takes."""
    return channels.bit_count() * (_DWELL_S * 2.0**duration + _BETWEEN_CHANNELS_S)


def energy_scan(channels: int = ALL_CHANNELS) -> Command:
    """Measure the energy on channels (bit n is channel n)."""
    if not channels or channels & ~ALL_CHANNELS:
        raise EncodeError("The channel mask is out of range")
    return _command(
        CommandCode.ENERGY_SCAN,
        f"energy scan on {channels:08X}",
        channels.to_bytes(4),
        answer=messages.EnergyScan,
        timeout_s=_ENERGY_SCAN_S + _ALLOWANCE_S,
    )


def start() -> Command:
    """Join the meter on the channel of the set-up that has the Route-B ID of the credentials.

    MAC_JOIN_FAILED is common at the first attempt, and the next one may succeed.
    """
    return _command(
        CommandCode.START,
        "Route-B start",
        answer=messages.Network,
        timeout_s=_START_S + _ALLOWANCE_S,
    )


def end() -> Command:
    """Leave the meter's network; nothing is transmitted. Not while authenticated."""
    return _command(CommandCode.END, "Route-B end")


def start_pana() -> Command:
    """Sign in to the meter that was joined; 6028 reports the result.

    Without an answer of the meter it takes up to 706 s: the caller needs a limit of its own.
    """
    return _command(CommandCode.START_PANA, "PANA start")


def end_pana() -> Command:
    """Sign out. The credentials are lost and must be set again."""
    return _command(CommandCode.END_PANA, "PANA end")


def reauthenticate() -> Command:
    """Renew the session; 6028 reports the result, up to 303 s later."""
    return _command(CommandCode.REAUTHENTICATE, "re-authentication")


def open_port(port: int = ECHONET_PORT) -> Command:
    """Open a UDP port; PORT_ALREADY_OPEN is as good as SUCCESS. Only while joined."""
    return _port_command(CommandCode.OPEN_PORT, "open", port, ResultCode.PORT_ALREADY_OPEN)


def close_port(port: int = ECHONET_PORT) -> Command:
    """Close a UDP port; PORT_NOT_OPEN is as good as SUCCESS."""
    return _port_command(CommandCode.CLOSE_PORT, "close", port, ResultCode.PORT_NOT_OPEN)


def open_ports() -> Command:
    """Ask which UDP ports are open."""
    return _command(CommandCode.OPEN_PORTS, "open ports", answer=messages.Ports)


def transmit(
    ip: str, payload: bytes, *, port: int = ECHONET_PORT, local_port: int = ECHONET_PORT
) -> Command:
    """Send a datagram of 1 to 1232 bytes; encrypted only while authenticated.

    ``ip`` is in the full form, eight groups of four digits.
    """
    _in_range(len(payload), range(1, MAX_PAYLOAD + 1), "payload size")
    for number in (port, local_port):
        _check_port(number)
    address = bytes.fromhex(_checked(ip.upper(), _IP, "IPv6 address").replace(":", ""))
    head = local_port.to_bytes(2) + port.to_bytes(2) + len(payload).to_bytes(2)
    return _command(
        CommandCode.TRANSMIT,
        f"{len(payload)} bytes to port {port:04X}",
        address + head + payload,
        answer=messages.Transmission,
        timeout_s=_TRANSMIT_S + _ALLOWANCE_S,
        payload=payload,
    )


def _port_command(code: CommandCode, verb: str, port: int, done_before: ResultCode) -> Command:
    _check_port(port)
    return _command(code, f"{verb} port {port:04X}", port.to_bytes(2), done_before=done_before)


def _command(  # noqa: PLR0913 - the fields of a command
    code: CommandCode,
    summary: str,
    data: bytes = b"",
    *,
    answer: type[messages.Answer] | None = None,
    timeout_s: float = _USUAL_S + _ALLOWANCE_S,
    responds: bool = True,
    payload: bytes = b"",
    done_before: ResultCode | None = None,
) -> Command:
    return Command(
        code=code,
        data=encode_request(code, data),
        summary=f"{code:04X} {summary}",
        answer=answer,
        timeout_s=timeout_s,
        responds=responds,
        payload=payload,
        done_before=done_before,
    )


def _check_port(port: int) -> None:
    if port not in _PORTS or port in _SYSTEM_PORTS:
        raise EncodeError("The port is out of range")


def _checked(argument: str, form: re.Pattern[str], what: str) -> str:
    """Return the argument if it has its form; raise EncodeError, which never quotes it."""
    if not form.fullmatch(argument):
        raise EncodeError(f"The {what} does not have the right form")
    return argument


def _in_range(value: int, allowed: range, what: str) -> None:
    if value not in allowed:
        raise EncodeError(f"The {what} is out of range")
