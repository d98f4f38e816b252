"""A house with the real recorder."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.history.entry_fixture import House
from tests.integration.history.scenario import START


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> House:
    hass.loop.set_debug(False)
    built = House(hass, freezer, START)
    await built.set_up()
    return built
