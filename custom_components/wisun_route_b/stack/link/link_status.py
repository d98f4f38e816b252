"""What the link is doing, in the words of its user."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import RouteBError
from .remedy import Remedy


class LinkState(StrEnum):
    """What the link is doing, in the words of its user."""

    #: Nothing: never opened, or closed.
    CLOSED = "closed"
    #: There is a session, and the meter can be asked.
    CONNECTED = "connected"
    #: The session has expired and the dongle renews it by itself.
    RENEWING = "renewing"
    #: The transmission time of this hour is used up; the dongle is silent by law.
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
    remedy: Remedy | None = None
    """What is being tried."""
    retry_at: float | None = None
    """When the next attempt is due, in seconds of the running loop's clock."""

    @property
    def usable(self) -> bool:
        """Whether the meter can be asked now, if perhaps with a delay."""
        return self.state in (LinkState.CONNECTED, LinkState.RENEWING)
