"""The first question to a port that may have an SKSTACK IP dongle, and how to get an answer."""

import asyncio
from typing import Final

from ..errors import CommandFailedError, DongleError
from ..route_b import MAX_PAYLOAD
from ..skstack import Version, commands
from ..trace.trace import Trace
from .port import Port
from .skstack_commander import Commander

#: Seconds between two SKVERs if the first was refused at once.
_PAUSE_S: Final = 0.25
#: Empty lines that fill up the longest datagram (SKSENDTO) that a killed program can have
#: left half sent: the dongle takes no command before it is complete.
_FILLING_LINES: Final = MAX_PAYLOAD // 2 + 1


class SkstackProbe:
    """Asks for the firmware version, which changes nothing in a dongle."""

    def __init__(self, commander: Commander, port: Port, trace: Trace) -> None:
        """Take the ways to send: as a command, and as bytes."""
        self._commander = commander
        self._port = port
        self._trace = trace
        self.version = ""
        """Version of the SKSTACK firmware (EVER), once it has been answered."""

    async def begin(self) -> None:
        """End a partial line of an earlier program, and ignore the error that it causes."""
        await self._commander.resynchronize()

    async def ask(self, timeout_s: float) -> bool:
        """Send SKVER once; False after ``timeout_s`` seconds, or a FAIL ER04 to a line that noise had damaged."""
        try:
            answers = await self._commander.execute(commands.skver(), timeout_s)
        except CommandFailedError:
            await asyncio.sleep(min(_PAUSE_S, timeout_s))
            return False
        except DongleError:
            return False
        versions = [answer.text for answer in answers if isinstance(answer, Version)]
        if versions:
            self.version = versions[0]
        return bool(versions)

    def terminate_partial_line(self, *, fill: bool) -> None:
        """End a partial line; with ``fill`` also a datagram that was left half sent."""
        fill = fill and self._port.is_drained
        self._commander.terminate_partial_line(_FILLING_LINES if fill else 1)

    def reset(self) -> None:
        """Reset a dongle that is known to be there and does not answer."""
        self._trace.note("Resetting the dongle, as it does not answer")
        self._port.write(commands.skreset().data)
