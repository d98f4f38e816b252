"""Finds out which dongle is at a port, and returns the driver for it.

Theory of operation. Both protocols have a question for the firmware version, which changes nothing:
SKVER, and 006B of J11. One question proves nothing, as the first bytes may wake a USB device and be lost,
or complete what an earlier program has left half sent. Two SKVER that are not answered (1.5 s) are followed
by 006B and up to 1.2 s of silence: inside a request, a J11 dongle takes whatever comes for its rest until a
second has passed without a byte, and then complains (result 13). Any whole frame of J11 is proof enough:
the dongle may be busy, or just have started. If nothing was received until then, as many empty lines
follow as fill up the longest datagram of SKSTACK (0.11 s on the line), and both are asked in turn until
``timeout_s`` is over, 006B for 0.1 s: dongles of either kind may be starting. So detection takes
``timeout_s`` seconds and one question at most: 0.1 + 4.8 + 0.75 + 1.2 s, or 0.1 + 30 + 0.75 + 1.2 s
where a dongle is known to be. That one is reset once if it is silent: by SKRESET, or by 00D9 if J11 was
remembered. If J11 was remembered, its question comes first; an SKSTACK dongle takes it for a part of a
line, which is ended before the first SKVER.

A driver for another protocol is one more line in :data:`DRIVERS`.
"""

import asyncio
from collections.abc import Callable, Mapping
import itertools
from types import MappingProxyType
from typing import Final, Protocol

from ..errors import (
    DongleSilentError,
    NotAWiSunDongleError,
    PortBusyError,
    PortError,
    PortLostError,
    TelnetPortError,
)
from ..j11 import Receiver as J11Receiver, commands as j11_commands
from ..j11.frames import RESPONSE_CODE
from ..tasks import await_uncancelled
from ..trace.trace import Trace
from .dongle import Dongle, EventHandler
from .futures import fail, resolve
from .j11_driver import J11Dongle
from .port import Connector, Port, PortEvent
from .skstack_driver import SkstackDongle
from .telnet import is_telnet, says_in_use

#: Seconds of silence after which a port is reported to have no dongle, while a user waits.
IDENTIFY_TIMEOUT_S: Final = 4.8
#: Seconds for each SKVER.
_PROBE_TIMEOUT_S: Final = 0.75
#: Seconds for the version request of J11, which is answered within 0.03 s; or within a second more, if an
#: earlier request was left half sent. Where something else is received, that is not waited for.
_J11_TIMEOUT_S: Final = 0.6
_J11_GAP_TIMEOUT_S: Final = 1.2
#: The same when it is asked again. What is answered later counts as well, after the next SKVER.
_J11_AGAIN_TIMEOUT_S: Final = 0.1
#: Seconds before the end that are too few for another question.
_TOO_SHORT_S: Final = 0.01
#: SKVERs before the question in J11, and before a device with another protocol counts as no dongle.
_PROBES: Final = 2
#: SKVERs that are answered in another protocol before the device counts as no dongle; more of them
#: where a dongle is known to be, which may be starting.
_OTHER_ANSWERS: Final = 2
_OTHER_ANSWERS_OF_KNOWN: Final = 8
#: Received bytes that are kept for the decision.
_RECEIVED_LIMIT: Final = 512
#: The kind of dongle that is recognised by the unique code of its answers; see ``Dongle.kind``.
J11: Final = J11Dongle.kind


class Driver(Dongle, Protocol):
    """A dongle, and the way by which it gets what comes from its port."""

    def take(self, event: PortEvent) -> None:
        """Take bytes from the port, or the reason why it is lost."""


type MakeDriver = Callable[[Port, EventHandler, Trace], Driver]

#: Drivers for what is not SKSTACK IP, by kind of dongle.
DRIVERS: Final[Mapping[str, MakeDriver]] = MappingProxyType({J11: J11Dongle})


