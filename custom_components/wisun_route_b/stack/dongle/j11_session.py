"""The session of a J11 dongle with the meter: begun by the host, kept by the dongle, ended by either side.

PANA takes place inside the dongle, and so does its renewal, which is silent when it succeeds (V12 p115).
Only results are visible: notification 6028 at the end of a sign-in or of a renewal that has failed,
601A when meter or radio have ended a connection, 6019 when the dongle has restarted.
"""

import asyncio
from enum import Enum

from ..errors import (
    CredentialsRefusedError,
    JoinFailedError,
    NotConnectedError,
    PortLostError,
    RouteBError,
)
from ..j11 import PanaOutcome
from .dongle import EventHandler, SessionLost, SessionRenewed
from .futures import settle


class SessionState(Enum):
    """Where the session stands."""

    NONE = "none"
    JOINING = "joining"
    UP = "up"


class J11Session:
    """One session after another, over one dongle."""

    def __init__(self, on_event: EventHandler) -> None:
        """Begin without a session."""
        self._on_event = on_event
        self._decided: asyncio.Future[None] | None = None
        """Ends with the sign-in that is going on."""
        self.state = SessionState.NONE

    # --- What the host does ----------------------------------------------------------------

    def take_over(self) -> None:
        """Use a session that was found alive; a sign-in in progress has succeeded."""
        self.state = SessionState.UP
        self._decide(None)

    def begin(self) -> asyncio.Future[None]:
        """Start a sign-in; the future ends with it.

        It raises CredentialsRefusedError, JoinFailedError or the error of the lost dongle.
        """
        self.state = SessionState.JOINING
        self._decided = asyncio.get_running_loop().create_future()
        return self._decided

    def drop(self, error: PortLostError | None = None) -> None:
        """Forget the session without an event; fail whatever waits for it."""
        self.state = SessionState.NONE
        self._decide(error or NotConnectedError("The session was given up"))

    def require(self) -> None:
        """Raise NotConnectedError if there is no session."""
        if self.state is not SessionState.UP:
            raise NotConnectedError("There is no session with the meter")

    # --- What the dongle reports -----------------------------------------------------------

    def pana_ended(self, outcome: PanaOutcome | int) -> None:
        """Take a 6028: the end of our sign-in, or of a renewal."""
        match self.state, outcome:
            case SessionState.JOINING, PanaOutcome.AUTHENTICATED:
                self.take_over()
            case SessionState.JOINING, PanaOutcome.REFUSED:
                self._fail(CredentialsRefusedError("The meter refused the sign-in"))
            case SessionState.JOINING, _:
                self._fail(JoinFailedError("The meter did not finish the sign-in"))
            case SessionState.UP, PanaOutcome.AUTHENTICATED:
                self._on_event(SessionRenewed())
            case SessionState.UP, _:
                self.ended(f"it was not renewed (6028 {outcome:02X})")
            case _:
                pass  # of a sign-in that was given up

    def ended(self, reason: str) -> None:
        """Note that there is no session any more; ``reason`` is for a log."""
        before, self.state = self.state, SessionState.NONE
        if before is SessionState.JOINING:
            self._decide(JoinFailedError(f"The sign-in has ended: {reason}"))
        elif before is SessionState.UP:
            self._on_event(SessionLost(reason))

    def _fail(self, error: RouteBError) -> None:
        self.state = SessionState.NONE
        self._decide(error)

    def _decide(self, error: RouteBError | None) -> None:
        decided, self._decided = self._decided, None
        settle(decided, error)
