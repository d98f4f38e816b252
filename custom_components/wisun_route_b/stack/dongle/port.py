"""The serial port, of any kind.

A :data:`Connector` hides that: ``device.py`` opens paths, ``network.py`` opens ``socket://`` and
``rfc2217://``, and the library ``serialx`` the schemes that only it knows. Everything above sees a
:class:`Port`.
"""

import asyncio
from collections.abc import Awaitable, Callable
import errno
import logging
import select
from typing import override

from ..errors import (
    NotASerialPortError,
    PortBlockedError,
    PortBusyError,
    PortError,
    PortLostError,
    PortNotFoundError,
    PortPermissionError,
    PortStuckError,
    PortUnreachableError,
)
from ..tasks import await_uncancelled
from .flood import FloodGuard
from .network import Opened, open_rfc2217, open_socket

_LOGGER = logging.getLogger(__name__)

type Connector = Callable[[Callable[[], asyncio.Protocol]], Awaitable[Opened]]

#: Every Wi-SUN dongle on the market: 115200 Bd, 8N1 (BP35A1 and BP35C2 manuals).
BAUD_RATE = 115_200
#: Seconds that opening may take; a host in the network that is down does not answer at all.
OPEN_TIMEOUT = 10.0
#: Seconds to wait for a port to be closed before it is given up.
CLOSE_TIMEOUT = 1.2

_SERIALX_SCHEMES = frozenset(("esphome", "esphome-hass"))


def serial_connector(url: str) -> Connector:
    """Return a connector for a device path or URL; nothing is opened yet.

    Opening raises one of the PortError classes, or whatever foreign error the library of
    the host lets through on purpose (Home Assistant's own, for ports it provides).
    """
    scheme = url.partition("://")[0] if "://" in url else ""

    async def connect(
        factory: Callable[[], asyncio.Protocol],
    ) -> Opened:
        if not scheme:
            opening = _open_device(factory, url)
        elif scheme == "socket":
            opening = open_socket(factory, url)
        elif scheme == "rfc2217":
            opening = open_rfc2217(factory, url, BAUD_RATE)
        elif scheme in _SERIALX_SCHEMES:
            opening = _open_with_serialx(factory, url)
        else:
            raise NotASerialPortError("This kind of port address is not known")
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                return await opening
        except TimeoutError:
            if scheme:
                raise PortUnreachableError("The port does not answer") from None
            raise PortStuckError("The system does not return from opening the port") from None
        except (OSError, ValueError) as err:
            # The text of the system names the port: with the dongle's serial number, or a key.
            raise _port_error(err) from None

    return connect


async def _open_device(factory: Callable[[], asyncio.Protocol], path: str) -> Opened:
    from .device import open_device  # noqa: PLC0415 - other kinds of port work without it

    return await open_device(factory, path, BAUD_RATE)


async def _open_with_serialx(factory: Callable[[], asyncio.Protocol], url: str) -> Opened:
    try:
        import serialx  # noqa: PLC0415 - only Home Assistant brings it
        from serialx.common import UnknownUriScheme  # noqa: PLC0415
    except ImportError as err:
        raise NotASerialPortError("This kind of port needs the serialx library") from err
    try:
        transport, protocol = await serialx.create_serial_connection(
            asyncio.get_running_loop(), factory, url, baudrate=BAUD_RATE, exclusive=True
        )
    except UnknownUriScheme:
        raise NotASerialPortError("The serial library does not know such addresses") from None
    except serialx.SerialException:
        # Its one class for a proxy that is off or not loaded, and for a server that refuses.
        raise PortUnreachableError("The serial library could not open the port") from None
    return transport, protocol


