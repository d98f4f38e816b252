"""The interface of every transport to the dongle."""

from pathlib import Path
from typing import Protocol


class HostTransport(Protocol):
    """A serial port as hosts see it."""

    def unplug(self) -> None:
        """Remove the port, for every host that has it open."""

    def replug(self, path: Path | None) -> None:
        """Add it again, a pseudo-terminal behind another path if one is given."""

    def close(self) -> None:
        """End it."""
