"""The passes of a search for a meter: channels and durations, each longer than the last.

Meters of Route B use 14 channels 0.4 MHz apart: 922.5 + 0.4 * (n - 4) MHz, n = 4 to 17 (J11 UART IF
specification v1.2, page 28). They are every second one of the 28 logical channels of SKSTACK, and
every network of our captures is on one of them (21, 2F, 31, 33, 39, 3B, hexadecimal). Listening on
those alone takes half the time, or is twice as long on each.
"""

from dataclasses import dataclass
from typing import Final

#: Logical channels of the radio, 922.5 to 927.9 MHz in steps of 0.2 MHz (BP35A1 manual, register S02).
CHANNELS: Final = range(33, 61)
#: Those on which meters are.
METER_CHANNELS: Final = CHANNELS[::2]


@dataclass(frozen=True, slots=True)
class ScanPass:
    """Listening once on some channels."""

    channels: range
    """Logical channels, 33 to 60."""
    duration: int
    """About 0.01 s * 2**duration on each channel, in SKSTACK and in J11."""


#: With 5 a meter was found that 4 had missed (capture 02), with 6 one that 5 had missed (09), and
#: with 7 one that 6 had missed (22).
_DURATIONS: Final = (5, 6, 7)
#: Without the middle one the search ends 9 s sooner; the next one finds what it would have found.
_SHORTENED_DURATIONS: Final = (5, 7)
#: The last pass takes as long with either: 14 channels, or all 28 of them.
_LAST_ON_METER_CHANNELS: Final = 8
_LAST_ON_ALL: Final = 7


def scan_passes(channels: range, *, shortened: bool = False) -> tuple[ScanPass, ...]:
    """Return the passes of a search, in their order, for a dongle that has these ``channels``.

    A dongle that has more channels than meters use listens on all of them in the end: one was
    reported to find nothing with a mask of a single channel, and with all of them no mask can
    be the reason. SKSTACK takes 4.4, 8.7, 17.3 and 34.7 s, 65 s in all, and 56 s with
    ``shortened``, after a failed sign-in that has taken time already. J11 takes 70 and 60 s.
    """
    durations = _SHORTENED_DURATIONS if shortened else _DURATIONS
    last = _LAST_ON_METER_CHANNELS if channels == METER_CHANNELS else _LAST_ON_ALL
    return (
        *(ScanPass(METER_CHANNELS, duration) for duration in durations),
        ScanPass(channels, last),
    )
