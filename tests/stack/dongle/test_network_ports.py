"""Ports in the network, against the programs that owners run there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import shutil

import pytest
import serial.rfc2217

from custom_components.wisun_route_b.stack import (
    Credentials,
    SmartMeter,
    errors,
    identify,
    properties,
    serial_connector,
)
from tools.emulator import Emulator, EmulatorConfig

ROUTE_B_ID = "0123456789ABCDEF0123456789ABCDEF"
PASSWORD = "PaSsWoRd4567"
CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
_SER2NET = shutil.which("ser2net", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = pytest.mark.usefixtures("socket_enabled")
#: In CI a missing ser2net is an error and not a reason to skip.
needs_ser2net = pytest.mark.skipif(
    _SER2NET is None and os.environ.get("CI") != "true",
    reason="Debian's ser2net is not installed",
)


def _emulator() -> Emulator:
    return Emulator(EmulatorConfig(route_b_id=ROUTE_B_ID, password=PASSWORD, speed=20.0))


@asynccontextmanager
async def _ser2net(folder: Path, accepter: str) -> AsyncIterator[int]:
    """Run ser2net between a port number and the emulator's pseudo terminal."""
    assert _SER2NET is not None, "ser2net is to be installed in CI"
    device, config = folder / "tty", folder / "ser2net.yaml"
    config.write_text(
        f"connection: &dongle\n"
        f"  accepter: {accepter},127.0.0.1,0\n"
        f"  connector: serialdev,{device},115200n81,local\n"
    )
    async with _emulator() as emulator:
        emulator.serve_pty(device)
        process = await asyncio.create_subprocess_exec(_SER2NET, "-n", "-d", "-c", str(config))
        try:
            yield await _number_of(process.pid)
        finally:
            process.terminate()
            await process.wait()


async def _number_of(pid: int) -> int:
    """Wait, without connecting, until a server listens; it has room for one client.

    It has a free number given by the kernel: one that is looked for beforehand may be another
    program's when the server comes to it.
    """
    for _ in range(200):
        if (number := _listens_on(pid)) is not None:
            return number
        await asyncio.sleep(0.05)
    raise AssertionError("ser2net does not listen")


def _listens_on(pid: int) -> int | None:
    """Return the number of the port on which a process listens, None if on none."""
    process = Path("/proc", str(pid))
    own: set[str] = set()
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(descriptor.readlink()))
    for line in (process / "net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
        if state == "0A" and f"socket:[{inode}]" in own:
            return int(local.partition(":")[2], 16)
    return None


@asynccontextmanager
async def _reference_server(uart: _Uart) -> AsyncIterator[int]:
    """Run pyserial's own RFC 2217 server in front of the emulator."""
    async with _emulator() as emulator:
        behind = await emulator.serve_tcp(0)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            dongle_reader, dongle_writer = await asyncio.open_connection("127.0.0.1", behind)
            manager = serial.rfc2217.PortManager(uart, writer)  # type: ignore[arg-type]

            async def back() -> None:
                while data := await dongle_reader.read(4096):
                    writer.write(b"".join(manager.escape(data)))

            task = asyncio.create_task(back())
            while data := await reader.read(4096):
                dongle_writer.write(b"".join(manager.filter(data)))
            task.cancel()
            writer.close()
            dongle_writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()


class _Uart:
    """The registers of a serial chip, for pyserial's server to set."""

    baudrate, bytesize, parity, stopbits = 9600, 7, "E", 2
    xonxoff = rtscts = dtr = rts = break_condition = False
    cts = dsr = ri = cd = True
    timeout = None

    def reset_input_buffer(self) -> None:
        pass

    def reset_output_buffer(self) -> None:
        pass


async def _reading(url: str) -> None:
    """Sign in and read; every ECHONET Lite frame of that holds the byte FF."""
    meter = SmartMeter(serial_connector(url), CREDENTIALS)
    try:
        report = await meter.connect(
            first=(properties.INSTANTANEOUS_POWER, properties.CUMULATIVE_ENERGY_NORMAL)
        )
        assert report.has(
            properties.INSTANTANEOUS_POWER.epc, properties.CUMULATIVE_ENERGY_NORMAL.epc
        )
    finally:
        await meter.close()


@needs_ser2net
@pytest.mark.parametrize(
    ("accepter", "scheme"),
    [("tcp", "socket"), ("telnet(rfc2217),tcp", "rfc2217"), ("telnet,tcp", "rfc2217")],
)
async def test_meter_is_read_through_ser2net(tmp_path: Path, accepter: str, scheme: str) -> None:
    async with _ser2net(tmp_path, accepter) as number:
        url = f"{scheme}://127.0.0.1:{number}"
        assert (await identify(serial_connector(url))).version
        await _reading(url)


@needs_ser2net
async def test_raw_connection_to_a_telnet_port_is_named(tmp_path: Path) -> None:
    async with _ser2net(tmp_path, "telnet(rfc2217),tcp") as number:
        with pytest.raises(errors.TelnetPortError):
            await identify(serial_connector(f"socket://127.0.0.1:{number}"))


@needs_ser2net
@pytest.mark.parametrize(
    ("accepter", "scheme"), [("tcp", "socket"), ("telnet(rfc2217),tcp", "rfc2217")]
)
async def test_second_client_of_ser2net_finds_the_port_busy(
    tmp_path: Path, accepter: str, scheme: str
) -> None:
    async with _ser2net(tmp_path, accepter) as number:
        _, first = await asyncio.open_connection("127.0.0.1", number)
        await asyncio.sleep(0.2)
        for _ in range(3):
            with pytest.raises(errors.PortBusyError):
                await identify(serial_connector(f"{scheme}://127.0.0.1:{number}"))
        first.close()
        await first.wait_closed()


async def test_meter_is_read_through_the_reference_server_of_rfc_2217() -> None:
    uart = _Uart()
    async with _reference_server(uart) as number:
        await _reading(f"rfc2217://localhost:{number}")
    assert (uart.baudrate, uart.bytesize, uart.parity, uart.stopbits) == (115_200, 8, "N", 1)
