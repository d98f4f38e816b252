"""What can be different in a house, and what the repair of its history makes of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.components.recorder.tasks import PurgeTask
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.backfill import HistoryObstacleError
from custom_components.wisun_route_b.history.statistics import Obstacle
from custom_components.wisun_route_b.history.store import forget_backfill
from custom_components.wisun_route_b.stack import errors
from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, House
from tests.integration.history.scenario import all_is_right, at, off


async def test_a_renamed_sensor_is_repaired_under_its_new_name(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    registry = er.async_get(house.hass)
    registry.async_update_entity(IMPORTED, new_entity_id="sensor.bought")
    house.hass.states.async_remove(IMPORTED)
    await house.recorded()
    await off(house, at(8.5))
    await house.live(at(10.2))

    assert house.real_id(IMPORTED) == "sensor.bought"
    await all_is_right(house)


async def repair_after_a_while(house: House, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Be off for two days, see the meter, and have something happen while its days are read."""

    def fail() -> None:
        raise errors.ResponseTimeoutError("The meter did not answer in time")

    house.meter.failing = fail
    await off(house, at(50.2))
    await house.live(at(51.2))
    house.meter.failing = lambda: None
    house.meter.meanwhile = meanwhile
    await house.live(at(53.2))


async def test_a_sensor_that_is_renamed_while_the_meter_is_read_is_repaired_all_the_same(
    house: House,
) -> None:
    await house.start()
    await house.live(at(2.2))

    async def rename() -> None:
        er.async_get(house.hass).async_update_entity(IMPORTED, new_entity_id="sensor.bought")
        house.hass.states.async_remove(IMPORTED)
        await house.recorded()
        # A database in memory lets nobody read before this, too, is committed.
        house.set_state(IMPORTED, "unavailable")
        await house.recorded()

    await repair_after_a_while(house, rename)

    assert house.real_id(IMPORTED) == "sensor.bought"
    await all_is_right(house)
    assert IMPORTED not in await metadata(house)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"verified": "yes", "last_repair": 3, "import_days": "many"},
        {"last_repair": {"at": "2030-05-20T01:00:00+00:00"}},
        {"verified": {"imported_energy": "2030-05-20T01:00:00", "exported_energy": None}},
        {"verified": {"imported_energy": "2040-01-01T00:00:00+00:00", "exported_energy": "soon"}},
    ],
)
async def test_a_memory_that_makes_no_sense_is_forgotten(
    house: House, hass_storage: dict[str, Any], stored: object
) -> None:
    key = f"{DOMAIN}.{house.identity}.history"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}
    repair = await house.start()
    await house.live(at(2.2))
    assert repair.last_repair is None
    await off(house, at(5.5))
    await house.live(at(7.2))

    await all_is_right(house)


@pytest.mark.parametrize("unit", ["MWh", "Wh"])
async def test_statistics_in_another_unit_keep_it(house: House, unit: str) -> None:
    house.unit = unit
    await house.start(import_days=1)
    await house.live(at(2.2))
    before = (await metadata(house))[IMPORTED]
    await off(house, at(8.5))
    await house.live(at(10.2))

    await all_is_right(house, from_hour=at(-20))
    assert before["unit_of_measurement"] == unit
    assert (await metadata(house))[IMPORTED] == before


async def metadata(house: House) -> Any:
    found = await get_instance(house.hass).async_add_executor_job(
        lambda: get_metadata(house.hass, statistic_source="recorder")
    )
    return {statistic_id: known for statistic_id, (_, known) in found.items()}


