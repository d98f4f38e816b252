"""Properties that a meter does not answer while it answers others.

Some meters list a property and never answer a request that contains it. Such a property must
neither spoil the requests for the others nor be lost for good: it is asked for alone, after all
others, and after that at growing intervals.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

#: Seconds for which a property is left out: twice as long after each silence, but never so long that it
#: would not be back within the link's bound of 300 s.
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 240.0
#: The first silence may be chance: four sendings that were lost.
_CHANCE: Final = 1


@dataclass(slots=True)
class _Silence:
    """How often in a row the meter was silent about one property."""

    times: int = 0
    until: float = 0.0
    """When it is asked for again, in seconds of the running loop's clock."""


class SilentProperties:
    """Which properties (EPCs) one meter is silent about, and when to ask for them again."""

    def __init__(self) -> None:
        """Start without any."""
        self._silences: dict[int, _Silence] = {}

    def __contains__(self, epc: int) -> bool:
        """Tell whether the last request for this property alone was not answered."""
        return epc in self._silences

    def is_paused(self, epc: int) -> bool:
        """Tell whether a property is not to be asked for now."""
        silence = self._silences.get(epc)
        return silence is not None and asyncio.get_running_loop().time() < silence.until

    def note_silence(self, epc: int) -> None:
        """Note that the meter answers, but not to a request for this property alone."""
        silence = self._silences.setdefault(epc, _Silence())
        silence.times += 1
        doublings = silence.times - 1 - _CHANCE
        if doublings >= 0:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(doublings, 8))
            silence.until = asyncio.get_running_loop().time() + pause

    def note_answer(self, epc: int) -> None:
        """Note that the meter has answered a request for this property."""
        self._silences.pop(epc, None)
