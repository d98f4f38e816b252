"""The Energy dashboard, from its first page to the meter's own history."""

import asyncio
from datetime import datetime, timedelta
import re

from playwright.async_api import Locator, expect
import pytest

from tools.demo.frontend import Frontend

from .counted import JAPAN, counted_on

_DAY = timedelta(days=1)
#: The recorder compiles within five minutes; then the days before are read and imported.
_STATISTICS = 420.0
#: Not yesterday: the clock of this Home Assistant may be some minutes behind.
_DAYS_AGO = 2


@pytest.mark.usefixtures("meter")
async def test_a_past_day_shows_exactly_what_the_meter_counted(frontend: Frontend) -> None:
    day = datetime.now(JAPAN).date() - _DAYS_AGO * _DAY
    counted = {direction: counted_on(day, direction) for direction in ("imported", "exported")}

    # Nothing was chosen there: the set-up of the meter has done that. The dashboard looks for new statistics once an hour, so it is opened again and again.
    async with asyncio.timeout(_STATISTICS):
        while True:
            await frontend.open_energy_of(day)
            if await _becomes(frontend.energy("imported"), counted["imported"]):
                break
    await expect(frontend.energy("exported")).to_have_text(counted["exported"])


async def _becomes(place: Locator, text: re.Pattern[str]) -> bool:
    try:
        await expect(place).to_have_text(text, timeout=10_000)
    except AssertionError:
        return False
    return True
