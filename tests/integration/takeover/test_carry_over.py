"""What is carried over is the same meter's, in both tables, and nothing else."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.components.recorder.tasks import (
    ImportStatisticsTask,
    PurgeTask,
    RecorderTask,
    StatisticsTask,
)
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.wisun_route_b.takeover.stored_rows import Table
from tests.integration.history.entry_fixture import FIVE_MINUTES, HOUR, IMPORTED, WATER
from tests.integration.takeover.takeover_fixture import OLD, ROUTE_B_ID, TakeoverHarness, at


async def _five_minutes(harness: TakeoverHarness, until: datetime) -> None:
    """Home Assistant runs and compiles every five minutes."""
    while harness.now + FIVE_MINUTES <= until:
        end = harness.now.replace(second=0, microsecond=0)
        end += FIVE_MINUTES - timedelta(minutes=end.minute % 5)
        harness.move(end - timedelta(seconds=5))
        harness.poll()
        harness.move(end + timedelta(seconds=10))
        await harness.compile(StatisticsTask(end - FIVE_MINUTES, True))


async def _short_term(harness: TakeoverHarness) -> dict[datetime, float]:
    found = await get_instance(harness.hass).async_add_executor_job(
        lambda: statistics_during_period(
            harness.hass,
            at(0) - HOUR,
            None,
            {harness.real_id(IMPORTED)},
            "5minute",
            {"energy": "kWh"},
            {"change"},
        )
    )
    rows = found[harness.real_id(IMPORTED)]
    return {datetime.fromtimestamp(row["start"], UTC): row["change"] or 0.0 for row in rows}


async def _write(harness: TakeoverHarness, table: Table, rows: list[Any]) -> None:
    """Write rows of the old sensor as a script of its owner might."""
    await harness.recorded()
    found = await get_instance(harness.hass).async_add_executor_job(
        lambda: get_metadata(harness.hass, statistic_ids={OLD})
    )
    task: RecorderTask = ImportStatisticsTask(found[OLD][1], rows, table)
    await harness.compile(task)


# --- Both tables -----------------------------------------------------------------------------


async def test_rows_of_five_minutes_are_put_before_ours_as_well(harness: TakeoverHarness) -> None:
    await _five_minutes(harness, at(1.4))
    harness.move_in()
    await _five_minutes(harness, at(2.6))

    assert await harness.migrate()

    await _five_minutes(harness, at(3.2))
    bars = await _short_term(harness)
    moments = sorted(bars)
    assert moments[0] < at(0.7)
    assert moments == [moments[0] + n * FIVE_MINUTES for n in range(len(moments))]
    # The very first bar of all counts from zero, in every case.
    assert all(-0.001 < bars[moment] < 3 for moment in moments[1:])
    await harness.all_is_right(at(1))


# --- Another meter ---------------------------------------------------------------------------


@pytest.mark.parametrize("exchanged", [None, 3_000, 560_000, 900_000])
@pytest.mark.parametrize("purged", [False, True])
async def test_energy_of_a_pause_is_counted_unless_the_register_is_another_meters(
    harness: TakeoverHarness, exchanged: int | None, purged: bool
) -> None:
    """Nothing is read for ten days; perhaps the meter is replaced then, and shows more or less."""
    harness.meter.set_counts(at(0), (500_000, 0))
    await harness.live(at(26.4))
    harness.move_out()
    if exchanged is not None:
        harness.meter.install(at(200), 9, (exchanged, 0))
    harness.move(at(266.2))
    harness.poll()
    await harness.compile(StatisticsTask(at(266) + FIVE_MINUTES, False))
    if purged:
        await harness.compile(PurgeTask(at(260), repack=False, apply_filter=False))
    harness.move_in()

    assert await harness.migrate()

    await harness.live(at(269.2))
    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    if exchanged is None:
        assert max(bars.values()) > 50
        assert harness.is_all_there(bars)
    else:
        assert max(bars.values()) < 10
    sums = await harness.stored(IMPORTED, "sum")
    assert sums[at(25)] <= sums[at(267)]


@pytest.mark.parametrize("shown", [3_000, 560_000])
async def test_another_meters_register_makes_no_bar_when_rows_are_copied(
    harness: TakeoverHarness, caplog: pytest.LogCaptureFixture, shown: int
) -> None:
    harness.meter.set_counts(at(0), (500_000, 0))
    await harness.live(at(26.4))
    harness.move_out()
    harness.meter.install(at(200), 9, (shown, 0))
    harness.move(at(266.2))
    harness.move_in()
    await harness.live(at(269.2))

    assert await harness.migrate()

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert max(bars.values()) < 10
    assert "is not counted" in caplog.text


# --- Rows that cannot be -----------------------------------------------------------------------


async def test_rows_of_the_future_are_not_carried_over_and_lose_no_hour(
    harness: TakeoverHarness,
) -> None:
    await harness.live(at(4.4))
    for table in (Statistics, StatisticsShortTerm):
        step = table.duration
        rows = [{"start": at(5) + n * step, "state": 90_000.0, "sum": 90_000.0} for n in range(30)]
        await _write(harness, table, rows)
    harness.move_in()

    assert await harness.migrate()

    await harness.live(at(8.2))
    await harness.all_is_right(at(1))
    await harness.water_is_right()
    assert at(7) in await harness.stored(WATER)


async def test_a_row_without_a_state_is_still_a_row(harness: TakeoverHarness) -> None:
    await harness.live(at(4.4))
    total = (await harness.stored(OLD, "sum"))[at(3)] + 500
    harness.move_out()
    await harness.compile(PurgeTask(harness.now, repack=False, apply_filter=False))
    await _write(harness, Statistics, [{"start": at(3), "state": None, "sum": float(total)}])
    harness.move_in()

    assert await harness.migrate()

    await harness.live(at(6.2))
    bars = await harness.stored(IMPORTED)
    assert 500 <= bars.pop(at(3)) < 510
    assert min(bars.values()) > -0.001
    assert max(bars.values()) < 10
    assert (await harness.stored(IMPORTED, "sum"))[at(5)] >= total


# --- Words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
async def test_the_recorders_own_log_shows_no_id(
    harness: TakeoverHarness,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    """Home Assistant logs a rename itself; everything else about our task comes from us."""
    await harness.live(at(3.4))
    harness.move_in()
    logging.disable(logging.NOTSET)
    caplog.set_level(logging.DEBUG, "homeassistant.components.recorder")
    caplog.set_level(logging.DEBUG, "custom_components.wisun_route_b")
    caplog.clear()

    def fail(*_: object) -> None:
        raise ValueError(OLD)

    if fails:
        monkeypatch.setattr(
            "homeassistant.components.recorder.table_managers.statistics_meta"
            ".StatisticsMetaManager.update_statistic_id",
            fail,
        )
    assert await harness.migrate() is not fails
    ours = [
        record
        for record in caplog.records
        if "wisun_route_b" in record.name or "carry over" in record.getMessage()
    ]
    assert ours
    assert [record for record in ours if ROUTE_B_ID in record.getMessage()] == []
    assert [record for record in ours if record.exc_info] == []
