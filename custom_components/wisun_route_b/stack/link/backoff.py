"""How long to wait before the next attempt."""

import random
from typing import Final

#: Seconds before the first repetition; every further wait is twice as long, up to a limit.
_FIRST_S: Final = 2.0
#: Each wait is up to this much shorter or longer, so that many links do not act as one.
_JITTER: Final = 0.25
#: Longest wait in seconds before the radio is tried again: an attempt without an answer costs
#: some 30 short frames on the air.
LONGEST_WAIT_S: Final = 60.0
#: Longest wait in seconds for a port or dongle that is away: looking for it uses no air time.
LONGEST_PORT_WAIT_S: Final = 15.0
#: Seconds between attempts with credentials that were refused: twice as long each time. The
#: meter may have wanted a pause, or another controller had its session.
FIRST_REFUSED_WAIT_S: Final = 900.0
LONGEST_REFUSED_WAIT_S: Final = 3600.0


class Backoff:
    """Waits that grow with each failure and never end."""

    def __init__(self, source: random.Random) -> None:
        """Take the source of the jitter."""
        self._random = source
        self._failures = 0

    def reset(self) -> None:
        """Begin again with short waits."""
        self._failures = 0

    def next(self, longest: float) -> float:
        """Return how many seconds to wait now; ``longest`` is meant without jitter."""
        wait = min(longest, _FIRST_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return wait * self._random.uniform(1.0 - _JITTER, 1.0 + _JITTER)
