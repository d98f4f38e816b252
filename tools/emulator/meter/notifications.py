"""The half-hourly announcement: EA and EB, within five minutes after :00 and :30."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from ..config import EmulatorConfig
from ..pace import Pace, Span
from ..radio_environment import RadioEnvironment
from .clock import HALF_HOUR, half_hour_before
from .echonet import Service, decode
from .echonet_node import push

#: Seconds after the half-hour, on the meter's clock (AIF 1.01, 3.2.1: within five minutes).
_OFFSET: Span = (2.0, 220.0)
#: How often, and after how many seconds without confirmation an INFC is sent again. No source;
#: our own choice.
_ATTEMPTS = 3
_RESEND_AFTER: Span = (20.0, 20.0)


class Deliver(Protocol):
    """Hands a datagram to the dongle."""

    def __call__(self, payload: bytes) -> None:
        """Deliver it now."""


class Notifications:
    """Announces for as long as there is a session."""

    def __init__(
        self, config: EmulatorConfig, air: RadioEnvironment, pace: Pace, deliver: Deliver
    ) -> None:
        """Prepare; nothing is announced before :meth:`start`."""
        self._kind = config.push
        self._clock = config.clock
        self._meter = air.meter
        self._pace = pace
        self._deliver = deliver
        self._tid = 0
        self._confirmed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Announce from the next half-hour on."""
        self.stop()
        if self._kind != "none":
            self._task = self._pace.start(self._run())

    def stop(self) -> None:
        """Announce no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def confirm(self, payload: bytes) -> None:
        """Look whether a datagram of the host confirms the announcement."""
        frame = decode(payload)
        if frame is not None and frame.service == Service.INFC_RES and frame.tid == self._tid:
            self._confirmed = True

    async def _run(self) -> None:
        while True:
            offset = timedelta(seconds=self._pace.random.uniform(*_OFFSET))
            await self._until(half_hour_before(self._clock()) + HALF_HOUR + offset)
            self._tid = (self._tid + 1) & 0xFFFF
            await self._announce()

    async def _until(self, due: datetime) -> None:
        """Wait on the meter's clock, which no speed makes faster."""
        left = (due - self._clock()).total_seconds()
        while left > 0:
            await asyncio.sleep(left)
            left = (due - self._clock()).total_seconds()

    async def _announce(self) -> None:
        service = Service.INFC if self._kind == "infc" else Service.INF
        payload = push(self._meter, self._clock(), self._tid, service)
        self._confirmed = False
        for _ in range(_ATTEMPTS):
            self._deliver(payload)
            if service is Service.INF:
                return
            await self._pace.wait(_RESEND_AFTER)
            if self._confirmed:
                return
