"""The serial ports that Home Assistant lists, each with what identifies its device.

A port is compared by its node, which is the device number where there is one: in a container
the same port may have another name than the system lists it under, or the name of another.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path
import stat
from typing import Final

from homeassistant.components import usb
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..entry_data import UsbIdentity

_LOGGER = logging.getLogger(__name__)

#: Seconds that a scan may take before a port is opened without it. One takes some milliseconds;
#: the attributes of a USB device that is being reset block their reader.
SCAN_TIMEOUT: Final = 5.0
#: Where the kernel lists the device number of each serial port.
_KERNEL_PORTS: Final = Path("/sys/class/tty")
_DEVICES: Final = Path("/dev")
#: How the names of USB serial ports begin: those of Linux, FreeBSD and macOS.
_USB_NAMES: Final = ("ttyUSB", "ttyACM", "ttyU", "cuaU", "tty.usb", "cu.usb")
#: Numbers that makers leave in all of their devices; the first is that of a blank CP2102.
_NO_NUMBERS: Final = frozenset(
    ("0001", "1234", "123456", "12345678", "0123456789", "0123456789ABCDEF")
)

_LIST: Final[HassKey[PortList]] = HassKey(f"{DOMAIN}_port_list")


@dataclass(frozen=True, slots=True)
class ListedPort:
    """One serial port of the list."""

    path: str = field(repr=False)
    """The name under which it is listed: that under ``/dev/serial/by-id`` where it has one."""
    node: str = field(repr=False)
    """See :func:`node_of`."""
    model: tuple[str, str] | None
    """USB vendor and product id; None for what is no USB device."""
    identity: UsbIdentity | None = field(repr=False)
    """What identifies a USB device; None if nothing does."""
    is_usb: bool
    """False for what is certainly no USB device."""

    def is_other_than(self, known: UsbIdentity) -> bool:
        """Return whether the device at this port is certainly not the known one.

        A number that could not be read proves nothing.
        """
        if self.model is None:
            return not self.is_usb
        if self.model != (known["vid"], known["pid"]):
            return True
        return self.identity is not None and self.identity != known


class PortList:
    """What is known of the serial ports: by a scan, and by the events since Home Assistant's last.

    A scan that does not return is waited for once, and no other is started meanwhile: each would
    cost one of Home Assistant's threads.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start empty."""
        self._hass = hass
        self._announced: dict[str, usb.USBDevice] = {}
        self._scan: asyncio.Task[Sequence[ListedPort] | None] | None = None
        self._is_overdue = False

    @callback
    def note(self, added: Iterable[usb.USBDevice], removed: Iterable[usb.USBDevice]) -> None:
        """Take the devices of an event of Home Assistant."""
        for device in removed:
            if self._announced.get(device.device) == device:
                del self._announced[device.device]
        self._announced.update({device.device: device for device in added})

    async def async_read(self) -> list[ListedPort]:
        """Return the ports there are, in :data:`SCAN_TIMEOUT` seconds; never raises.

        What only an event has named is among them as long as no scan contradicts it.
        """
        scanned = list(await self._async_scan() or ())
        paths = {port.path for port in scanned}
        nodes = {port.node for port in scanned}
        announced = [self._announced[path] for path in self._announced.keys() - paths]
        more = await self._hass.async_add_executor_job(_listed, announced) if announced else []
        identities = [port.identity for port in scanned]
        return scanned + [
            port
            for port in more
            if port.node not in nodes and (port.identity is None or port.identity not in identities)
        ]

    async def _async_scan(self) -> Sequence[ListedPort] | None:
        """Return what a scan shows; None if it fails, or takes too long."""
        if self._scan is None or self._scan.done():
            self._is_overdue = False
            self._scan = self._hass.async_create_background_task(
                self._async_scan_once(), f"{DOMAIN} scan of serial ports"
            )
        elif self._is_overdue:
            return None
        scan = self._scan
        done, _ = await asyncio.wait((scan,), timeout=SCAN_TIMEOUT)
        if not done:
            self._is_overdue = True
            _LOGGER.debug("The scan of the serial ports takes too long")
        return scan.result() if done and not scan.cancelled() else None

    async def _async_scan_once(self) -> Sequence[ListedPort] | None:
        try:
            ports = await usb.async_scan_serial_ports(self._hass)
            return await self._hass.async_add_executor_job(_listed, ports)
        except Exception as err:  # noqa: BLE001 - sysfs holds whatever a device reports of itself
            # Its text may hold a serial number.
            _LOGGER.debug("The serial ports could not be listed (%s)", type(err).__name__)
            return None


