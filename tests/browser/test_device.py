"""The page of the device."""

import re

from playwright.async_api import expect
import pytest

from tools.demo.frontend import Frontend, words

_READINGS = {
    "Power": r"-?[\d,]+\sW",
    "Current R": r"-?[\d.]+\sA",
    "Current T": r"-?[\d.]+\sA",
    "Imported energy": r"[\d,]+\.\d\skWh",
    "Exported energy": r"[\d,]+\.\d\skWh",
    words("entity.sensor.link_state.name"): words("entity.sensor.link_state.state.connected"),
}


@pytest.mark.usefixtures("meter")
async def test_the_page_of_the_device_shows_live_readings(frontend: Frontend) -> None:
    await frontend.open_device()

    for name, form in _READINGS.items():
        await expect(frontend.state(name)).to_contain_text(re.compile(form))
        assert re.fullmatch(form, await frontend.value(name)), name

    # The next reading comes by itself. The power of a household is never quite the same.
    before = await frontend.value("Power")
    await expect(frontend.state("Power")).not_to_contain_text(before)
