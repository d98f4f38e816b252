"""The parts of every dongle, independent of its protocol: serial line, power, and defects.

It goes on while no host is connected: a session survives the closing of the port.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol

from .defects import Defects
from .line import Host, Line, Units
from .pace import Pace
from .rates import Chance
from .renewal import Renewal

#: Seconds that a dongle receives nothing after a power cycle, and how many bytes of garbage its
#: line carries then (our own choice).
_DEAF = 0.5
_GARBAGE = (3, 12)


class SessionFaults(Protocol):
    """Events of the session of a dongle; ignored while there is none."""

    def end_by_meter(self) -> None:
        """The meter ends the session."""

    def end_by_event(self, number: int) -> None:
        """The session ends as with this EVENT of SKSTACK, 27 or 28 (hex)."""

    def expire(self, renewal: Renewal) -> None:
        """The lifetime is over."""

    def renew(self) -> None:
        """The dongle renews the session now."""

    def fail(self) -> None:
        """A renewal fails, and with it the session."""


class Device(ABC):
    """One dongle, from the bytes of the host to the bytes for the host."""

    #: What a host writes to reset it.
    reset_command: ClassVar[bytes]

    def __init__(
        self, pace: Pace, chance: Chance, *, units: Units | None = None, mark: bytes = b""
    ) -> None:
        """Power on. ``units`` and ``mark`` are those of the :class:`~.line.Line`."""
        self.pace = pace
        self.defects = Defects()
        self._chance = chance
        self._line = Line(chance, pace, units=units, mark=mark)
        self._hosts = self._line.hosts
        self._waking: asyncio.Task[None] | None = None
        self._opened_at = 0.0
        self._heard_last = b""
        self._powered = True
        self.muted = False
        """It hangs: it receives nothing and prints nothing."""
        self.always_ok = False
        """It reports success to every command and does nothing."""

    # --- What the protocols do in their own way -------------------------------------------

    @property
    @abstractmethod
    def session(self) -> SessionFaults:
        """The session, for faults."""

    @property
    @abstractmethod
    def limited(self) -> bool:
        """Whether the regulatory transmit limit is in force."""

    @abstractmethod
    def limit(self, *, on: bool) -> None:
        """Begin or end the time in which nothing may be transmitted."""

    @abstractmethod
    def babble(self, count: int) -> None:
        """Print so many meaningless messages, at once."""

    @property
    def is_healthy(self) -> bool:
        """Whether none of the faults that only this protocol knows is in force."""
        return True

    def repair(self) -> None:  # noqa: B027 - some have none
        """End the faults that only this protocol knows."""

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Take bytes that were received from a host."""

    @abstractmethod
    def _lose_everything(self) -> None:
        """Forget what power keeps alive."""

    def _start_up(self) -> None:  # noqa: B027 - see there
        """Begin to work after power came back; by default at once and silently."""

    # --- The line -------------------------------------------------------------------------

    def attach(self, host: Host) -> Callable[[], None]:
        """Send the dongle's output to a host; return the function that ends that."""
        self._hosts.append(host)
        self._opened_at = asyncio.get_running_loop().time()
        self.defects.cured_by("open")
        return lambda: self._hosts.remove(host)

    def receive(self, data: bytes) -> None:
        """Take bytes of a host."""
        if not self.muted and self._powered and self._waking is None and not self._deaf_to(data):
            self._take(data)

    def _deaf_to(self, data: bytes) -> bool:
        """Return whether a defect discards this input; a reset may end the defect."""
        defects = self.defects
        if defects.deaf_after_opening:
            awake = self._opened_at + self.pace.scaled(defects.deaf_after_opening)
            if asyncio.get_running_loop().time() < awake:
                return True
        self._heard_last = (self._heard_last + data)[-len(self.reset_command) - len(data) :]
        if self.reset_command in self._heard_last:
            defects.deaf_until.discard("reset")
        return bool(defects.deaf_until)

    def emit(self, data: bytes) -> None:
        """Print something; without a host it is lost."""
        if not self.muted and self._powered:
            self._line.print(data)

    def close(self) -> None:
        """Cancel everything under way."""
        self._line.cut()

    # --- Power ----------------------------------------------------------------------------

    def power_off(self) -> None:
        """Lose everything but flash, and what hung."""
        self._powered = False
        self.muted = False
        self._line.cut()
        self._lose_everything()
        self.defects.cured_by("reset")
        self.defects.cured_by("open")
        self._stay_awake()

    def power_on(self) -> None:
        """Come back."""
        self._powered = True
        self._start_up()

    def power_cycle(self) -> None:
        """Lose power for a moment behind a serial bridge that does not: the port stays open."""
        self.power_off()
        self._powered = True
        random = self._chance.random
        self._line.carry(random.randbytes(random.randint(*_GARBAGE)))
        self._waking = self.pace.start(self._wake())

    async def _wake(self) -> None:
        await self.pace.hold(_DEAF)
        self._waking = None
        self._start_up()

    def _stay_awake(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
