"""Installations that differ: renamed sensors, deleted rows, units, and their backfill."""

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
from tests.integration.history.entry_fixture import EXPORTED, IMPORTED, HistoryHarness
from tests.integration.history.scenario import all_is_right, at, off


async def test_a_renamed_sensor_is_repaired_under_its_new_name(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(2.2))
    registry = er.async_get(harness.hass)
    registry.async_update_entity(IMPORTED, new_entity_id="sensor.bought")
    harness.hass.states.async_remove(IMPORTED)
    await harness.recorded()
    await off(harness, at(8.5))
    await harness.live(at(10.2))

    assert harness.real_id(IMPORTED) == "sensor.bought"
    await all_is_right(harness)


async def repair_after_a_while(
    harness: HistoryHarness, meanwhile: Callable[[], Awaitable[None]]
) -> None:
    """Be off for two days, see the meter, and have something happen while its days are read."""

    def fail() -> None:
        raise errors.ResponseTimeoutError("The meter did not answer in time")

    harness.meter.failing = fail
    await off(harness, at(50.2))
    await harness.live(at(51.2))
    harness.meter.failing = lambda: None
    harness.meter.meanwhile = meanwhile
    await harness.live(at(53.2))


async def test_a_sensor_that_is_renamed_while_the_meter_is_read_is_repaired_all_the_same(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))

    async def rename() -> None:
        er.async_get(harness.hass).async_update_entity(IMPORTED, new_entity_id="sensor.bought")
        harness.hass.states.async_remove(IMPORTED)
        await harness.recorded()
        # A database in memory cannot be read before this, too, is committed.
        harness.set_state(IMPORTED, "unavailable")
        await harness.recorded()

    await repair_after_a_while(harness, rename)

    assert harness.real_id(IMPORTED) == "sensor.bought"
    await all_is_right(harness)
    assert IMPORTED not in await metadata(harness)


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
    harness: HistoryHarness, hass_storage: dict[str, Any], stored: object
) -> None:
    key = f"{DOMAIN}.{harness.identity}.history"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}
    repair = await harness.start()
    await harness.live(at(2.2))
    assert repair.last_repair is None
    await off(harness, at(5.5))
    await harness.live(at(7.2))

    await all_is_right(harness)


@pytest.mark.parametrize("unit", ["MWh", "Wh"])
async def test_statistics_in_another_unit_keep_it(harness: HistoryHarness, unit: str) -> None:
    harness.unit = unit
    await harness.start(import_days=1)
    await harness.live(at(2.2))
    before = (await metadata(harness))[IMPORTED]
    await off(harness, at(8.5))
    await harness.live(at(10.2))

    await all_is_right(harness, from_hour=at(-20))
    assert before["unit_of_measurement"] == unit
    assert (await metadata(harness))[IMPORTED] == before


async def metadata(harness: HistoryHarness) -> Any:
    found = await get_instance(harness.hass).async_add_executor_job(
        lambda: get_metadata(harness.hass, statistic_source="recorder")
    )
    return {statistic_id: known for statistic_id, (_, known) in found.items()}


async def test_a_gap_longer_than_the_recorder_keeps_loses_nothing(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(2.2))
    harness.meter.connected = False
    harness.poll()
    await harness.live(at(50))
    # Two days stand for the usual ten: the five-minute rows are gone, and the sums start again.
    kept = harness.now - timedelta(days=1)
    await harness.compile(PurgeTask(kept, repack=False, apply_filter=False))
    harness.meter.connected = True
    await harness.live(at(53.2))

    await all_is_right(harness)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
async def test_the_time_zone_of_home_assistant_does_not_matter(
    harness: HistoryHarness, zone: str
) -> None:
    await harness.hass.config.async_set_time_zone(zone)
    await harness.start()
    await harness.live(at(2.2))
    await off(harness, at(20.5))
    await harness.live(at(22.2))

    await all_is_right(harness)


