"""USB connection of the dongle: its power and every port."""

from pathlib import Path

from .device import Device
from .transports.host_transport import HostTransport


class Usb:
    """Holds the transports to the dongle, which are unplugged together."""

    def __init__(self, dongle: Device) -> None:
        """Plug the dongle in; there are no transports yet."""
        self._dongle = dongle
        self._transports: list[HostTransport] = []
        self.plugged = True

    def add[D: HostTransport](self, transport: D) -> D:
        """Unplug and replug a transport together with the others."""
        self._transports.append(transport)
        return transport

    def unplug(self) -> None:
        """Unplug the dongle: it loses what is not in flash, and its ports are gone."""
        if self.plugged:
            self.plugged = False
            self._dongle.power_off()
            for transport in self._transports:
                transport.unplug()

    def replug(self, path: Path | None = None) -> None:
        """Plug it in; a pseudo-terminal appears behind another path if one is given."""
        if not self.plugged:
            self.plugged = True
            self._dongle.power_on()
            for transport in self._transports:
                transport.replug(path)

    def close(self) -> None:
        """End every transport."""
        while self._transports:
            self._transports.pop().close()
