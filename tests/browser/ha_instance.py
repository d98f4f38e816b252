"""A real Home Assistant beside an emulated dongle, as `scripts/demo --fresh` starts them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
import re
import subprocess
from typing import Self

from tools.demo.configuration import DOMAIN
from tools.demo.log import complaints

_ROOT = Path(__file__).parents[2]
_ENDING = 60.0
#: Slower than the demo: what a dialog shows for some seconds is to be seen on a slow machine too.
_SPEED = 4.0


@dataclass(frozen=True, slots=True)
class HomeAssistantInstance:
    """Where it is, and what it leaves."""

    url: str
    folder: Path
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    @classmethod
    def built(cls, program: subprocess.Popen[str], folder: Path) -> Self:
        """Wait until it can be used."""
        assert program.stderr is not None
        said: list[str] = []
        for line in program.stderr:
            said.append(line)
            if "Ctrl-C ends the demo." in line:
                found = re.search(r"Open +(\S+)", "".join(said))
                assert found, said
                return cls(found[1], folder)
        raise AssertionError("".join(said))

    @property
    def dongle(self) -> str:
        """The serial port."""
        return str(self.folder / "dongle")

    @property
    def log_file(self) -> Path:
        return self.folder / "config" / "home-assistant.log"

    def expect_complaint(self, pattern: re.Pattern[str]) -> None:
        """Let a test cause what is rightly logged as a warning or an error."""
        self._expected.append(pattern)

    def complaints(self) -> list[str]:
        """Return the warnings and errors about the integration that no test expects."""
        log = self.log_file.read_text(encoding="utf-8")
        return [
            record
            for record in complaints(log, DOMAIN)
            if not any(pattern.search(record) for pattern in self._expected)
        ]


@contextmanager
def running_instance(
    folder: Path, kind: str = "--fresh", speed: float = _SPEED, language: str = "en"
) -> Iterator[HomeAssistantInstance]:
    """Start an instance with nothing set up, or as ``kind`` asks; stop it at the end."""
    command = [f"{_ROOT}/scripts/demo", kind, "--port", "0", "--folder", str(folder)]
    command += ["--speed", str(speed), "--language", language]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield HomeAssistantInstance.built(program, folder)
        finally:
            program.terminate()
            try:
                program.wait(_ENDING)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
