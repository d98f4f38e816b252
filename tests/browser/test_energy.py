"""The Energy dashboard, from its first page to the meter's own history."""

import asyncio
from datetime import UTC, datetime, time, timedelta
import re
from zoneinfo import ZoneInfo

from playwright.async_api import Locator, expect
import pytest

from demo.dongle import true_values
from demo.frontend import Frontend

_JAPAN = ZoneInfo("Asia/Tokyo")
_DAY = timedelta(days=1)
#: The recorder compiles within five minutes; then the days before are read and imported.
_STATISTICS = 420.0
#: Not yesterday: the clock of this Home Assistant may be some minutes behind.
_DAYS_AGO = 2


@pytest.mark.usefixtures("meter")
async def test_a_past_day_shows_exactly_what_the_meter_counted(frontend: Frontend) -> None:
    day = datetime.now(_JAPAN).date() - _DAYS_AGO * _DAY
    start = datetime.combine(day, time(), _JAPAN).astimezone(UTC)
    counted = {
        direction: _between(f"{direction}_energy", start, start + _DAY)
        for direction in ("imported", "exported")
    }

    await frontend.fill_in_grid_connection("Imported energy", "Exported energy", "Power")
    await frontend.save_grid_connection()
    await frontend.sees("Smart meter Imported energy")
    await frontend.finish_energy_steps()

    # The dashboard looks for new statistics once an hour, so it is opened again and again.
    async with asyncio.timeout(_STATISTICS):
        while True:
            await frontend.open_energy_of(day)
            if await _becomes(frontend.energy("imported"), counted["imported"]):
                break
    await expect(frontend.energy("exported")).to_have_text(counted["exported"])


def _between(key: str, start: datetime, end: datetime) -> re.Pattern[str]:
    """Return what the meter counted in a time, as the dashboard writes it."""
    before, after = true_values(start)[key], true_values(end)[key]
    assert before is not None
    assert after is not None
    assert after > before
    energy = re.escape(f"{(after - before).normalize():f}")
    return re.compile(rf"^\s*{energy}\s+kWh\s*$")


async def _becomes(place: Locator, text: re.Pattern[str]) -> bool:
    try:
        await expect(place).to_have_text(text, timeout=10_000)
    except AssertionError:
        return False
    return True
