"""An outage of a real Home Assistant, and how its hours come back."""

from datetime import datetime, timedelta
import json
from pathlib import Path
import subprocess

import pytest

from demo.configuration import DOMAIN
from demo.log import complaints

_ROOT = Path(__file__).parents[2]
#: Two starts and two repairs take two minutes; a fresh machine is slower.
_PATIENCE = 900


@pytest.mark.timeout(_PATIENCE)
def test_hours_of_an_outage_come_back_exactly_and_nobody_else_is_harmed(tmp_path: Path) -> None:
    command = [str(_ROOT / "scripts" / "demo"), "--outage", "6h", "--check", "--port", "0"]
    ended = subprocess.run(
        [*command, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )

    assert ended.returncode == 0, f"{ended.stderr}{ended.stdout}"
    played = json.loads(ended.stdout)
    # Every hour from the imported days to the present one, in both directions, and every hour
    # of a sensor that is not ours.
    assert played["wrong"] == []
    began, back = (datetime.fromisoformat(played[key]) for key in ("began", "ended"))
    assert timedelta(hours=5, minutes=50) < back - began < timedelta(hours=6, minutes=10)
    repair = played["repair"]
    assert repair["hours"] >= 5  # at dawn, nothing may have flowed in a part of an hour
    assert datetime.fromisoformat(repair["from"]) <= began
    assert datetime.fromisoformat(repair["to"]) >= back - timedelta(hours=2)
    assert repair["imported_energy"] + repair["exported_energy"] > 0
    (log,) = tmp_path.rglob("home-assistant.log")
    assert complaints(log.read_text(encoding="utf-8"), DOMAIN) == []
