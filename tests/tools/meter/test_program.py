"""``scripts/meter`` as a program: real processes, real ports."""

from collections.abc import Iterator
import fcntl
import json
import os
from pathlib import Path
import pty
import signal
import subprocess
import sys
import termios
import time
import tty

import pytest

from tools.meter.exit_codes import ExitCode

from .shell import ENVIRONMENT, PASSWORD, ROUTE_B_ID

ROOT = Path(__file__).parents[3]
#: What scripts/meter runs when it has found that there is nothing to set up.
METER = (sys.executable, "-m", "tools.meter")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An emulated dongle on a pseudo-terminal, fast."""
    path = tmp_path_factory.mktemp("cli") / "tty"
    words = ("--pty", str(path), "--id", ROUTE_B_ID, "--password", PASSWORD, "--speed", "50")
    with subprocess.Popen(
        (sys.executable, "-m", "tools.emulator", *words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as emulator:
        assert emulator.stdout is not None
        assert emulator.stdout.readline().startswith("ready")
        yield path
        emulator.terminate()


def _run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*METER, *words),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, **more},
    )


def _start(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*METER, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
    )


def test_meter_is_read_through_a_real_port(port: Path) -> None:
    result = _run(port, "--json", "read")

    assert result.returncode == ExitCode.OK, result.stderr
    assert result.stderr == ""
    assert len(json.loads(result.stdout)["properties"]) == 25


def test_script_needs_no_credentials_to_identify_and_works_from_anywhere(
    port: Path, tmp_path: Path
) -> None:
    result = subprocess.run(
        (ROOT / "scripts" / "meter", port, "identify"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.stdout.startswith("A Wi-SUN dongle")
    assert (result.returncode, result.stderr) == (ExitCode.OK, "")


def test_command_line_loads_no_home_assistant() -> None:
    script = (
        "import runpy, sys; sys.argv = ['meter', '--help']\n"
        "try: runpy.run_module('tools.meter', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "foreign = {'homeassistant', 'voluptuous', 'probatio', 'aiohttp'} & set(sys.modules)\n"
        "assert not foreign, foreign\n"
        "assert 'custom_components.wisun_route_b.stack' in sys.modules"
    )
    result = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "exit codes" in result.stdout


def test_port_that_does_not_exist(tmp_path: Path) -> None:
    result = _run(tmp_path / "nothing", "identify")

    assert result.returncode == ExitCode.PORT
    assert result.stdout.startswith("There is no such port.")


def test_file_that_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    assert _run(file, "read").returncode == ExitCode.PORT
    assert "no serial port" in _run(file, "identify").stdout


def test_port_that_another_program_holds(port: Path) -> None:
    with port.open("rb+", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.ioctl(other, termios.TIOCEXCL)
        result = _run(port, "identify")
        fcntl.ioctl(other, termios.TIOCNXCL)

    assert result.returncode == ExitCode.PORT
    assert "busy" in result.stdout


def test_port_where_nothing_answers() -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    begun = time.monotonic()
    try:
        result = _run(os.ttyname(theirs), "identify")
    finally:
        os.close(ours)
        os.close(theirs)

    assert result.returncode == ExitCode.DONGLE
    assert "Nothing answers" in result.stdout
    assert time.monotonic() - begun < 8  # the five seconds, and a busy machine


def test_wrong_password_has_a_code_of_its_own(port: Path) -> None:
    result = _run(port, "read", ROUTE_B_PASSWORD="WrongWrong12")

    assert result.returncode == ExitCode.REFUSED
    assert "WrongWrong12" not in result.stdout + result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_watch_and_frees_the_port(port: Path, number: signal.Signals) -> None:
    with _start(port, "watch", "--interval", "2") as watch:
        assert watch.stdout is not None
        assert any(" W " in line for line in watch.stdout)  # behind the states of the link
        watch.send_signal(number)
        out, err = watch.communicate(timeout=10)

    assert (watch.returncode, out, err) == (ExitCode.OK, "", "")
    assert _run(port, "identify").returncode == ExitCode.OK


def test_signal_while_connecting_frees_the_port(tmp_path: Path) -> None:
    path = tmp_path / "tty"
    words = ("--pty", str(path), "--out-of-range")
    with subprocess.Popen(
        (sys.executable, "-m", "tools.emulator", *words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as emulator:
        assert emulator.stdout is not None
        emulator.stdout.readline()
        file = tmp_path / "record"
        with _start(path, "record", file) as record:
            while not (file.exists() and "SKSCAN" in file.read_text(encoding="ascii")):
                assert record.poll() is None
                time.sleep(0.05)
            record.send_signal(signal.SIGINT)
            out, err = record.communicate(timeout=10)
        again = _run(path, "identify")
        emulator.terminate()

    assert (record.returncode, out, err) == (ExitCode.INTERRUPTED, "", "")
    assert again.returncode == ExitCode.OK


def test_reader_who_has_seen_enough_is_no_error(port: Path) -> None:
    with _start(port, "watch", "--interval", "2") as watch:
        assert watch.stdout is not None
        watch.stdout.readline()
        watch.stdout.close()
        watch.wait(timeout=15)
        assert watch.stderr is not None
        assert watch.stderr.read() == ""

    assert watch.returncode == ExitCode.OK
