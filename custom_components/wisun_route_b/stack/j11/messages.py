"""All messages of a J11 dongle on Route B, as frozen values.

No ``repr`` shows a MAC or an IPv6 address or a payload: a message may be logged as it is.
Addresses are text (see :mod:`.addresses`). RSSI is in dBm, -104 to -34 (V12 p60), and None for
the zero that a lost connection has, or any other value outside this range.
"""

from dataclasses import dataclass, field

from .codes import CommandCode
from .results import (
    ConnectionChange,
    PanaOutcome,
    Reaction,
    ReceptionFault,
    ResultCode,
    TransmitStatus,
    reaction,
    transmit_reaction,
)

#: Firmware for HAN and Route B, the only one that is known (V12 p65).
DUAL_FIRMWARE = 0x0400


# --- What responses hold beside their result ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """206B: which firmware it is."""

    firmware: int
    """:data:`DUAL_FIRMWARE`; other values are not documented."""
    major: int
    minor: int
    revision: int

    @property
    def text(self) -> str:
        """The version as ROHM writes it, such as "1.3 rev 0000158A"."""
        return f"{self.major}.{self.minor} rev {self.revision:08X}"


@dataclass(frozen=True, slots=True)
class Settings:
    """2107: the initial set-up; FF where none was made."""

    mode: int
    """1 to 3 = HAN only, 5 = HAN and Route B."""
    han_sleep: int
    channel: int
    power: int
    """0 = 20 mW, 1 = 10 mW, 2 = 1 mW."""


@dataclass(frozen=True, slots=True)
class Status:
    """2001: what the dongle is doing."""

    dongle: int
    """2 = not started, 3 = started."""
    route_b: int
    """1 = idle, 2 = operating (joined), 3 = authenticated."""
    han: int
    """The same for the HAN side."""


@dataclass(frozen=True, slots=True)
class OwnIp:
    """2009: the dongle's own IPv6 address."""

    ip: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnMac:
    """200E: the dongle's own MAC address."""

    mac: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ports:
    """2007: the UDP ports that are open."""

    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """2053: the meter that answered on the channel of the set-up."""

    channel: int
    """4 to 17."""
    pan_id: int
    mac: str = field(repr=False)
    rssi: int | None


@dataclass(frozen=True, slots=True)
class Transmission:
    """2008: the result of a transmission, which comes after the radio work."""

    status: TransmitStatus | int
    queue: int
    """0 = not queued, 1 = queued, 2 = queue full (devices that sleep only)."""
    head: bytes = field(repr=False)
    """The first bytes of the payload, five at most."""

    @property
    def reaction(self) -> Reaction:
        """What to do about it."""
        return transmit_reaction(self.status)


@dataclass(frozen=True, slots=True)
class Connection:
    """One peer of 2011."""

    mac: str = field(repr=False)
    pan_id: int
    side: int
    """1 = Route B, 2 = HAN."""
    role: int
    """7 = coordinator of Route B, that is a meter."""
    state: int
    """1 = joined, 2 = authenticated."""


@dataclass(frozen=True, slots=True)
class Connections:
    """2011: who is joined."""

    peers: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class Terminal:
    """One device of 2100."""

    ip: str = field(repr=False)
    role: int
    state: int


@dataclass(frozen=True, slots=True)
class Terminals:
    """2100: the mode (0 = undecided) and the devices."""

    mode: int
    terminals: tuple[Terminal, ...]


@dataclass(frozen=True, slots=True)
class PanId:
    """205E: the PAN of Route B."""

    pan_id: int


@dataclass(frozen=True, slots=True)
class Level:
    """The energy on one channel, of 20DB."""

    channel: int
    reading: int

    @property
    def dbm(self) -> float:
        """The same in dBm (V12 p64)."""
        return (275 * self.reading - 104_270) / 1000


@dataclass(frozen=True, slots=True)
class EnergyScan:
    """20DB: the energy on the channels that were asked for."""

    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """2102, 210B: whether something is switched on (1) or off (0)."""

    value: int


type Answer = (
    Version
    | Settings
    | Status
    | OwnIp
    | OwnMac
    | Ports
    | Network
    | Transmission
    | Connections
    | Terminals
    | PanId
    | EnergyScan
    | Choice
)


@dataclass(frozen=True, slots=True)
class Response:
    """The end of a command."""

    command: CommandCode
    """Which one it was; 2051 belongs to SCAN, and so on."""
    result: ResultCode | int
    answer: Answer | None = None
    """What it brings beside a SUCCESS, for the commands that bring something."""

    @property
    def reaction(self) -> Reaction:
        """What to do about the result. A transmission has one of its own."""
        return reaction(self.result)


@dataclass(frozen=True, slots=True)
class Rejection:
    """2FFF, FFFF: a request that the dongle could not read; it does not report which one."""

    result: ResultCode | int

    @property
    def reaction(self) -> Reaction:
        """What to do about it."""
        return reaction(self.result)


# --- Notifications -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartedUp:
    """6019: power-up or a reset, asked for or not: everything is lost but the port."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """One PAN that a scan has found; the answer does not show whether it is ours."""

    mac: str = field(repr=False)
    pan_id: int
    rssi: int | None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """4051: what was received on one channel. The response 2051 follows the last one."""

    channel: int
    """4 to 17."""
    beacons: tuple[Beacon, ...] = ()
    """20 at most; more are dropped by the dongle."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """6018: a UDP datagram arrived."""

    source: str = field(repr=False)
    """IPv6 address of the sender."""
    remote_port: int
    local_port: int
    pan_id: int
    multicast: bool
    secured: bool
    """It came encrypted."""
    rssi: int | None
    payload: bytes = field(repr=False)
    """0 to 1232 bytes."""


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """601A: a connection came or went, other than by the host's own commands."""

    change: ConnectionChange | int
    mac: str = field(repr=False)
    rssi: int | None


@dataclass(frozen=True, slots=True)
class PanaResult:
    """6028: how an authentication ended.

    Without 0056 or 00D2 before it: an automatic renewal has failed, and the session is ending.
    """

    outcome: PanaOutcome | int
    mac: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceptionFailed:
    """6038: a packet was received and dropped."""

    fault: ReceptionFault | int
    source: str = field(repr=False)
    sequence: int
    fragmented: bool
    tag: int
    head: bytes = field(repr=False)
    """The first bytes, five at most."""


@dataclass(frozen=True, slots=True)
class PingResult:
    """60D1: the answer to a ping, or that there was none."""

    answered: bool


# --- The rest ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame whose code is not listed: HAN, deep sleep, updates, a key, or later firmware."""

    code: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame with good checksums and a listed code whose data cannot be."""

    code: int
    data: bytes = field(repr=False)


type Message = (
    Response
    | Rejection
    | StartedUp
    | ScanResult
    | Datagram
    | ConnectionChanged
    | PanaResult
    | ReceptionFailed
    | PingResult
    | Unknown
    | Malformed
)
