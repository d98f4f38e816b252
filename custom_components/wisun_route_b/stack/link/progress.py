"""How far a connection attempt has come."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

#: Seconds between two estimates of a step that takes long.
_TICK_S = 1.0


class Stage(StrEnum):
    """The steps of a connection, in their order."""

    OPENING = "opening"
    IDENTIFYING = "identifying"
    SCANNING = "scanning"
    JOINING = "joining"
    DESCRIBING = "describing"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step and how much of it is done."""

    stage: Stage
    fraction: float = 0.0
    """0 to 1 inside the stage; an estimate."""


type ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Ignore progress."""


@contextmanager
def estimated(
    report: ProgressCallback, stage: Stage, start: float, end: float, seconds: float
) -> Iterator[None]:
    """Report a step that should take ``seconds``, moving from ``start`` to ``end``."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    timer: asyncio.TimerHandle | None = None

    def tick() -> None:
        nonlocal timer
        done = min(1.0, (loop.time() - begun) / seconds)
        report(Progress(stage, start + (end - start) * done))
        timer = loop.call_later(_TICK_S, tick) if done < 1.0 else None

    tick()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
