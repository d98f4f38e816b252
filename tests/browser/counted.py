"""What the meter counted, as the Energy dashboard writes it."""

from datetime import UTC, date, datetime, time, timedelta
import re
from typing import Final
from zoneinfo import ZoneInfo

from tools.demo.dongle import true_values

JAPAN: Final = ZoneInfo("Asia/Tokyo")


def counted_on(day: date, direction: str) -> re.Pattern[str]:
    """Return the energy of a day in Japan that was "imported" or "exported", with its unit."""
    start = datetime.combine(day, time(), JAPAN).astimezone(UTC)
    before, after = (
        true_values(moment)[f"{direction}_energy"] for moment in (start, start + timedelta(days=1))
    )
    assert before is not None
    assert after is not None
    assert after > before
    energy = re.escape(f"{(after - before).normalize():f}")
    return re.compile(rf"^\s*{energy}\s+kWh\s*$")
