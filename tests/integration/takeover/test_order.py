"""The order of a take-over is struck off when all of it is on the disk, not before."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_IDENTITY
from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.identity_lock import identity_lock
from custom_components.wisun_route_b.history.recorder_errors import Failure, RecorderError
from custom_components.wisun_route_b.takeover import carry_over, energy_dashboard
from custom_components.wisun_route_b.takeover.carry_over import async_carry_over
from custom_components.wisun_route_b.takeover.statistics_migration import async_carry_over_energy
from custom_components.wisun_route_b.takeover.store import take_over_store
from tests.integration.history.entry_fixture import IMPORTED
from tests.integration.takeover.takeover_fixture import OLD, ROUTE_B_ID, TakeoverHarness, at, costs
from tests.integration.takeover.test_energy_dashboard import choose, grid
from tests.stack.scripted import PASSWORD, ROUTE_B_ID as OUR_ID

type Storage = dict[str, Any]


@pytest.fixture
async def ordered(harness: TakeoverHarness, hass_storage: Storage) -> TakeoverHarness:
    """The other integration read the meter until now; ours has an order to take over."""
    harness.hass.config.components.add("frontend")
    assert await async_setup_component(harness.hass, "energy", {})
    harness.poll()
    await choose(harness.hass, energy_sources=[grid(OLD, number_energy_price=30.0)])
    await harness.live(at(3.4))
    hass_storage["energy"] = {
        "version": 1,
        "minor_version": 3,
        "key": "energy",
        "data": (await async_get_manager(harness.hass)).data,
    }
    harness.move_in()
    harness.disk = hass_storage
    await take_over_store(harness.hass, harness.identity).async_place({"imported_energy": OLD})
    return harness


async def inherit(harness: TakeoverHarness) -> None:
    """Have the entry do what its set-up starts."""
    await through(harness, begin(harness))


def begin(harness: TakeoverHarness) -> asyncio.Task[None]:
    """Do as the entry's set-up does: in the background."""
    return harness.hass.async_create_background_task(
        async_carry_over(harness.hass, harness.entry), "take over"
    )


async def through(harness: TakeoverHarness, task: asyncio.Task[None]) -> None:
    """Wait for a task, and let time pass for its pauses."""
    while not task.done():
        await harness.recorded()
        await harness.let_pass(20)
        if not task.done():
            harness.move(harness.now + timedelta(seconds=5))
    await task


async def restart(harness: TakeoverHarness) -> None:
    """Forget what the dashboard's manager has not written."""
    await (await async_get_manager(harness.hass)).async_initialize()


async def shown(harness: TakeoverHarness) -> str:
    data = (await async_get_manager(harness.hass)).data
    assert data is not None
    return str(data["energy_sources"][0]["stat_energy_from"])


def on_the_disk(storage: Storage) -> str:
    return str(storage["energy"]["data"]["energy_sources"][0]["stat_energy_from"])


def is_ordered(harness: TakeoverHarness) -> bool:
    return notes(harness)["order"] is not None


def notes(harness: TakeoverHarness) -> dict[str, Any]:
    """Return what is on the disk about the take-over."""
    found: dict[str, Any] = harness.disk[f"wisun_route_b.{harness.identity}.take_over"]["data"]
    return found


async def test_dashboard_is_on_the_disk_when_the_order_is_struck_off(
    ordered: TakeoverHarness, hass_storage: Storage
) -> None:
    await inherit(ordered)

    assert not is_ordered(ordered)
    assert on_the_disk(hass_storage) == ordered.real_id(IMPORTED)
    await restart(ordered)
    assert await shown(ordered) == ordered.real_id(IMPORTED)
    await ordered.live(at(6.4))
    await ordered.all_is_right(at(1))