class Detector(Protocol):
    """Opens a port and returns the driver for the dongle there; see :func:`detect`."""

    async def __call__(  # noqa: PLR0913 - these are the ways in and out
        self,
        connector: Connector,
        on_event: EventHandler,
        trace: Trace,
        *,
        timeout_s: float = IDENTIFY_TIMEOUT_S,
        remembered: str | None = None,
        opened: Callable[[], None] | None = None,
    ) -> Dongle:
        """Return the driver; raise a PortError or a DongleError, and leave the port free."""


async def detect(  # noqa: PLR0913 - see Detector
    connector: Connector,
    on_event: EventHandler,
    trace: Trace,
    *,
    timeout_s: float = IDENTIFY_TIMEOUT_S,
    remembered: str | None = None,
    opened: Callable[[], None] | None = None,
    drivers: Mapping[str, MakeDriver] = DRIVERS,
) -> Dongle:
    """Open a port, find out which dongle is there, and return its driver.

    Silence is waited out for ``timeout_s`` seconds: some dongles reset when their port is opened and
    need 3 s to start (C2 manual, 10.4). A device with another protocol is recognised sooner. ``remembered``
    is the kind of dongle that was there last and is tried first. ``opened`` is called when the port
    is open.

    Raises DongleSilentError, NotAWiSunDongleError or a PortError: PortBusyError if a
    bridge has reported that and hung up, TelnetPortError if it uses telnet. The port is free then, and
    also after a cancellation.
    """
    detection = _Detection(on_event, trace, drivers)
    try:
        await detection.open(connector)
        if opened is not None:
            opened()
        return await detection.run(timeout_s, remembered)
    except BaseException:
        await await_uncancelled(detection.close())
        raise


