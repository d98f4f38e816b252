"""The meters in range of the dongle's radio: ours, and others."""

import asyncio
from dataclasses import dataclass, replace
from random import Random

from .config import SHORTEST_SCAN, EmulatorConfig
from .meter.echonet_node import EchonetNode
from .meter.meter import Meter
from .products import link_local
from .traffic import Traffic

#: Channels 33 to 60, as the hexadecimal numbers of register S2.
FIRST_CHANNEL, LAST_CHANNEL = 0x21, 0x3C
CHANNELS = range(FIRST_CHANNEL, LAST_CHANNEL + 1)
#: Those on which meters are: 0.4 MHz apart. J11 has no other, and every EPANDESC of the
#: captures names one of them.
METER_CHANNELS = range(FIRST_CHANNEL, LAST_CHANNEL + 1, 2)
#: The durations that meters of the captures were found with: 02, 09 and 22.
_SHORTEST_SCANS = (5, 6, 7)
#: Where multicast of the meters goes.
ALL_NODES = "FF02:0000:0000:0000:0000:0000:0000:0001"
#: How many PAN IDs are not the low half of the meter's address (capture 04 has such a one).
_UNRELATED_PAN_IDS = 0.2
#: Seconds after the end of a session in which a meter answers no join (field report: the program
#: broute-mqtt waits so long).
_PAUSE = 10.0


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
    shortest_scan: int
    """The meter does not answer a scan of a shorter duration (A1 p20: each step doubles the time)."""

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


class RadioEnvironment:
    """The meters around, and the meter's end of the session."""

    def __init__(self, config: EmulatorConfig, meter: Meter) -> None:
        """Place the meters; same seed, same addresses and channels."""
        random = Random(f"place/{config.seed}")
        self._config = config
        self.meter = meter
        self.node = EchonetNode(meter)
        self.pan = replace(
            _place(random, meter.mac, config.route_b_id[-8:]), shortest_scan=config.shortest_scan
        )
        self.neighbours = [_next_door(random) for _ in range(config.neighbours)]
        self.traffic = Traffic()
        self.session = False
        """Whether the meter has keys for the dongle."""
        self.in_range = config.in_range
        """Whether meter and dongle are in range of each other."""
        self.powered = True
        """Whether the meter is up."""
        self._moves = Random(f"moves/{config.seed}")
        self._deaf_until = 0.0

    # --- Who is there ---------------------------------------------------------------------

    @property
    def present(self) -> bool:
        """Whether our meter is up and in range."""
        return self.in_range and self.powered

    def heard(self, channel: int, duration: int, pair_id: str | None) -> list[Pan]:
        """Return the meters that answer a beacon request; ours only to its own pair ID."""
        ours = pair_id is None or pair_id == self.pan.pair_id
        pans = [pan for pan in self.neighbours if ours or pan.pair_id != self.pan.pair_id]
        if ours and self.present:
            pans.append(self.pan)
        return [pan for pan in pans if pan.channel == channel and duration >= pan.shortest_scan]

    def at(self, channel: int, pan_id: int, address: str) -> Pan | None:
        """Return which meter acknowledges what is sent there: ours, or one that looks like it."""
        looks_ours = (pan for pan in self.neighbours if pan.pair_id == self.pan.pair_id)
        for pan in (self.pan, *looks_ours) if self.present else looks_ours:
            if (channel, pan_id) == (pan.channel, pan.pan_id):
                return pan if address in (pan.address, ALL_NODES) else None
        return None

    def deafen(self, shortest_scan: int) -> None:
        """From now on our meter does not answer scans of a shorter duration."""
        self.pan = replace(self.pan, shortest_scan=shortest_scan)

    def add_neighbour(self, pair_id: str | None = None, lqi: int | None = None) -> Pan:
        """Add one more meter, with any pair ID, even ours; every usual scan finds it."""
        pan = _next_door(self._moves)
        pan = replace(
            pan,
            pair_id=pair_id or pan.pair_id,
            lqi=pan.lqi if lqi is None else lqi,
            shortest_scan=SHORTEST_SCAN,
        )
        self.neighbours.append(pan)
        return pan

    def move(self, channel: int | None = None, pan_id: int | None = None) -> Pan:
        """Give our meter another channel and PAN ID, by default any other; it joins again."""
        here, random = self.pan, self._moves
        channels = [number for number in METER_CHANNELS if number != here.channel]
        drawn = random.choice(channels), (here.pan_id + random.randrange(1, 0xFFFF)) % 0xFFFF
        self.pan = replace(
            here,
            channel=drawn[0] if channel is None else channel,
            pan_id=drawn[1] if pan_id is None else pan_id,
        )
        self.session = False
        return self.pan

    # --- The meter's end of the session ---------------------------------------------------

    def knows(self, pan: Pan, route_b_id: str, password: str) -> bool:
        """Return whether a meter accepts these credentials: ours, and the right ones."""
        config = self._config
        ours = pan.mac == self.pan.mac
        return ours and (route_b_id, password) == (config.route_b_id, config.password)

    def leave(self) -> None:
        """End the session from the dongle: for a moment the meter answers no join."""
        self.session = False
        self._deaf_until = asyncio.get_running_loop().time() + _PAUSE / self._config.speed

    @property
    def joinable(self) -> bool:
        """Whether the meter answers a join."""
        return asyncio.get_running_loop().time() >= self._deaf_until

    @property
    def route_b_id(self) -> str:
        """The ID that the meter names during a join, in clear text."""
        return self._config.route_b_id

    def datagram(
        self,
        payload: bytes,
        *,
        port: int,
        secured: bool,
        multicast: bool = False,
        sender: Pan | None = None,
    ) -> Datagram:
        """Return a datagram of a meter, by default ours, to the dongle or to everybody."""
        pan = sender or self.pan
        destination = ALL_NODES if multicast else None
        return Datagram(pan.address, pan.mac, port, payload, secured, pan.lqi, destination)


def _next_door(random: Random) -> Pan:
    mac = f"C0F945004{random.getrandbits(28):07X}"
    return _place(random, mac, f"{random.getrandbits(32):08X}")


def _place(random: Random, mac: str, pair_id: str) -> Pan:
    unrelated = random.random() < _UNRELATED_PAN_IDS
    pan_id = random.randrange(0xFFFF) if unrelated else int(mac[-4:], 16)
    channel = random.randint(FIRST_CHANNEL, LAST_CHANNEL)
    channel -= (channel - FIRST_CHANNEL) % METER_CHANNELS.step
    lqi = random.randint(0x40, 0xC8)
    # Not from the same random numbers, which place the meter.
    shortest_scan = Random(f"deaf/{mac}").choice(_SHORTEST_SCANS)
    return Pan(channel, pan_id, mac, pair_id, lqi, shortest_scan)
