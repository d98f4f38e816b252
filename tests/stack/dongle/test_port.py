"""The real port code on pseudo terminals and loopback sockets."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
import errno
import os
from pathlib import Path
import tty

import pytest
import serial

from custom_components.wisun_route_b.stack import errors, serial_connector
from custom_components.wisun_route_b.stack.dongle.port import Port, PortEvent


class _Host:
    """Records what a port reports."""

    def __init__(self) -> None:
        self.heard = asyncio.Queue[bytes]()
        self.lost = asyncio.Queue[errors.PortLostError]()

    def __call__(self, event: PortEvent) -> None:
        if isinstance(event, bytes):
            self.heard.put_nowait(event)
        else:
            self.lost.put_nowait(event)


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    """A pseudo terminal: the descriptor of its far end, and the path of the near one."""
    far, near = os.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    os.close(near)
    with suppress(OSError):  # the test may have unplugged it
        os.close(far)


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[tuple[Port, _Host]]:
    host = _Host()
    port = Port(host)
    await port.open(serial_connector(url))
    try:
        yield port, host
    finally:
        await port.close()


async def test_bytes_go_both_ways(pty: tuple[int, str]) -> None:
    far, path = pty
    async with _open(path) as (port, host):
        port.write(b"SKVER\r\n")
        assert os.read(far, 100) == b"SKVER\r\n"
        os.write(far, b"EVER 1.5.2\r\n")
        assert await host.heard.get() == b"EVER 1.5.2\r\n"


async def test_the_port_is_exclusive_and_free_again_after_close(pty: tuple[int, str]) -> None:
    _, path = pty
    for _ in range(3):
        async with _open(path) as (port, _):
            with pytest.raises(errors.PortBusyError):
                await Port(_Host()).open(serial_connector(path))
        assert not port.is_open
        with pytest.raises(errors.PortLostError):
            port.write(b"x")


async def test_closing_twice_and_closing_what_was_never_open_is_harmless(
    pty: tuple[int, str],
) -> None:
    _, path = pty
    async with _open(path) as (port, host):
        await port.close()
        await asyncio.gather(port.close(), port.close())
    await Port(host).close()
    assert host.lost.empty()


async def test_unplugging_is_reported_once(pty: tuple[int, str]) -> None:
    far, path = pty
    async with _open(path) as (port, host):
        os.close(far)
        assert isinstance(await host.lost.get(), errors.PortLostError)
        assert not port.is_open
        with pytest.raises(errors.PortLostError):
            port.write(b"SKVER\r\n")
    assert host.lost.empty()


async def _write_without_end(port: Port) -> None:
    for _ in range(10_000):
        port.write(b"x" * 64)
        await asyncio.sleep(0)


async def test_a_full_kernel_buffer_neither_stops_the_loop_nor_goes_unnoticed(
    pty: tuple[int, str],
) -> None:
    _, path = pty
    async with _open(path) as (port, _):
        with pytest.raises(errors.PortBlockedError):
            await _write_without_end(port)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/dev/serial/by-id/no-such-dongle", errors.PortNotFoundError),
        ("/dev/null", errors.NotASerialPortError),
        ("tcp+udp://dongle", errors.NotASerialPortError),
        ("socket://127.0.0.1:1", errors.PortUnreachableError),
        ("", errors.PortNotFoundError),
    ],
)
async def test_a_port_that_cannot_be_opened_says_why(
    path: str, error: type[Exception], socket_enabled: None
) -> None:
    with pytest.raises(error):
        await Port(_Host()).open(serial_connector(path))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
async def test_a_port_that_may_not_be_opened_is_no_missing_port(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(number, "could not open port /dev/ttyUSB0")

    monkeypatch.setattr(serial, "serial_for_url", refuse)

    with pytest.raises(errors.PortPermissionError):
        await Port(_Host()).open(serial_connector("/dev/ttyUSB0"))


async def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(errors.NotASerialPortError):
        await Port(_Host()).open(serial_connector(str(path)))


async def test_a_kind_of_address_that_the_serial_library_does_not_know_is_no_serial_port() -> None:
    # Only Home Assistant teaches the library this kind.
    with pytest.raises(errors.NotASerialPortError):
        await Port(_Host()).open(serial_connector("esphome-hass://esphome/0123?port_name=uart"))


async def test_a_server_that_refuses_serial_ports_is_unreachable(socket_enabled: None) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(3) == b"\xff\xfb\x00"  # IAC WILL BINARY
        writer.write(b"\xff\xfe\x00")  # IAC DONT BINARY
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    with pytest.raises(errors.PortUnreachableError):
        await Port(_Host()).open(serial_connector(f"rfc2217://127.0.0.1:{number}"))
    server.close()
    await server.wait_closed()


async def test_a_network_port_works_the_same(socket_enabled: None) -> None:
    async def dongle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(7) == b"SKVER\r\n"
        writer.write(b"EVER 1.5.2\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(dongle, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    async with _open(f"socket://127.0.0.1:{number}") as (port, host):
        port.write(b"SKVER\r\n")
        assert await host.heard.get() == b"EVER 1.5.2\r\n"
        assert isinstance(await host.lost.get(), errors.PortLostError)
    server.close()
    await server.wait_closed()


async def test_a_cancelled_opening_leaves_the_port_free(pty: tuple[int, str]) -> None:
    _, path = pty
    opening = asyncio.create_task(Port(_Host()).open(serial_connector(path)))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for _ in range(100):
        try:
            async with _open(path):
                return
        except errors.PortBusyError:
            await asyncio.sleep(0.01)
    pytest.fail("the port stayed occupied")
