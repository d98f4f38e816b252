"""Sends datagrams through SKSENDTO, within the regulatory limit.

ARIB STD-T108 allows 360 s of transmission in an hour. The dongle counts it, and reports
EVENT 32 when it is used up and EVENT 33 when some is available again.
"""

import asyncio
import logging

from ..errors import (
    CommandFailedError,
    CommandTimeoutError,
    PortLostError,
    SendFailedError,
    TransmitLimitError,
)
from ..skstack import Register, SendResult, commands
from .dongle import EventHandler, TransmitLimit
from .futures import fail
from .skstack_commander import Commander

_LOGGER = logging.getLogger(__name__)

#: EVENT 21 follows an SKSENDTO within 0.35 s; address resolution may come first.
_SENT_TIMEOUT = 5.0
#: The register that is 1 while nothing may be transmitted (BP35A1 and BP35C2 manuals).
_LIMIT_REGISTER = "SFB"
#: A register answers in 3 to 12 ms; this one is not waited for longer.
_REGISTER_TIMEOUT = 0.5
#: Seconds after which a sending is tried although a limit was reported and cannot be asked for.
_TRY_AGAIN = 240.0
#: Seconds after which a limit is over, whatever the dongle has reported or not.
_LONGEST_LIMIT_S = 3600.0


class Transmitter:
    """Sends one datagram at a time."""

    def __init__(self, commander: Commander, on_event: EventHandler) -> None:
        """Take the commander, and the handler of changes of the transmit limit."""
        self._commander = commander
        self._on_event = on_event
        self._turn = asyncio.Lock()
        self._sent: asyncio.Future[int] | None = None
        self._limited_at: float | None = None
        self._tried_at = 0.0

    @property
    def transmit_limited(self) -> bool:
        """Whether the dongle has reported that nothing may be transmitted."""
        return self._limited_at is not None

    async def send(self, address: str, payload: bytes) -> None:
        """Send a datagram; return when the meter's radio has acknowledged it.

        Raises SendFailedError if it has not, TransmitLimitError if nothing may be sent now,
        CommandTimeoutError or a PortError if the dongle is gone.
        """
        async with self._turn:
            await self.require_no_limit()
            if await self._transmit(address, payload) == SendResult.SENT:
                return
        if self._limited_at is not None:
            raise TransmitLimitError("The transmission time of this hour is used up")
        raise SendFailedError("The datagram did not get through")

    async def _transmit(self, address: str, payload: bytes) -> int:
        """Send a datagram; return the parameter of its EVENT 21."""
        self._sent = asyncio.get_running_loop().create_future()
        try:
            command = commands.sksendto(self._commander.dialect, address, payload)
            await self._commander.execute(command, _SENT_TIMEOUT)
            # EVENT 21 came before the OK in every capture; the manuals have it after.
            async with asyncio.timeout(_SENT_TIMEOUT):
                return await self._sent
        except CommandFailedError as err:
            # The payload of a refused header is read as the beginning of the next command.
            await self._commander.resynchronize()
            raise SendFailedError("The dongle refused the datagram") from err
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            raise SendFailedError("The dongle does not say whether it sent") from err
        finally:
            self._sent = None

    def result(self, parameter: int | None) -> None:
        """Take the parameter of an EVENT 21; address resolution is no result yet."""
        if parameter == SendResult.SENT:
            self.limit(active=False)  # as has been seen
        sent = self._sent
        final = parameter in (SendResult.SENT, SendResult.FAILED)
        if sent is not None and not sent.done() and parameter is not None and final:
            sent.set_result(parameter)

    def fail(self, error: PortLostError) -> None:
        """Fail what is being sent: the port is gone."""
        fail(self._sent, error)

    # --- The limit -------------------------------------------------------------------------

    def limit(self, *, active: bool) -> None:
        """Take an EVENT 32 or 33."""
        if active is (self._limited_at is None):
            self._limited_at = asyncio.get_running_loop().time() if active else None
            self._tried_at = asyncio.get_running_loop().time()
            self._on_event(TransmitLimit(active))

    async def require_no_limit(self) -> None:
        """Raise TransmitLimitError while the limit holds; an EVENT 33 may have been lost.

        A dongle that does not answer for register SFB is tried once in a while: it enforces the limit
        by itself, and the EVENT 32 may have been noise.
        """
        if self._limited_at is None:
            return
        now = asyncio.get_running_loop().time()
        holds = await self._ask_register() if now - self._limited_at < _LONGEST_LIMIT_S else False
        if holds is False:
            self.limit(active=False)
        elif holds is None and now - self._tried_at >= _TRY_AGAIN:
            self._tried_at = now
        else:
            raise TransmitLimitError("The transmission time of this hour is used up")

    async def limit_holds(self) -> bool:
        """Ask the dongle whether it may not transmit; if it does not answer, its EVENTs count."""
        holds = await self._ask_register()
        return self._limited_at is not None if holds is None else holds

    async def _ask_register(self) -> bool | None:
        """Return the register of the limit; None if it cannot be read."""
        try:
            answers = await self._commander.execute(
                commands.sksreg(_LIMIT_REGISTER), _REGISTER_TIMEOUT
            )
        except CommandFailedError, CommandTimeoutError:
            return None
        found = [answer for answer in answers if isinstance(answer, Register)]
        return _is_set(found[-1]) if found else None


def _is_set(register: Register) -> bool:
    return register.value.strip("0") != ""
