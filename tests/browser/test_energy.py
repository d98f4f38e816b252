"""The Energy dashboard."""

import asyncio

from playwright.async_api import Locator, expect

from demo.client import HomeAssistantClient
from demo.frontend import Frontend
from demo.set_up import set_up_energy

#: The recorder compiles within five minutes; then the days before are read and imported.
_STATISTICS = 420.0


async def test_dashboard_counts_what_the_meter_counts(
    frontend: Frontend, client: HomeAssistantClient, meter: str
) -> None:
    await set_up_energy(client, meter)

    # The dashboard looks for new statistics once an hour, so it is opened again and again.
    async with asyncio.timeout(_STATISTICS):
        while True:
            await frontend.open("/energy/electricity")
            if await _is_seen(frontend.tab.get_by_text("Smart meter Imported energy")):
                break
    await frontend.sees("Smart meter Exported energy")


async def _is_seen(place: Locator) -> bool:
    try:
        await expect(place.first).to_be_visible(timeout=10_000)
    except AssertionError:
        return False
    return True
