"""A day of the Energy dashboard, as soon as it shows what the meter counted."""

import asyncio
from datetime import date
import re

from playwright.async_api import Locator, expect

from tools.demo.frontend import Frontend

from .counted import counted_on


async def shows(frontend: Frontend, day: date, seconds: float) -> None:
    """Wait until a day shows exactly what the meter counted in both directions.

    The dashboard looks for new statistics once an hour, so it is opened again and again.
    """
    async with asyncio.timeout(seconds):
        while True:
            await frontend.open_energy_of(day)
            if await _becomes(frontend.energy("exported"), counted_on(day, "exported")):
                break
    await expect(frontend.energy("imported")).to_have_text(counted_on(day, "imported"))


async def _becomes(place: Locator, text: re.Pattern[str]) -> bool:
    try:
        await expect(place).to_have_text(text, timeout=10_000)
    except AssertionError:
        return False
    return True
