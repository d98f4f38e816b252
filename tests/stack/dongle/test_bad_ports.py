"""Ports and dongles from hell: a clear state, bounded memory, no busy loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import pty
import random
import resource
import select
import socket
import tty
from typing import override

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RouteBError,
    SmartMeter,
    errors,
    properties,
    serial_connector,
)
from tests.stack.scripted import NETWORK, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)


@asynccontextmanager
async def kept(emulator: Emulator) -> AsyncIterator[LinkKeeper]:
    credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
    keeper = LinkKeeper(SmartMeter(emulator.connector(), credentials), random.Random(1))
    await keeper.open()
    await asyncio.sleep(120)
    try:
        yield keeper
    finally:
        await keeper.close()


async def state_is(keeper: LinkKeeper, state: LinkState) -> None:
    reached = asyncio.Event()

    def look(status: LinkStatus) -> None:
        if status.state is state:
            reached.set()

    stop = keeper.on_change(look)
    if keeper.state is not state:
        await reached.wait()
    stop()


class FullPort(ScriptedDongle):
    """A dongle on a port whose kernel buffer is full after `fill`."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.serial = socket.socketpair()
        self.serial.setblocking(False)

    def fill(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self.serial.send(b"x" * 4096)

    def drain(self) -> None:
        self.reading.setblocking(False)
        with suppress(BlockingIOError):
            while self.reading.recv(65_536):
                pass

    @override
    def get_write_buffer_size(self) -> int:
        return 0

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        # This is where pyserial would try for ever.
        assert select.select([], [self.serial], [], 0)[1]
        super().write(data)


def test_port_that_accepts_no_bytes_any_more_is_told_and_waited_for() -> None:
    async def scenario() -> None:
        dongle = FullPort()
        meter = SmartMeter(dongle.connector(), CREDENTIALS, network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(120)
        dongle.fill()
        with pytest.raises(errors.PortBlockedError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        await state_is(keeper, LinkState.WAITING)
        assert isinstance(keeper.status.error, errors.PortBlockedError)
        await asyncio.sleep(600)
        dongle.drain()
        await state_is(keeper, LinkState.CONNECTED)
        await keeper.close()
        dongle.reading.close()
        dongle.serial.close()

    run(scenario())


def test_unread_terminal_is_reported_and_the_loop_goes_on(tmp_path: Path) -> None:
    """In real time, with a real terminal."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = tmp_path / "port"
    port.symlink_to(os.ttyname(slave))

    async def scenario() -> int:
        turns = 0

        async def live() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        living = asyncio.create_task(live())
        with pytest.raises(errors.DongleSilentError):
            await SmartMeter(serial_connector(str(port)), CREDENTIALS).connect()
        living.cancel()
        return turns

    try:
        assert asyncio.run(asyncio.wait_for(scenario(), 6.0)) > 100
    finally:
        os.close(master)
        os.close(slave)


def test_host_that_reads_nothing_is_told_within_five_seconds() -> None:
    async def scenario() -> None:
        class Deaf(asyncio.Transport):
            """Takes everything into a buffer that is never emptied."""

            written = 0

            @override
            def write(self, data: bytes | bytearray | memoryview) -> None:
                self.written += len(data)

            @override
            def get_write_buffer_size(self) -> int:
                return self.written

            @override
            def abort(self) -> None:
                asyncio.get_running_loop().call_soon(host.connection_lost, None)

        transport = Deaf()
        host: asyncio.Protocol

        async def connector(
            factory: Callable[[], asyncio.Protocol],
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            nonlocal host
            host = factory()
            host.connection_made(transport)
            return transport, host

        begun = asyncio.get_running_loop().time()
        with pytest.raises(errors.DongleSilentError):
            await SmartMeter(connector, CREDENTIALS).connect()
        assert asyncio.get_running_loop().time() - begun <= 5.0
        assert transport.written < 100

    run(scenario())


@pytest.mark.parametrize("error", [OSError(5, "gone"), OSError(19, "no such device")])
def test_port_that_disappears_in_the_middle_of_a_write_is_a_lost_port(error: OSError) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), CREDENTIALS, network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(120)
        dongle.write_error = error
        with pytest.raises(errors.PortLostError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        assert keeper.state is LinkState.CONNECTING
        await state_is(keeper, LinkState.WAITING)
        dongle.write_error = None
        await state_is(keeper, LinkState.CONNECTED)
        await keeper.close()

    run(scenario())


def test_dongle_that_says_ok_to_everything_is_no_dongle() -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now)) as emulator:
            emulator.faults.always_ok = True
            meter = SmartMeter(emulator.connector(), CREDENTIALS)
            with pytest.raises(errors.NotAWiSunDongleError):
                await meter.connect()

    run(scenario())


def test_dongle_that_begins_to_say_ok_to_everything_is_found_out_and_waited_for() -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now)) as emulator, kept(emulator) as keeper:
            emulator.faults.always_ok = True
            attempts = 0
            while keeper.meter.connected:
                attempts += 1
                with pytest.raises(RouteBError):
                    await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
            assert attempts <= 3
            await state_is(keeper, LinkState.WAITING)
            assert isinstance(keeper.status.error, errors.DongleError)
            emulator.faults.always_ok = False
            await state_is(keeper, LinkState.CONNECTED)

    run(scenario())


def test_flood_of_events_leaves_the_link_up_and_memory_alone() -> None:
    async def scenario() -> None:
        async with Emulator(EmulatorConfig(clock=now)) as emulator, kept(emulator) as keeper:
            emulator.faults.babble(200)  # as much as the line can carry
            await asyncio.sleep(1)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(250):
                emulator.faults.babble(200)
                await asyncio.sleep(1)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            assert grown < 8 * 1024, "kilobytes, for fifty thousand events"
            report = await keeper.meter.read((properties.INSTANTANEOUS_POWER,))
            assert report.has(properties.INSTANTANEOUS_POWER.epc)

    run(scenario())


def test_flood_of_beacons_in_a_scan_is_bounded() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        beacon = (
            b"EVENT 20 FE80:0000:0000:0000:021D:1290:0005:747B\r\nEPANDESC\r\n  Channel:31\r\n"
            b"  Channel Page:09\r\n  Pan ID:1111\r\n  Addr:001C640060149999\r\n  LQI:98\r\n"
            b"  PairID:CCDDEEFF\r\n"
        )
        dongle.replies["SKSCAN"] = (
            b"OK\r\n" + beacon * 400 + b"EVENT 22 FE80:0000:0000:0000:021D:1290:0005:747B\r\n"
        )
        dongle.replies["SKJOIN"] = b"OK\r\nEVENT 24 FE80:0000:0000:0000:021C:6400:6014:9999\r\n"
        meter = SmartMeter(dongle.connector(), CREDENTIALS)
        with pytest.raises(RouteBError):
            await meter.connect()
        joins = [line for line in dongle.commands if line.startswith("SKJOIN")]
        assert len(joins) <= 3

    run(scenario())


def test_second_link_on_the_same_port_is_told_that_it_is_busy_and_does_no_harm(
    tmp_path: Path,
) -> None:
    """Two dongles with the same serial number have one by-id link, so two entries meet there."""
    port = tmp_path / "usb-with-the-same-serial-number"

    async def scenario() -> None:
        async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
            emulator.serve_pty(port)
            credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
            first = SmartMeter(serial_connector(str(port)), credentials)
            await first.connect()
            with pytest.raises(errors.PortBusyError):
                await SmartMeter(serial_connector(str(port)), credentials).connect()
            report = await first.read((properties.INSTANTANEOUS_POWER,))
            assert report.has(properties.INSTANTANEOUS_POWER.epc)
            await first.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("chunk", [64, 4096, 262_144])
def test_port_that_floods_is_closed_and_opened_again_at_intervals(chunk: int) -> None:
    """A broken serial server: no dongle can say more than 11.5 kB in a second."""

    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), CREDENTIALS, network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        taken = 0
        noise = random.Random(2).randbytes(chunk)
        flooding = asyncio.get_running_loop().time() + 300
        while (now := asyncio.get_running_loop().time()) < flooding:
            if not dongle.is_closing():
                taken += chunk
                dongle.say(noise)
                await asyncio.sleep(chunk / 1_000_000)
            else:
                await asyncio.sleep(0.1)
            assert asyncio.get_running_loop().time() > now
        # Each opening costs one burst, and there is one every 15 s.
        assert taken < 40 * (65_536 + max(chunk, 20_000))
        await asyncio.sleep(60)
        assert keeper.state is LinkState.CONNECTED
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).has(
            properties.INSTANTANEOUS_POWER.epc
        )
        await keeper.close()

    run(scenario())


def test_what_a_line_can_carry_is_no_flood() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), CREDENTIALS, network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        for _ in range(600):
            dongle.say(b"x" * 11_500 + b"\r\n")
            await asyncio.sleep(1)
        assert keeper.meter.statistics.disconnects == 0
        await keeper.close()

    run(scenario())