class _Detection:
    """Asks, and decides by the bytes that come back. The SKSTACK driver gets all bytes from the start."""

    def __init__(
        self, on_event: EventHandler, trace: Trace, drivers: Mapping[str, MakeDriver]
    ) -> None:
        self._on_event = on_event
        self._trace = trace
        self._drivers = drivers
        self._port = Port(self._take)
        self._skstack = SkstackDongle(self._port, on_event, trace)
        self._probe = self._skstack.probe
        self._received = bytearray()
        self._has_received = False
        self._received_now = False
        self._answered = 0
        """SKVERs that were followed by something else than EVER."""
        self._was_reset = False
        self._j11 = J11Receiver()
        self._j11_answer: asyncio.Future[None] | None = None

    async def open(self, connector: Connector) -> None:
        """Open the port; raise PortError."""
        try:
            await self._port.open(connector)
        except PortError as err:
            self._trace.note(f"The port could not be opened ({type(err).__name__})")
            raise
        self._trace.note("The port is open")

    async def close(self) -> None:
        """Free the port; bounded in time."""
        await self._skstack.close()

    async def run(self, timeout_s: float, remembered: str | None) -> Dongle:
        """Return the driver for what answers; raise as :func:`detect`."""
        try:
            # During the pause a bridge can report why it hangs up, before a write to it fails.
            await self._probe.begin()
            driver = await self._find(timeout_s, remembered)
        except PortLostError:
            if says_in_use(self._received):
                raise PortBusyError("The bridge says that its port is in use") from None
            raise
        self._port.hand_over(driver.take)
        if driver is not self._skstack:
            await self._skstack.retire()
        return driver

    async def _find(self, timeout_s: float, remembered: str | None) -> Driver:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        known = timeout_s > IDENTIFY_TIMEOUT_S  # to have a dongle, which may only be starting
        if remembered == J11:
            await self._ask_for_j11()
            if self._is_j11:
                return self._j11_driver()
            await self._probe.begin()
        for probe in itertools.count(1):
            left = begun + timeout_s - loop.time()
            self._received_now = False
            if probe > _PROBES and self._may_be_j11:
                left -= _J11_AGAIN_TIMEOUT_S  # the last one leaves time for the question in J11
            is_skstack = await self._probe.ask(min(_PROBE_TIMEOUT_S, max(left, 0.0)))
            if is_telnet(self._received):
                raise TelnetPortError("The port speaks telnet")
            if is_skstack:
                return self._skstack
            self._answered += self._received_now
            if probe >= _PROBES:
                await self._ask_for_j11_after(probe, begun + timeout_s)
                if self._is_j11:
                    return self._j11_driver()
                self._require_dongle(
                    most=_OTHER_ANSWERS_OF_KNOWN if known else _OTHER_ANSWERS,
                    final=loop.time() >= begun + timeout_s - _TOO_SHORT_S,
                )
                self._probe.terminate_partial_line(fill=not self._has_received)
                if loop.time() - begun >= IDENTIFY_TIMEOUT_S:
                    self._revive(remembered)
        raise AssertionError  # the loop has no other end

    def _revive(self, remembered: str | None) -> None:
        """Reset a silent dongle once, which is known to be there: its session has been given up already."""
        if self._has_received or self._was_reset:
            return
        self._was_reset = True
        if remembered == J11:
            self._trace.note("Resetting the dongle, as it does not answer")
            self._port.write(j11_commands.reset().data)
        else:
            self._probe.reset()

    def _require_dongle(self, *, most: int, final: bool) -> None:
        """Raise the error for a device that does not answer SKVER as a dongle, once that is certain."""
        # A start-up text, or the noise of the opening, comes once: another device answers each time.
        if self._answered >= most or (final and self._has_received):
            raise NotAWiSunDongleError("What answers speaks neither SKSTACK IP nor J11")
        if final:
            raise DongleSilentError("Nothing answers on this port")

    # --- J11 -----------------------------------------------------------------------------------

    @property
    def _is_j11(self) -> bool:
        """Whether any frame of J11 was received."""
        return self._j11.statistics.messages > 0

    @property
    def _may_be_j11(self) -> bool:
        """Whether it may be starting, or an answer of it may have been damaged."""
        return not self._has_received or RESPONSE_CODE in self._received

    async def _ask_for_j11_after(self, probe: int, deadline: float) -> None:
        """Ask after so many SKVERs; again if it may only be starting, or its answer may be damaged.

        The ``deadline`` of detection is in seconds of the loop's clock.
        """
        left = deadline - asyncio.get_running_loop().time()
        if probe == _PROBES:
            await self._ask_for_j11()
        elif left > 0 and self._may_be_j11:
            await self._ask_for_j11(min(_J11_AGAIN_TIMEOUT_S, left))

    async def _ask_for_j11(self, timeout_s: float = _J11_GAP_TIMEOUT_S) -> None:
        """Ask for the version in J11, which is legal in every state and changes nothing there.

        ``timeout_s`` is how many seconds of silence end the wait.
        """
        self._j11.give_up()
        self._j11_answer = asyncio.get_running_loop().create_future()
        self._trace.note("Asking for the version in the J11 protocol")
        self._port.write(j11_commands.version().data)
        first = min(timeout_s, _J11_TIMEOUT_S)
        await asyncio.wait((self._j11_answer,), timeout=first)
        if timeout_s > first and not self._has_received:
            await asyncio.wait((self._j11_answer,), timeout=timeout_s - first)
        if self._j11_answer.done():
            self._j11_answer.result()

    def _j11_driver(self) -> Driver:
        return self._drivers[J11](self._port, self._on_event, self._trace)

    # --- What the port reports -------------------------------------------------------------------

    def _take(self, event: PortEvent) -> None:
        """Take an event of the port, and pass it on to the SKSTACK driver."""
        match event:
            case bytes():
                self._note(event)
            case PortLostError():
                self._fail(event)
        self._skstack.take(event)

    def _note(self, data: bytes) -> None:
        self._received += data[: max(0, _RECEIVED_LIMIT - len(self._received))]
        if data:
            self._has_received = self._received_now = True
        self._j11.receive(data)
        if self._is_j11:
            resolve(self._j11_answer, None)

    def _fail(self, error: PortLostError) -> None:
        """Fail whatever waits: the port is gone."""
        fail(self._j11_answer, error)
