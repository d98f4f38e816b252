"""One table: error of the stack -> key of the text that explains what to do about it."""

from typing import Final

from .serial_port.location import OtherDeviceError
from .stack import RouteBError, errors

#: Special classes before their bases: the first match counts.
_KEYS: Final[tuple[tuple[type[RouteBError], str], ...]] = (
    (OtherDeviceError, "other_device"),
    (errors.PortNotFoundError, "port_not_found"),
    (errors.PortBusyError, "port_busy"),
    (errors.TelnetPortError, "port_speaks_telnet"),
    (errors.NotASerialPortError, "not_a_serial_port"),
    (errors.PortPermissionError, "port_not_permitted"),
    (errors.PortUnreachableError, "port_unreachable"),
    (errors.PortStuckError, "port_stuck"),
    (errors.PortBlockedError, "dongle_silent"),
    (errors.PortError, "port_lost"),
    (errors.DongleSilentError, "dongle_silent"),
    (errors.CommandTimeoutError, "dongle_silent"),
    (errors.HanInUseError, "dongle_in_han_use"),
    (errors.FirmwareNotDualError, "firmware_without_route_b"),
    (errors.NotAWiSunDongleError, "not_a_wisun_dongle"),
    (errors.DongleError, "dongle_failed"),
    (errors.MeterNotFoundError, "meter_not_found"),
    (errors.JoinFailedError, "join_failed"),
    (errors.CredentialsRefusedError, "credentials_refused"),
    (errors.TransmitLimitError, "transmit_limit"),
    (errors.MeterSilentError, "meter_silent"),
    (errors.ResponseTimeoutError, "meter_silent"),
    (errors.SessionLostError, "session_lost"),
    (RouteBError, "link_error"),
)

#: Every key that :func:`failure_key` can return; each has a text in both translations.
FAILURE_KEYS: Final = frozenset(key for _, key in _KEYS)


def failure_key(error: RouteBError) -> str:
    """Return the translation key, under ``config.error`` and ``exceptions``, of a failure."""
    return next(key for kind, key in _KEYS if isinstance(error, kind))
