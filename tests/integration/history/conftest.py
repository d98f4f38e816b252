"""The test harness of the energy history, with the real recorder."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.history.entry_fixture import HistoryHarness
from tests.integration.history.scenario import START


@pytest.fixture
async def harness(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> HistoryHarness:
    hass.loop.set_debug(False)
    built = HistoryHarness(hass, freezer, START)
    await built.set_up()
    return built
