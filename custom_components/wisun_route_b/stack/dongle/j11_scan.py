"""The result of a scan of a J11 dongle, channel by channel (4051)."""

from typing import Final

from ..j11.channels import from_logical, logical_channel
from ..j11.messages import ScanResult
from .dongle import PAN_IDS, FoundNetwork, FractionCallback, Network
from .scan_passes import METER_CHANNELS

#: PANs that one scan keeps; other networks cannot fill the memory.
_MAX_PANS: Final = 64


class J11Scan:
    """What one scan has found."""

    def __init__(self, channels: int, on_fraction: FractionCallback) -> None:
        """Begin a scan of so many channels."""
        self.found: list[FoundNetwork] = []
        self._channels = channels
        self._visited: set[int] = set()
        self._on_fraction = on_fraction

    @property
    def is_complete(self) -> bool:
        """Whether every channel was reported."""
        return len(self._visited) >= self._channels

    def add(self, result: ScanResult) -> None:
        """Take what was received on one channel."""
        for beacon in result.beacons:
            if len(self.found) < _MAX_PANS and beacon.pan_id in PAN_IDS:
                network = Network(logical_channel(result.channel), beacon.pan_id, beacon.mac)
                self.found.append(FoundNetwork(network, beacon.rssi, ours=True))
        self._visited.add(result.channel)
        self._on_fraction(min(1.0, len(self._visited) / self._channels))


def mask_of(channels: range) -> int:
    """Return the mask of the command 0051 for logical channels; J11 has those of the meters."""
    return sum(1 << from_logical(channel) for channel in channels if channel in METER_CHANNELS)
