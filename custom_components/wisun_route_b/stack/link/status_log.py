"""The status of a link, its subscribers, and the journal of its changes."""

import asyncio
from collections import deque
from typing import Final

from ..errors import RouteBError
from .callbacks import Callbacks
from .link_status import LinkState, LinkStatus, RecoveryStep

#: Changes of the status that are kept for diagnostics.
_JOURNAL_ENTRIES: Final = 100


class StatusLog:
    """Keeps the status, and reports its changes: each cause once in an outage."""

    def __init__(self) -> None:
        """Start with a closed link."""
        self.status = LinkStatus(LinkState.CLOSED, 0.0)
        self.changed = Callbacks[LinkStatus]()
        """Gets every change of state, and each cause once in an outage."""
        self.updated = Callbacks[LinkStatus]()
        """Gets every change of state or cause."""
        self.journal: deque[LinkStatus] = deque(maxlen=_JOURNAL_ENTRIES)
        """The last changes of state or cause, oldest first; each cause once in an outage."""
        self._causes: set[tuple[LinkState, type[RouteBError]]] = set()
        """Causes of this outage so far."""

    def end_outage(self) -> None:
        """Forget the causes of an outage that is over."""
        self._causes.clear()

    def set(
        self,
        state: LinkState,
        error: RouteBError | None = None,
        step: RecoveryStep | None = None,
        *,
        retry_at: float | None = None,
    ) -> None:
        """Set the status; ``retry_at`` is in seconds of the running loop's clock."""
        before = self.status
        now = asyncio.get_running_loop().time()
        since = before.since if before.state is state else now
        self.status = LinkStatus(state, since, error, step, retry_at)
        if self._is_change(before):
            self.journal.append(self.status)
            self.changed.notify(self.status)
        if (state, type(error)) != (before.state, type(before.error)):
            self.updated.notify(self.status)

    def _is_change(self, before: LinkStatus) -> bool:
        """Return whether the status is another one, and not the next attempt of the same outage.

        An outage may last for weeks, with an attempt every minute and causes that alternate.
        """
        status = self.status
        if status.error is None:
            return status.state is not before.state
        cause = (status.state, type(status.error))
        known = cause in self._causes
        self._causes.add(cause)
        return status.state is not before.state or not known
