"""What the link asks of a dongle, whatever protocol it speaks on the serial line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import re
from typing import Protocol, Self

from ..credentials import Credentials
from ..errors import DongleError, PortError
from .session import SessionListener

_ADDRESS = re.compile(r"[0-9A-F]{16}")
#: Logical channels 33 to 60, 922.5 to 927.9 MHz (BP35A1 manual, register S02).
CHANNELS = range(0x21, 0x3D)
#: FFFF stands for "none".
PAN_IDS = range(0xFFFF)
#: Seconds of silence after which a port is said to have no dongle, while a person waits.
IDENTIFY_PATIENCE = 4.8


@dataclass(frozen=True, slots=True)
class Network:
    """Where a meter was found: enough to join it again without a scan. No secret in it."""

    channel: int
    """Hexadecimal channel number of SKSTACK, 0x21 to 0x3C."""
    pan_id: int
    """0 to 0xFFFE."""
    address: str = field(repr=False)
    """The meter's MAC address, 16 hexadecimal digits."""

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
    """A network that a scan heard, and how well."""

    network: Network
    lqi: int
    """Link quality as the dongle reports it, 0 to 0xFF."""
    ours: bool
    """Whether it shows the pairing ID that was looked for."""


@dataclass(frozen=True, slots=True)
class DongleIdentity:
    """Who is at the other end of the serial line."""

    protocol: str
    """The command dialect, for people: "SKSTACK single" or "SKSTACK dual"."""
    version: str
    """Firmware version as the dongle tells it (EVER)."""
    app_version: str | None
    """Application version (EAPPVER); None on dongles that do not know the question."""


class DongleListener(SessionListener, Protocol):
    """What wants to know what a dongle reports by itself."""

    def datagram_received(self, payload: bytes, rssi: int | None) -> None:
        """Take an encrypted datagram from our meter to the ECHONET Lite port."""

    def transmit_limit_changed(self, active: bool) -> None:  # noqa: FBT001 - nothing else to say
        """Learn that nothing may be transmitted any more, or that it may be again."""

    def dongle_lost(self, error: DongleError | PortError) -> None:
        """Learn that the dongle itself is gone."""


class Dongle(Protocol):
    """A Wi-SUN dongle that can be a Route-B controller.

    Every method raises DongleError or PortError when the dongle fails, and a LinkError when
    the radio does.
    """

    async def identify(self, patience: float = IDENTIFY_PATIENCE) -> DongleIdentity:
        """Find out what is at the other end.

        Something that speaks another language is known within three seconds; silence is waited
        out for ``patience`` seconds.
        """

    async def remembers(self, network: Network) -> bool:
        """Tell whether the dongle is still set to this network, as after a sign-in there."""

    async def resume(self, network: Network) -> bool:
        """Take up the session that may still live in ``network``; False if it cannot."""

    async def prepare(self, credentials: Credentials) -> None:
        """Bring the dongle into a known state, knowing the credentials."""

    async def scan(self, pair_id: str, duration: int) -> tuple[FoundNetwork, ...]:
        """Listen once on all channels; return every network, marking this pairing ID's."""

    def scan_seconds(self, duration: int) -> float:
        """Return how long a scan with this duration takes."""

    async def join(self, network: Network) -> None:
        """Sign in; raise JoinFailedError, CredentialsRefusedError or TransmitLimitError."""

    async def send(self, payload: bytes) -> None:
        """Send a datagram to the joined meter; returns when it is on the air.

        Waits while the dongle renews the session, as nothing may be sent then.
        """

    async def leave(self) -> bool:
        """End the session; False if there is none. Takes 0.8 s at most."""

    async def require_transmission(self) -> None:
        """Raise TransmitLimitError if the dongle says that it may not transmit now."""

    async def responds(self) -> bool:
        """Tell whether the dongle still answers."""

    async def close(self) -> None:
        """Give the port back; the session stays alive in the dongle."""
