"""The last attempts at the energy history and their outcome, for the diagnostics."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from homeassistant.util import dt as dt_util

from ..stack import RouteBError
from .identity_lock import HistoryBusyError
from .meter_clock import MeterClockError
from .recorder_errors import RecorderError
from .report import Json
from .statistics import Obstacle

#: Attempts that are kept: two days of hourly ones.
_MAX_ATTEMPTS: Final = 48

#: Failures that are no fault of this integration: the attempt is repeated.
EXPECTED: Final = (RouteBError, RecorderError, HistoryBusyError, MeterClockError)


@dataclass(slots=True)
class Attempt:
    """One comparison with the meter, or one import."""

    at: datetime
    purpose: str
    outcome: str = "under way"
    hours: int = 0
    """Hours that were written, read back, and right."""
    obstacles: dict[str, Obstacle] = field(default_factory=dict[str, Obstacle])
    """By the sensor's key: why its history could not be compared."""

    def as_dict(self) -> dict[str, Json]:
        """Return it for the diagnostics."""
        return {
            "at": self.at.isoformat(),
            "purpose": self.purpose,
            "outcome": self.outcome,
            "hours": self.hours,
            "obstacles": {key: why.value for key, why in self.obstacles.items()},
        }


class Attempts:
    """The last attempts; an uneventful one is replaced by the next of its kind."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: deque[Attempt] = deque(maxlen=_MAX_ATTEMPTS)

    def as_list(self) -> list[Json]:
        """Return them for the diagnostics, the last one at the end."""
        return [attempt.as_dict() for attempt in self._kept]

    @contextmanager
    def note(self, purpose: str) -> Iterator[Attempt]:
        """Note how an attempt ends; exceptions are re-raised."""
        attempt = Attempt(dt_util.utcnow(), purpose)
        self._kept.append(attempt)
        try:
            yield attempt
        except BaseException as err:
            attempt.outcome = outcome_of(err)
            raise
        else:
            if attempt.outcome == "under way":
                attempt.outcome = "done"


def outcome_of(error: BaseException) -> str:
    """Return the class of an error, without its text."""
    match error:
        case RecorderError():
            return error.describe()
        case HistoryBusyError():
            return f"waited for: {error.holder}"
        case MeterClockError():
            if error.minutes is None:
                return "the meter's half-hours are not of now"
            return f"the meter's clock is off by {error.minutes} min"
        case _:
            return type(error).__name__
