"""One table: what went wrong in the stack -> which text tells a person what to do about it."""

from typing import Final

from .serial_port.location import OtherDeviceError
from .stack import (
    CredentialsRefusedError,
    DongleError,
    DongleSilentError,
    J11DongleError,
    JoinFailedError,
    MeterNotFoundError,
    MeterSilentError,
    NotASerialPortError,
    NotAWiSunDongleError,
    PortBlockedError,
    PortBusyError,
    PortError,
    PortNotFoundError,
    PortPermissionError,
    PortStuckError,
    PortUnreachableError,
    RouteBError,
    SessionLostError,
    TelnetPortError,
    TransmitLimitError,
)

#: Special classes before their bases: the first that fits wins.
_KEYS: Final[tuple[tuple[type[RouteBError], str], ...]] = (
    (OtherDeviceError, "other_device"),
    (PortNotFoundError, "port_not_found"),
    (PortBusyError, "port_busy"),
    (TelnetPortError, "port_speaks_telnet"),
    (NotASerialPortError, "not_a_serial_port"),
    (PortPermissionError, "port_not_permitted"),
    (PortUnreachableError, "port_unreachable"),
    (PortStuckError, "port_stuck"),
    (PortBlockedError, "dongle_silent"),
    (PortError, "port_lost"),
    (DongleSilentError, "dongle_silent"),
    (J11DongleError, "j11_dongle"),
    (NotAWiSunDongleError, "not_a_wisun_dongle"),
    (DongleError, "dongle_failed"),
    (MeterNotFoundError, "meter_not_found"),
    (JoinFailedError, "join_failed"),
    (CredentialsRefusedError, "credentials_refused"),
    (TransmitLimitError, "transmit_limit"),
    (MeterSilentError, "meter_silent"),
    (SessionLostError, "session_lost"),
    (RouteBError, "link_error"),
)

#: Every key that :func:`failure_key` can return; each has a text in both translations.
FAILURE_KEYS: Final = frozenset(key for _, key in _KEYS)


def failure_key(error: RouteBError) -> str:
    """Return the translation key, under ``config.error`` and ``exceptions``, of a failure."""
    return next(key for kind, key in _KEYS if isinstance(error, kind))
