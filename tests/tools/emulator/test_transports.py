"""The ways in: the in-process pair, the pseudo-terminal, TCP, and the command line."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import termios

import pytest

from tests.virtual_clock import run
from tools.emulator import Emulator, EmulatorConfig, LoadProfile

from .wire import emulated, join

ROOT = Path(__file__).parents[3]


# --- Pair ------------------------------------------------------------------------------------


def test_reads_are_split_anywhere_and_lose_nothing() -> None:
    async def play(*, split: bool) -> tuple[bytes, list[int]]:
        async with emulated(split_reads=split) as (emulator, host):
            await join(emulator, host)
            return b"".join(host.pieces), [len(piece) for piece in host.pieces]

    whole, few = run(play(split=False))
    pieces, many = run(play(split=True))
    assert pieces == whole
    assert len(many) > len(few)
    assert {1, 2, 3} <= set(many)


def test_connection_is_lost_once_however_often_it_is_closed() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            host.transport.write(b"SKVER\r\n")
            for _ in range(2):
                host.transport.close()
                host.transport.abort()
            assert host.transport.is_closing()
            host.transport.write(b"SKVER\r\n")
            await asyncio.sleep(1)
            assert host.lost == [None]
            assert host.heard == b""

    run(play())


def test_paused_host_hears_everything_later() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            host.transport.pause_reading()
            assert await host.ask("SKVER") == []
            host.transport.resume_reading()
            await asyncio.sleep(1)
            assert bytes(host.heard) == b"EVER 1.5.2\r\nOK\r\n"

    run(play())


# --- Pseudo-terminal -------------------------------------------------------------------------


async def _exchange(path: Path, command: bytes, end: bytes) -> bytes:
    """Open the port, say something, read up to ``end``, close the port."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    heard = bytearray()
    done = asyncio.Event()

    def read() -> None:
        heard.extend(os.read(descriptor, 4096))
        if heard.endswith(end):
            done.set()

    loop.add_reader(descriptor, read)
    try:
        os.write(descriptor, command)
        async with asyncio.timeout(5):
            await done.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return bytes(heard)


async def test_pty_is_raw_and_can_be_opened_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "ttyEMU0"
    async with Emulator(EmulatorConfig(speed=1000, echo=False)) as emulator:
        emulator.serve_pty(path)
        for _ in range(3):
            answer = await _exchange(path, b"SKVER\r\n", b"OK\r\n")
            assert answer == b"EVER 1.5.2\r\nOK\r\n"
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        local_modes = termios.tcgetattr(descriptor)[3]
        os.close(descriptor)
        assert not local_modes & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert not path.is_symlink()


async def test_unread_pty_does_not_stop_the_dongle(tmp_path: Path) -> None:
    path = tmp_path / "ttyEMU0"
    async with Emulator(EmulatorConfig(speed=1000, echo=False)) as emulator:
        emulator.serve_pty(path)
        for _ in range(3000):
            emulator.dongle.emit(b"EVENT 20 " + b"0" * 100 + b"\r\n")
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(descriptor, termios.TCIFLUSH)
        os.close(descriptor)
        await asyncio.sleep(0.01)
        answer = await _exchange(path, b"SKVER\r\n", b"OK\r\n")
        assert answer.endswith(b"EVER 1.5.2\r\nOK\r\n")


async def test_pty_replaces_a_dead_link_but_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ttyEMU0"
    path.symlink_to(tmp_path / "gone")
    async with Emulator() as emulator:
        emulator.serve_pty(path)
        assert path.exists()
    path.write_text("mine")
    async with Emulator() as emulator:
        with pytest.raises(FileExistsError):
            emulator.serve_pty(path)
    assert path.read_text() == "mine"


# --- Command line, TCP, truth ----------------------------------------------------------------


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the emulator as a program, and wait until it says that it is ready."""
    command = [sys.executable, "-m", "tools.emulator", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def _ready(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_says_when_it_is_ready_and_ends_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    path, truth = tmp_path / "ttyEMU0", tmp_path / "truth"
    with started("--pty", str(path), "--truth", str(truth), "--seed", "3") as program:
        assert _ready(program) == f"ready: bp35c2 on {path}, truth {truth}\n"
        assert path.exists()
        program.send_signal(number)
        assert program.wait(5) == 0
    assert not path.is_symlink()
    assert not truth.exists()


_ASK = """
import socket, sys
for line in sys.argv[2:]:
    control = socket.socket(socket.AF_UNIX)
    control.connect(sys.argv[1])
    control.sendall(line.encode() + b"\\n")
    sys.stdout.write(control.makefile().read())
"""
_TALK = """
import socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.sendall(b"SKVER\\r\\n")
heard = b""
while not heard.endswith(b"OK\\r\\n"):
    heard += line.recv(100)
sys.stdout.write(heard.decode())
"""


def _python(code: str, *arguments: str) -> str:
    """Run something in a process of its own: the test harness allows no sockets here."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def test_truth_door_tells_what_the_meter_knows(tmp_path: Path) -> None:
    moment = "2026-11-22T12:34:56+09:00"
    path, truth = str(tmp_path / "tty"), str(tmp_path / "truth")
    with started("--pty", path, "--truth", truth, "--seed", "3") as program:
        _ready(program)
        answers = _python(_ASK, truth, moment, "yesterday", "").splitlines()
    then, wrong, current = map(json.loads, answers)
    assert then["at"] == moment
    assert then["fixed_time"]["at"] == "2026-11-22T12:30:00+09:00"
    imported = then["energy_imported"]
    assert int(then["properties"]["E0"], 16) == imported["count"]
    assert imported["kwh"] == f"{imported['count'] // 10}.{imported['count'] % 10}"
    assert then["power"] == LoadProfile(3).power(datetime.fromisoformat(moment))
    assert wrong == {"error": "not a moment in ISO form"}
    assert current["serial_number"] == then["serial_number"]


def test_meter_clock_can_be_stopped(tmp_path: Path) -> None:
    path, truth = str(tmp_path / "tty"), str(tmp_path / "truth")
    moment = "2026-11-22T12:34:56+09:00"
    for written in (moment, "2026-11-22T12:34:56"):
        with started("--pty", path, "--truth", truth, "--at", written) as program:
            _ready(program)
            assert json.loads(_python(_ASK, truth, ""))["at"] == moment


def test_tcp_door_carries_the_bare_line() -> None:
    with started("--tcp", "0", "--dongle", "rl7023-ips", "--no-echo") as program:
        port = _ready(program).rpartition(":")[2].strip()
        assert _python(_TALK, port).split() == ["EVER", "1.2.10", "OK"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--pty", "/nowhere/tty"),
        ("--tcp", "0", "--id", "12"),
        ("--tcp", "0", "--speed", "0"),
        ("--tcp", "0", "--at", "noon"),
        ("--tcp", "0", "--dongle", "rl7023-ips", "--output", "binary"),
    ],
)
def test_program_tells_what_is_wrong_with_its_arguments(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tools.emulator", *arguments]
    program = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert program.returncode == 2
    assert "error: " in program.stderr
    assert "Traceback" not in program.stderr
