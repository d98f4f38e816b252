"""Runs `scripts/demo` as a person would."""

from pathlib import Path
import subprocess

_ROOT = Path(__file__).parents[2]


def run_demo(*options: str, folder: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run the demo on a free port, with what it writes in ``folder``; return how it ended.

    Raises subprocess.TimeoutExpired after ``timeout_s`` seconds.
    """
    command = [str(_ROOT / "scripts" / "demo"), *options, "--port", "0", "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
