"""The Energy dashboard shows our sensors where it showed those of the other integration."""

from typing import Any, cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.energy.data import EnergyPreferencesUpdate, async_get_manager
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.wisun_route_b.takeover.energy_dashboard import (
    async_replace_in_energy_dashboard,
)
from tests.integration.history.entry_fixture import IMPORTED
from tests.integration.takeover.takeover_fixture import OLD, START, TakeoverHarness, at, costs

OLD_POWER, POWER = OLD.replace("total_consumption", "instantaneous_power"), "sensor.power"
SOLAR: dict[str, object] = {
    "type": "solar",
    "stat_energy_from": "sensor.roof",
    "config_entry_solar_forecast": None,
    "name": OLD,
}
DEVICE: dict[str, object] = {"stat_consumption": "sensor.kettle", "name": "Kettle"}


def grid(energy: str | None, **other: object) -> dict[str, object]:
    """Return a grid connection as the dashboard stores it."""
    return {
        "type": "grid",
        "stat_energy_from": energy,
        "stat_energy_to": None,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0.0,
        **other,
    }


@pytest.fixture
async def energy(recorder_mock: Recorder, hass: HomeAssistant) -> HomeAssistant:
    """A Home Assistant with a dashboard in which nothing was chosen yet."""
    hass.config.components.add("frontend")
    assert await async_setup_component(hass, "energy", {})
    await hass.async_block_till_done()
    return hass


async def choose(hass: HomeAssistant, **parts: list[dict[str, object]]) -> None:
    """Choose what the dashboard shows, as its page does."""
    manager = await async_get_manager(hass)
    await manager.async_update(cast("EnergyPreferencesUpdate", parts))
    await hass.async_block_till_done()


async def chosen(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the dashboard shows."""
    return cast("dict[str, Any]", (await async_get_manager(hass)).data)


async def test_our_sensors_take_the_place_and_everything_else_stays(energy: HomeAssistant) -> None:
    power = {"stat_rate": OLD_POWER}
    before = grid(OLD, number_energy_price=31.0, name="Home", power_config=power, **power)
    await choose(
        energy,
        energy_sources=[before, SOLAR],
        device_consumption=[DEVICE | {"included_in_stat": OLD}],
    )

    assert await async_replace_in_energy_dashboard(energy, {OLD: IMPORTED, OLD_POWER: POWER})

    power = {"stat_rate": POWER}
    assert await chosen(energy) == {
        "energy_sources": [
            before | {"stat_energy_from": IMPORTED, "power_config": power} | power,
            SOLAR,
        ],
        "device_consumption": [DEVICE | {"included_in_stat": IMPORTED}],
        "device_consumption_water": [],
    }


async def test_dashboard_that_shows_something_else_stays_as_it_is(energy: HomeAssistant) -> None:
    await choose(energy, energy_sources=[grid("sensor.other"), SOLAR])
    before = await chosen(energy)

    assert not await async_replace_in_energy_dashboard(energy, {OLD: IMPORTED})

    assert await chosen(energy) == before


async def test_our_sensor_is_not_put_in_a_second_time(energy: HomeAssistant) -> None:
    await choose(energy, energy_sources=[grid(OLD), grid(IMPORTED)])

    assert not await async_replace_in_energy_dashboard(energy, {OLD: IMPORTED})

    assert [source["stat_energy_from"] for source in (await chosen(energy))["energy_sources"]] == [
        OLD,
        IMPORTED,
    ]


async def test_dashboard_that_was_never_set_up_stays_empty(energy: HomeAssistant) -> None:
    assert not await async_replace_in_energy_dashboard(energy, {OLD: IMPORTED})
    assert await chosen(energy) is None


async def test_without_a_dashboard_nothing_is_replaced(hass: HomeAssistant) -> None:
    assert not await async_replace_in_energy_dashboard(hass, {OLD: IMPORTED})


async def test_costs_that_the_dashboard_counts_by_itself_go_on(
    energy: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    energy.loop.set_debug(False)
    harness = TakeoverHarness(energy, freezer, START)
    await harness.set_up()
    harness.poll()
    await choose(energy, energy_sources=[grid(OLD, number_energy_price=30.0)])
    await harness.live(at(3.4))
    before = await costs(harness, f"{OLD}_cost")
    assert sum(before.values()) > 0
    harness.move_in()

    replacing = energy.async_create_task(
        async_replace_in_energy_dashboard(energy, {OLD: harness.real_id(IMPORTED)})
    )
    await harness.recorded()
    assert await replacing
    await harness.live(at(6.4))

    after = await costs(harness, f"{harness.real_id(IMPORTED)}_cost")
    assert {hour: after[hour] for hour in before if hour < at(3)} == {
        hour: before[hour] for hour in before if hour < at(3)
    }
    energies = await harness.stored(IMPORTED)
    for hour in (at(4), at(5)):
        assert after[hour] == pytest.approx(float(energies[hour]) * 30)
    assert min(after.values()) >= 0
