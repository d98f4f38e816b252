"""What a blueprint does about a condition that holds already when its automation starts."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
import pytest
from pytest_homeassistant_custom_component.common import (
    async_mock_service,
)

from tests.integration.conftest import Wait

from .conftest import AUTOMATION, SWITCH_OFF, Use, show


@pytest.mark.parametrize("shown", ["off", "unavailable"])
async def test_lost_link_at_the_start_is_reported_once(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait, shown: str
) -> None:
    await show(hass, "binary_sensor.link", shown)
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    await show(hass, "binary_sensor.link", "off")
    await wait(timedelta(minutes=14))
    assert not messages
    for _ in range(12):
        await wait(timedelta(minutes=15))

    assert len(messages) == 1


async def test_lost_link_at_the_start_of_home_assistant_is_reported(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    hass.set_state(CoreState.not_running)
    await show(hass, "binary_sensor.link", "unavailable")
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    await hass.async_start()
    await hass.async_block_till_done()
    for _ in range(4):
        await wait(timedelta(minutes=6))

    assert len(messages) == 1


async def test_lost_link_is_reported_when_the_automation_is_turned_on(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "binary_sensor.link", "on")
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    for action in ("turn_off", "turn_on"):
        await wait(timedelta(hours=1))
        await show(hass, "binary_sensor.link", "off")
        await hass.services.async_call(AUTOMATION, action, {"entity_id": "all"}, blocking=True)
    await wait(timedelta(minutes=1))
    assert not messages
    await wait(timedelta(minutes=15))

    assert len(messages) == 1


async def test_link_that_comes_back_after_the_start_is_reported_when_it_is_lost_again(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "binary_sensor.link", "off")
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    await wait(timedelta(minutes=10))
    await show(hass, "binary_sensor.link", "on")
    await show(hass, "binary_sensor.link", "off")
    await wait(timedelta(minutes=14))
    assert not messages
    await wait(timedelta(minutes=2))

    assert len(messages) == 1


@pytest.mark.parametrize("before", [None, "unavailable", "holds"])
@pytest.mark.parametrize(
    ("name", "role", "value"),
    [
        ("breaker_about_to_trip", "load", 120),
        ("solar_power_left_over", "power", -900),
        ("peak_demand_warning", "projected", 4),
        ("cheap_half_hours", "price", 12),
    ],
)
async def test_what_holds_at_the_start_is_reported_once(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    *,
    freezer: FrozenDateTimeFactory,
    name: str,
    role: str,
    value: float,
    before: str | None,
) -> None:
    freezer.move_to("2026-11-22 09:12:10+09:00")
    if before:
        await show(hass, "sensor.it", value if before == "holds" else before)
    await use(name, **{role: "sensor.it"})
    await show(hass, "sensor.it", value)
    for _ in range(15):
        await wait(timedelta(minutes=1))

    assert len(messages) == 1


@pytest.mark.parametrize("before", [None, "unavailable", 30])
async def test_cheap_time_that_has_ended_while_home_assistant_was_off_is_ended(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    before: str | float | None,
) -> None:
    ended = async_mock_service(hass, "switch", "turn_off")
    if before:
        await show(hass, "sensor.price", before)
    await use("cheap_half_hours", price="sensor.price", end=SWITCH_OFF)
    await show(hass, "sensor.price", 30)
    await wait(timedelta(minutes=10))

    assert (len(messages), len(ended)) == (0, 1)


async def test_price_that_comes_late_after_a_start_does_not_end_a_cheap_time(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    ended = async_mock_service(hass, "switch", "turn_off")
    await show(hass, "sensor.price", "unavailable")
    await use("cheap_half_hours", price="sensor.price", end=SWITCH_OFF)
    await wait(timedelta(minutes=3))
    await show(hass, "sensor.price", 10)
    await wait(timedelta(minutes=10))

    assert (len(messages), len(ended)) == (1, 0)


async def test_price_that_stays_away_after_a_start_ends_the_cheap_time(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    ended = async_mock_service(hass, "switch", "turn_off")
    await show(hass, "sensor.price", "unavailable")
    await use("cheap_half_hours", price="sensor.price", end=SWITCH_OFF)
    await wait(timedelta(minutes=3))
    assert not ended
    await wait(timedelta(minutes=3))

    assert (len(messages), len(ended)) == (0, 1)
