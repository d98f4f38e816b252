"""State of the link, as the user sees it."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import RouteBError


class RecoveryStep(StrEnum):
    """What to try when the session is lost, in this order; each costs more than the one before."""

    #: Sign in again where the meter was: 2 to 10 s, or 40 s if it fails.
    REJOIN = "rejoin"
    #: Look for the meter on all channels, as it may have moved.
    RESCAN = "rescan"
    #: Reset the dongle and give it the credentials again.
    RESET = "reset"
    #: Close the port, open it again, and do all of it from the start.
    REOPEN = "reopen"


class LinkState(StrEnum):
    """State of the link, as the user sees it."""

    #: Nothing: never opened, or closed.
    CLOSED = "closed"
    #: There is a session, and the meter can be asked.
    CONNECTED = "connected"
    #: The session has expired and the dongle renews it by itself.
    RENEWING = "renewing"
    #: The transmission time of this hour is used up; radio regulations forbid to transmit.
    LIMITED = "limited"
    #: A session is being made, and nothing has failed yet.
    CONNECTING = "connecting"
    #: That failed; further attempts come by themselves.
    WAITING = "waiting"
    #: The meter does not accept the credentials; they are tried again once in a while.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What the link is doing, since when, and why."""

    state: LinkState
    since: float
    """Seconds of the running loop's clock."""
    error: RouteBError | None = None
    """Why there is no session; None while there is one."""
    step: RecoveryStep | None = None
    """What is being tried."""
    retry_at: float | None = None
    """When the next attempt is due, in seconds of the running loop's clock."""

    @property
    def usable(self) -> bool:
        """Whether the meter can be asked now, if perhaps with a delay."""
        return self.state in (LinkState.CONNECTED, LinkState.RENEWING)
