"""Answers of the meter to datagrams that have reached it: in time, late, or none."""

from collections.abc import Callable

from .meter.clock import Clock
from .meter.echonet import decode
from .meter.notifications import Notifications
from .pace import Span
from .transceiver import Transceiver

#: Seconds; the source is the timings of skstack captures 01, 06 and 22.
_ANSWER: Span = (0.1, 1.3)
#: How much later a delayed answer comes (our own choice).
_DELAY: Span = (3.0, 25.0)


class Exchange:
    """Requests to the meter, and its answers."""

    def __init__(
        self,
        clock: Clock,
        transceiver: Transceiver,
        pushes: Notifications,
        heard: Callable[[bytes], None],
    ) -> None:
        """Prepare; ``heard`` takes the answers."""
        self._clock = clock
        self._transceiver = transceiver
        self._pushes = pushes
        self._heard = heard

    def pass_on(self, payload: bytes) -> None:
        """Hand a datagram to the meter; what waits in a slow one outlives a reset of the dongle."""
        if self._transceiver.defects.service_time:
            _ = self._transceiver.pace.start(self._serve(payload))
        else:
            _ = self._transceiver.begin(self._answer(payload))

    async def _serve(self, payload: bytes) -> None:
        defects = self._transceiver.defects
        async with defects.serving:
            await self._transceiver.pace.hold(defects.service_time)
            await self._answer(payload)

    async def _answer(self, payload: bytes) -> None:
        chance, pace = self._transceiver.chance, self._transceiver.pace
        if chance.strikes(chance.rates.lose_request):
            return
        frame = decode(payload)
        defects = self._transceiver.defects
        if frame and defects.leaves_unanswered(epc for epc, _ in frame.properties):
            return
        self._pushes.confirm(payload)
        answer = self._transceiver.air.node.answer(payload, self._clock())
        if answer is not None:
            await pace.wait(_ANSWER)
            if chance.strikes(chance.rates.delay_answer):
                await pace.wait(_DELAY, chance.random)
            self._heard(answer)
