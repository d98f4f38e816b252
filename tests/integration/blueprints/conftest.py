"""An automation of a blueprint, and what it says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
import shutil
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    async_mock_service,
)

from custom_components.wisun_route_b.const import DOMAIN
from tests.integration.conftest import Wait

AUTOMATION = "automation"
FOLDER = Path(__file__).parents[3] / "blueprints" / "automation" / DOMAIN
SWITCH_OFF = [{"action": "switch.turn_off", "target": {"entity_id": "switch.boiler"}}]

type Use = Callable[..., Awaitable[None]]


@pytest.fixture(params=["", ".ja"], ids=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def messages(hass: HomeAssistant) -> list[ServiceCall]:
    calls: list[ServiceCall] = async_mock_service(hass, "persistent_notification", "create")
    return calls


@pytest.fixture
async def use(hass: HomeAssistant, language: str, wait: Wait) -> AsyncIterator[Use]:
    """Make an automation of a blueprint, as a person who fills in what has no default.

    It has been on for a minute then; at the end of the test, it is turned off.
    """
    shutil.copytree(FOLDER, hass.config.path("blueprints", AUTOMATION, DOMAIN))

    async def automate(name: str, **inputs: Any) -> None:
        path = f"{DOMAIN}/{name}{language}.yaml"
        used = {"alias": "used", "use_blueprint": {"path": path, "input": inputs}}
        assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [used]})
        await hass.async_block_till_done()
        (state,) = hass.states.async_all(AUTOMATION)
        assert state.state == "on"  # "unavailable" if it is not valid
        await wait(timedelta(minutes=1))

    yield automate
    await hass.services.async_call(AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True)


async def show(hass: HomeAssistant, entity_id: str, value: object, unit: str | None = None) -> None:
    attributes = {"unit_of_measurement": unit} if unit else {}
    hass.states.async_set(entity_id, str(value), attributes)
    await hass.async_block_till_done()
