"""An event loop whose clock jumps to the next timer, so that waiting costs no time.

For tests whose bytes all stay inside the process. A coroutine that waits for something that no
timer will ever bring fails at once instead of hanging.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
import selectors
from typing import override

from custom_components.wisun_route_b.stack import JST

#: When virtual time begins: an ordinary Sunday noon, in the meter's time zone.
EPOCH = datetime(2026, 11, 22, 12, 0, 10, tzinfo=JST)


#: Turns of a loop that has something to do before it looks whether a thread has woken it: a look
#: costs more than most turns.
_TURNS_WITHOUT_LOOK = 16


class _JumpingSelector(selectors.DefaultSelector):
    """Looks at real file descriptors without waiting, and moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._turns = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0 and len(self.get_map()) == 1:  # there is but the loop's own
            self._turns = (self._turns + 1) % _TURNS_WITHOUT_LOOK
            if self._turns:
                return []
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(10.0)  # a thread may have to answer, on a busy machine
            if not ready:
                raise RuntimeError("Everything waits and nothing is going to happen")
            return ready
        self.now += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop with the clock of its selector."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now


def run[T](coroutine: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(coroutine)


def now() -> datetime:
    """Return the virtual date and time of the running loop, aware, JST."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
