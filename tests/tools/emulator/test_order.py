"""The order program: one order to the control socket of a running emulator."""

from pathlib import Path
import subprocess
import sys

from .test_transports import ROOT, _ready, started


def _order(where: Path, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "tools.emulator.order", str(where), *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_order_is_carried_out_and_its_answer_printed(tmp_path: Path) -> None:
    control = tmp_path / "control"
    with started("--pty", str(tmp_path / "tty"), "--control", str(control)) as program:
        _ready(program)

        assert _order(control, "terminate", "27") == (0, "ok", "")
        code, answer, _ = _order(control, "dance")
        assert code == 1
        assert answer.startswith("error")


def test_emulator_that_does_not_run_is_said_so(tmp_path: Path) -> None:
    code, answer, complaint = _order(tmp_path / "none", "unplug")

    assert (code, answer) == (1, "")
    assert "cannot be reached" in complaint
