"""Days before the installation, and whatever range somebody asks for."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

from homeassistant.components.recorder.core import Recorder
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.history.backfill import HistoryObstacleError
from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from tests.integration.history.entry_fixture import HOUR, IMPORTED, HistoryHarness
from tests.integration.history.scenario import BOTH, all_is_right, at, off


async def test_days_before_the_installation_are_imported_without_a_bar(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start(import_days=30)
    await harness.live(at(3.2))

    first = at(1) - timedelta(days=30)
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        assert bars == harness.expected(entity_id, [first + n * HOUR for n in range(30 * 24 + 2)])
    assert repair.report is not None
    await harness.live(at(6.2))
    await all_is_right(harness, from_hour=first)


async def test_what_was_asked_for_is_imported_after_a_restart_if_it_could_not_be_before(
    harness: HistoryHarness,
) -> None:
    harness.meter.connected = False
    await harness.start(import_days=2)
    await harness.live(at(2.5))
    harness.meter.connected = True
    await off(harness, at(4.5))
    await harness.live(at(6.2))

    await all_is_right(harness, from_hour=at(2) - timedelta(days=1, hours=20))
    assert len(await harness.stored(IMPORTED)) > 48


async def test_a_dry_run_tells_what_would_be_written_and_writes_nothing(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    before = await harness.stored(IMPORTED, "sum")

    dry = await repair.async_import(at(-24), dry_run=True)

    assert await harness.stored(IMPORTED, "sum") == before
    assert (dry.dry_run, repair.last_repair) == (True, None)
    report = await repair.async_import(at(-24))
    assert report.sensors == dry.sensors
    bars = await harness.stored(IMPORTED)
    reported = {row.start: row.energy for row in report.sensors["imported_energy"].changes}
    assert {hour: bars[hour] for hour in reported} == reported
    assert len(reported) >= 24
    again = await repair.async_import(at(-24))
    assert again.hours == frozenset()


async def test_the_answer_is_in_the_time_of_the_meter(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))

    answer = (await repair.async_import(at(-24))).as_dict(with_hours=True)

    sensors = answer["sensors"]
    assert isinstance(sensors, dict)
    rows = [row for sensor in sensors.values() for row in cast("Any", sensor)["rows"]]
    moments = [answer["at"], answer["from"], answer["to"], *(row["start"] for row in rows)]
    assert len(moments) > 24
    assert {str(moment)[-6:] for moment in moments} == {"+09:00"}


async def test_a_range_in_the_middle_is_imported_and_the_rest_left_as_it_was(
    harness: HistoryHarness,
) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))

    await repair.async_import(at(-40), at(-30))

    bars = await harness.stored(IMPORTED)
    hours = [at(-40) + n * HOUR for n in range(10)]
    assert {hour: bars[hour] for hour in hours} == harness.expected(IMPORTED, hours)
    # Nobody asked about the hours between, so they are one bar; the total is right.
    assert min(bars.values()) >= 0
    assert sum(bars.values()) == harness.meter.counted("normal", at(-40), max(bars) + HOUR)


async def test_the_meter_is_asked_for_99_days_at_most(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(2.2))

    await repair.async_import(at(-24 * 400), dry_run=True)

    days = [int(what.split()[1]) for what in harness.meter.asked if what.startswith("day")]
    assert days == list(range(99, -1, -1))


async def test_an_import_before_the_first_reading_says_so(harness: HistoryHarness) -> None:
    repair = await harness.start()

    with pytest.raises(HistoryObstacleError) as caught:
        await repair.async_import(at(-24))

    assert caught.value.translation_key == "history_not_compiled"


async def test_an_import_just_before_a_restart_leaves_no_bar(harness: HistoryHarness) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))

    await repair.async_import(at(-24))
    await off(harness, at(5.5))
    await harness.live(at(7.2))

    await all_is_right(harness, from_hour=at(-24))


@pytest.mark.parametrize("turns", [1, 10, 30, 100])
async def test_an_import_that_is_cut_off_is_made_good(harness: HistoryHarness, turns: int) -> None:
    repair = await harness.start()
    await harness.live(at(3.2))
    task = asyncio.ensure_future(repair.async_import(at(-24)))
    await harness.let_pass(turns)
    task.cancel()
    await off(harness, at(5.5), import_days=1)
    await harness.live(at(7.2))

    await all_is_right(harness, from_hour=at(-18))


async def test_imports_and_repairs_at_the_same_time_do_not_disturb_each_other(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(3.2))
    await harness.stop()
    harness.move(at(8.5))
    harness.meter.connected = False
    repair = await harness.start()
    await harness.live(at(9.1))
    harness.meter.connected = True
    await harness.live(at(10) + timedelta(seconds=15))

    await asyncio.gather(
        repair.async_import(at(-24), at(5)),
        repair.async_repair(),
        repair.async_import(at(-24)),
        repair.async_import(at(-48)),
    )

    await harness.live(at(11.2))
    await all_is_right(harness, from_hour=at(-48))
    assert (await repair.async_import(at(-48))).hours == frozenset()


async def test_what_is_asked_for_is_imported_although_nothing_is_repaired_unasked(
    harness: HistoryHarness,
) -> None:
    await harness.start(import_days=1, enabled=False)
    await harness.live(at(2.2))
    imported = await harness.stored(IMPORTED)
    await off(harness, at(5.5), enabled=False)
    await harness.live(at(7.2))

    assert imported == harness.expected(IMPORTED, [at(-22) + n * HOUR for n in range(-1, 24)])
    bars = await harness.stored(IMPORTED)
    assert [bars[at(3)], bars[at(4)]] == [0, 0]


@pytest.mark.parametrize(
    "end", [None, at(7), at(20)], ids=["to now", "within", "into the next day"]
)
@pytest.mark.parametrize("begun", [3.2, 4.0], ids=["within an hour", "at a full hour"])
async def test_a_range_that_begins_in_an_outage_loses_nothing_of_the_outage(
    harness: HistoryHarness, begun: float, end: datetime | None
) -> None:
    await harness.start(enabled=False)
    await harness.live(at(begun))
    await off(harness, at(26.5), enabled=False)
    await harness.live(at(28.2))
    assert harness.repair is not None

    dry = await harness.repair.async_import(at(6), end, dry_run=True)
    report = await harness.repair.async_import(at(6), end)

    assert report.sensors == dry.sensors
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        right = [hour for hour in bars if at(1) <= hour < (end or at(28))]
        assert {hour: bars[hour] for hour in right} == harness.expected(entity_id, right)
        assert min(bars.values()) >= 0
        hours = [hour for hour in bars if hour >= at(1)]
        assert sum(bars[hour] for hour in hours) == sum(harness.expected(entity_id, hours).values())
    again = await harness.repair.async_import(at(6), end)
    assert again.hours == frozenset()


async def test_a_range_after_the_rows_of_another_home_does_not_reach_back_into_them(
    harness: HistoryHarness,
) -> None:
    harness.meter.set_counts(at(0), (123_456, 50_000))
    own = list(harness.meter.installed)
    harness.meter.install(at(-1000), 11, (900_000, 800_000))
    harness.meter.installed.reverse()
    await harness.start(enabled=False)
    await harness.live(at(5.2))
    before = await harness.stored(IMPORTED)
    harness.meter.installed = own
    await off(harness, at(9.5), enabled=False)
    await harness.live(at(11.2))
    assert harness.repair is not None

    await harness.repair.async_import(at(7))

    bars = await harness.stored(IMPORTED)
    assert {hour: bars[hour] for hour in before} == before
    assert max(bars.values()) < 10
    hours = [hour for hour in bars if hour >= at(7)]
    assert {hour: bars[hour] for hour in hours} == harness.expected(IMPORTED, hours)


async def test_a_range_after_rows_that_cannot_be_read_goes_on_from_their_sum(
    harness: HistoryHarness,
) -> None:
    await harness.start(enabled=False)
    await harness.live(at(30.2))
    assert harness.repair is not None
    before = await harness.stored(IMPORTED, "sum")
    assert before[at(25)] > 1
    execute = text("UPDATE statistics SET state = NULL WHERE start_ts < :first")

    def blank(_: Recorder, session: Session) -> None:
        session.execute(execute, {"first": at(26).timestamp()})

    await run_in_recorder(harness.hass, "blank", blank)
    await harness.repair.async_import(at(26))

    assert await harness.stored(IMPORTED, "sum") == before
    await all_is_right(harness, from_hour=at(27))


async def test_a_range_after_a_row_of_this_meter_is_read_and_nothing_before_it(
    harness: HistoryHarness,
) -> None:
    await harness.start(enabled=False)
    await harness.live(at(30.2))
    assert harness.repair is not None
    assert harness.meter.asked == []

    await harness.repair.async_import(at(28))

    # The register at 28:00, with which the row before the range is compared, to that at 30:00.
    assert harness.meter.asked == ["slots 5"]
