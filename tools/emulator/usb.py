"""The plug of the dongle: with it go its power and every port."""

from pathlib import Path

from .device import Device
from .transports.door import Door


class Plug:
    """Holds the doors, and takes them away together."""

    def __init__(self, dongle: Device) -> None:
        """Plug the dongle in; there are no doors yet."""
        self._dongle = dongle
        self._doors: list[Door] = []
        self.plugged = True

    def add[D: Door](self, door: D) -> D:
        """Let a door share the fate of the others."""
        self._doors.append(door)
        return door

    def unplug(self) -> None:
        """Take the dongle out: it forgets what is not in flash, and its ports are gone."""
        if self.plugged:
            self.plugged = False
            self._dongle.power_off()
            for door in self._doors:
                door.unplug()

    def replug(self, path: Path | None = None) -> None:
        """Put it back; a pseudo-terminal appears behind another path if one is given."""
        if not self.plugged:
            self.plugged = True
            self._dongle.power_on()
            for door in self._doors:
                door.replug(path)

    def close(self) -> None:
        """End every door."""
        while self._doors:
            self._doors.pop().close()
