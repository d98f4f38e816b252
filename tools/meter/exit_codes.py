"""Exit codes, and texts of failures."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from custom_components.wisun_route_b.stack import RouteBError, errors


class ExitCode(IntEnum):
    """The exit codes."""

    OK = 0
    LINK = 1
    """The radio link or the meter failed."""
    USAGE = 2
    PORT = 3
    REFUSED = 4
    """The meter refused the credentials."""
    DONGLE = 5
    """What is on the port is no dongle that can be used."""
    INTERRUPTED = 130
    """As shells have it: 128 + SIGINT."""


EXIT_CODES: Final = """\
exit codes:
  0    all went well
  1    the meter was not found, did not answer, or refused everything it was asked
  2    wrong usage: an unknown option, missing or malformed credentials, a day out of reach
  3    the port cannot be used: it does not exist, is busy, is no serial port, or went away
  4    the meter refused the Route-B ID or the password
  5    no usable Wi-SUN dongle on the port: silent, something else, in HAN use, or failing
  130  interrupted before there was a result"""


class UsageError(Exception):
    """The command cannot be carried out as it was given. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as a word for programs and a sentence for users."""

    key: str
    code: ExitCode
    text: str


# fmt: off
_FAILURES: Final[tuple[tuple[type[RouteBError], str, ExitCode, str], ...]] = (
    # Special classes before their bases: the first match counts.
    (errors.PortNotFoundError, "port_not_found", ExitCode.PORT,
     "There is no such port. Is the dongle plugged in, and the path right?"),
    (errors.PortBusyError, "port_busy", ExitCode.PORT,
     "The port is busy: another program uses it, perhaps Home Assistant."),
    (errors.TelnetPortError, "port_speaks_telnet", ExitCode.PORT,
     "This port speaks telnet (RFC 2217). Use rfc2217:// instead of socket://."),
    (errors.NotASerialPortError, "not_a_serial_port", ExitCode.PORT,
     "This is no serial port."),
    (errors.PortPermissionError, "port_not_permitted", ExitCode.PORT,
     "You are not permitted to open this port. Its group is dialout on most systems."),
    (errors.PortUnreachableError, "port_unreachable", ExitCode.PORT,
     "The port could not be opened. Is its host up?"),
    (errors.PortStuckError, "port_stuck", ExitCode.PORT,
     "The system does not return from opening the port. Unplug the dongle and plug it in again."),
    (errors.PortLostError, "port_lost", ExitCode.PORT,
     "The port went away. Was the dongle unplugged?"),
    (errors.PortBlockedError, "dongle_silent", ExitCode.DONGLE,
     "Nothing takes what is written to this port, so no dongle works there."),
    (errors.PortError, "port_failed", ExitCode.PORT,
     "The port failed: {}."),
    (errors.DongleSilentError, "dongle_silent", ExitCode.DONGLE,
     "Nothing answers on this port. Is this the dongle's port? Unplug it and plug it in again."),
    (errors.HanInUseError, "dongle_in_han_use", ExitCode.DONGLE,
     "The dongle is in use in a home area network (HAN). Unplug it and plug it in again."),
    (errors.FirmwareNotDualError, "firmware_without_route_b", ExitCode.DONGLE,
     "The firmware of this dongle cannot do Route B."),
    (errors.NotAWiSunDongleError, "not_a_wisun_dongle", ExitCode.DONGLE,
     "Something answers on this port, but it is no Wi-SUN dongle (SKSTACK IP or J11)."),
    (errors.CommandTimeoutError, "dongle_failed", ExitCode.DONGLE,
     "The dongle stopped answering. Unplug it and plug it in again."),
    (errors.DongleError, "dongle_failed", ExitCode.DONGLE,
     "The dongle rejected a command: {}."),
    (errors.MeterNotFoundError, "meter_not_found", ExitCode.LINK,
     "No meter with this Route-B ID was found. Move the dongle closer, and check the ID."),
    (errors.JoinFailedError, "join_failed", ExitCode.LINK,
     "The meter was found but did not finish the sign-in. Most likely the radio is too weak."),
    (errors.CredentialsRefusedError, "credentials_refused", ExitCode.REFUSED,
     "The meter refused the sign-in: the Route-B ID or the password is wrong."),
    (errors.SessionLostError, "session_lost", ExitCode.LINK,
     "The connection ended: {}."),
    (errors.TransmitLimitError, "transmit_limit", ExitCode.LINK,
     "The dongle has used up its transmission time of this hour. Try again later."),
    (errors.SendFailedError, "no_answer", ExitCode.LINK,
     "The meter cannot be reached: the radio is too weak."),
    (errors.ResponseTimeoutError, "no_answer", ExitCode.LINK,
     "The meter did not answer."),
    (errors.RequestRefusedError, "not_offered", ExitCode.LINK,
     "The meter refused: {}."),
    (errors.WrongDayError, "wrong_day", ExitCode.LINK,
     "The meter answered for another time than it was asked for."),
    (errors.DecodeError, "impossible_answer", ExitCode.LINK,
     "The meter answered something impossible: {}."),
    (errors.LinkError, "link_failed", ExitCode.LINK,
     "The link to the meter failed: {}."),
    (RouteBError, "failed", ExitCode.LINK,
     "That did not work: {}."),
)
# fmt: on


def failure_of(error: RouteBError) -> Failure:
    """Return what a failure means to the user."""
    key, code, text = next(row[1:] for row in _FAILURES if isinstance(error, row[0]))
    return Failure(key, code, text.format(error))
