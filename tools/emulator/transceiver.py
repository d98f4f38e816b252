"""Radio of every dongle: receives from the meter, and counts what it transmits."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Coroutine
from typing import Protocol

from . import pana
from .defects import Defects
from .meter.echonet import ECHONET_PORT
from .pace import Pace
from .radio_environment import Datagram, Pan, RadioEnvironment
from .rates import Chance

_DUPLICATE_AFTER = (0.05, 0.5)


class Receive(Protocol):
    """Takes a datagram of the meter."""

    def __call__(self, payload: bytes, *, multicast: bool = False) -> None:
        """Print it, if there are keys to read it."""


class Transceiver(ABC):
    """The receiver and transmitter of a dongle."""

    def __init__(self, air: RadioEnvironment, pace: Pace, chance: Chance, defects: Defects) -> None:
        """Prepare; no activity runs."""
        self.air = air
        self.pace = pace
        self.chance = chance
        self.defects = defects
        self._activities: set[asyncio.Task[None]] = set()

    @abstractmethod
    def reached(self, address: str) -> Pan | None:
        """Return the meter that acknowledges what is sent to an address now."""

    @abstractmethod
    def show(self, datagram: Datagram) -> None:
        """Print a datagram that was received."""

    def begin(self, activity: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run an activity concurrently, until a reset."""
        task = self.pace.start(activity)
        self._activities.add(task)
        task.add_done_callback(self._activities.discard)
        return task

    def reset(self) -> None:
        """Forget everything, in the middle of whatever is going on."""
        for task in self._activities:
            task.cancel()

    def transmitted(self, payload: bytes, port: int) -> None:
        """Count what was on the air."""
        traffic = self.air.traffic
        if port == ECHONET_PORT:
            traffic.sent(payload)
        elif port == pana.PORT:
            traffic.pana += 1

    def hear(self, payload: bytes, *, multicast: bool = False) -> None:
        """Print an ECHONET Lite datagram of our meter, unless it is lost on the way."""
        chance = self.chance
        self.air.traffic.received(payload)
        if chance.strikes(chance.rates.lose_answer):
            return
        self._show(payload, multicast=multicast)
        if chance.strikes(chance.rates.duplicate_answer):
            _ = self.begin(self._hear_again(payload, multicast=multicast))

    async def _hear_again(self, payload: bytes, *, multicast: bool) -> None:
        await self.pace.wait(_DUPLICATE_AFTER, self.chance.random)
        self._show(payload, multicast=multicast)

    def _show(self, payload: bytes, *, multicast: bool) -> None:
        self.show(self.air.datagram(payload, port=ECHONET_PORT, secured=True, multicast=multicast))
