"""The interface of a dongle to the link, independent of its protocol.

A driver implements :class:`Dongle` and reports what happens by itself as values, events, to one
callable. Nothing here depends on a protocol: a network is named by its logical channel, and signal
strength is in dBm. Importing this module must not load any module of a protocol (a test checks it).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import math
import re
from typing import Final, Protocol, Self

from ..credentials import Credentials
from ..errors import DongleError, PortError
from .scan_passes import CHANNELS, ScanPass

_ADDRESS: Final = re.compile(r"[0-9A-F]{16}")
_FIRST_CHANNEL_MHZ: Final = 922.5
_CHANNEL_SPACING_MHZ: Final = 0.2
#: FFFF stands for "none".
PAN_IDS: Final = range(0xFFFF)


# --- Networks and dongles ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Network:
    """Where a meter was found: enough to join it again without a scan. No secret in it."""

    channel: int
    """Logical channel, 33 to 60. Each driver maps it to the number that its protocol uses."""
    pan_id: int
    """0 to 0xFFFE."""
    address: str = field(repr=False)
    """The meter's MAC address, 16 hexadecimal digits."""

    @property
    def frequency_mhz(self) -> float:
        """Centre frequency of the channel in MHz."""
        return _FIRST_CHANNEL_MHZ + _CHANNEL_SPACING_MHZ * (self.channel - CHANNELS.start)

    def as_dict(self) -> dict[str, int | str]:
        """Return a form that JSON can keep."""
        return {"channel": self.channel, "pan_id": self.pan_id, "address": self.address}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self | None:
        """Read what :meth:`as_dict` returned; None if it is damaged."""
        match data:
            case {"channel": int(channel), "pan_id": int(pan_id), "address": str(address)} if (
                channel in CHANNELS and pan_id in PAN_IDS and _ADDRESS.fullmatch(address)
            ):
                return cls(channel, pan_id, address)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """A network that a scan received, and how well."""

    network: Network
    dbm: float | None
    """Received signal strength in dBm; None if the dongle could not measure it."""
    ours: bool
    """Whether it shows the pairing ID that was looked for."""
    lqi: int | None = None
    """Link quality, 0 to 0xFF, if the dongle reports one."""


def strength(found: FoundNetwork) -> float:
    """Return a key for sorting networks by their strength: what was not measured is weakest."""
    return -math.inf if found.dbm is None else found.dbm


@dataclass(frozen=True, slots=True)
class DongleIdentity:
    """Which dongle is at the other end of the serial line."""

    protocol: str
    """The command protocol and its dialect, for display: "SKSTACK single", "SKSTACK dual" or "J11"."""
    version: str
    """Firmware version as the dongle reports it."""
    app_version: str | None
    """Application version; None on dongles that have none."""


# --- Events --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DatagramReceived:
    """An encrypted datagram came from the joined meter to the ECHONET Lite port."""

    payload: bytes = field(repr=False)
    dbm: float | None
    """Received signal strength in dBm, if the dongle reports it with each datagram."""
    lqi: int | None = None
    """Link quality, 0 to 0xFF, if the dongle reports one."""


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session with the meter has ended, and not because :meth:`Dongle.disconnect` asked."""

    reason: str
    """For a log: no address in it."""


@dataclass(frozen=True, slots=True)
class SessionRenewing:
    """The session has expired and the dongle signs in again by itself; sending has to wait."""


@dataclass(frozen=True, slots=True)
class SessionRenewed:
    """The dongle has signed in again by itself."""


@dataclass(frozen=True, slots=True)
class TransmitLimit:
    """The hourly transmission time is used up, or is available again (ARIB STD-T108)."""

    active: bool


@dataclass(frozen=True, slots=True)
class DongleLost:
    """The dongle or its port is gone; no event follows."""

    error: DongleError | PortError


type DongleEvent = (
    DatagramReceived | SessionLost | SessionRenewing | SessionRenewed | TransmitLimit | DongleLost
)
#: Runs in the event loop, must not block and must not raise.
type EventHandler = Callable[[DongleEvent], None]


type FractionCallback = Callable[[float], None]


def ignore_fraction(_: float) -> None:
    """Ignore the fraction."""


# --- The dongle ----------------------------------------------------------------------------


class Dongle(Protocol):
    """A Wi-SUN dongle on an open port that can be a Route-B controller.

    Every method raises DongleError or PortError when the dongle fails, and a LinkError when
    the radio does.
    """

    @property
    def kind(self) -> str:
        """Name of the protocol, which detection tries first if it is remembered."""

    @property
    def is_renewing(self) -> bool:
        """Whether the dongle renews the session, and sending has to wait."""

    @property
    def transmit_limited(self) -> bool:
        """Whether the dongle has reported that nothing may be transmitted."""

    @property
    def line_statistics(self) -> Mapping[str, int]:
        """Counters of what was decoded on the serial line and what was not."""

    async def version(self) -> str:
        """Return the firmware version; change nothing in the dongle."""

    async def identify(self) -> DongleIdentity:
        """Find out which dongle it is; a live session goes on."""

    async def is_on_network(self, network: Network) -> bool:
        """Return whether the dongle is still set to this network, as after a sign-in there."""

    async def resume(self, network: Network) -> bool:
        """Take over the session that may still be alive in ``network``; False if there is none."""

    async def prepare(self, credentials: Credentials) -> None:
        """Bring the dongle into a known state, without a session, and give it the credentials."""

    @property
    def channels(self) -> range:
        """The logical channels that this dongle can listen on: METER_CHANNELS at least."""

    async def scan(
        self,
        pair_id: str,
        listening: ScanPass,
        on_fraction: FractionCallback = ignore_fraction,
    ) -> tuple[FoundNetwork, ...]:
        """Listen once, as the pass defines; return every network, those of this pairing ID marked.

        A dongle that reports how far it is has ``on_fraction`` called with that, 0 to 1.
        """

    def scan_seconds(self, listening: ScanPass) -> float:
        """Return how many seconds a pass takes."""

    async def join(self, network: Network, *, first_sign: float | None = None) -> None:
        """Sign in; raise JoinFailedError, CredentialsRefusedError or TransmitLimitError.

        With ``first_sign`` it is given up after that many seconds without any sign of the meter,
        whatever the dongle itself would do. After a failure the dongle may still be signing in, and
        must be prepared again before any other call.
        """

    async def send(self, payload: bytes) -> None:
        """Send a datagram to the joined meter; return when its radio has acknowledged it.

        Waits while the dongle renews the session, as nothing may be sent then. Raises
        SendFailedError if there was no acknowledgement, TransmitLimitError while the limit holds.
        """

    async def disconnect(self) -> bool:
        """End the session; False if there is none. Takes 1.5 s at most."""

    async def require_transmission(self) -> None:
        """Raise TransmitLimitError if the dongle reports that it may not transmit now."""

    async def ping(self) -> bool:
        """Return whether the dongle still answers."""

    async def close(self) -> None:
        """Close the port, within two seconds; the session stays alive in the dongle."""
