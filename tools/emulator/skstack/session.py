"""The PANA session of a dongle with the meter: how it begins, is renewed, and ends.

PANA packets are ordinary lines on port 02CC, the list of instances comes some time after
EVENT 25. The times are those of the captures.
"""

import asyncio
from random import Random
from typing import override

from .. import pana
from ..config import EmulatorConfig
from ..meter.echonet_node import instance_list
from ..meter.notifications import Notifications
from ..pace import Span
from ..radio_environment import Pan
from ..renewal import Renewal
from ..session import DongleSession
from ..transceiver import Receive
from .transceiver import SkstackTransceiver

#: Seconds; sources are the timings of skstack captures 01, 09, 15 and 22.
_RESOLUTION: Span = (0.04, 0.2)
_REFUSED_AFTER: Span = (36.0, 37.5)
_UNREACHABLE_AFTER: Span = (37.5, 40.0)
_TERMINATION: Span = (0.1, 0.5)
_INSTANT: Span = (0.001, 0.01)
#: When an unanswered termination is given up. No source; our own choice.
_TERMINATION_TIMEOUT: Span = (8.0, 12.0)
#: How often the first datagram after a join needs address resolution once more: seen in
#: captures 05 and 14, not in 01 and 06.
_COLD_AFTER_JOIN = 0.3

_NEIGHBOUR_ADVERTISED, _SENT = 0x02, 0x21
_SENT_OK, _RESOLVING = 0x00, 0x02
_JOIN_FAILED, _JOINED, _ENDED_BY_METER, _TERMINATED = 0x24, 0x25, 0x26, 0x27
_TERMINATION_TIMED_OUT, _EXPIRED = 0x28, 0x29


