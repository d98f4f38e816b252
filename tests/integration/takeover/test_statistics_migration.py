"""Our sensor continues the long-term statistics of Home Assistant's own integration."""

from decimal import Decimal
from typing import Any, Literal

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics, get_metadata
from homeassistant.components.recorder.table_managers.statistics_meta import StatisticsMetaManager
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    PurgeTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
import pytest
from sqlalchemy.exc import OperationalError

from custom_components.wisun_route_b.history.recorder_errors import RecorderError
from custom_components.wisun_route_b.takeover.statistics_migration import (
    async_carry_over_energy,
    async_migrate_costs,
    async_migrate_statistics,
)
from tests.integration.history.entry_fixture import IMPORTED
from tests.integration.takeover.takeover_fixture import (
    OLD,
    ROUTE_B_ID,
    TakeoverHarness,
    at,
    costs,
)

KINDS: tuple[Literal["change", "state", "sum"], ...] = ("change", "state", "sum")


# --- Before our sensor has a past of its own ----------------------------------------------


async def test_three_days_of_the_other_sensor_go_on_under_our_name(
    harness: TakeoverHarness,
) -> None:
    await harness.live(at(72.4))
    before = await harness.stored(OLD)
    harness.move_in()

    assert await harness.migrate()

    assert await harness.stored(IMPORTED) == before
    assert await harness.stored(OLD) == {}
    await harness.live(at(78.4))
    await harness.all_is_right(at(1))
    await harness.water_is_right()


async def test_backfill_leaves_migrated_statistics_right(harness: TakeoverHarness) -> None:
    await harness.live(at(6.4))
    harness.move_in()
    assert await harness.migrate()
    repair = await harness.start()

    await harness.live(at(12.4))

    await harness.all_is_right(at(1), closely=Decimal())
    assert repair.verified["imported_energy"] == at(11)


async def test_hours_between_the_two_are_put_right_by_the_repair(harness: TakeoverHarness) -> None:
    await harness.live(at(6.4))
    harness.move_out()
    harness.move(at(15.2))
    await harness.start()
    harness.move_in()
    assert await harness.migrate()
    await harness.live(at(16.01))
    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0

    await harness.live(at(20.2))

    await harness.all_is_right(at(1), closely=Decimal())


async def test_a_start_that_catches_up_after_the_adoption_does_no_harm(
    harness: TakeoverHarness,
) -> None:
    await harness.live(at(6.4))
    harness.move_out()
    harness.move(at(9.2))
    harness.move_in()

    assert await harness.migrate()
    await harness.compile(CompileMissingStatisticsTask())
    await harness.live(at(12.2))

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert harness.is_all_there(bars)


async def test_sum_goes_on_when_the_five_minute_rows_are_purged_long_since(
    harness: TakeoverHarness,
) -> None:
    await harness.live(at(6.4))
    harness.move_out()
    await harness.live(at(60.4))
    await harness.compile(PurgeTask(at(50), repack=False, apply_filter=False))
    harness.move_in()

    assert await harness.migrate()
    await harness.live(at(63.1))

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert harness.is_all_there(bars)
    await harness.water_is_right()


async def test_statistics_without_any_row_are_not_in_the_way(harness: TakeoverHarness) -> None:
    await harness.live(at(3.4))
    metadata = (await _metadata(harness, OLD)) | {"statistic_id": harness.real_id(IMPORTED)}
    async_import_statistics(harness.hass, metadata, [])
    harness.move_in()

    assert await harness.migrate()

    await harness.live(at(6.4))
    await harness.all_is_right(at(1))


# --- After our sensor has begun -----------------------------------------------------------


@pytest.mark.parametrize("hours", [6.6, 7.4, 9.4], ids=["at once", "an hour", "hours"])
async def test_hours_before_our_own_are_put_before_them(
    harness: TakeoverHarness, hours: float
) -> None:
    await harness.live(at(6.4))
    harness.move_in()
    await harness.live(at(6.5))
    await harness.compile_now()
    await harness.live(at(hours))
    old = await harness.stored(OLD)

    assert await harness.migrate()

    await harness.live(at(12.4))
    await harness.all_is_right(at(1))
    await harness.water_is_right()
    assert (await harness.stored(OLD))[at(5)] == old[at(5)]


async def test_energy_between_the_two_comes_into_our_first_hour(harness: TakeoverHarness) -> None:
    await harness.live(at(3.4))
    harness.move_out()
    await harness.live(at(8.2))
    harness.move_in()
    await harness.live(at(10.2))

    assert await harness.migrate()

    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert harness.is_all_there(bars)


async def test_a_past_is_adopted_only_once(harness: TakeoverHarness) -> None:
    await harness.live(at(4.4))
    harness.move_in()
    await harness.live(at(7.4))
    assert await harness.migrate()
    stored = {kind: await harness.stored(IMPORTED, kind) for kind in KINDS}

    assert await harness.migrate()

    assert {kind: await harness.stored(IMPORTED, kind) for kind in KINDS} == stored


async def test_where_both_have_hours_our_own_stay(harness: TakeoverHarness) -> None:
    await harness.live(at(3.4))
    harness.move_in()
    await harness.live(at(6.4))
    harness.move_back()
    await harness.live(at(9.4))
    harness.move_in()
    await harness.live(at(12.4))
    ours = await harness.stored(IMPORTED)

    assert await harness.migrate()

    bars = await harness.stored(IMPORTED)
    assert {hour: bars[hour] for hour in ours if hour > at(3)} == {
        hour: ours[hour] for hour in ours if hour > at(3)
    }
    assert min(bars) < at(1)
    assert min(bars.values()) >= 0