async def test_a_gap_longer_than_the_recorder_keeps_loses_nothing(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    house.meter.connected = False
    house.poll()
    await house.live(at(50))
    # Two days stand for the usual ten: the five-minute rows are gone, and sums begin anew.
    kept = house.now - timedelta(days=1)
    await house.compile(PurgeTask(kept, repack=False, apply_filter=False))
    house.meter.connected = True
    await house.live(at(53.2))

    await all_is_right(house)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
async def test_the_time_zone_of_home_assistant_does_not_matter(house: House, zone: str) -> None:
    await house.hass.config.async_set_time_zone(zone)
    await house.start()
    await house.live(at(2.2))
    await off(house, at(20.5))
    await house.live(at(22.2))

    await all_is_right(house)


async def test_an_exchange_while_home_assistant_was_off_makes_no_bar(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.meter.install(at(5.25), 9, (300_000, 200_000))
    house.move(at(8.5))
    await house.start()
    await house.live(at(10.2))

    bars = await house.stored(IMPORTED)
    later = [hour for hour in bars if hour >= at(6)]
    assert {hour: bars[hour] for hour in later} == house.truth(IMPORTED, later)
    assert all(0 <= bar < 10 for hour, bar in bars.items() if hour > at(0))
    assert house.repair is not None
    assert house.repair.report is not None
    reasons = house.repair.report.sensors["imported_energy"].skipped
    assert reasons[at(5)].value == "meter_exchanged"


@pytest.mark.parametrize("shown", [(0, 0), (300_000, 200_000)], ids=["lower", "higher"])
async def test_the_old_meters_hours_stay_when_all_is_compared_again_after_an_exchange(
    house: House, shown: tuple[int, int]
) -> None:
    """The first row of the new meter is nothing that sums could go on from."""
    house.meter.set_counts(at(0), (123_456, 50_000))
    await house.start()
    await house.live(at(40.4))
    house.meter.install(at(40.5), 9, shown)
    await house.live(at(44.2))
    before = await house.stored(IMPORTED)
    assert sum(before.values()) > 12
    await house.stop()
    await forget_backfill(house.hass, house.identity)
    await house.start()
    await house.live(at(46.2))
    assert house.repair is not None
    await house.repair.async_import(at(-24))

    bars = await house.stored(IMPORTED)
    assert {hour: bars[hour] for hour in before if hour != at(40)} == {
        hour: bar for hour, bar in before.items() if hour != at(40)
    }
    old = [at(hour) for hour in range(1, 40)]
    assert {hour: bars[hour] for hour in old} == house.truth(IMPORTED, old)
    assert min(bars) == at(0)
    assert all(0 <= bar < 10 for bar in bars.values())


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"disabled_by": er.RegistryEntryDisabler.USER}, Obstacle.NO_ENTITY),
        (None, Obstacle.NO_ENTITY),
    ],
)
async def test_a_sensor_that_is_not_there_is_left_alone(
    house: House, change: dict[str, Any] | None, obstacle: Obstacle
) -> None:
    registry = er.async_get(house.hass)
    repair = await house.start()
    await house.live(at(2.2))
    if change is None:
        registry.async_remove(EXPORTED)
    else:
        registry.async_update_entity(EXPORTED, **change)

    report = await repair.async_import(at(-24))

    assert report.sensors["exported_energy"].obstacle is obstacle
    assert len(report.sensors["imported_energy"].changes) >= 24
    assert await repair.async_repair()


@pytest.mark.parametrize("recorder_config", [{"exclude": {"entities": [IMPORTED, EXPORTED]}}])
async def test_sensors_that_are_not_recorded_are_left_alone(house: House) -> None:
    repair = await house.start()
    await house.live(at(2.2))

    with pytest.raises(HistoryObstacleError) as caught:
        await repair.async_import(at(-24))

    assert caught.value.obstacle is Obstacle.NOT_RECORDED
    assert house.meter.asked == []


async def test_rows_that_somebody_deleted_are_no_trouble(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    get_instance(house.hass).async_clear_statistics([IMPORTED])
    await house.recorded()
    await house.live(at(5.2))
    await off(house, at(8.5))
    await house.live(at(10.2))

    await all_is_right(house, from_hour=at(3))


async def test_rows_that_somebody_deletes_while_the_meter_is_read_do_not_come_back(
    house: House,
) -> None:
    await house.start()
    await house.live(at(2.2))

    async def clear() -> None:
        get_instance(house.hass).async_clear_statistics([IMPORTED])
        await house.recorded()

    await repair_after_a_while(house, clear)

    assert min(await house.stored(IMPORTED)) > at(48)
    await all_is_right(house, from_hour=at(52))


async def test_the_first_repair_of_an_old_installation_finds_what_was_never_repaired(
    house: House,
) -> None:
    house.meter.connected = True
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    await forget_backfill(house.hass, house.identity)
    house.move(at(7.5))
    await house.start()
    await house.live(at(30.2))

    await all_is_right(house)
