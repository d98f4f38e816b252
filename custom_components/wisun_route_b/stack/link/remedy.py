"""The rungs of the ladder back to a session, in the order in which they are tried."""

from enum import StrEnum


class Remedy(StrEnum):
    """What to try when the session is lost; each costs more than the one before."""

    #: Sign in again where the meter was: 2 to 10 s, or 40 in vain.
    REJOIN = "rejoin"
    #: Look for the meter on all channels, as it may have moved.
    RESCAN = "rescan"
    #: Reset the dongle and give it the credentials again.
    RESET = "reset"
    #: Close the port, open it again, and do all of it from the start.
    REOPEN = "reopen"
