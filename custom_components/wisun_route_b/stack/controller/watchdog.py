"""Notices a link that has died without a word."""

from collections.abc import Callable
from typing import Final

#: Requests in a row without an answer after which the session is taken for dead. One may be
#: lost by chance, although each is sent several times before it counts as unanswered.
_MOST_UNANSWERED: Final = 2


class Watchdog:
    """Counts requests in a row that the meter did not answer, and barks."""

    def __init__(self, bark: Callable[[], None]) -> None:
        """Take what is to be done about a dead link."""
        self._bark = bark
        self._unanswered = 0

    def heard(self) -> None:
        """Note a sign of life: an answer, be it late."""
        self._unanswered = 0

    def give_up(self) -> None:
        """Report the link as dead for another reason."""
        self._bark()

    def unanswered(self) -> None:
        """Note a request that was never answered."""
        self._unanswered += 1
        if self._unanswered >= _MOST_UNANSWERED:
            self._bark()
