"""Sends datagrams through the J11 command 0008, within the regulatory limit.

The dongle counts its transmission time (4,500,000 bytes in a sliding hour, 63TR014J p12). It neither
reports the limit nor has a register for it: a datagram is refused with the status 2. So one is tried
once a minute, in which the oldest count of the dongle expires.
"""

import asyncio
from typing import Final

from ..errors import CommandFailedError, SendFailedError, TransmitLimitError
from ..j11 import Reaction, ResultCode, commands
from ..j11.messages import Transmission
from .dongle import EventHandler, TransmitLimit
from .j11_commander import Allow, J11Commander

#: Seconds after which a datagram is tried although the last one was refused.
_TRY_AGAIN_S: Final = 60.0
#: Seconds for the state of the dongle, which it answers within 0.03 s (capture 31), 2 at most (V12 p155).
_STATE_TIMEOUT_S: Final = 2.5
#: Results that mean that there is no session: the meter is not in the list of devices, Route B is idle,
#: or the dongle has not been set up (V12 p175-181).
_NOT_JOINED: Final = frozenset(
    (
        ResultCode.UNKNOWN_ADDRESS,
        ResultCode.BAD_DESTINATION,
        ResultCode.IDLE_OR_WRONG_MODE,
        ResultCode.NOT_STARTED,
    )
)


class NotJoinedError(SendFailedError):
    """The dongle did not send because it has no session with the meter."""


class J11Transmitter:
    """Sends datagrams, one at a time; the caller ensures that there is an encrypted session."""

    def __init__(self, commander: J11Commander, on_event: EventHandler) -> None:
        """Take the commander, and the handler of changes of the transmit limit."""
        self._commander = commander
        self._on_event = on_event
        self._limited_at: float | None = None

    @property
    def transmit_limited(self) -> bool:
        """Whether the last datagram was refused because of the limit."""
        return self._limited_at is not None

    def require_no_limit(self) -> None:
        """Raise TransmitLimitError until it is time to try again."""
        if self._limited_at is None:
            return
        if asyncio.get_running_loop().time() - self._limited_at < _TRY_AGAIN_S:
            raise TransmitLimitError("The transmission time of this hour is used up")

    async def send(self, address: str, payload: bytes, allow: Allow) -> None:
        """Send a datagram; return when the meter's radio has acknowledged it.

        ``allow`` gets the state of the dongle right before each try, and raises if there is no session.
        Raises SendFailedError if it has not, NotJoinedError without a session, TransmitLimitError if
        nothing may be sent now, CommandTimeoutError or a PortError if the dongle is gone.
        """
        self.require_no_limit()
        try:
            response = await self._commander.execute_if(
                commands.status(), _STATE_TIMEOUT_S, allow, commands.transmit(address, payload)
            )
        except CommandFailedError as err:
            if err.code in _NOT_JOINED:
                raise NotJoinedError("The dongle has no session with the meter") from err
            raise SendFailedError("The dongle refused the datagram") from err
        reaction = response.answer.reaction if isinstance(response.answer, Transmission) else None
        self._limit(active=reaction is Reaction.WAIT)
        if reaction is Reaction.WAIT:
            raise TransmitLimitError("The transmission time of this hour is used up")
        if reaction is not Reaction.NONE:
            raise SendFailedError("The datagram did not get through")

    def _limit(self, *, active: bool) -> None:
        changed = active is (self._limited_at is None)
        self._limited_at = asyncio.get_running_loop().time() if active else None
        if changed:
            self._on_event(TransmitLimit(active))