@pytest.mark.parametrize("shown", [(100, 0), (2_000_000, 0)], ids=["lower", "higher"])
async def test_another_meter_makes_no_bar_of_its_register(
    harness: TakeoverHarness, shown: tuple[int, int]
) -> None:
    harness.meter.set_counts(at(0), (500_000, 0))
    await harness.live(at(4.4))
    harness.meter.install(at(4.4), 9, shown)
    harness.move_in()
    await harness.live(at(7.4))

    assert await harness.migrate()

    bars = await harness.stored(IMPORTED)
    assert max(bars.values()) < 10
    assert min(bars.values()) >= 0


# --- Units ---------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled_before", [False, True])
async def test_another_unit_of_energy_is_converted(
    harness: TakeoverHarness,
    compiled_before: bool,
) -> None:
    harness.their_unit = "Wh"
    await harness.live(at(5.4))
    harness.move_in()
    if compiled_before:
        await harness.live(at(7.4))

    assert await harness.migrate()

    await harness.live(at(9.4))
    await harness.all_is_right(at(1))


@pytest.mark.parametrize("compiled_before", [False, True])
async def test_what_is_no_energy_is_refused(
    harness: TakeoverHarness,
    compiled_before: bool,
) -> None:
    harness.their_unit = "L"
    await harness.live(at(3.4))
    harness.move_in()
    if compiled_before:
        await harness.live(at(5.4))
    ours, theirs = await harness.stored(IMPORTED), await harness.stored(OLD)

    assert not await harness.migrate()

    assert (await harness.stored(IMPORTED), await harness.stored(OLD)) == (ours, theirs)


async def test_energy_is_no_cost(harness: TakeoverHarness) -> None:
    await harness.live(at(3.4))
    harness.move_in()

    migrating = harness.hass.async_create_task(
        async_migrate_costs(harness.hass, OLD, harness.real_id(IMPORTED))
    )
    await harness.recorded()

    assert not await migrating


@pytest.mark.parametrize(("currency", "adopted"), [("JPY", True), ("USD", False)])
async def test_costs_are_put_before_costs_of_the_same_currency(
    harness: TakeoverHarness, currency: str, adopted: bool
) -> None:
    harness.theirs = False
    harness.move(at(9.2))
    import_costs(harness, "sensor.old_cost", "JPY", {1: 100, 2: 130, 3: 150})
    import_costs(harness, "sensor.new_cost", currency, {4: 20, 5: 30})

    migrating = harness.hass.async_create_task(
        async_migrate_costs(harness.hass, "sensor.old_cost", "sensor.new_cost")
    )
    await harness.recorded()

    assert await migrating is adopted
    bars = await costs(harness, "sensor.new_cost")
    if adopted:
        assert bars == {at(1): 100, at(2): 30, at(3): 20, at(4): 20, at(5): 10}
    else:
        assert bars == {at(4): 20, at(5): 10}


def import_costs(
    harness: TakeoverHarness, statistic_id: str, currency: str, sums: dict[int, float]
) -> None:
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source="recorder",
        statistic_id=statistic_id,
        unit_class=None,
        unit_of_measurement=currency,
    )
    rows = [StatisticData(start=at(hour), state=total, sum=total) for hour, total in sums.items()]
    async_import_statistics(harness.hass, metadata, rows)


# --- Nothing to do, nothing that can be done -----------------------------------------------


async def test_nothing_is_missing_where_there_was_nothing(harness: TakeoverHarness) -> None:
    harness.theirs = False
    await harness.live(at(3.4))
    stored = await harness.stored(IMPORTED)

    assert await harness.migrate()
    assert await harness.migrate(harness.real_id(IMPORTED))

    assert await harness.stored(IMPORTED) == stored


async def test_without_recorder_nothing_is_adopted(hass: HomeAssistant) -> None:
    assert not await async_migrate_statistics(hass, OLD, "sensor.smart_meter_imported_energy")


@pytest.mark.parametrize("recorder_config", [{"exclude": {"entities": [IMPORTED]}}])
async def test_sensor_that_is_not_recorded_adopts_nothing(harness: TakeoverHarness) -> None:
    await harness.live(at(2.4))
    harness.move_in()

    assert not await harness.migrate()

    assert await harness.stored(OLD)


async def test_failing_database_changes_nothing_and_tells_no_secret(
    harness: TakeoverHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await harness.live(at(3.4))
    harness.move_in()
    stored = await harness.stored(OLD)

    def fail(*_: object) -> None:
        raise OperationalError("UPDATE", {"id": OLD}, ValueError("disk full"))

    with monkeypatch.context() as broken:
        broken.setattr(StatisticsMetaManager, "update_statistic_id", fail)
        migrating = harness.hass.async_create_task(
            async_carry_over_energy(harness.hass, OLD, harness.real_id(IMPORTED))
        )
        await harness.recorded()
        with pytest.raises(RecorderError) as raised:
            await migrating

    assert await harness.stored(OLD) == stored
    assert raised.value.detail == "OperationalError"
    assert raised.value.__cause__ is raised.value.__context__ is None
    ours = [record for record in caplog.records if "wisun_route_b" in record.name]
    assert ROUTE_B_ID not in "".join(map(str, [*ours, raised.value, repr(raised.value)]))
    assert await harness.migrate()


async def _metadata(harness: TakeoverHarness, statistic_id: str) -> Any:
    await harness.recorded()
    found = await get_instance(harness.hass).async_add_executor_job(
        lambda: get_metadata(harness.hass, statistic_ids={statistic_id})
    )
    return found[statistic_id][1]
