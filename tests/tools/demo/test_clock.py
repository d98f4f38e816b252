"""The clock of the demo's programs, set back."""

from datetime import timedelta
import os
import subprocess
import sys
import time

import pytest

from tools.demo.clock import Clock, can_be_set

_SLEEP = "import time; time.sleep(0.05); print(time.time())"


@pytest.mark.skipif(not can_be_set(), reason="libfaketime is not installed")
def test_program_can_sleep_by_a_clock_that_was_set_back() -> None:
    behind = timedelta(days=1)

    done = subprocess.run(
        [sys.executable, "-c", _SLEEP],
        env={**os.environ, **Clock(behind).environment()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(time.time() - behind.total_seconds(), abs=60)
