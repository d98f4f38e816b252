"""What both drivers do with their port: pass its bytes on, report its loss, close it."""

from abc import abstractmethod
from typing import override

from ..errors import PortLostError
from ..trace.trace import Trace
from .dongle import Dongle, DongleLost, EventHandler
from .port import Port, PortEvent


class PortDriver(Dongle):
    """A driver over one port, until it is closed."""

    def __init__(self, port: Port, on_event: EventHandler, trace: Trace) -> None:
        """Take the port, whose events must be passed to :meth:`take`."""
        self._port = port
        self._on_event = on_event
        self._trace = trace

    def take(self, event: PortEvent) -> None:
        """Take bytes from the port, or fail whatever waits because it is lost."""
        match event:
            case bytes():
                self._receive(event)
            case PortLostError():
                self._trace.note("The port is lost")
                self._fail_all(event)
                self._on_event(DongleLost(event))

    @override
    async def close(self) -> None:
        self._fail_all(PortLostError("The port was closed"))
        if self._port.is_open:
            self._trace.note("Closing the port")
        await self._port.close()
        await self._drain()

    @abstractmethod
    def _receive(self, data: bytes) -> None:
        """Decode bytes from the port."""

    @abstractmethod
    def _fail_all(self, error: PortLostError) -> None:
        """Drop the session, and fail every command and everything else that waits for the dongle."""

    @abstractmethod
    async def _drain(self) -> None:
        """Wait until no command runs; called when all of them have been failed."""