class Session(DongleSession[SkstackTransceiver]):
    """The session of an SKSTACK dongle."""

    def __init__(
        self,
        config: EmulatorConfig,
        transceiver: SkstackTransceiver,
        pushes: Notifications,
        heard: Receive,
    ) -> None:
        """Prepare; there is none yet."""
        super().__init__(config, transceiver, pushes, heard)
        self._printer = transceiver.printer
        self._joining: asyncio.Task[None] | None = None
        self.route_b_id: str | None = None
        self.password: str | None = None
        self.keys = False
        """Whether the dongle has keys for the meter."""

    def reset(self) -> None:
        """Forget keys and credentials; what is going on has been cancelled already."""
        self._forget()
        self.route_b_id = self.password = None

    # --- The beginning --------------------------------------------------------------------

    def join(self, address: str) -> None:
        """Begin a PANA authentication; one that is going on is given up."""
        if self._joining is not None:
            self._joining.cancel()
        self._forget()
        self._joining = self._transceiver.begin(self._join(address))

    def rejoin(self) -> None:
        """Authenticate once more with the meter of the session."""
        self.join(self._air.pan.address)

    async def _join(self, address: str) -> None:
        neighbours = self._transceiver.neighbours
        if address not in neighbours:
            await self._pace.wait(_RESOLUTION)
            self._printer.event(_SENT, address, _RESOLVING)
        meter = self._transceiver.reached(address)
        if meter is not None and address not in neighbours:
            await self._pace.wait(_RESOLUTION)
            self._printer.event(_NEIGHBOUR_ADVERTISED, address)
        if meter is None or not self._air.joinable:
            await self._pace.wait(_UNREACHABLE_AFTER)
            self._printer.event(_JOIN_FAILED, address)
            return
        neighbours[address] = meter.mac
        accepted = not self._transceiver.defects.refuses and self._air.knows(
            meter, self.route_b_id or "", self.password or ""
        )
        packets = pana.packets(self._pace.random, self._meter_id, self._lifetime)
        if self._delay:
            await self._pace.wait((self._delay, self._delay))
        complete = await self._authenticate(meter, packets if accepted else packets[:2])
        if not (accepted and complete):
            await self._pace.wait(_REFUSED_AFTER)
            self._printer.event(_JOIN_FAILED, address)
            return
        await self._pace.wait(_INSTANT)
        await self._joined(address)

    async def _authenticate(
        self, meter: Pan, packets: list[bytes], random: Random | None = None
    ) -> bool:
        """Exchange packets; return whether the meter was there to the end."""
        for packet in packets:
            await self._pace.wait(pana.ANSWER, random)
            if self._transceiver.reached(meter.address) != meter:
                return False
            self._transceiver.hear_pana(packet, meter)
            await self._pace.wait(pana.REPLY, random)
            self._transceiver.transmitted(packet, pana.PORT)
            self._printer.event(_SENT, meter.address, _SENT_OK)
        return True

    async def _joined(self, address: str) -> None:
        self._begin_life()
        self._printer.event(_JOINED, address)
        self._pushes.start()
        if self._pace.random.random() < _COLD_AFTER_JOIN:
            self._transceiver.neighbours.pop(address, None)
        await self._pace.wait(pana.INSTANCE_LIST)
        self._heard(instance_list(), multicast=True)

    # --- The renewal ----------------------------------------------------------------------

    def renew(self) -> None:
        """Renew the session now, as the dongle does at 80 % of its lifetime."""
        if self.keys:
            self._life.renew_now()

    def _begin_life(self) -> None:
        self.keys = self._air.session = True
        self._life.begin()

    @override
    async def _renew_by_itself(self) -> bool:
        meter = self._transceiver.reached(self._air.pan.address)
        complete = False
        if meter is not None and self._air.session:
            packets = pana.renewal(self._random, self._meter_id, self._lifetime)
            complete = await self._authenticate(meter, packets, self._random)
        if not complete:
            await self._pace.wait(_UNREACHABLE_AFTER, self._random)
        self._printer.event(_JOINED if complete else _JOIN_FAILED, self._air.pan.address)
        return complete

    # --- The end --------------------------------------------------------------------------

    def terminate(self) -> None:
        """Begin to end the session."""
        _ = self._transceiver.begin(self._terminate())

    async def _terminate(self) -> None:
        await self._pace.wait(_TERMINATION)
        address = self._air.pan.address
        answered = self._transceiver.reached(address) is not None and self._air.session
        if answered:
            self._air.leave()
        else:
            await self._pace.wait(_TERMINATION_TIMEOUT, self._random)
        self._forget()
        self._printer.event(_TERMINATED if answered else _TERMINATION_TIMED_OUT, address)

    def end_by_meter(self) -> None:
        """The meter ends the session."""
        self._end(_ENDED_BY_METER, _TERMINATED)

    def end_by_event(self, number: int) -> None:
        """End with one EVENT, whatever the reason."""
        self._end(number)

    def fail(self) -> None:
        """A renewal failed, and with it the session."""
        self._end(_JOIN_FAILED)

    def expire(self, renewal: Renewal) -> None:
        """The lifetime is over."""
        if not self.keys:
            return
        self._end(_EXPIRED)
        if renewal != "none":
            self._joining = self._transceiver.begin(self._begin_again(fails=renewal == "fails"))

    async def _begin_again(self, *, fails: bool) -> None:
        """Join without a command, drawing from a separate stream so that no other delay shifts."""
        meter = self._transceiver.reached(self._air.pan.address)
        complete = False
        if meter is not None and not fails:
            packets = pana.packets(self._random, self._meter_id, self._lifetime)
            complete = await self._authenticate(meter, packets, self._random)
        if not complete:
            await self._pace.wait(_UNREACHABLE_AFTER, self._random)
            self._printer.event(_JOIN_FAILED, self._air.pan.address)
            return
        self._begin_life()
        self._printer.event(_JOINED, self._air.pan.address)
        self._pushes.start()

    @override
    def _expire(self) -> None:
        self._end(_EXPIRED)

    def _end(self, *events: int) -> None:
        """Forget the keys at both ends, and print the events; does nothing without a session."""
        if not self.keys:
            return
        self._forget()
        self._air.session = False
        for number in events:
            self._printer.event(number, self._air.pan.address)

    def _forget(self) -> None:
        self.keys = False
        self._pushes.stop()
        self._life.end()
