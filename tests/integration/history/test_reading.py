"""When the meter's history is read, how much of it, and what is told of that."""

from datetime import timedelta

from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.meter_clock import MeterHistory
from custom_components.wisun_route_b.history.store import forget_backfill
from custom_components.wisun_route_b.stack import JST, SmartMeter, errors, half_hours, readings
from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, WATER, HistoryHarness
from tests.integration.history.scenario import all_is_right, at, off


def a_history(meter: SmartMeter) -> MeterHistory:
    """For the type checker: the real meter is one."""
    return meter


async def test_nothing_is_written_before_the_recorder_has_compiled_a_new_reading(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(3.5))
    await harness.stop()
    harness.move(at(8.5))
    repair = await harness.start()

    # The catch-up is done and told, but there is no reading of this run yet.
    caught_up = await harness.stored(EXPORTED, "sum")
    assert max(caught_up) == at(7)
    assert len({caught_up[at(hour)] for hour in range(3, 8)}) == 1
    assert repair.report is None
    await harness.live(at(9.2))
    await all_is_right(harness)


async def test_the_running_hour_is_never_written(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(3.95))

    assert await repair.async_repair()
    await repair.async_import(at(0), at(50))

    assert max(await harness.stored(IMPORTED)) == at(2)
    await harness.live(at(4.2))
    assert max(await harness.stored(WATER)) == at(3)
    await all_is_right(harness)


async def test_an_hour_costs_one_small_answer(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(4.2))
    harness.meter.asked.clear()

    await harness.live(at(6.2))

    assert harness.meter.asked == ["slots 1", "slots 1"]


async def test_what_the_meter_sends_by_itself_is_not_asked_for(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(4.2))
    harness.meter.asked.clear()
    await harness.live(at(4.9))
    pushed = harness.meter.registers(at(5))
    assert pushed is not None

    repair.async_note(half_hours.Slot(at(5).astimezone(JST), pushed))
    await harness.live(at(5.2))

    assert harness.meter.asked == []
    await all_is_right(harness)


async def test_a_meter_without_half_hour_history_is_asked_by_days(harness: HistoryHarness) -> None:
    harness.meter.has_slots = False
    await harness.start()
    await harness.live(at(2.2))
    # 23:30 to 00:00 in Japan ends in the next day's history.
    await off(harness, at(15.5))
    await harness.live(at(17.2))

    await all_is_right(harness)
    assert {"day 0", "day 1"} <= set(harness.meter.asked)


async def test_exported_energy_that_is_sent_first_does_not_hide_the_imported(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(4.9))
    harness.meter.asked.clear()
    pushed = harness.meter.registers(at(5))
    assert pushed is not None

    repair.async_note(
        half_hours.Slot(at(5).astimezone(JST), readings.RegisterPair(None, pushed.reverse))
    )
    await harness.live(at(5.2))

    assert harness.meter.asked == ["slots 1"]
    await all_is_right(harness)


async def test_a_meter_with_history_2_only_is_asked_for_twelve_half_hours_at_a_time(
    harness: HistoryHarness,
) -> None:
    harness.meter.has_days = False
    await harness.start()
    await harness.live(at(2.2))
    harness.meter.asked.clear()
    await off(harness, at(40.5))
    await harness.live(at(42.2))

    await all_is_right(harness)
    assert len(harness.meter.asked) < 12


async def test_half_hours_of_another_time_are_read_by_the_day_instead(
    harness: HistoryHarness,
) -> None:
    def fail() -> None:
        if harness.meter.asked[-1].startswith("slots"):
            raise errors.WrongDayError("The meter answers for another time than was asked for")

    harness.meter.failing = fail
    await harness.start()
    await harness.live(at(2.2))
    await off(harness, at(3.5))
    await harness.live(at(4.2))

    await all_is_right(harness)


async def test_no_bar_is_negative_while_the_meter_has_not_stored_the_last_hour(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    harness.meter.late = timedelta(minutes=20)
    await off(harness, at(9) + timedelta(minutes=2))
    await harness.live(at(9) + timedelta(minutes=6))

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    hours = [at(hour) for hour in range(2, 8)]
    assert {hour: bars[hour] for hour in hours} == harness.expected(IMPORTED, hours)
    await harness.live(at(11.2))
    await all_is_right(harness)


async def test_a_sensor_that_shows_nothing_any_more_costs_no_readings_again_and_again(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    harness.meter.shows_reverse = False
    harness.meter.asked.clear()

    await harness.live(at(20.2))

    assert harness.meter.asked == ["slots 1"] * 18


async def test_a_day_that_fails_is_read_again_and_the_others_are_not(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(2.2 + 72))
    harness.meter.asked.clear()

    def fail_once() -> None:
        if harness.meter.asked.count("day 1") == 1 and harness.meter.asked[-1] == "day 1":
            raise errors.ResponseTimeoutError("The meter did not answer in time")

    harness.meter.failing = fail_once
    await harness.start()
    await harness.live(at(2.2 + 74))

    assert harness.meter.asked[:5] == ["day 3", "day 2", "day 1", "day 1", "day 0"]
    await all_is_right(harness)


async def test_a_day_that_nobody_can_read_is_given_up_and_named(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(2.2 + 72))

    def fail() -> None:
        if harness.meter.asked[-1] == "day 2":
            raise errors.WrongDayError("The meter answers for another day than was asked for")

    harness.meter.failing = fail
    repair = await harness.start()
    await harness.live(at(2.2 + 74))

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert sum(bars.values()) - bars[at(0)] == harness.meter.counted(
        "normal", at(1), max(bars) + HOUR
    )
    assert repair.report is not None
    assert len(repair.report.sensors["imported_energy"].skipped) == 24


async def test_a_meter_whose_day_begins_later_is_asked_for_the_right_one(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    harness.meter.has_slots = False
    harness.meter.late = timedelta(minutes=20)
    # Ten minutes past midnight here, ten to midnight there.
    await off(harness, at(14) + timedelta(minutes=10))
    await harness.live(at(16.2))

    await all_is_right(harness)


async def test_stopping_ends_the_reading_at_once(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(2.2 + 72))
    seen: list[int] = []
    repair = await harness.start()

    def stop() -> None:
        seen.append(1)
        repair.async_stop()

    harness.meter.failing = stop
    await harness.live(at(2.2 + 74))

    assert seen == [1]
    assert repair.progress is None


async def test_progress_and_the_last_repair_are_told_and_outlive_a_restart(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(2.2 + 48))
    seen = []

    def listen(repair: HistoryBackfill) -> None:
        repair.async_add_listener(
            lambda: seen.append(
                repair.progress and (repair.progress.days_done, repair.progress.days)
            )
        )

    repair = await harness.start(listen)
    await harness.live(at(2.2 + 49))

    assert seen[:5] == [(0, 3), (1, 3), (2, 3), (3, 3), None]
    first_report = repair.last_repair
    assert first_report is not None
    assert (first_report["occasion"], first_report["hours"]) == ("repair", 48)
    await off(harness, at(2.2 + 51))
    assert harness.repair is not None
    assert harness.repair.last_repair == first_report
    await harness.stop()
    await forget_backfill(harness.hass, harness.identity)
    assert (await harness.start()).last_repair is None