@callback
def port_list(hass: HomeAssistant) -> PortList:
    """Return the one list."""
    if _LIST not in hass.data:
        hass.data[_LIST] = PortList(hass)
    return hass.data[_LIST]


def usb_identity(found: usb.USBDevice | UsbServiceInfo) -> UsbIdentity | None:
    """Return what identifies a USB device; None if it has no number of its own."""
    if not found.serial_number:
        return None
    identity = {"vid": found.vid, "pid": found.pid, "serial_number": found.serial_number}
    return identity if is_identity(identity) else None


def is_identity(known: UsbIdentity | None) -> bool:
    """Return whether a serial number can identify a device."""
    if known is None:
        return False
    number = known["serial_number"].strip().upper()
    return len(set(number)) > 1 and number not in _NO_NUMBERS


def node_of(path: str) -> str:
    """Return what a port is, whatever its name: its device number, else the path behind links.

    A URL stands for itself. Blocks.
    """
    if "://" in path:
        return path
    # A NUL ends a path for the system; what is behind it could only make it raise.
    plain = path.partition("\0")[0]
    try:
        found = os.stat(plain)  # noqa: PTH116 - a Path would need the same
    except OSError:
        return os.path.realpath(plain)
    if not stat.S_ISCHR(found.st_mode):
        return os.path.realpath(plain)
    return _numbered(os.major(found.st_rdev), os.minor(found.st_rdev))


def path_to(port: ListedPort) -> str | None:
    """Return a path under which a listed port can be opened here; None if there is none.

    In a container the node may be missing, or have another name. Blocks.
    """
    if node_of(port.path) == port.node:
        return port.path
    try:
        names = sorted(entry.path for entry in os.scandir(_DEVICES) if not entry.is_symlink())
    except OSError:
        return None
    return next((name for name in names if node_of(name) == port.node), None)


def _listed(ports: Iterable[usb.USBDevice | usb.SerialDevice]) -> list[ListedPort]:
    return [
        ListedPort(
            path=port.device,
            node=_listed_node(port),
            model=(port.vid, port.pid) if isinstance(port, usb.USBDevice) else None,
            identity=usb_identity(port) if isinstance(port, usb.USBDevice) else None,
            is_usb=_may_be_usb(port),
        )
        for port in ports
    ]


def _may_be_usb(port: usb.USBDevice | usb.SerialDevice) -> bool:
    """Return whether a port may be that of a USB device, also where its vendor cannot be read.

    A port of another host is not listed as a USB device, whatever it is.
    """
    path = port.resolved_device or port.device
    return not path.startswith("/") or Path(path).name.startswith(_USB_NAMES)


def _listed_node(port: usb.USBDevice | usb.SerialDevice) -> str:
    """Return the node of a listed port, as the kernel reports it.

    The name cannot be used for that: in a container it may belong to another port.
    """
    resolved = port.resolved_device or port.device
    name = Path(resolved).name
    if resolved == f"/dev/{name}":
        try:
            major, _, minor = (_KERNEL_PORTS / name / "dev").read_text("ascii").partition(":")
            return _numbered(int(major), int(minor))
        except OSError, ValueError:
            pass
    return node_of(port.device)


def _numbered(major: int, minor: int) -> str:
    return f"{major}:{minor}"