async def test_what_is_not_on_the_disk_is_still_ordered(
    ordered: TakeoverHarness, hass_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store logs a full disk and raises nothing."""
    real, full = Store.async_save, [True]

    async def save(store: Store[Any], data: Any) -> None:
        if store.key == "energy" and full:
            full.pop()
            return
        await real(store, data)

    seen: list[bool] = []
    store = energy_dashboard._store

    async def watched(*arguments: Any) -> None:
        seen.append(is_ordered(ordered))
        await store(*arguments)

    monkeypatch.setattr(Store, "async_save", save)
    monkeypatch.setattr(energy_dashboard, "_store", watched)
    await inherit(ordered)

    assert seen == [True, True]
    assert not is_ordered(ordered)
    assert on_the_disk(hass_storage) == ordered.real_id(IMPORTED)


async def test_dashboard_that_shows_a_migrated_sensor_is_put_right_at_the_next_start(
    ordered: TakeoverHarness, hass_storage: Storage
) -> None:
    before = hass_storage["energy"]
    await inherit(ordered)
    hass_storage["energy"] = before  # a power cut has taken back the newest file
    await restart(ordered)
    assert await shown(ordered) == OLD

    await inherit(ordered)

    assert await shown(ordered) == on_the_disk(hass_storage) == ordered.real_id(IMPORTED)


@pytest.mark.parametrize("enabled", [True, False])
async def test_dashboard_after_going_back_is_left_alone(
    ordered: TakeoverHarness, enabled: bool
) -> None:
    other = MockConfigEntry(
        domain="route_b_smart_meter",
        disabled_by=None if enabled else ConfigEntryDisabler.USER,
    )
    other.add_to_hass(ordered.hass)
    sensor = er.async_get(ordered.hass).async_get_or_create(
        "sensor",
        "route_b_smart_meter",
        "x_total_consumption",
        suggested_object_id=OLD.removeprefix("sensor."),
        config_entry=other,
    )
    assert sensor.entity_id == OLD
    await inherit(ordered)
    await choose(ordered.hass, energy_sources=[grid(OLD)])

    await inherit(ordered)

    assert await shown(ordered) == (OLD if enabled else ordered.real_id(IMPORTED))


async def test_costs_go_on_after_a_power_cut_between_dashboard_and_costs(
    ordered: TakeoverHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await costs(ordered, f"{OLD}_cost")
    assert sum(before.values()) > 0

    async def cut(*_: object) -> bool:
        raise asyncio.CancelledError

    with monkeypatch.context() as power:
        power.setattr(energy_dashboard, "async_migrate_costs", cut)
        with pytest.raises(asyncio.CancelledError):
            await inherit(ordered)
    assert is_ordered(ordered)
    await restart(ordered)
    assert await shown(ordered) == ordered.real_id(IMPORTED)

    await inherit(ordered)

    assert not is_ordered(ordered)
    after = await costs(ordered, f"{ordered.real_id(IMPORTED)}_cost")
    assert {hour: after[hour] for hour in before} == before


async def test_a_sensor_that_was_renamed_in_the_meantime_is_found(ordered: TakeoverHarness) -> None:
    other = MockConfigEntry(
        domain="route_b_smart_meter",
        data={"device": "/dev/x", "id": OUR_ID, "password": PASSWORD},
        disabled_by=ConfigEntryDisabler.USER,
    )
    other.add_to_hass(ordered.hass)
    er.async_get(ordered.hass).async_get_or_create(
        "sensor",
        "route_b_smart_meter",
        "x_total_consumption",
        suggested_object_id=OLD.removeprefix("sensor."),
        config_entry=other,
    )
    store = take_over_store(ordered.hass, ordered.identity)
    await store.async_place({"imported_energy": "sensor.as_it_was_called"})

    await inherit(ordered)

    assert not is_ordered(ordered)
    await ordered.live(at(5.4))
    await ordered.all_is_right(at(1))


async def test_without_our_sensor_nothing_is_struck_off(ordered: TakeoverHarness) -> None:
    registry = er.async_get(ordered.hass)
    entity_id = ordered.real_id(IMPORTED)
    unique_id = f"{ordered.identity}_imported_energy"
    registry.async_remove(entity_id)
    await inherit(ordered)
    assert is_ordered(ordered)
    assert await shown(ordered) == OLD

    registry.async_get_or_create(
        "sensor",
        "wisun_route_b",
        unique_id,
        suggested_object_id=entity_id.removeprefix("sensor."),
        config_entry=ordered.entry,
    )
    await inherit(ordered)

    assert not is_ordered(ordered)


# --- Waiting ---------------------------------------------------------------------------------


async def test_an_import_under_way_is_waited_for_but_not_for_ever(
    ordered: TakeoverHarness, caplog: pytest.LogCaptureFixture
) -> None:
    lock = identity_lock(ordered.hass, ordered.entry.data[CONF_IDENTITY])
    async with lock.hold("import", 1):
        task = begin(ordered)
        for _ in range(40):
            await ordered.let_pass(5)
            ordered.move(ordered.now + timedelta(seconds=10))
        assert "history_busy" in caplog.text
        assert is_ordered(ordered)
        assert await ordered.stored(OLD)
        assert lock.holder == "import"

    await through(ordered, task)

    assert not is_ordered(ordered)
    assert lock.holder is None


@pytest.mark.parametrize(
    "error",
    [
        RecorderError(Failure.RECORDER_BUSY, "carry over"),
        RecorderError(Failure.DATABASE_READ_ONLY, "carry over"),
        KeyError(OLD),
    ],
    ids=["busy", "read-only", "unexpected"],
)
async def test_what_fails_is_tried_again_and_told_without_a_secret(
    ordered: TakeoverHarness,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    left = [error, error]
    real: Callable[..., Awaitable[bool]] = async_carry_over_energy

    async def carry_over_energy(*arguments: Any) -> bool:
        if left:
            raise left.pop()
        return await real(*arguments)

    monkeypatch.setattr(carry_over, "async_carry_over_energy", carry_over_energy)
    await inherit(ordered)

    assert not is_ordered(ordered)
    ours = [record for record in caplog.records if "wisun_route_b" in record.name]
    assert sum("tried again" in record.getMessage() for record in ours) == 2
    assert [record for record in ours if ROUTE_B_ID in record.getMessage() or record.exc_info] == []


def issue_of(harness: TakeoverHarness) -> ir.IssueEntry | None:
    issue_id = f"history_take_over_fails_{harness.entry.entry_id}"
    return ir.async_get(harness.hass).async_get_issue("wisun_route_b", issue_id)


async def for_hours(harness: TakeoverHarness, hours: float) -> None:
    """Let time pass for what is tried every hour."""
    for _ in range(round(hours * 2)):
        harness.move(harness.now + timedelta(minutes=30))
        await harness.recorded()
        await harness.let_pass(20)


async def test_what_fails_for_a_day_raises_an_issue_until_it_succeeds(
    ordered: TakeoverHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [True]
    real: Callable[..., Awaitable[bool]] = async_carry_over_energy

    async def carry_over_energy(*arguments: Any) -> bool:
        if fails:
            raise RecorderError(Failure.DATABASE_READ_ONLY, "carry over")
        return await real(*arguments)

    monkeypatch.setattr(carry_over, "async_carry_over_energy", carry_over_energy)
    task = begin(ordered)
    await for_hours(ordered, 15)
    assert issue_of(ordered) is None
    # A restart does not begin a new day.
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    task = begin(ordered)
    await for_hours(ordered, 12)
    assert issue_of(ordered) is not None

    # The entry is unloaded, then set up again.
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert issue_of(ordered) is None
    task = begin(ordered)
    await for_hours(ordered, 0.5)
    assert issue_of(ordered) is not None
    # A repair of the history that succeeds says nothing about the take-over.
    repair = HistoryBackfill(ordered.hass, ordered.entry, ordered.identity, ordered.meter, pause=0)
    await repair.async_repair()
    assert issue_of(ordered) is not None

    fails.clear()
    await through(ordered, task)

    assert issue_of(ordered) is None
    assert not is_ordered(ordered)
    assert notes(ordered)["failing_since"] is None


async def test_a_sensor_that_is_missing_for_a_day_raises_an_issue_at_the_next_start(
    ordered: TakeoverHarness,
) -> None:
    registry = er.async_get(ordered.hass)
    entity_id = ordered.real_id(IMPORTED)
    unique_id = f"{ordered.identity}_imported_energy"
    registry.async_remove(entity_id)
    await inherit(ordered)
    assert issue_of(ordered) is None
    ordered.move(ordered.now + timedelta(hours=25))
    await inherit(ordered)
    assert issue_of(ordered) is not None

    registry.async_get_or_create(
        "sensor",
        "wisun_route_b",
        unique_id,
        suggested_object_id=entity_id.removeprefix("sensor."),
        config_entry=ordered.entry,
    )
    await inherit(ordered)

    assert issue_of(ordered) is None


@pytest.mark.parametrize("stored", ["soon", 3, "2040-01-01T00:00:00+00:00", "2020-01-01T00:00:00"])
async def test_a_stored_time_that_makes_no_sense_begins_a_new_day(
    ordered: TakeoverHarness, stored: object
) -> None:
    notes(ordered)["failing_since"] = stored
    er.async_get(ordered.hass).async_remove(ordered.real_id(IMPORTED))

    await inherit(ordered)

    assert issue_of(ordered) is None
    assert notes(ordered)["failing_since"] == ordered.now.isoformat()


async def test_entry_that_was_never_to_carry_anything_on_does_nothing(
    hass: HomeAssistant, hass_storage: Storage
) -> None:
    entry = MockConfigEntry(domain="wisun_route_b", data={CONF_IDENTITY: "x"})
    entry.add_to_hass(hass)

    await async_carry_over(hass, entry)

    assert "energy" not in hass_storage
