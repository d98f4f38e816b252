"""A house that moves from the other integration, with the real recorder."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.integration.takeover.takeover_fixture import START, MovingHouse


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> MovingHouse:
    hass.loop.set_debug(False)
    built = MovingHouse(hass, freezer, START)
    await built.set_up()
    return built
