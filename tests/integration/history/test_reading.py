"""When the meter's history is read, how much of it, and what is told of that."""

from datetime import timedelta

from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.meter_clock import MeterHistory
from custom_components.wisun_route_b.history.store import forget_backfill
from custom_components.wisun_route_b.stack import JST, SmartMeter, errors, half_hours, readings
from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, WATER, House
from tests.integration.history.scenario import all_is_right, at, off


def a_history(meter: SmartMeter) -> MeterHistory:
    """For the type checker: the real meter is one."""
    return meter


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
    await house.live(at(4.9))
    pushed = house.meter.registers(at(5))
    assert pushed is not None

    repair.async_note(half_hours.Slot(at(5).astimezone(JST), pushed))
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


async def test_exported_energy_that_is_sent_first_does_not_hide_the_imported(house: House) -> None:
    repair = await house.start()
    await house.live(at(4.9))
    house.meter.asked.clear()
    pushed = house.meter.registers(at(5))
    assert pushed is not None

    repair.async_note(
        half_hours.Slot(at(5).astimezone(JST), readings.RegisterPair(None, pushed.reverse))
    )
    await house.live(at(5.2))

    assert house.meter.asked == ["slots 1"]
    await all_is_right(house)


async def test_a_meter_with_history_2_only_is_asked_for_twelve_half_hours_at_a_time(
    house: House,
) -> None:
    house.meter.has_days = False
    await house.start()
    await house.live(at(2.2))
    house.meter.asked.clear()
    await off(house, at(40.5))
    await house.live(at(42.2))

    await all_is_right(house)
    assert len(house.meter.asked) < 12


async def test_half_hours_of_another_time_are_read_by_the_day_instead(house: House) -> None:
    def fail() -> None:
        if house.meter.asked[-1].startswith("slots"):
            raise errors.WrongDayError("The meter answers for another time than was asked for")

    house.meter.failing = fail
    await house.start()
    await house.live(at(2.2))
    await off(house, at(3.5))
    await house.live(at(4.2))

    await all_is_right(house)


async def test_no_bar_is_negative_while_the_meter_has_not_stored_the_last_hour(
    house: House,
) -> None:
    await house.start()
    await house.live(at(2.2))
    house.meter.late = timedelta(minutes=20)
    await off(house, at(9) + timedelta(minutes=2))
    await house.live(at(9) + timedelta(minutes=6))

    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0
    hours = [at(hour) for hour in range(2, 8)]
    assert {hour: bars[hour] for hour in hours} == house.truth(IMPORTED, hours)
    await house.live(at(11.2))
    await all_is_right(house)


async def test_a_sensor_that_shows_nothing_any_more_costs_no_readings_again_and_again(
    house: House,
) -> None:
    await house.start()
    await house.live(at(2.2))
    house.meter.shows_reverse = False
    house.meter.asked.clear()

    await house.live(at(20.2))

    assert house.meter.asked == ["slots 1"] * 18


async def test_a_day_that_fails_is_read_again_and_the_others_are_not(house: House) -> None:
    await house.start()
    await house.live(at(2.2))
    await house.stop()
    house.move(at(2.2 + 72))
    house.meter.asked.clear()

    def fail_once() -> None:
        if house.meter.asked.count("day 1") == 1 and house.meter.asked[-1] == "day 1":
            raise errors.ResponseTimeoutError("The meter did not answer in time")

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
            raise errors.WrongDayError("The meter answers for another day than was asked for")

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

    def listen(repair: HistoryBackfill) -> None:
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
    await forget_backfill(house.hass, house.identity)
    assert (await house.start()).last_repair is None
