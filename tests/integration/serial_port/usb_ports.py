"""USB sticks as Home Assistant lists them, meters that know theirs, and ports that are watched."""

import asyncio
from collections.abc import Callable, Iterable
import os
from pathlib import Path
import threading
import tty

from homeassistant.components import usb
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_USB, DOMAIN
from custom_components.wisun_route_b.stack import Connector, errors
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import entry_for

NUMBER = "DK00TEST"
IDENTITY = {"vid": "0403", "pid": "6015", "serial_number": NUMBER}


def identity(number: str) -> dict[str, str]:
    return {**IDENTITY, "serial_number": number}


def device(path: str, serial_number: str | None = NUMBER) -> usb.USBDevice:
    return usb.USBDevice(
        device=path,
        vid="0403",
        pid="6015",
        serial_number=serial_number,
        manufacturer="ROHM",
        description="BP35C2",
    )


def other_stick(path: str, serial_number: str | None = "ZB1") -> usb.USBDevice:
    return usb.USBDevice(
        device=path,
        vid="10C4",
        pid="EA60",
        serial_number=serial_number,
        manufacturer="Someone",
        description="Zigbee",
    )


def known(
    path: str, number: str = NUMBER, route_b_id: str = ROUTE_B_ID, password: str = PASSWORD
) -> MockConfigEntry:
    """Return an entry that knows the USB serial number of its dongle."""
    entry = entry_for(path, route_b_id, password)
    return MockConfigEntry(
        domain=DOMAIN,
        title=entry.title,
        unique_id=entry.unique_id,
        data={**entry.data, CONF_USB: identity(number)},
    )


def happens(
    hass: HomeAssistant, *added: usb.USBDevice, removed: Iterable[usb.USBDevice] = ()
) -> None:
    """Have Home Assistant report what its scan has found."""
    for heard in tuple(vars(hass.data[usb._USB_DATA])["_port_event_callbacks"]):
        heard(set(added), set(removed))


class Machine:
    """The serial ports of a machine: what its scan lists, and the dongles behind its paths."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listed: list[usb.USBDevice | usb.SerialDevice] = []
        self.dongles: dict[str, ScriptedDongle] = {}
        """What answers at a path; at any other there is no port."""
        self.opened: list[str] = []
        """The paths that were opened, or tried."""
        self.scan_error: Exception | None = None
        """What a scan fails with."""
        self.hold: threading.Event | None = None
        """What a scan waits for, as the kernel does while a USB device is being reset."""
        self.scans = 0
        monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", self._scan)
        monkeypatch.setattr(
            f"custom_components.{DOMAIN}.serial_port.connector.serial_connector", self._connector
        )

    def put(self, dongle: ScriptedDongle, path: str, number: str | None = NUMBER) -> None:
        """Plug a dongle in at a path, or move it there."""
        self.dongles = {at: it for at, it in self.dongles.items() if it is not dongle} | {
            path: dongle
        }
        self.listed = [
            port for port in self.listed if port.serial_number != number and port.device != path
        ]
        self.listed.append(device(path, number))

    def _scan(self) -> list[usb.USBDevice | usb.SerialDevice]:
        self.scans += 1
        if self.hold is not None:
            self.hold.wait(30)
        if self.scan_error is not None:
            raise self.scan_error
        return list(self.listed)

    def _connector(self, url: str) -> Connector:
        async def connect(
            factory: Callable[[], asyncio.Protocol],
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            self.opened.append(url)
            if url not in self.dongles:
                raise errors.PortNotFoundError("There is no such port")
            return await self.dongles[url].connector()(factory)

        return connect


def pty_at(path: Path) -> str:
    """Return the device number of a pseudo terminal that can be reached under a path."""
    _, slave = os.openpty()
    tty.setraw(slave)
    path.symlink_to(os.ttyname(slave))
    number = path.stat().st_rdev
    return f"{os.major(number)}:{os.minor(number)}"