async def test_an_exchange_while_home_assistant_was_off_makes_no_bar(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.meter.install(at(5.25), 9, (300_000, 200_000))
    harness.move(at(8.5))
    await harness.start()
    await harness.live(at(10.2))

    bars = await harness.stored(IMPORTED)
    later = [hour for hour in bars if hour >= at(6)]
    assert {hour: bars[hour] for hour in later} == harness.expected(IMPORTED, later)
    assert all(0 <= bar < 10 for hour, bar in bars.items() if hour > at(0))
    assert harness.repair is not None
    assert harness.repair.report is not None
    reasons = harness.repair.report.sensors["imported_energy"].skipped
    assert reasons[at(5)].value == "meter_exchanged"


@pytest.mark.parametrize("shown", [(0, 0), (300_000, 200_000)], ids=["lower", "higher"])
async def test_the_old_meters_hours_stay_when_all_is_compared_again_after_an_exchange(
    harness: HistoryHarness, shown: tuple[int, int]
) -> None:
    """The first row of the new meter is nothing that sums could go on from."""
    harness.meter.set_counts(at(0), (123_456, 50_000))
    await harness.start()
    await harness.live(at(40.4))
    harness.meter.install(at(40.5), 9, shown)
    await harness.live(at(44.2))
    before = await harness.stored(IMPORTED)
    assert sum(before.values()) > 12
    await harness.stop()
    await forget_backfill(harness.hass, harness.identity)
    await harness.start()
    await harness.live(at(46.2))
    assert harness.repair is not None
    await harness.repair.async_import(at(-24))

    bars = await harness.stored(IMPORTED)
    assert {hour: bars[hour] for hour in before if hour != at(40)} == {
        hour: bar for hour, bar in before.items() if hour != at(40)
    }
    old = [at(hour) for hour in range(1, 40)]
    assert {hour: bars[hour] for hour in old} == harness.expected(IMPORTED, old)
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
    harness: HistoryHarness, change: dict[str, Any] | None, obstacle: Obstacle
) -> None:
    registry = er.async_get(harness.hass)
    repair = await harness.start()
    await harness.live(at(2.2))
    if change is None:
        registry.async_remove(EXPORTED)
    else:
        registry.async_update_entity(EXPORTED, **change)

    report = await repair.async_import(at(-24))

    assert report.sensors["exported_energy"].obstacle is obstacle
    assert len(report.sensors["imported_energy"].changes) >= 24
    assert await repair.async_repair()


@pytest.mark.parametrize("recorder_config", [{"exclude": {"entities": [IMPORTED, EXPORTED]}}])
async def test_sensors_that_are_not_recorded_are_left_alone(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(2.2))

    with pytest.raises(HistoryObstacleError) as caught:
        await repair.async_import(at(-24))

    assert caught.value.obstacle is Obstacle.NOT_RECORDED
    assert harness.meter.asked == []


async def test_deleted_rows_are_no_trouble(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(2.2))
    get_instance(harness.hass).async_clear_statistics([IMPORTED])
    await harness.recorded()
    await harness.live(at(5.2))
    await off(harness, at(8.5))
    await harness.live(at(10.2))

    await all_is_right(harness, from_hour=at(3))


async def test_rows_deleted_while_the_meter_is_read_do_not_come_back(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))

    async def clear() -> None:
        get_instance(harness.hass).async_clear_statistics([IMPORTED])
        await harness.recorded()

    await repair_after_a_while(harness, clear)

    assert min(await harness.stored(IMPORTED)) > at(48)
    await all_is_right(harness, from_hour=at(52))


async def test_the_first_repair_of_an_old_installation_finds_what_was_never_repaired(
    harness: HistoryHarness,
) -> None:
    harness.meter.connected = True
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    await forget_backfill(harness.hass, harness.identity)
    harness.move(at(7.5))
    await harness.start()
    await harness.live(at(30.2))

    await all_is_right(harness)
