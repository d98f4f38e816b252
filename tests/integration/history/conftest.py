"""A house with the real recorder."""

from collections.abc import AsyncGenerator
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from tests.integration.history.entry_fixture import House
from tests.integration.history.scenario import START


@pytest.fixture
async def mock_recorder_before_hass(
    async_test_recorder: RecorderInstanceContextManager,
) -> AsyncGenerator[None]:
    """Have the recorder patched before there is a Home Assistant, and nobody tell of it."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def recorder_config() -> dict[str, Any]:
    """Have the recorder look back one day at a start, not ten: that takes its time."""
    return {"purge_keep_days": 1}


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> House:
    hass.loop.set_debug(False)
    built = House(hass, freezer, START)
    await built.set_up()
    return built
