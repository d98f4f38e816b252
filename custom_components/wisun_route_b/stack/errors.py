"""Everything that can go wrong between the serial port and a reading.

As in h11, :class:`EncodeError` is an error of this side and :class:`DecodeError` one of the other
side. All other classes stand for something that the user can act on. No message ever carries
the Route-B ID, the password, a MAC address or an IPv6 address.
"""


class RouteBError(Exception):
    """Base of every exception that this package raises on purpose."""


# --- The serial port ---------------------------------------------------------------------


class PortError(RouteBError):
    """The serial port cannot be used."""


class PortNotFoundError(PortError):
    """There is no such port: unplugged, or a path that never existed."""


class PortBusyError(PortError):
    """Another program holds the port."""


class NotASerialPortError(PortError):
    """The path exists but is no serial port, or its scheme is unknown."""


class TelnetPortError(NotASerialPortError):
    """The network port uses telnet (RFC 2217), which takes FF bytes for commands."""


class PortPermissionError(PortError):
    """The system does not permit this user, or this container, to open the port."""


class PortUnreachableError(PortError):
    """The port could not be opened: refused, host down."""


class PortStuckError(PortError):
    """The system does not return from opening or closing the port: a defective adapter or driver."""


class PortLostError(PortError):
    """The port was open and is gone: unplugged, or closed by its other end."""


class PortBlockedError(PortError):
    """The port accepts no more bytes: nothing reads at its other end."""


# --- The dongle --------------------------------------------------------------------------


class DongleError(RouteBError):
    """The dongle does not work as a Wi-SUN dongle should."""


class DongleSilentError(DongleError):
    """The port is open and nothing answers."""


class NotAWiSunDongleError(DongleError):
    """A device answers, but in neither SKSTACK IP nor J11."""


class HanInUseError(DongleError):
    """The J11 dongle takes part in a home area network (HAN), which another program has set up."""


class FirmwareNotDualError(DongleError):
    """The J11 dongle has firmware without Route B."""


class CommandFailedError(DongleError):
    """The dongle refused a command: ``FAIL ERnn`` in SKSTACK, a result other than 01 in J11."""

    def __init__(self, command: str, code: int, answer: str | None = None) -> None:
        """Name the command (without arguments), and the number that the dongle has answered.

        ``answer`` words it, without any address; by default as SKSTACK does.
        """
        super().__init__(f"The dongle answered {answer or f'FAIL ER{code:02d}'} to {command}")
        self.command = command
        self.code = code


class CommandTimeoutError(DongleError, TimeoutError):
    """The dongle stopped answering in the middle of a conversation."""


# --- The radio link and the meter --------------------------------------------------------


class LinkError(RouteBError):
    """There is no session between dongle and meter, or it was lost."""


class MeterNotFoundError(LinkError):
    """No scan found a PAN with our pairing ID: too far away, or a wrong Route-B ID."""


class JoinFailedError(LinkError):
    """The meter did not finish the sign-in (PANA); most likely the radio is too weak."""


class CredentialsRefusedError(LinkError):
    """The meter took part in the sign-in and refused it: wrong ID or password."""


class SessionLostError(LinkError):
    """The PANA session with the meter has ended."""


class MeterSilentError(SessionLostError):
    """The meter has answered nothing for so long that the session is taken for dead."""


class SendFailedError(LinkError):
    """The dongle could not put a datagram on the air (EVENT 21 with parameter 01)."""


class TransmitLimitError(LinkError):
    """The hourly transmission time of ARIB STD-T108 is used up (EVENT 32)."""


class ResponseTimeoutError(LinkError, TimeoutError):
    """The meter did not answer a request in time."""


class RequestRefusedError(LinkError):
    """The meter answered that it cannot do this (SetC_SNA, Get_SNA)."""


class NotConnectedError(LinkError):
    """There is no session: ``connect()`` has not succeeded, or the link was closed."""


# --- Bytes -------------------------------------------------------------------------------


class ProtocolError(RouteBError):
    """Something that must not be on the wire."""


class DecodeError(ProtocolError, ValueError):
    """The other side sent something impossible."""


class EncodeError(ProtocolError, ValueError):
    """We tried to send something impossible."""


class ScaleUnknownError(DecodeError):
    """An energy count cannot become kWh: the meter's unit (E1) is not known."""


class WrongDayError(DecodeError):
    """A history is of another day than the one that was asked for."""


class CredentialsFormatError(RouteBError, ValueError):
    """The Route-B ID or the password does not have the right form.

    ``field`` is ``"route_b_id"`` or ``"password"``.
    """

    def __init__(self, field: str) -> None:
        """Name the offending field, never its value."""
        super().__init__(f"The {field} does not have the right form")
        self.field = field
