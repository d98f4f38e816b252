"""An outage of a real Home Assistant, and how its hours come back."""

from datetime import datetime, timedelta
import json
from pathlib import Path

import pytest

from tests.e2e.demo_runs import run_demo
from tools.demo.configuration import DOMAIN
from tools.demo.log import complaints

#: Three starts and two repairs take four minutes. On a slow machine the recorder's five minutes
#: are missed now and then, and that costs five more, in each of the three.
_TIMEOUT_S = 1800


@pytest.mark.timeout(_TIMEOUT_S)
def test_hours_of_an_outage_come_back_exactly_and_other_statistics_stay(tmp_path: Path) -> None:
    ended = run_demo("--outage", "6h", "--check", folder=tmp_path, timeout_s=_TIMEOUT_S)

    assert ended.returncode == 0, f"{ended.stderr}{ended.stdout}"
    played = json.loads(ended.stdout)
    # Every hour from the imported days to the present one, in both directions, and every hour
    # of a sensor that is not ours.
    assert played["wrong"] == []
    began, back = (datetime.fromisoformat(played[key]) for key in ("began", "ended"))
    assert timedelta(hours=5, minutes=50) < back - began < timedelta(hours=6, minutes=10)
    # There was something to put right: without the repair, hours are empty, and the one of the
    # return has all that was used in them.
    broken = {_start(fault) for fault in played["before"]}
    assert len([start for start in broken if began < start < back]) >= 6
    assert back.replace(minute=0, second=0, microsecond=0) in broken
    assert datetime.fromisoformat(played["repair"]["to"]) >= back - timedelta(hours=2)
    for log in tmp_path.rglob("home-assistant.log*"):
        assert complaints(log.read_text(encoding="utf-8"), DOMAIN) == []


def _start(fault: str) -> datetime:
    """Return the beginning of the hour that a fault names."""
    return datetime.fromisoformat(fault.partition(" at ")[2].partition(": ")[0])
