"""What every way to reach the dongle can do."""

from pathlib import Path
from typing import Protocol


class HostTransport(Protocol):
    """A serial port as hosts see it."""

    def unplug(self) -> None:
        """Take the port away, from under every host that has it open."""

    def replug(self, path: Path | None) -> None:
        """Bring it back, a pseudo-terminal behind another path if one is given."""

    def close(self) -> None:
        """End it."""
