"""What happened on the link since it was made, in numbers."""

from dataclasses import dataclass


@dataclass(slots=True)
class LinkStatistics:
    """Counters that only grow."""

    requests: int = 0
    """Requests made, whatever became of them."""
    answers: int = 0
    """Requests that were answered."""
    retries: int = 0
    """Datagrams sent again, because the first was lost or failed."""
    lost: int = 0
    """Requests that were never answered."""
    late: int = 0
    """Answers that came after their request was given up."""
    notifications: int = 0
    """INF and INFC frames of the meter."""
    strays: int = 0
    """Answers that no request waited for, and frames of other objects."""
    malformed: int = 0
    """Datagrams that are no ECHONET Lite frame."""
    connects: int = 0
    """Sign-ins that succeeded, and living sessions that were taken up."""
    disconnects: int = 0
    """Sessions that ended without being closed."""
    renewals: int = 0
    """Sessions that the dongle has renewed by itself."""

    @property
    def reconnects(self) -> int:
        """Sessions after the first."""
        return max(0, self.connects - 1)
