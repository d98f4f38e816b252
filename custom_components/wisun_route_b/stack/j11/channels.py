"""Channels of J11, 4 to 17, and the logical channels of the radio that they stand for.

Channel n of J11 is at 922.5 + 0.4 * (n - 4) MHz (V12 p28, see :mod:`.frames`); logical channel m is at
922.5 + 0.2 * (m - 33) MHz (BP35A1 manual, register S02). So J11 reaches every second one.
"""

from ..errors import EncodeError
from ._fields import CHANNELS

_FIRST_LOGICAL = 33
_LOGICAL_PER_CHANNEL = 2


def logical_channel(channel: int) -> int:
    """Return the logical channel, 33 to 59, of a channel of J11; EncodeError if there is none."""
    if channel not in CHANNELS:
        raise EncodeError("The channel is out of range")
    return _FIRST_LOGICAL + _LOGICAL_PER_CHANNEL * (channel - CHANNELS[0])


def from_logical(logical: int) -> int:
    """Return the channel of J11, 4 to 17, of a logical channel; EncodeError if J11 has none there."""
    step, between = divmod(logical - _FIRST_LOGICAL, _LOGICAL_PER_CHANNEL)
    channel = CHANNELS[0] + step
    if between or channel not in CHANNELS:
        raise EncodeError("J11 has no such channel")
    return channel