def _close_much_later(opening: asyncio.Future[Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


def _port_error(err: OSError | ValueError) -> PortError:
    """Translate an error of the operating system into the PortError for it."""
    number = err.errno if isinstance(err, OSError) else None
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return PortNotFoundError("There is no such port")
    if number in (errno.EAGAIN, errno.EBUSY):
        return PortBusyError("Another program uses the port")
    if number in (errno.EACCES, errno.EPERM):
        return PortPermissionError("The system does not permit the opening of the port")
    if isinstance(err, ValueError) or number == errno.ENOTTY or f"({errno.ENOTTY}," in str(err):
        return NotASerialPortError("This is no serial port")
    reason = errno.errorcode.get(number or 0, type(err).__name__)
    return PortUnreachableError(f"The port could not be opened ({reason})")


#: Bytes that arrived, in pieces of any size, or why the port is gone without ``close()``.
type PortEvent = bytes | PortLostError
type PortHandler = Callable[[PortEvent], None]


class Port(asyncio.Protocol):
    """An open serial port. Opened once, closed once."""

    def __init__(self, handler: PortHandler) -> None:
        """Prepare; nothing is open before :meth:`open`."""
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._made = asyncio.Event()
        self._gone = asyncio.Event()
        self._closing = False
        self._guard = FloodGuard(BAUD_RATE)

    async def open(self, connector: Connector) -> None:
        """Open the port; raise PortError. Returns when the port can be written to."""
        opening = asyncio.ensure_future(connector(lambda: self))
        try:
            await asyncio.wait((opening,))
            opening.result()
            await self._made.wait()
        except asyncio.CancelledError:
            opening.cancel()
            await await_uncancelled(self._close_late(opening))
            raise
        if self._closing:
            raise PortLostError("The port was closed while it was opened")

    async def _close_late(self, opening: asyncio.Future[Opened]) -> None:
        """Close the port that a cancelled opening still opens."""
        done, _ = await asyncio.wait((opening,), timeout=CLOSE_TIMEOUT)
        if not done:
            self._closing = True
            opening.add_done_callback(_close_much_later)
        elif not opening.cancelled() and opening.exception() is None:
            await self._made.wait()
            await self.close()

    def hand_over(self, handler: PortHandler) -> None:
        """Report to this handler from now on."""
        self._handler = handler

    @property
    def is_open(self) -> bool:
        """Whether bytes can be sent."""
        return self._made.is_set() and not self._gone.is_set() and not self._closing

    @property
    def is_drained(self) -> bool:
        """Whether the system has taken everything that was written, as far as the transport knows."""
        try:
            return self._transport is not None and self._transport.get_write_buffer_size() == 0
        except NotImplementedError:  # a transport may not know
            return True

    def write(self, data: bytes) -> None:
        """Send bytes without waiting; raise PortLostError or PortBlockedError."""
        transport = self._transport
        if not self.is_open or transport is None or _is_closing(transport):
            raise PortLostError("The port is closed")
        if not _accepts_bytes(transport):
            raise PortBlockedError("The port accepts no bytes")
        self._guard.expect_answer()
        try:
            transport.write(data)
        except OSError as err:
            raise PortLostError("The port failed while it was written to") from err

    async def close(self) -> None:
        """Close the port and wait, for at most two seconds, until it is closed."""
        transport = self._transport
        if not self._closing:
            self._closing = True
            if transport is not None and not self._gone.is_set():
                transport.abort()  # what is unsent is of no use to anyone
        if transport is not None:
            await self._wait_until_gone()

    async def _wait_until_gone(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._gone.wait()
        except TimeoutError:
            _LOGGER.warning("The serial port did not close in time")

    # --- asyncio.Protocol ---

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Every transport a connector makes can be written to; socket and serial ones do not
        # share a class below BaseTransport with write().
        self._transport = transport  # type: ignore[assignment]
        self._made.set()
        if self._closing and self._transport is not None:
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._closing or self._gone.is_set():
            return
        if self._guard.is_flood(len(data)):
            self._give_up(PortLostError("The port sends more than a serial line can carry"))
        else:
            self._handler(data)

    def _give_up(self, error: PortLostError) -> None:
        """Close the port from this side, as if it had been lost."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
        self._handler(error)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._gone.is_set():
            return
        self._gone.set()
        if not self._closing:
            error = PortLostError("The serial port has disappeared")
            error.__cause__ = exc
            self._handler(error)


def _is_closing(transport: asyncio.Transport) -> bool:
    """Return whether a transport has found its port lost.

    It closes the device in a thread and reports the loss after that; meanwhile the device may have
    no descriptor any more.
    """
    try:
        return transport.is_closing()
    except NotImplementedError:  # a transport may not know
        return False


def _accepts_bytes(transport: asyncio.Transport) -> bool:
    """Return whether a write can be taken at all.

    pyserial 3.5 retries a write that the kernel refuses in a tight loop, which would stop
    the event loop for ever; a partial write is safe, and so is a transport that queues.
    """
    port = getattr(transport, "serial", None)
    if port is None or transport.get_write_buffer_size() > 0:
        return True
    try:
        poll = select.poll()
        poll.register(port.fileno(), select.POLLOUT)
        return bool(poll.poll(0))
    except OSError, ValueError, AttributeError:
        return True  # closed in this moment: the write itself will fail
