"""Each blueprint, used with its defaults, does what it says."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, ServiceCall
import pytest
from pytest_homeassistant_custom_component.common import (
    async_mock_service,
)

from tests.integration.conftest import Wait

from .conftest import SWITCH_OFF, Use, show


async def test_breaker_is_warned_of_after_a_minute_near_the_contract(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "sensor.load", 80)
    await use("breaker_about_to_trip", load="sensor.load")
    await wait(timedelta(minutes=5))
    await show(hass, "sensor.load", 93.4)
    await wait(timedelta(seconds=50))
    assert not messages
    await wait(timedelta(seconds=15))

    assert len(messages) == 1
    assert "93 %" in messages[0].data["message"]


async def test_load_that_falls_in_time_is_no_message(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "sensor.load", 80)
    await use("breaker_about_to_trip", load="sensor.load")
    await show(hass, "sensor.load", 120)
    await wait(timedelta(seconds=50))
    await show(hass, "sensor.load", "unavailable")
    await wait(timedelta(minutes=5))

    assert not messages


async def test_solar_power_is_offered_after_ten_minutes(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "sensor.power", -100)
    await use("solar_power_left_over", power="sensor.power")
    await show(hass, "sensor.power", -1200)
    await wait(timedelta(minutes=9))
    assert not messages
    await wait(timedelta(minutes=2))

    assert len(messages) == 1
    assert "1200 W" in messages[0].data["message"]


@pytest.mark.parametrize(
    ("unit", "too_little", "enough"),
    [
        ("mW", -499_000, -1_200_000),
        ("kW", -0.499, -1.2),
        ("MW", -0.000499, -0.0012),
        ("BTU/h", -1700, -4095),
    ],
)
async def test_surplus_is_understood_in_the_unit_that_the_sensor_shows(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    *,
    unit: str,
    too_little: float,
    enough: float,
) -> None:
    await show(hass, "sensor.power", 0, unit)
    await use("solar_power_left_over", power="sensor.power")
    await show(hass, "sensor.power", too_little, unit)
    await wait(timedelta(minutes=11))
    assert not messages
    await show(hass, "sensor.power", enough, unit)
    await wait(timedelta(minutes=11))

    assert len(messages) == 1
    assert "1200 W" in messages[0].data["message"]


async def test_chosen_action_is_done_instead_of_the_message(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    switched = async_mock_service(hass, "switch", "turn_on")
    await show(hass, "sensor.power", 0)
    await use(
        "solar_power_left_over",
        power="sensor.power",
        surplus=2000,
        minutes=1,
        actions=[{"action": "switch.turn_on", "target": {"entity_id": "switch.washer"}}],
    )
    await show(hass, "sensor.power", -1999)
    await wait(timedelta(minutes=2))
    assert not switched
    await show(hass, "sensor.power", -2001)
    await wait(timedelta(minutes=2))

    assert len(switched) == 1
    assert not messages


async def test_new_peak_is_warned_of_from_the_tenth_minute_on(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2026-11-22 09:00:00+09:00")
    await show(hass, "sensor.peak", 4.2)
    await show(hass, "sensor.projected", 6.0)
    await use("peak_demand_warning", projected="sensor.projected", peak="sensor.peak")
    await show(hass, "sensor.projected", 4.6)
    await wait(timedelta(minutes=8))
    assert not messages
    await wait(timedelta(minutes=1))
    assert len(messages) == 1
    assert "4.6 kW" in messages[0].data["message"]

    await show(hass, "sensor.projected", 5.0)
    await wait(timedelta(minutes=18))
    assert len(messages) == 1
    await wait(timedelta(minutes=5))  # the next half-hour, with another projection
    await show(hass, "sensor.projected", 4.1)
    await wait(timedelta(minutes=10))
    assert len(messages) == 1
    await show(hass, "sensor.projected", 4.3)

    assert len(messages) == 2


async def test_demand_below_the_limit_is_no_warning(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2026-11-22 09:15:00+09:00")
    await show(hass, "sensor.projected", 2.9)
    await use("peak_demand_warning", projected="sensor.projected")
    await show(hass, "sensor.projected", "unavailable")
    await wait(timedelta(minutes=1))
    assert not messages
    await show(hass, "sensor.projected", 3.1)

    assert len(messages) == 1


async def test_demand_is_understood_in_the_unit_that_each_sensor_shows(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2026-11-22 09:15:00+09:00")
    await show(hass, "sensor.peak", 4_200_000, "mW")
    await show(hass, "sensor.projected", 300, "W")
    await use("peak_demand_warning", projected="sensor.projected", peak="sensor.peak")
    await show(hass, "sensor.projected", 4190, "W")
    assert not messages
    await show(hass, "sensor.projected", 4260, "W")

    assert len(messages) == 1
    assert "4.3 kW" in messages[0].data["message"]


@pytest.mark.parametrize("minute", [0, 1, 28])
async def test_each_half_hour_has_its_warning_whatever_the_minute(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    freezer: FrozenDateTimeFactory,
    *,
    minute: int,
) -> None:
    freezer.move_to("2026-11-22 09:00:00+09:00")
    await show(hass, "sensor.projected", 4)
    await use("peak_demand_warning", projected="sensor.projected", minute=minute)
    for _ in range(88):
        await wait(timedelta(minutes=1))

    assert len(messages) == 3


async def test_lost_link_is_reported_after_a_quarter_of_an_hour_whatever_it_shows(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await show(hass, "binary_sensor.link", "on")
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    await show(hass, "binary_sensor.link", "off")
    await wait(timedelta(minutes=10))
    await show(hass, "binary_sensor.link", "unavailable")
    assert not messages
    await wait(timedelta(minutes=6))

    assert len(messages) == 1
    assert "15" in messages[0].data["message"]


async def test_cheap_half_hours_begin_and_end(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    ended = async_mock_service(hass, "switch", "turn_off")
    await show(hass, "sensor.price", 25)
    await use(
        "cheap_half_hours",
        price="sensor.price",
        end=SWITCH_OFF,
    )
    await wait(timedelta(minutes=5))
    assert (len(messages), len(ended)) == (0, 1)  # for the price at the start
    await show(hass, "sensor.price", 20)
    assert (len(messages), len(ended)) == (1, 1)
    assert "20" in messages[0].data["message"]
    await show(hass, "sensor.price", -3.5)
    assert (len(messages), len(ended)) == (1, 1)
    await show(hass, "sensor.price", "unavailable")
    assert (len(messages), len(ended)) == (1, 2)
    await show(hass, "sensor.price", 30)
    await show(hass, "sensor.price", 12)

    assert (len(messages), len(ended)) == (2, 2)
