"""Where results and progress go: plain text or JSON on one side, a moving line on the other."""

from collections.abc import Iterable, Mapping, Sequence
import json
import sys
from typing import TextIO

from custom_components.wisun_route_b.stack import Progress, Stage

type Json = bool | float | str | Sequence[Json] | Mapping[str, Json] | None

_STEPS = {
    Stage.OPENING: "Opening the port",
    Stage.IDENTIFYING: "Asking the dongle who it is",
    Stage.SCANNING: "Looking for the meter",
    Stage.JOINING: "Signing in",
    Stage.DESCRIBING: "Asking the meter what it is",
}
#: Steps that take long enough for a percentage.
_LONG = frozenset((Stage.SCANNING, Stage.JOINING))
_ERASE_LINE = "\r\x1b[K"


class Screen:
    """Results on standard output, everything else on standard error."""

    def __init__(
        self, out: TextIO | None = None, err: TextIO | None = None, *, as_json: bool = False
    ) -> None:
        """Write to these streams, or to those of the process."""
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._as_json = as_json
        self._moving = self._err.isatty()
        self._line = ""

    def result(self, document: Json, lines: Iterable[str]) -> None:
        """Print the whole result of a command, in one form or the other."""
        self.wipe()
        if self._as_json:
            self._print(json.dumps(document, ensure_ascii=False, indent=2))
        else:
            self._print("\n".join(lines))

    def event(self, document: Json, line: str) -> None:
        """Print one of many results; as JSON each is a line."""
        self.wipe()
        self._print(json.dumps(document, ensure_ascii=False) if self._as_json else line)

    def failure(self, key: str, text: str) -> None:
        """Print a failure; as JSON also on standard output, for a program to find."""
        if self._as_json:
            self.event({"error": key, "message": text}, "")
        self.note(text)

    def note(self, text: str) -> None:
        """Print a remark that is no result."""
        self.wipe()
        self._err.write(f"{text}\n")
        self._err.flush()

    def progress(self, progress: Progress) -> None:
        """Show how far a connection has come, on a terminal."""
        percent = f" {progress.fraction:.0%}" if progress.stage in _LONG else ""
        self.busy(f"{_STEPS[progress.stage]} …{percent}")

    def busy(self, text: str) -> None:
        """Show what is going on, on a terminal."""
        if self._moving and text != self._line:
            self._err.write(f"{_ERASE_LINE}{text}")
            self._err.flush()
            self._line = text

    def wipe(self) -> None:
        """Remove the progress line."""
        if self._line:
            self._err.write(_ERASE_LINE)
            self._err.flush()
            self._line = ""

    def _print(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()
