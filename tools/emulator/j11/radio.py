"""Radio operations of a J11 dongle: scan, join, send, ping, measure.

Times: V12 p59, p64, p155. Where the manual gives the longest only, shorter ones are drawn from
what SKSTACK captures show.
"""

import asyncio

from ..config import EmulatorConfig
from ..exchange import Exchange
from ..meter.echonet import ECHONET_PORT
from ..meter.notifications import Notifications
from ..pace import Span
from ..products import link_local
from ..radio_environment import ALL_NODES, Pan
from .channels import CHANNELS, from_air, rssi, to_air
from .module import Module
from .numbers import (
    CHANNEL_BUSY,
    JOIN_FAILED,
    LIMITED,
    NO_ACK,
    PONG,
    SCAN_RESULT,
    SENT,
    RefusedError,
)
from .one_shot_faults import OneShotFaults
from .session import Session
from .transceiver import J11Transceiver, packed

#: Seconds on a channel: 9.64 ms * 2^n, and about 90 ms between two (from the times of p155).
_DWELL, _BETWEEN = 0.00964, 0.09
_ENERGY_DWELL = 0.32
_LONGEST = 14
#: 0053 listens for 2.5 s and answers within 2.6 s.
_START: Span = (2.5, 2.6)
#: One frame on the air, at most 0.9 s with its response; each further fragment one more second.
_ON_AIR: Span = (0.12, 0.34)
_FRAGMENT: Span = (0.6, 1.0)
_NOT_ACKNOWLEDGED: Span = (0.7, 0.9)
_NOT_FOUND: Span = (2.5, 2.7)
_INSTANT: Span = (0.001, 0.01)
#: Payload sizes at which a datagram needs one fragment more (63TR014J p14).
_FRAGMENTS = (185, 360, 544, 728, 912, 1096)
_PING_TIMEOUT: Span = (10.4, 10.9)
_ENERGY = (0x0A, 0x21)
_NOTHING_HEARD = 0x01
_MOST_BEACONS = 20


