"""What the dongle's radio can hear and reach: our meter, and the meters next door."""

from dataclasses import dataclass
from random import Random

from .config import EmulatorConfig
from .meter import Meter
from .node import Node
from .products import link_local

#: Channels 33 to 60, as the hexadecimal numbers of register S2.
FIRST_CHANNEL, LAST_CHANNEL = 0x21, 0x3C
#: Where multicast of the meters goes.
ALL_NODES = "FF02:0000:0000:0000:0000:0000:0000:0001"
#: How many PAN IDs are not the low half of the meter's address (capture 04 has such a one).
_UNRELATED_PAN_IDS = 0.2


@dataclass(frozen=True, slots=True)
class Pan:
    """A meter's radio network, as a scan shows it."""

    channel: int
    pan_id: int
    mac: str
    """16 hex digits, upper case."""
    pair_id: str
    """The last eight characters of the Route-B ID."""
    lqi: int

    @property
    def address(self) -> str:
        """The IPv6 address of the meter."""
        return link_local(self.mac)


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram that reached the dongle."""

    source: str
    mac: str
    port: int
    payload: bytes
    secured: bool
    lqi: int
    destination: str | None = None
    """None: the dongle itself."""


class Air:
    """The meters around, and the meter's end of the session."""

    def __init__(self, config: EmulatorConfig, meter: Meter) -> None:
        """Place the meters; same seed, same addresses and channels."""
        random = Random(f"place/{config.seed}")
        self._config = config
        self.meter = meter
        self.node = Node(meter)
        self.pan = _place(random, meter.mac, config.route_b_id[-8:])
        self.neighbours = [_next_door(random) for _ in range(config.neighbours)]
        self.session = False
        """Whether the meter has keys for the dongle."""

    def heard(self, channel: int, duration: int, pair_id: str | None) -> list[Pan]:
        """Return who answers a beacon request; a meter of ours only to its own pair ID."""
        pans = list(self.neighbours)
        config = self._config
        ours = pair_id is None or pair_id == self.pan.pair_id
        if ours and config.in_range and duration >= config.shortest_scan:
            pans.append(self.pan)
        return [pan for pan in pans if pan.channel == channel]

    def reaches(self, channel: int, pan_id: int, address: str) -> bool:
        """Tell whether our meter acknowledges what is sent there."""
        return (
            self._config.in_range
            and (channel, pan_id) == (self.pan.channel, self.pan.pan_id)
            and address in (self.pan.address, ALL_NODES)
        )

    def knows(self, route_b_id: str, password: str) -> bool:
        """Tell whether the meter accepts these credentials."""
        config = self._config
        return (route_b_id, password) == (config.route_b_id, config.password)

    @property
    def route_b_id(self) -> str:
        """The ID that the meter names during a join, in clear text."""
        return self._config.route_b_id

    def datagram(
        self, payload: bytes, *, port: int, secured: bool, multicast: bool = False
    ) -> Datagram:
        """Return a datagram of our meter to the dongle, or to everybody."""
        pan = self.pan
        destination = ALL_NODES if multicast else None
        return Datagram(pan.address, pan.mac, port, payload, secured, pan.lqi, destination)


def _next_door(random: Random) -> Pan:
    mac = f"C0F945004{random.getrandbits(28):07X}"
    return _place(random, mac, f"{random.getrandbits(32):08X}")


def _place(random: Random, mac: str, pair_id: str) -> Pan:
    unrelated = random.random() < _UNRELATED_PAN_IDS
    pan_id = random.randrange(0xFFFF) if unrelated else int(mac[-4:], 16)
    channel = random.randint(FIRST_CHANNEL, LAST_CHANNEL)
    return Pan(channel, pan_id, mac, pair_id, random.randint(0x40, 0xC8))
