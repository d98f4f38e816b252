"""Who is at the port: a dongle that speaks SKSTACK IP, one that speaks J11, another device, none."""

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
    PortLostError,
)
from ..skstack import Version, commands
from .commander import Commander
from .dongle import IDENTIFY_PATIENCE
from .port import Port
from .scribe import Scribe

#: SKVER is asked again after this many seconds, and this often before something that speaks
#: another language is taken for another device.
PROBE_TIMEOUT: Final = 0.75
_PROBES: Final = 3
#: Empty lines before each later SKVER to a port that is known to have a dongle: it may be in the
#: middle of a datagram of up to 1232 bytes, which must be filled up before it listens again.
_FILLING: Final = 64
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

    def __init__(self, commander: Commander, port: Port, scribe: Scribe) -> None:
        """Take the ways to ask: as an SKSTACK command, and in plain bytes."""
        self._commander = commander
        self._port = port
        self._scribe = scribe
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
        sooner. Raises DongleSilentError, J11DongleError, NotAWiSunDongleError or a PortError.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        known = patience > IDENTIFY_PATIENCE  # to have a dongle, which may only be starting
        for probe in itertools.count(1):
            left = begun + patience - loop.time()
            self._heard_now = False
            version = await self._ask(min(PROBE_TIMEOUT, max(left, 0.0)))
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
                if loop.time() - begun < IDENTIFY_PATIENCE:
                    self._commander.flush()
                else:
                    self._revive()
        raise AssertionError  # the loop has no other end

    def _revive(self) -> None:
        """Do to a dongle that is known to be there what may make it answer again.

        Its session has been given up already. Nothing of this is for a device that speaks.
        """
        if self._heard_at is not None:
            self._commander.flush()
            return
        self._commander.flush(_FILLING)
        if not self._was_reset:
            self._was_reset = True
            self._scribe.remark("Resetting the dongle, as it does not answer")
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
        self._scribe.remark("Asking for the version in the J11 protocol")
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