class Radio:
    """The dongle's end of the air."""

    def __init__(self, config: EmulatorConfig, transceiver: J11Transceiver) -> None:
        """Prepare; the radio is silent."""
        self._transceiver = transceiver
        self._air = transceiver.air
        self._pace = transceiver.pace
        self._chance = transceiver.chance
        self._module: Module = transceiver.module
        self._one_shot_faults: OneShotFaults = transceiver.one_shot_faults
        self._pushes = Notifications(config, transceiver.air, transceiver.pace, self.heard)
        self.session = Session(config, transceiver, self._pushes, self.heard)
        self._exchange = Exchange(config.clock, transceiver, self._pushes, self.heard)
        self._pinging: asyncio.Task[None] | None = None

    def reset(self) -> None:
        """Forget everything, in the middle of whatever is going on."""
        self._transceiver.reset()
        self.session.reset()
        self._pinging = None

    # --- Finding the meter ----------------------------------------------------------------

    async def scan(self, duration: int, mask: int, pair_id: str | None) -> None:
        """Visit the channels one after the other, and notify what was received."""
        for channel in CHANNELS:
            if mask >> channel & 1:
                await self._pace.hold(_DWELL * 2**duration + _BETWEEN)
                pans = self._answering(channel, duration, pair_id)
                self._transceiver.notify(SCAN_RESULT, _heard_on(channel, pans))

    async def energy(self, mask: int) -> bytes:
        """Measure the energy on channels."""
        levels = b""
        for channel in CHANNELS:
            if mask >> channel & 1:
                await self._pace.hold(_ENERGY_DWELL)
                levels += bytes((channel, self._pace.random.randint(*_ENERGY)))
        return levels

    async def join(self) -> bytes:
        """Join the meter on the channel of the set-up that has our ID."""
        await self._pace.wait(_START)
        module = self._module
        pair_id = (module.route_b_id or "")[-8:]
        # A beacon request of this command is answered as those of the longest scan are.
        pans = self._answering(module.channel, _LONGEST, pair_id) if pair_id else []
        if self._one_shot_faults.start_in_vain() or not pans or module.limited:
            raise RefusedError(JOIN_FAILED)
        pan = max(pans, key=lambda pan: pan.lqi)
        module.joined = pan
        place = bytes((module.channel,)) + pan.pan_id.to_bytes(2)
        return place + bytes.fromhex(pan.mac) + rssi(pan)

    def _answering(self, channel: int, duration: int, pair_id: str | None) -> list[Pan]:
        """Return the meters that answer a beacon request; with a pairing ID only those with it (V12 p58)."""
        pans = self._air.heard(to_air(channel), duration, pair_id)
        return [pan for pan in pans if pair_id in (None, pan.pair_id)]

    # --- Datagrams ------------------------------------------------------------------------

    async def send(self, address: str, port: int, payload: bytes) -> int:
        """Send a datagram; return its result."""
        if self._module.limited:
            await self._pace.wait(_INSTANT)
            return LIMITED
        chance = self._chance
        if self._one_shot_faults.transmissions:
            await self._pace.wait(_NOT_ACKNOWLEDGED, chance.random)
            return self._one_shot_faults.transmissions.pop(0)
        if chance.strikes(chance.rates.channel_busy):
            await self._pace.wait(_NOT_ACKNOWLEDGED, chance.random)
            return CHANNEL_BUSY
        await self._pace.wait(_ON_AIR)
        for _ in range(sum(len(payload) > size for size in _FRAGMENTS)):
            await self._pace.wait(_FRAGMENT)
        self._transceiver.transmitted(payload, port)
        return await self._deliver(address, port, payload)

    async def _deliver(self, address: str, port: int, payload: bytes) -> int:
        chance = self._chance
        if self._transceiver.reached(address) is None:
            await self._pace.wait(_NOT_FOUND, chance.random)
            return NO_ACK
        if chance.strikes(chance.rates.fail_send):
            await self._pace.wait(_NOT_ACKNOWLEDGED, chance.random)
            return NO_ACK
        if self._module.keys and self._air.session and port == ECHONET_PORT:
            self._exchange.pass_on(payload)
        return SENT

    def may_reach(self, address: str) -> bool:
        """Return whether an address is that of the meter that was joined, or the multicast address."""
        joined = self._module.joined
        return joined is not None and address in (joined.address, ALL_NODES)

    def heard(self, payload: bytes, *, multicast: bool = False) -> None:
        """Receive from our meter, if both ends are there and have keys."""
        air = self._air
        if self._module.keys and air.session and air.present:
            self._transceiver.hear(payload, multicast=multicast)

    # --- Ping -----------------------------------------------------------------------------

    @property
    def pinging(self) -> bool:
        """Whether a ping waits for its answer."""
        return self._pinging is not None and not self._pinging.done()

    def ping(self, address: str, data: bytes) -> None:
        """Send an echo request; a notification reports the answer."""
        self._pinging = self._transceiver.begin(self._ping(address, data))

    async def _ping(self, address: str, data: bytes) -> None:
        await self._pace.wait(_ON_AIR)
        pan = self._transceiver.reached(address)
        if pan is None:
            await self._pace.wait(_PING_TIMEOUT)
            self._transceiver.notify(PONG, b"\0")
            return
        await self._pace.wait(_ON_AIR)
        encryption = 2 if self._module.keys else 1
        echoed = rssi(pan) + len(data).to_bytes(2) + data
        self._transceiver.notify(PONG, b"\1" + packed(pan.address) + bytes((encryption,)) + echoed)


def _heard_on(channel: int, pans: list[Pan]) -> bytes:
    """Return the data of a scan result."""
    pans = [pan for pan in pans if from_air(pan.channel) == channel][:_MOST_BEACONS]
    if not pans:
        return bytes((_NOTHING_HEARD, channel))
    beacons = (bytes.fromhex(pan.mac) + pan.pan_id.to_bytes(2) + rssi(pan) for pan in pans)
    return bytes((0, channel, len(pans))) + b"".join(beacons)


def own_address(mac: str) -> bytes:
    """Return the sixteen bytes of the address of a MAC address."""
    return packed(link_local(mac))
