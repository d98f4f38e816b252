"""A serial device: opened and closed in a thread of its port, and never drained.

Imported only where a device is opened: other kinds of port work without these libraries.
"""

import asyncio
from collections.abc import Callable
from functools import partial
import logging
import os
from typing import override

import serial
import serial_asyncio_fast

from .port_thread import call_alone

_LOGGER = logging.getLogger(__name__)

#: Seconds until a device is closed that could not be, because the system had no thread left.
_NO_THREAD_PAUSE = 1.0


async def open_device(
    factory: Callable[[], asyncio.Protocol], path: str, baud_rate: int
) -> tuple[asyncio.Transport, asyncio.Protocol]:
    """Open a device exclusively. Hangs as long as the kernel does: put a timeout around it.

    Also waits for whatever is left of an earlier opening or closing of the same device, so that
    our own lock is never taken for another program's. Raises OSError or ValueError.
    """
    name = _real_path(path)
    device = await call_alone(name, partial(_open, path, baud_rate), serial.Serial.close)
    try:
        protocol = factory()
        transport = DeviceTransport(asyncio.get_running_loop(), protocol, device, name)
    except BaseException:
        device.close()
        raise
    return transport, protocol


def _open(path: str, baud_rate: int) -> serial.Serial:
    return serial.serial_for_url(path, baudrate=baud_rate, exclusive=True)


def _real_path(path: str) -> str:
    """Return the one name of a device that has several (by-id, by-path)."""
    return os.path.realpath(path.partition("\0")[0])


class DeviceTransport(serial_asyncio_fast.SerialTransport):
    """A transport that gives its device back without waiting for what is unsent.

    The library's own calls tcdrain() before it closes, which does not return before a wedged
    adapter is unplugged, and does both in the pool of the event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        device: serial.Serial,
        name: str,
    ) -> None:
        """Take an open device; ``name`` is that of its thread."""
        super().__init__(loop, protocol, device)
        self._name = name

    @override
    def _close(self, exc: Exception | None = None) -> None:
        self._abort(exc)

    @override
    def _abort(self, exc: BaseException | None) -> None:
        if not self._closing:
            super()._abort(exc)

    @override
    def _read_ready(self) -> None:
        """Take what has come. The library's own asks select(), which knows descriptors to 1023 only."""
        try:
            data = os.read(self._serial.fileno(), self._max_read_size)
        except BlockingIOError:
            return
        except OSError as err:
            self._close(err)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._close(serial.SerialException("The device has nothing to read any more"))

    @override
    async def _call_connection_lost(self, exc: Exception | None, *, flush: bool) -> None:
        """Close the device, whatever has ended this transport; then report the loss."""
        self._write_buffer.clear()
        try:
            await self._close_device()
        except OSError:
            _LOGGER.debug("Closing the serial port has failed", exc_info=True)
        finally:
            self._protocol.connection_lost(exc)

    async def _close_device(self) -> None:
        """Close the device, as soon as the system has a thread for that."""
        while True:
            try:
                await call_alone(self._name, self._serial.close)
            except RuntimeError:
                await asyncio.sleep(_NO_THREAD_PAUSE)
            else:
                return
