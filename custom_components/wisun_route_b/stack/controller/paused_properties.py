"""Properties that are left out for a while: the meter does not answer them, or refuses them.

Some meters list a property and never answer a request that contains it; a busy one refuses what it
answers a minute later. Such a property must neither fail the requests for the others nor be given
up for good: it is asked for again at growing intervals.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

#: Seconds for which a property is left out: twice as long after each failure, but never so long that it
#: would not be back within the link's bound of 300 s.
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE_S: Final = 200.0


@dataclass(slots=True)
class _Failures:
    """How often in a row one property was not answered with a value."""

    times: int = 0
    until: float = 0.0
    """When it is asked for again, in seconds of the running loop's clock."""


class PausedProperties:
    """Which properties (EPCs) one meter does not answer, and when to ask for them again."""

    def __init__(self, chance: int = 0) -> None:
        """Start empty; so many failures in a row do not count yet."""
        self._chance = chance
        self._failures: dict[int, _Failures] = {}

    def __contains__(self, epc: int) -> bool:
        """Return whether the last request for this property failed."""
        return epc in self._failures

    def is_paused(self, epc: int) -> bool:
        """Return whether a property is not to be asked for now."""
        failures = self._failures.get(epc)
        return failures is not None and asyncio.get_running_loop().time() < failures.until

    def paused(self) -> frozenset[int]:
        """Return the properties that are not to be asked for now."""
        return frozenset(filter(self.is_paused, self._failures))

    def note_failure(self, epc: int) -> None:
        """Note that the meter answers, but not with a value of this property."""
        failures = self._failures.setdefault(epc, _Failures())
        failures.times += 1
        doublings = failures.times - 1 - self._chance
        if doublings >= 0:
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE * 2.0 ** min(doublings, 8))
            failures.until = asyncio.get_running_loop().time() + pause

    def forget(self, epc: int) -> None:
        """Note that the meter has answered, or that nothing is known of this property any more."""
        self._failures.pop(epc, None)

    def clear(self) -> None:
        """Forget all."""
        self._failures.clear()
