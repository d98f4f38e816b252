"""What can be different in a house, and what the repair of its history makes of it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import get_metadata
from homeassistant.components.recorder.tasks import PurgeTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
import pytest
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from custom_components.wisun_route_b.energy_statistics import Obstacle
from custom_components.wisun_route_b.history_repair import HistoryObstacleError, HistoryRepair
from custom_components.wisun_route_b.meter_past import MeterHistory
from custom_components.wisun_route_b.repair_memory import forget_repairs
from custom_components.wisun_route_b.stack import (
    JST,
    ResponseTimeoutError,
    Slot,
    SmartMeter,
    WrongDayError,
)
from tests.integration.history_house import EXPORTED, HOUR, IMPORTED, WATER, House

#: 10:30 in Japan. After today, or the recorder would take its own first run for the newer one.
START = datetime(2030, 5, 20, 1, 30, tzinfo=UTC)
BOTH = (IMPORTED, EXPORTED)


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


def at(hours: float) -> datetime:
    """Return a moment, in hours after the full hour in which the story begins."""
    return START.replace(minute=0) + timedelta(hours=hours)


async def off(house: House, until: datetime, **options: Any) -> None:
    """Let Home Assistant be off for a while."""
    await house.stop()
    house.move(until)
    await house.start(**options)


async def all_is_right(house: House, *, from_hour: datetime | None = None) -> None:
    """Every hour shows what the meter counted."""
    total = Decimal()
    for entity_id in BOTH:
        bars = await house.stored(entity_id)
        hours = [hour for hour in sorted(bars) if hour >= (from_hour or at(1))]
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        assert {hour: bars[hour] for hour in hours} == house.truth(entity_id, hours)
        states = await house.stored(entity_id, "state")
        side = "normal" if entity_id == IMPORTED else "reverse"
        shown = {hour: house.meter.registers(hour + HOUR) for hour in hours}
        assert {hour: states[hour] for hour in hours} == {
            hour: getattr(pair, side) for hour, pair in shown.items()
        }
        total += sum(bars[hour] for hour in hours)
    assert total > 0


def a_history(meter: SmartMeter) -> MeterHistory:
    """For the type checker: the real meter is one."""
    return meter


# --- Days before the installation --------------------------------------------------------


async def test_days_before_the_installation_are_imported_without_a_bar(house: House) -> None:
    repair = await house.start(import_days=30)
    await house.live(at(3.2))

    first = at(1) - timedelta(days=30)
    for entity_id in BOTH:
        bars = await house.stored(entity_id)
        assert bars == house.truth(entity_id, [first + n * HOUR for n in range(30 * 24 + 2)])
    assert repair.report is not None
    await house.live(at(6.2))
    await all_is_right(house, from_hour=first)


async def test_what_was_asked_for_is_imported_after_a_restart_if_it_could_not_be_before(
    house: House,
) -> None:
    house.meter.connected = False
    await house.start(import_days=2)
    await house.live(at(2.5))
    house.meter.connected = True
    await off(house, at(4.5))
    await house.live(at(6.2))

    await all_is_right(house, from_hour=at(2) - timedelta(days=1, hours=20))
    assert len(await house.stored(IMPORTED)) > 48


async def test_a_dry_run_tells_what_would_be_written_and_writes_nothing(house: House) -> None:
    repair = await house.start()
    await house.live(at(3.2))
    before = await house.stored(IMPORTED, "sum")

    dry = await repair.async_import(at(-24), dry_run=True)

    assert await house.stored(IMPORTED, "sum") == before
    assert (dry.dry_run, repair.last_repair) == (True, None)
    report = await repair.async_import(at(-24))
    assert report.sensors == dry.sensors
    bars = await house.stored(IMPORTED)
    told = {row.start: row.energy for row in report.sensors["imported_energy"].changes}
    assert {hour: bars[hour] for hour in told} == told
    assert len(told) >= 24
    again = await repair.async_import(at(-24))
    assert again.hours == frozenset()


async def test_a_range_in_the_middle_is_imported_and_the_rest_left_as_it_was(house: House) -> None:
    repair = await house.start()
    await house.live(at(3.2))

    await repair.async_import(at(-40), at(-30))

    bars = await house.stored(IMPORTED)
    hours = [at(-40) + n * HOUR for n in range(10)]
    assert {hour: bars[hour] for hour in hours} == house.truth(IMPORTED, hours)
    # Nobody asked about the hours between, so they are one bar; the total is right.
    assert min(bars.values()) >= 0
    assert sum(bars.values()) == house.meter.counted("normal", at(-40), max(bars) + HOUR)


async def test_the_meter_is_asked_for_99_days_at_most(house: House) -> None:
    repair = await house.start()
    await house.live(at(2.2))

    await repair.async_import(at(-24 * 400), dry_run=True)

    days = [int(what.split()[1]) for what in house.meter.asked if what.startswith("day")]
    assert days == list(range(99, -1, -1))


async def test_an_import_before_the_first_reading_says_so(house: House) -> None:
    repair = await house.start()

    with pytest.raises(HistoryObstacleError) as caught:
        await repair.async_import(at(-24))

    assert caught.value.translation_key == "history_not_compiled"


# --- When and what is read ----------------------------------------------------------------


async def test_nothing_is_written_before_the_recorder_has_compiled_a_new_reading(
    house: House,
) -> None:
    await house.start()
    await house.live(at(3.5))
    await house.stop()
    house.move(at(8.5))
    repair = await house.start()

    # The catch-up is done and told, but there is no reading of this run yet.
    caught_up = await house.stored(EXPORTED, "sum")
    assert max(caught_up) == at(7)
    assert len({caught_up[at(hour)] for hour in range(3, 8)}) == 1
    assert repair.report is None
    await house.live(at(9.2))
    await all_is_right(house)


async def test_the_running_hour_is_never_written(house: House) -> None:
    repair = await house.start()
    await house.live(at(3.95))

    assert await repair.async_repair()
    await repair.async_import(at(0), at(50))

    assert max(await house.stored(IMPORTED)) == at(2)
    await house.live(at(4.2))
    assert max(await house.stored(WATER)) == at(3)
    await all_is_right(house)


async def test_an_hour_costs_one_small_answer(house: House) -> None:
    await house.start()
    await house.live(at(4.2))
    house.meter.asked.clear()

    await house.live(at(6.2))

    assert house.meter.asked == ["slots 1", "slots 1"]


async def test_what_the_meter_sends_by_itself_is_not_asked_for(house: House) -> None:
    repair = await house.start()
    await house.live(at(4.2))
    house.meter.asked.clear()
    house.meter.lost.clear()
    await house.live(at(4.9))
    pushed = house.meter.registers(at(5))
    assert pushed is not None

    repair.async_note(Slot(at(5).astimezone(JST), pushed))
    await house.live(at(5.2))

    assert house.meter.asked == []
    await all_is_right(house)


async def test_a_meter_without_half_hour_history_is_asked_by_days(house: House) -> None:
    house.meter.has_slots = False
    await house.start()
    await house.live(at(2.2))
    # 23:30 to 00:00 in Japan ends in the next day's history.
    await off(house, at(15.5))
    await house.live(at(17.2))

    await all_is_right(house)
    assert {"day 0", "day 1"} <= set(house.meter.asked)


async def test_a_day_that_fails_is_read_again_and_the_others_are_not(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(2.2 + 72))
    house.meter.asked.clear()

    def fail_once() -> None:
        if house.meter.asked.count("day 1") == 1 and house.meter.asked[-1] == "day 1":
            raise ResponseTimeoutError("The meter did not answer in time")

    house.meter.failing = fail_once
    await house.start()
    await house.live(at(2.2 + 74))

    assert house.meter.asked[:5] == ["day 3", "day 2", "day 1", "day 1", "day 0"]
    await all_is_right(house)


async def test_a_day_that_nobody_can_read_is_given_up_and_named(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(2.2 + 72))

    def fail() -> None:
        if house.meter.asked[-1] == "day 2":
            raise WrongDayError("The meter answers for another day than was asked for")

    house.meter.failing = fail
    repair = await house.start()
    await house.live(at(2.2 + 74))

    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert sum(bars.values()) - bars[at(0)] == house.meter.counted(
        "normal", at(1), max(bars) + HOUR
    )
    assert repair.report is not None
    assert len(repair.report.sensors["imported_energy"].skipped) == 24


async def test_a_meter_whose_day_begins_later_is_asked_for_the_right_one(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    house.meter.has_slots = False
    house.meter.late = timedelta(minutes=20)
    # Ten minutes past midnight here, ten to midnight there.
    await off(house, at(14) + timedelta(minutes=10))
    await house.live(at(16.2))

    await all_is_right(house)


async def test_stopping_ends_the_reading_at_once(house: House) -> None:
    repair = await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(2.2 + 72))
    seen: list[int] = []
    repair = await house.start()

    def stop() -> None:
        seen.append(1)
        repair.async_stop()

    house.meter.failing = stop
    await house.live(at(2.2 + 74))

    assert seen == [1]
    assert repair.progress is None


async def test_progress_and_the_last_repair_are_told_and_outlive_a_restart(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(2.2 + 48))
    seen = []

    def listen(repair: HistoryRepair) -> None:
        repair.async_add_listener(
            lambda: seen.append(
                repair.progress and (repair.progress.days_done, repair.progress.days)
            )
        )

    repair = await house.start(listen)
    await house.live(at(2.2 + 49))

    assert seen[:5] == [(0, 3), (1, 3), (2, 3), (3, 3), None]
    told = repair.last_repair
    assert told is not None
    assert (told["occasion"], told["hours"]) == ("repair", 48)
    await off(house, at(2.2 + 51))
    assert house.repair is not None
    assert house.repair.last_repair == told
    await house.stop()
    await forget_repairs(house.hass, house.identity)
    assert (await house.start()).last_repair is None


# --- What can be different ----------------------------------------------------------------


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


async def test_statistics_in_another_unit_keep_it(house: House) -> None:
    house.unit = "MWh"
    await house.start(import_days=1)
    await house.live(at(2.2))
    before = await metadata(house)
    await off(house, at(8.5))
    await house.live(at(10.2))

    await all_is_right(house, from_hour=at(-20))
    assert before["unit_of_measurement"] == "MWh"
    assert await metadata(house) == before


async def metadata(house: House) -> Any:
    found = await get_instance(house.hass).async_add_executor_job(
        lambda: get_metadata(house.hass, statistic_ids={IMPORTED})
    )
    return found[IMPORTED][1]


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


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "UTC"])
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


async def test_the_first_repair_of_an_old_installation_finds_what_was_never_repaired(
    house: House,
) -> None:
    house.meter.connected = True
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    await forget_repairs(house.hass, house.identity)
    house.move(at(7.5))
    await house.start()
    await house.live(at(30.2))

    await all_is_right(house)
