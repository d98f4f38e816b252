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
    MovingHouse,
    at,
    costs,
)

KINDS: tuple[Literal["change", "state", "sum"], ...] = ("change", "state", "sum")


# --- Before our sensor has a past of its own ----------------------------------------------


async def test_three_days_of_the_other_sensor_go_on_under_our_name(house: MovingHouse) -> None:
    await house.live(at(72.4))
    before = await house.stored(OLD)
    house.move_in()

    assert await house.adopt()

    assert await house.stored(IMPORTED) == before
    assert await house.stored(OLD) == {}
    await house.live(at(78.4))
    await house.all_is_right(at(1))
    await house.water_is_right()


async def test_repair_of_the_history_leaves_an_adopted_past_right(house: MovingHouse) -> None:
    await house.live(at(6.4))
    house.move_in()
    assert await house.adopt()
    repair = await house.start()

    await house.live(at(12.4))

    await house.all_is_right(at(1), closely=Decimal())
    assert repair.verified["imported_energy"] == at(11)


async def test_hours_between_the_two_are_put_right_by_the_repair(house: MovingHouse) -> None:
    await house.live(at(6.4))
    house.move_out()
    house.move(at(15.2))
    await house.start()
    house.move_in()
    assert await house.adopt()
    await house.live(at(16.01))
    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0

    await house.live(at(20.2))

    await house.all_is_right(at(1), closely=Decimal())


async def test_a_start_that_catches_up_after_the_adoption_does_no_harm(house: MovingHouse) -> None:
    await house.live(at(6.4))
    house.move_out()
    house.move(at(9.2))
    house.move_in()

    assert await house.adopt()
    await house.compile(CompileMissingStatisticsTask())
    await house.live(at(12.2))

    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert house.is_all_there(bars)


async def test_sum_goes_on_when_the_five_minute_rows_are_purged_long_since(
    house: MovingHouse,
) -> None:
    await house.live(at(6.4))
    house.move_out()
    await house.live(at(60.4))
    await house.compile(PurgeTask(at(50), repack=False, apply_filter=False))
    house.move_in()

    assert await house.adopt()
    await house.live(at(63.1))

    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert house.is_all_there(bars)
    await house.water_is_right()


async def test_statistics_without_any_row_are_not_in_the_way(house: MovingHouse) -> None:
    await house.live(at(3.4))
    metadata = (await _metadata(house, OLD)) | {"statistic_id": house.real_id(IMPORTED)}
    async_import_statistics(house.hass, metadata, [])
    house.move_in()

    assert await house.adopt()

    await house.live(at(6.4))
    await house.all_is_right(at(1))


# --- After our sensor has begun -----------------------------------------------------------


@pytest.mark.parametrize("hours", [6.6, 7.4, 9.4], ids=["at once", "an hour", "hours"])
async def test_hours_before_our_own_are_put_before_them(house: MovingHouse, hours: float) -> None:
    await house.live(at(6.4))
    house.move_in()
    await house.live(at(6.5))
    await house.compile_now()
    await house.live(at(hours))
    old = await house.stored(OLD)

    assert await house.adopt()

    await house.live(at(12.4))
    await house.all_is_right(at(1))
    await house.water_is_right()
    assert (await house.stored(OLD))[at(5)] == old[at(5)]


async def test_energy_between_the_two_comes_into_our_first_hour(house: MovingHouse) -> None:
    await house.live(at(3.4))
    house.move_out()
    await house.live(at(8.2))
    house.move_in()
    await house.live(at(10.2))

    assert await house.adopt()

    bars = await house.stored(IMPORTED)
    assert min(bars.values()) >= 0
    assert house.is_all_there(bars)


async def test_a_past_is_adopted_only_once(house: MovingHouse) -> None:
    await house.live(at(4.4))
    house.move_in()
    await house.live(at(7.4))
    assert await house.adopt()
    stored = {kind: await house.stored(IMPORTED, kind) for kind in KINDS}

    assert await house.adopt()

    assert {kind: await house.stored(IMPORTED, kind) for kind in KINDS} == stored


async def test_where_both_have_hours_our_own_stay(house: MovingHouse) -> None:
    await house.live(at(3.4))
    house.move_in()
    await house.live(at(6.4))
    house.move_back()
    await house.live(at(9.4))
    house.move_in()
    await house.live(at(12.4))
    ours = await house.stored(IMPORTED)

    assert await house.adopt()

    bars = await house.stored(IMPORTED)
    assert {hour: bars[hour] for hour in ours if hour > at(3)} == {
        hour: ours[hour] for hour in ours if hour > at(3)
    }
    assert min(bars) < at(1)
    assert min(bars.values()) >= 0


