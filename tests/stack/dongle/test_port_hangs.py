"""A device whose opening or closing does not return from the kernel."""

import asyncio
from collections.abc import Callable, Iterator
import os
from pathlib import Path
import resource
import subprocess
import sys
import threading
import tty

import pytest
import serial

from custom_components.wisun_route_b.stack import errors, serial_connector
from custom_components.wisun_route_b.stack.dongle import (
    device as device_module,
    port as port_module,
)
from custom_components.wisun_route_b.stack.dongle.port import Port, PortEvent

ROOT = Path(__file__).parents[3]


class _Host:
    def __init__(self) -> None:
        self.heard = b""

    def __call__(self, event: PortEvent) -> None:
        if isinstance(event, bytes):
            self.heard += event


class _Hanging:
    """Lets a blocking call in, and out again only after :meth:`release`."""

    def __init__(self) -> None:
        self.calls = 0
        self.inside = 0
        self.daemons: list[bool] = []
        self.opened: list[serial.Serial] = []
        self._gate = threading.Event()

    def __call__(self) -> None:
        self.calls += 1
        self.inside += 1
        self.daemons.append(threading.current_thread().daemon)
        self._gate.wait(60)
        self.inside -= 1

    def release(self) -> None:
        self._gate.set()


@pytest.fixture
def path() -> Iterator[str]:
    far, near = os.openpty()
    tty.setraw(near)
    yield os.ttyname(near)
    os.close(near)
    os.close(far)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Hanging]:
    monkeypatch.setattr(port_module, "OPEN_TIMEOUT", 0.2)
    monkeypatch.setattr(port_module, "CLOSE_TIMEOUT", 0.1)
    hanging = _Hanging()
    yield hanging
    hanging.release()
    for thread in threading.enumerate():
        if thread.name == "wisun-route-b port":
            thread.join(10)


def _hang_in_open(monkeypatch: pytest.MonkeyPatch, hanging: _Hanging) -> None:
    real = serial.serial_for_url

    def stuck(url: str, *, baudrate: int, exclusive: bool) -> serial.Serial:
        hanging()
        device = real(url, baudrate=baudrate, exclusive=exclusive)
        hanging.opened.append(device)
        return device

    monkeypatch.setattr(serial, "serial_for_url", stuck)


def _hang_in(method: str, monkeypatch: pytest.MonkeyPatch, hanging: _Hanging) -> None:
    real: Callable[[serial.Serial], None] = getattr(serial.Serial, method)

    def stuck(device: serial.Serial) -> None:
        if device.is_open:  # the finalizer closes it a second time
            hanging()
        real(device)

    monkeypatch.setattr(serial.Serial, method, stuck)


async def _opened(path: str) -> Port:
    port = Port(_Host())
    await port.open(serial_connector(path))
    return port


async def _opened_at_last(path: str) -> Port:
    """Open what another thread is about to close."""
    for _ in range(500):
        try:
            return await _opened(path)
        except errors.PortStuckError:
            await asyncio.sleep(0.01)
    raise AssertionError("The port stayed stuck")


async def _until(happened: Callable[[], bool]) -> None:
    for _ in range(5000):
        if happened():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("It did not happen")


def _threads() -> int:
    return sum(thread.name == "wisun-route-b port" for thread in threading.enumerate())


async def test_an_opening_that_hangs_is_not_begun_a_second_time(
    path: str, hanging: _Hanging, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other_name = tmp_path / "by-id"
    other_name.symlink_to(path)
    _hang_in_open(monkeypatch, hanging)
    for name in (path, path, str(other_name)):
        with pytest.raises(errors.PortStuckError):
            await _opened(name)
    assert (hanging.calls, hanging.inside, _threads()) == (1, 1, 1)
    assert hanging.daemons == [True]


async def test_a_port_that_is_opened_too_late_is_closed_at_once(
    path: str, hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hang_in_open(monkeypatch, hanging)
    with pytest.raises(errors.PortStuckError):
        await _opened(path)
    hanging.release()
    await (await _opened_at_last(path)).close()
    assert [device.is_open for device in hanging.opened] == [False, False]
    await _until(lambda: _threads() == 0)  # the thread ends a moment after it has delivered


async def test_a_cancelled_opening_that_hangs_does_not_hold_up_the_caller(
    path: str, hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hang_in_open(monkeypatch, hanging)
    opening = asyncio.create_task(_opened(path))
    await _until(lambda: hanging.inside == 1)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert hanging.inside == 1
    hanging.release()
    await (await _opened_at_last(path)).close()


async def test_our_own_port_that_does_not_close_is_not_another_program(
    path: str, hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await _opened(path)
    _hang_in("close", monkeypatch, hanging)
    await port.close()
    for _ in range(3):
        with pytest.raises(errors.PortStuckError):
            await _opened(path)
    assert (hanging.calls, _threads()) == (1, 1)
    hanging.release()
    port = await _opened_at_last(path)
    with pytest.raises(errors.PortBusyError):
        await _opened(path)
    await port.close()


async def test_what_is_unsent_is_not_waited_for(
    path: str, hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hang_in("flush", monkeypatch, hanging)
    port = await _opened(path)
    port.write(b"SKSENDTO")
    await port.close()
    await (await _opened(path)).close()
    assert hanging.calls == 0


async def test_a_device_that_vanishes_is_not_waited_for_either(
    hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = os.openpty()
    tty.setraw(near)
    _hang_in("flush", monkeypatch, hanging)
    port = await _opened(os.ttyname(near))
    os.close(far)
    await _until(lambda: not port.is_open)
    await port.close()
    os.close(near)
    assert hanging.calls == 0


async def test_nothing_is_written_to_a_lost_device_that_is_being_closed(
    hanging: _Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = os.openpty()
    tty.setraw(near)
    _hang_in("close", monkeypatch, hanging)
    port = await _opened(os.ttyname(near))
    os.close(far)
    await _until(lambda: hanging.inside > 0)
    # In the thread, the device loses its descriptor at any moment.
    with pytest.raises(errors.PortLostError):
        port.write(b"SKVER")
    await port.close()
    os.close(near)


_PROGRAM = """
import asyncio, threading
import serial
serial.serial_for_url = lambda *_, **__: threading.Event().wait()
from custom_components.wisun_route_b.stack import errors, serial_connector
from custom_components.wisun_route_b.stack.dongle import port
port.OPEN_TIMEOUT = 0.1
async def main():
    try:
        await serial_connector("/dev/ttyUSB0")(asyncio.Protocol)
    except errors.PortStuckError:
        print("stuck")
asyncio.run(main())
"""


def test_the_end_of_a_program_does_not_wait_for_the_thread() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert ended.stdout == "stuck\n"


async def test_a_system_without_a_thread_left_blocks_no_port_for_good(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(device_module, "_NO_THREAD_PAUSE", 0.0)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            await _opened(path)
    port = await _opened(path)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        closing = asyncio.create_task(port.close())
        await asyncio.sleep(0.01)
    await closing
    await (await _opened(path)).close()


async def test_a_program_with_many_files_open_reads_its_port() -> None:
    far, near = os.openpty()
    tty.setraw(near)
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    many = [os.dup(near) for _ in range(1100)]  # select() knows descriptors to 1023
    host = _Host()
    port = Port(host)
    try:
        await port.open(serial_connector(os.ttyname(near)))
        os.write(far, b"OK\r\n")
        await _until(lambda: host.heard == b"OK\r\n")
    finally:
        await port.close()
        for number in (near, far, *many):
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
