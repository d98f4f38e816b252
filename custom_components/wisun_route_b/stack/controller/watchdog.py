"""Reports a dead session after consecutive unanswered requests."""

from collections.abc import Callable
from typing import Final

#: Requests in a row without an answer after which the session is taken for dead. One may be
#: lost by chance, although each is sent several times before it counts as unanswered.
_MAX_UNANSWERED: Final = 2


class Watchdog:
    """Counts requests in a row that the meter did not answer."""

    def __init__(self, report: Callable[[], None]) -> None:
        """Take what is to be called when the session is dead."""
        self._report = report
        self._unanswered = 0

    @property
    def in_doubt(self) -> bool:
        """Whether the last request was not answered."""
        return self._unanswered > 0

    def note_answer(self) -> None:
        """Start counting again: the meter has answered, be it late."""
        self._unanswered = 0

    def note_unanswered(self) -> None:
        """Count a request that was never answered."""
        self._unanswered += 1
        if self._unanswered >= _MAX_UNANSWERED:
            self._report()

    def give_up(self) -> None:
        """Report the session as dead for another reason."""
        self._report()
