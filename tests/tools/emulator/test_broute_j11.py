"""Other people's software reads the emulated J11 dongle: broute-j11 0.1.0, unchanged, over a pty."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from tools.emulator import DUMMY_ID, DUMMY_PASSWORD, FIRST_GENERATION, Emulator, EmulatorConfig
from tools.emulator.j11.channels import from_air
from tools.emulator.meter.meter import Meter

from .test_transports import _ASK, _python, _ready, started

ROOT = Path(__file__).parents[3]
SEED = 3
AT = datetime.fromisoformat("2026-11-22T12:34:56+09:00")
WRONG = DUMMY_PASSWORD[:-1] + "C"


@contextmanager
def emulator(folder: Path, *options: str) -> Iterator[Path]:
    """A software dongle of another process; its port is the path that comes out."""
    port = folder / "tty"
    transports = ("--pty", str(port), "--control", str(folder / "control"))
    fixed = ("--seed", str(SEED), "--at", AT.isoformat(), "--speed", "500")
    with started(*transports, *fixed, *options) as program:
        assert _ready(program).startswith("ready: ")
        yield port


def order(folder: Path, *lines: str) -> None:
    assert _python(_ASK, str(folder / "control"), *lines) == "ok\n" * len(lines)


def client(port: Path, password: str = DUMMY_PASSWORD, readings: int = 1) -> dict[str, Any]:
    """Let the client read; return what it found."""
    module = "tests.tools.emulator.broute_j11_client"
    result = subprocess.run(
        [sys.executable, "-m", module, str(port), DUMMY_ID, password, str(readings)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("dongle", ["bp35c0-j11", "rs-wsuha-j11"])
def test_the_client_reads_the_truth(dongle: str, tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", dongle) as port:
        found = client(port, readings=3)

    meter = Meter(SEED, FIRST_GENERATION)
    (r, t), registers = meter.currents(AT), meter.registers(AT)
    assert t is not None
    assert registers is not None
    expected = {
        "instantaneous_power": meter.profile.power(AT),
        "current_r_phase": str(Decimal(r) / 10),
        "current_t_phase": str(Decimal(t) / 10),
        "cumulative_forward_energy": str(Decimal(registers[0]) / 10),
        "cumulative_reverse_energy": str(Decimal(registers[1]) / 10),
    }
    assert "error" not in found
    assert found["readings"] == [expected] * 3
    assert found["version"] == "1.3.5514"
    assert found["channel"] == from_air(Emulator(EmulatorConfig(seed=SEED)).air.pan.channel)
    assert found["profile"]["serial_number"] == meter.serial
    frames = found["stats"]["frames"]
    assert (frames["discarded_bytes"], frames["checksum_errors"]) == (0, 0)


def test_a_wrong_password_is_the_clients_own_error(tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", "rs-wsuha-j11") as port:
        assert client(port, WRONG)["error"] == "AuthenticationError"
        # The right one is taken afterwards: nothing was locked.
        assert "error" not in client(port)


def test_no_meter_is_the_clients_own_error(tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", "rs-wsuha-j11", "--out-of-range") as port:
        assert client(port)["error"] == "MeterNotFoundError"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("mute_dongle", "SessionTimeoutError"),
        ("silence_pana on", "SessionClosedError"),
        ("start_in_vain 3", "CommandFailedError"),
    ],
    ids=["dongle", "PANA", "0053"],
)
def test_silence_is_the_clients_own_error(line: str, error: str, tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", "bp35c0-j11") as port:
        order(tmp_path, line)
        assert client(port)["error"] == error


def test_the_client_gets_over_what_happens_to_real_dongles(tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", "bp35c0-j11") as port:
        order(tmp_path, "start_in_vain 2", "transmit 05", "rates noise_between=0.5 split=0.5")
        found = client(port)
    assert "error" not in found
    assert len(found["readings"]) == 1
    assert found["stats"]["frames"]["discarded_bytes"] > 0


def test_an_skstack_dongle_is_silence_to_the_client(tmp_path: Path) -> None:
    with emulator(tmp_path, "--dongle", "bp35c2") as port:
        assert client(port)["error"] == "SessionTimeoutError"