@pytest.mark.parametrize("shown", [(100, 0), (2_000_000, 0)], ids=["lower", "higher"])
async def test_another_meter_makes_no_bar_of_its_register(
    house: MovingHouse, shown: tuple[int, int]
) -> None:
    house.meter.set_counts(at(0), (500_000, 0))
    await house.live(at(4.4))
    house.meter.install(at(4.4), 9, shown)
    house.move_in()
    await house.live(at(7.4))

    assert await house.adopt()

    bars = await house.stored(IMPORTED)
    assert max(bars.values()) < 10
    assert min(bars.values()) >= 0


# --- Units ---------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled_before", [False, True])
async def test_another_unit_of_energy_is_converted(
    house: MovingHouse,
    compiled_before: bool,
) -> None:
    house.their_unit = "Wh"
    await house.live(at(5.4))
    house.move_in()
    if compiled_before:
        await house.live(at(7.4))

    assert await house.adopt()

    await house.live(at(9.4))
    await house.all_is_right(at(1))


@pytest.mark.parametrize("compiled_before", [False, True])
async def test_what_is_no_energy_is_refused(
    house: MovingHouse,
    compiled_before: bool,
) -> None:
    house.their_unit = "L"
    await house.live(at(3.4))
    house.move_in()
    if compiled_before:
        await house.live(at(5.4))
    ours, theirs = await house.stored(IMPORTED), await house.stored(OLD)

    assert not await house.adopt()

    assert (await house.stored(IMPORTED), await house.stored(OLD)) == (ours, theirs)


async def test_energy_is_no_cost(house: MovingHouse) -> None:
    await house.live(at(3.4))
    house.move_in()

    adopting = house.hass.async_create_task(
        async_migrate_costs(house.hass, OLD, house.real_id(IMPORTED))
    )
    await house.recorded()

    assert not await adopting


@pytest.mark.parametrize(("currency", "adopted"), [("JPY", True), ("USD", False)])
async def test_costs_are_put_before_costs_of_the_same_currency(
    house: MovingHouse, currency: str, adopted: bool
) -> None:
    house.theirs = False
    house.move(at(9.2))
    import_costs(house, "sensor.old_cost", "JPY", {1: 100, 2: 130, 3: 150})
    import_costs(house, "sensor.new_cost", currency, {4: 20, 5: 30})

    adopting = house.hass.async_create_task(
        async_migrate_costs(house.hass, "sensor.old_cost", "sensor.new_cost")
    )
    await house.recorded()

    assert await adopting is adopted
    bars = await costs(house, "sensor.new_cost")
    if adopted:
        assert bars == {at(1): 100, at(2): 30, at(3): 20, at(4): 20, at(5): 10}
    else:
        assert bars == {at(4): 20, at(5): 10}


def import_costs(
    house: MovingHouse, statistic_id: str, currency: str, sums: dict[int, float]
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
    async_import_statistics(house.hass, metadata, rows)


# --- Nothing to do, nothing that can be done -----------------------------------------------


async def test_nothing_is_missing_where_there_was_nothing(house: MovingHouse) -> None:
    house.theirs = False
    await house.live(at(3.4))
    stored = await house.stored(IMPORTED)

    assert await house.adopt()
    assert await house.adopt(house.real_id(IMPORTED))

    assert await house.stored(IMPORTED) == stored


async def test_without_recorder_nothing_is_adopted(hass: HomeAssistant) -> None:
    assert not await async_migrate_statistics(hass, OLD, "sensor.smart_meter_imported_energy")


@pytest.mark.parametrize("recorder_config", [{"exclude": {"entities": [IMPORTED]}}])
async def test_sensor_that_is_not_recorded_adopts_nothing(house: MovingHouse) -> None:
    await house.live(at(2.4))
    house.move_in()

    assert not await house.adopt()

    assert await house.stored(OLD)


async def test_failing_database_changes_nothing_and_tells_no_secret(
    house: MovingHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await house.live(at(3.4))
    house.move_in()
    stored = await house.stored(OLD)

    def fail(*_: object) -> None:
        raise OperationalError("UPDATE", {"id": OLD}, ValueError("disk full"))

    with monkeypatch.context() as broken:
        broken.setattr(StatisticsMetaManager, "update_statistic_id", fail)
        adopting = house.hass.async_create_task(
            async_carry_over_energy(house.hass, OLD, house.real_id(IMPORTED))
        )
        await house.recorded()
        with pytest.raises(RecorderError) as raised:
            await adopting

    assert await house.stored(OLD) == stored
    assert raised.value.detail == "OperationalError"
    assert raised.value.__cause__ is raised.value.__context__ is None
    ours = [record for record in caplog.records if "wisun_route_b" in record.name]
    assert ROUTE_B_ID not in "".join(map(str, [*ours, raised.value, repr(raised.value)]))
    assert await house.adopt()


async def _metadata(house: MovingHouse, statistic_id: str) -> Any:
    await house.recorded()
    found = await get_instance(house.hass).async_add_executor_job(
        lambda: get_metadata(house.hass, statistic_ids={statistic_id})
    )
    return found[statistic_id][1]
