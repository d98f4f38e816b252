"""A real Home Assistant that is killed in the midst of imports, and what is left of them."""

import json
from pathlib import Path

import pytest

from tests.e2e.demo_runs import run_demo

_KILLS = 3
#: Five starts and as many imports take some minutes; five more if a slow machine misses the recorder's
#: first five-minute mark.
_TIMEOUT_S = 1200


@pytest.mark.timeout(_TIMEOUT_S)
def test_no_kill_in_an_import_leaves_a_wrong_hour(tmp_path: Path) -> None:
    ended = run_demo("--kills", str(_KILLS), folder=tmp_path, timeout_s=_TIMEOUT_S)

    assert ended.returncode == 0, f"{ended.stderr}{ended.stdout}"
    played = json.loads(ended.stdout)
    # All or nothing after each kill, every hour of both directions in the end, and every hour of
    # a sensor that is not ours.
    assert played["wrong"] == []
    assert played["hours"] >= 30 * 24
    assert len(played["moments"]) == _KILLS
    assert sum("under way" in moment for moment in played["moments"]) >= 1
