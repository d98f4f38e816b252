"""The test harness of the takeover, with the real recorder."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.takeover.takeover_fixture import START, TakeoverHarness


@pytest.fixture
async def harness(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> TakeoverHarness:
    hass.loop.set_debug(False)
    built = TakeoverHarness(hass, freezer, START)
    await built.set_up()
    return built
