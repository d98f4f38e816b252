"""Sets the wall clock of the demo's programs back, so that a past can be played."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import hashlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
from typing import Final

from .errors import DemoError

_SOURCE: Final = Path(__file__).with_name("clock_back.c")
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wisun_route_b"
#: The recorder compiles at ten seconds past every fifth minute.
_PERIOD: Final = timedelta(minutes=5)
_COMPILES_AT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Clock:
    """A wall clock that is behind the true one. Timers and pauses go on as ever."""

    behind: timedelta = timedelta()

    def now(self) -> datetime:
        """Return what this clock shows, in UTC."""
        return datetime.now(UTC) - self.behind

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a program that is to go by this clock.

        Raises:
            DemoError: This machine has no way to set a program's clock back.
        """
        if not self.behind:
            return {}
        return {
            "LD_PRELOAD": str(_library()),
            "WALL_CLOCK_BEHIND": str(self.behind // timedelta(microseconds=1) * 1000),
        }


def can_be_set() -> bool:
    """Tell whether this machine can set a program's clock back."""
    return sys.platform == "linux" and _compiler() is not None


def shortly_before_statistics(lead: timedelta, behind: timedelta = timedelta()) -> Clock:
    """Return a clock about ``behind``, by which the recorder compiles next in ``lead``.

    It is behind by up to five minutes more.
    """
    moment = datetime.now(UTC) - behind + lead - _COMPILES_AT
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Clock(behind + (moment - midnight) % _PERIOD)


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")


def _library() -> Path:
    """Return what `clock_back.c` is compiled to, compiled now if it has changed."""
    compiler = _compiler()
    if not can_be_set() or compiler is None:
        raise DemoError("Setting a program's clock back needs Linux and a C compiler.")
    mark = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    library = _CACHE / f"clock_back-{mark}.so"
    if not library.is_file():
        _CACHE.mkdir(parents=True, exist_ok=True)
        # Two demos may be started together.
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            made = Path(folder) / library.name
            options = ["-shared", "-fPIC", "-O2", "-o", str(made), str(_SOURCE), "-ldl"]
            done = subprocess.run(  # noqa: S603 - our own source and options
                [compiler, *options], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise DemoError(f"{_SOURCE.name} cannot be compiled:\n{done.stderr}")
            made.replace(library)
    return library
