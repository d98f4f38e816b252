"""Sets the wall clock of the demo's programs back, to simulate a past."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
from typing import Final

from .errors import DemoError

_PLACES: Final = ("usr/lib/*/faketime", "usr/lib*/faketime", "usr/local/lib/faketime")
_NAME: Final = "libfaketimeMT.so.1"
_SITE_FOLDER: Final = Path(__file__).parent / "faked"
#: The recorder compiles at ten seconds past every fifth minute.
_PERIOD: Final = timedelta(minutes=5)
_COMPILES_AT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Clock:
    """A wall clock that is behind the true one. Timers and pauses are not affected."""

    behind: timedelta = timedelta()

    def now(self) -> datetime:
        """Return what this clock shows, in UTC."""
        return datetime.now(UTC) - self.behind

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a program that is to use this clock.

        Raises:
            DemoError: libfaketime is not installed.
        """
        if not self.behind:
            return {}
        library = _library()
        if library is None:
            raise DemoError(
                "Setting a clock back needs libfaketime (Debian: apt-get install libfaketime)."
            )
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME": f"-{self.behind.total_seconds():.3f}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else Python would compile every module again, as its source looked younger.
            "NO_FAKE_STAT": "1",
            # sitecustomize.py there corrects time.sleep().
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(_SITE_FOLDER), os.environ.get("PYTHONPATH")))
            ),
        }


def can_be_set() -> bool:
    """Return whether this machine can set a program's clock back."""
    return _library() is not None


def shortly_before_statistics(lead: timedelta, behind: timedelta = timedelta()) -> Clock:
    """Return a clock about ``behind``, by which the recorder compiles next in ``lead``.

    It is behind by up to five minutes more.
    """
    moment = datetime.now(UTC) - behind + lead - _COMPILES_AT
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Clock(behind + (moment - midnight) % _PERIOD)


def _library() -> Path | None:
    found = (path for place in _PLACES for path in Path("/").glob(f"{place}/{_NAME}"))
    return next(found, None)
