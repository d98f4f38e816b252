"""All messages of a dongle, as frozen values.

No ``repr`` shows the Route-B ID (which travels in clear text inside PANA datagrams, pairing
IDs and echoed commands), the password, a MAC or an IPv6 address: a message may be logged as
it is. IPv6 addresses are in the full upper-case form with eight groups of four digits, MAC
addresses are 16 upper-case hexadecimal digits.
"""

from dataclasses import dataclass, field

from .events import EventNumber, FailCode, SendResult


@dataclass(frozen=True, slots=True)
class Ok:
    """``OK``: the command was accepted."""

    value: str | None = None
    """What ROPT and RUART print behind it: two hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Fail:
    """``FAIL ERnn``: the command was not executed."""

    code: FailCode | int


@dataclass(frozen=True, slots=True)
class Event:
    """``EVENT``: something happened by itself."""

    number: EventNumber | int
    address: str | None = field(default=None, repr=False)
    """IPv6: our own for scan events, the peer's for session events; None for EVENT C0."""
    side: int | None = None
    """0 = Route B, 1 = HAN, 0xFF = neither; None on single-stack firmware."""
    parameter: int | None = None
    """One byte, of EVENT 21 and 45 only."""

    @property
    def shows_peer(self) -> bool:
        """Whether the peer must be there: its address was resolved, or it has acknowledged a datagram."""
        return self.number == EventNumber.NEIGHBOR_ADVERTISEMENT or (
            self.number == EventNumber.UDP_SENT and self.parameter == SendResult.SENT
        )


@dataclass(frozen=True, slots=True)
class PanDescription:
    """``EPANDESC``: a PAN that a scan has found."""

    channel: int
    """0x21 to 0x3C."""
    page: int
    pan_id: int
    """Not always the tail of the meter's MAC address."""
    address: str = field(repr=False)
    """MAC address of the meter."""
    lqi: int
    """Link quality, one byte; :func:`~.events.rssi_dbm` converts it."""
    side: int | None = None
    """None on single-stack firmware."""
    pair_id: str | None = field(default=None, repr=False)
    """Last eight characters of the meter's Route-B ID; scan mode 2 only."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """``ERXUDP``: a UDP datagram arrived."""

    source: str = field(repr=False)
    """IPv6 address of the sender."""
    destination: str = field(repr=False)
    """Our IPv6 address, or FF02::1 in its full form for an announcement."""
    remote_port: int
    local_port: int
    """0x0E1A is ECHONET Lite, 0x02CC is PANA and none of the host's business."""
    address: str = field(repr=False)
    """MAC address of the sender."""
    rssi: int | None
    """Link quality byte, where register SA2 asked for it; None elsewhere."""
    secured: bool
    """It came encrypted."""
    payload: bytes = field(repr=False)
    side: int | None = None
    """None on single-stack firmware."""


@dataclass(frozen=True, slots=True)
class Info:
    """``EINFO``: who the dongle is and where it listens."""

    ip: str = field(repr=False)
    address: str = field(repr=False)
    """MAC address of the dongle."""
    channel: int
    pan_id: int
    """0xFFFF = not joined since power-up."""
    side: int | None
    """None on single-stack firmware, which prints FFFE in its place."""


@dataclass(frozen=True, slots=True)
class Version:
    """``EVER``: version of the SKSTACK firmware, such as 1.5.2."""

    text: str


@dataclass(frozen=True, slots=True)
class AppVersion:
    """``EAPPVER``: version of the application firmware, such as rev15."""

    text: str


@dataclass(frozen=True, slots=True)
class Register:
    """``ESREG``: the value of the register that was asked for (S0A holds a pairing ID)."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkLocalAddress:
    """The bare IPv6 address that SKLL64 answers, without an OK."""

    ip: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Echo:
    """What a host typed, repeated by the dongle; possibly unfinished."""

    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that is nothing of the above: noise, damage, or a message that is not known here."""

    line: bytes = field(repr=False)


type Message = (
    Ok
    | Fail
    | Event
    | PanDescription
    | Datagram
    | Info
    | Version
    | AppVersion
    | Register
    | LinkLocalAddress
    | Echo
    | Unknown
)
