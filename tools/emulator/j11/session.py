"""The PANA session of a J11 dongle: inside the dongle, where only its results are visible.

The dongle renews it at 80 % of its lifetime silently (V12 p115). Its notification at the
end of the lifetime is not documented; here 601A 04.
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
from .channels import rssi
from .numbers import CHANGED, MAC_LOST, PANA, PANA_LOST, REFUSED, SUCCEEDED, UNANSWERED
from .transceiver import J11Transceiver

#: V12 p155-156: the meter answers nothing, or stops half-way; the same for a renewal.
_NO_ANSWER: Span = (491.9, 706.0)
_HALF_WAY: Span = (311.5, 311.5)
_RENEWAL_NO_ANSWER: Span = (180.1, 236.7)
_RENEWAL_HALF_WAY: Span = (302.7, 302.7)
#: The end of a session, within the two seconds that a response may take.
_TERMINATION: Span = (0.1, 0.5)
#: Messages of an authentication that a meter answers although the credentials are wrong.
_BEFORE_REFUSAL = 2


class Session(DongleSession[J11Transceiver]):
    """The session of a J11 dongle."""

    def __init__(
        self,
        config: EmulatorConfig,
        transceiver: J11Transceiver,
        pushes: Notifications,
        heard: Receive,
    ) -> None:
        """Prepare; there is none yet."""
        super().__init__(config, transceiver, pushes, heard)
        self._module = transceiver.module
        self._running: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether an authentication that the host began is going on."""
        return self._running is not None and not self._running.done()

    def reset(self) -> None:
        """Forget everything; what is going on has been cancelled already."""
        self._forget()
        self._running = None

    # --- The beginning --------------------------------------------------------------------

    def start(self) -> None:
        """Begin an authentication."""
        self._running = self._transceiver.begin(self._start())

    async def _start(self) -> None:
        meter = self._transceiver.peer
        if meter is None or self._transceiver.one_shot_faults.no_pana or not self._air.joinable:
            await self._pace.wait(_NO_ANSWER, self._random)
            self._report(UNANSWERED)
            return
        module = self._module
        accepted = not self._transceiver.defects.refuses and self._air.knows(
            meter, module.route_b_id or "", module.password or ""
        )
        packets = pana.packets(self._pace.random, self._meter_id, self._lifetime)
        answered = packets if accepted else packets[:_BEFORE_REFUSAL]
        if self._delay:
            await self._pace.hold(self._delay)
        if not await self._exchange(meter, answered, self._pace.random):
            await self._pace.wait(_HALF_WAY)
            self._report(UNANSWERED)
        elif not accepted:
            self._report(REFUSED)
        else:
            await self._succeed()

    async def _succeed(self) -> None:
        self._module.keys = self._air.session = True
        self._report(SUCCEEDED)
        self._life.begin()
        self._pushes.start()
        await self._pace.wait(pana.INSTANCE_LIST)
        self._heard(instance_list(), multicast=True)

    async def _exchange(self, meter: Pan, packets: list[bytes], random: Random) -> bool:
        """Exchange messages, and return whether the meter was there to the end."""
        for packet in packets:
            await self._pace.wait(pana.ANSWER, random)
            if self._transceiver.peer != meter:
                return False
            self._air.traffic.pana += 1
            await self._pace.wait(pana.REPLY, random)
            self._transceiver.transmitted(packet, pana.PORT)
        return True

    def _report(self, result: int) -> None:
        joined = self._module.joined or self._air.pan
        self._transceiver.notify(PANA, bytes((result,)) + bytes.fromhex(joined.mac))

    # --- The renewal ----------------------------------------------------------------------

    def renew(self) -> None:
        """Renew the session now, as the dongle does by itself: success is silent."""
        if self._module.keys:
            self._life.renew_now()

    def reauthenticate(self) -> None:
        """Renew the session because the host asks for it (00D2); success is reported."""
        self._running = self._transceiver.begin(self._reauthenticate())

    async def _reauthenticate(self) -> None:
        result = await self._renewed()
        if self._module.keys:  # else there is no notification (V12 p118)
            self._report(result)
            if result == SUCCEEDED:
                self._life.begin()

    @override
    async def _renew_by_itself(self) -> bool:
        result = await self._renewed()
        if result != SUCCEEDED:
            self._report(result)
        return result == SUCCEEDED

    async def _renewed(self) -> int:
        meter = self._transceiver.peer
        mute = self._transceiver.one_shot_faults.no_pana or not self._air.session
        if meter is None or mute:
            await self._pace.wait(_RENEWAL_NO_ANSWER, self._random)
            return UNANSWERED
        packets = pana.renewal(self._random, self._meter_id, self._lifetime)
        refused = self._transceiver.defects.refuses
        answered = packets[:_BEFORE_REFUSAL] if refused else packets
        if not await self._exchange(meter, answered, self._random):
            await self._pace.wait(_RENEWAL_HALF_WAY)
            return UNANSWERED
        return REFUSED if refused else SUCCEEDED

    # --- The end --------------------------------------------------------------------------

    async def terminate(self) -> None:
        """End the session because the host asks for it (0057); the credentials are lost."""
        await self._pace.wait(_TERMINATION)
        if self._transceiver.peer is not None and self._air.session:
            self._air.leave()
        self._forget()
        self._module.forget_credentials()

    def leave(self) -> None:
        """Leave the network (0058): nothing is transmitted, ports are closed (V12 p117)."""
        self._forget()
        self._module.joined = None
        self._module.ports.clear()

    def lose(self, change: int) -> None:
        """Lose the session (601A 04), or even the place in the network (601A 03)."""
        joined = self._module.joined
        if joined is None or not (self._module.keys or change == MAC_LOST):
            return
        self._air.session = False
        self._forget()
        strength = b"\0" if change == MAC_LOST else rssi(joined)
        if change == MAC_LOST:
            self._module.joined = None
        self._transceiver.notify(CHANGED, bytes((change,)) + bytes.fromhex(joined.mac) + strength)

    def end_by_meter(self) -> None:
        """The meter ends the session: 601A 04."""
        self.lose(PANA_LOST)

    def end_by_event(self, number: int) -> None:
        """End as with EVENT 27 of SKSTACK (601A 04), or as with EVENT 28 (601A 03)."""
        if self._module.keys:
            self.lose(PANA_LOST if number == 0x27 else MAC_LOST)  # noqa: PLR2004 - EVENT 27

    def expire(self, renewal: Renewal) -> None:
        """The lifetime is over. A J11 dongle does not sign in again by itself."""
        if self._module.keys:
            if renewal == "fails":
                self._report(UNANSWERED)
            self.lose(PANA_LOST)

    @override
    def _expire(self) -> None:
        self.lose(PANA_LOST)

    def fail(self) -> None:
        """An automatic renewal was refused, and with it the session is gone: 6028 02."""
        if self._module.keys:
            self._report(REFUSED)
            self._air.session = False
            self._forget()

    def _forget(self) -> None:
        """Forget the keys; no authentication goes on after that."""
        self._module.lose_keys()
        self._pushes.stop()
        self._life.end()
        if self._running is not None and self._running is not asyncio.current_task():
            self._running.cancel()
