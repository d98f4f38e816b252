"""Who is at the port: a dongle that speaks SKSTACK IP, one that speaks J11, another device, none.

Theory of operation. SKVER is asked several times, as one question proves nothing: the first bytes may
wake a USB device and be lost, or end what is half typed. Three that are not answered (2.25 s) are
followed by a question in the J11 protocol (0.6 s), and if nothing was heard until then, by as many
empty lines as fill up the longest datagram that a killed program can have left half sent (0.11 s on
the line). SKVER is asked again until ``patience`` is over. So a verdict takes ``patience`` seconds and one
question at most: 0.1 + 4.8 + 0.75 + 0.6 s, or 0.1 + 30 + 0.75 + 0.6 s where a dongle is known to be.
"""

import asyncio
import contextlib
import itertools
from typing import Final

from ..errors import (
    CommandFailedError,
    DongleError,
    DongleSilentError,
    J11DongleError,
    NotAWiSunDongleError,
    PortBusyError,
    PortLostError,
    TelnetPortError,
)
from ..skstack import Version, commands
from ..trace.trace import Trace
from .commander import Commander
from .dongle import IDENTIFY_PATIENCE
from .port import Port
from .telnet import is_telnet, says_in_use

#: SKVER is asked again after this many seconds, and this often before something that speaks
#: another language is taken for another device.
PROBE_TIMEOUT: Final = 0.75
_PROBES: Final = 3
#: Empty lines for a dongle that may be in the middle of a datagram of up to 1232 bytes (SKSENDTO),
#: which must be filled up before it listens again.
_FILLING: Final = 1232 // 2 + 1
#: J11 firmware answers a version request with this code in front (J11 UART IF, chapter 3).
_J11_VERSION_REQUEST: Final = bytes.fromhex("D0EA83FC006B000403A80000")
_J11_SIGNATURE: Final = bytes.fromhex("D0F9EE5D")
_J11_TIMEOUT: Final = 0.6
#: SKVERs that another device answers in its own way before it is taken for one; more of them where
#: a dongle is known to be, which may be starting.
_OTHER_ANSWERS: Final = 2
_OTHER_ANSWERS_OF_KNOWN: Final = 8
#: Seconds between two SKVERs to which something is answered at once.
_PAUSE: Final = 0.25
#: Bytes of the first conversation that are kept for a verdict.
_HEARD_LIMIT: Final = 512


class Identification:
    """Asks, and judges by the bytes that come back."""

    def __init__(self, commander: Commander, port: Port, trace: Trace) -> None:
        """Take the ways to ask: as an SKSTACK command, and in plain bytes."""
        self._commander = commander
        self._port = port
        self._trace = trace
        self._heard = bytearray()
        self._heard_at: float | None = None
        """When the last bytes came, in seconds of the running loop's clock."""
        self._heard_now = False
        self._answered = 0
        """SKVERs that were followed by something else than EVER."""
        self._was_reset = False
        self._j11_heard: asyncio.Future[None] | None = None

    async def version(self, patience: float) -> str:
        """Return the version of the SKSTACK firmware (EVER).

        Silence is waited out for ``patience`` seconds: some dongles reset when their port is
        opened and need 3 s to start (C2 manual, 10.4). What speaks another language is known
        sooner. Raises DongleSilentError, J11DongleError, NotAWiSunDongleError or a PortError:
        PortBusyError if a bridge has said that and hung up, TelnetPortError if it speaks telnet.
        """
        try:
            # The pause also lets a bridge say why it hangs up, before a write to it fails.
            await self._commander.resynchronize()
            return await self._version(patience)
        except PortLostError:
            if says_in_use(self._heard):
                raise PortBusyError("The bridge says that its port is in use") from None
            raise

    async def _version(self, patience: float) -> str:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        known = patience > IDENTIFY_PATIENCE  # to have a dongle, which may only be starting
        for probe in itertools.count(1):
            left = begun + patience - loop.time()
            self._heard_now = False
            version = await self._ask(min(PROBE_TIMEOUT, max(left, 0.0)))
            if is_telnet(self._heard):
                raise TelnetPortError("The port speaks telnet")
            if version is not None:
                self._heard.clear()
                return version
            self._answered += self._heard_now
            if probe == _PROBES:
                await self._ask_for_j11()
            if probe >= _PROBES:
                self._judge(
                    most=_OTHER_ANSWERS_OF_KNOWN if known else _OTHER_ANSWERS,
                    final=loop.time() >= begun + patience,
                )
                self._prepare_next(revive=loop.time() - begun >= IDENTIFY_PATIENCE)
        raise AssertionError  # the loop has no other end

    def _prepare_next(self, *, revive: bool) -> None:
        """Do before the next SKVER what may make a silent dongle answer it.

        With ``revive`` it is known to be there, and is reset: its session has been given up already.
        """
        speaks = self._heard_at is not None
        self._commander.flush(1 if speaks or not self._port.is_drained else _FILLING)
        if revive and not speaks and not self._was_reset:
            self._was_reset = True
            self._trace.note("Resetting the dongle, as it does not answer")
            self._port.write(commands.skreset().data)

    def _judge(self, *, most: int, final: bool) -> None:
        """Raise what must be at the port if it has not answered to SKVER, if that is clear by now."""
        if _J11_SIGNATURE in self._heard:
            raise J11DongleError("The dongle speaks the J11 protocol")
        # A start-up text, or the noise of the opening, comes once: another device answers each time.
        if self._answered >= most or (final and self._heard_at is not None):
            raise NotAWiSunDongleError("What answers does not speak SKSTACK IP")
        if final:
            raise DongleSilentError("Nothing answers on this port")

    async def _ask(self, patience: float) -> str | None:
        """Ask once; None after silence, or a FAIL ER04 to a line that noise had damaged."""
        try:
            answers = await self._commander.execute(commands.skver(), patience)
        except CommandFailedError:
            await asyncio.sleep(min(_PAUSE, patience))
            return None
        except DongleError:
            return None
        return next((answer.text for answer in answers if isinstance(answer, Version)), None)

    async def _ask_for_j11(self) -> None:
        self._j11_heard = asyncio.get_running_loop().create_future()
        self._trace.note("Asking for the version in the J11 protocol")
        self._port.write(_J11_VERSION_REQUEST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_J11_TIMEOUT):
                await self._j11_heard

    def note(self, data: bytes) -> None:
        """Take bytes that have come from the port."""
        self._heard += data[: max(0, _HEARD_LIMIT - len(self._heard))]
        if data:
            self._heard_now = True
            self._heard_at = asyncio.get_running_loop().time()
        waiting = self._j11_heard
        if waiting is not None and not waiting.done() and _J11_SIGNATURE in self._heard:
            waiting.set_result(None)

    def fail(self, error: PortLostError) -> None:
        """Fail whatever waits: the port is gone."""
        waiting = self._j11_heard
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
            waiting.exception()  # whoever waits sees it, if anybody does
