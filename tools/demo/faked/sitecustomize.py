"""Python imports this first in a program whose clock is set back (tools/demo/clock.py).

time.sleep() of Python 3.11 and later waits until a moment of the monotonic clock
(clock_nanosleep with TIMER_ABSTIME), which libfaketime 0.9.10 turns into an error, EINVAL.
select() waits for a length of time, which is left alone.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: SupportsIndex | float, /) -> None:
    """Wait as time.sleep() does; raise ValueError for a negative length."""
    length = float(seconds)
    if length < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], length)


time.sleep = _sleep
