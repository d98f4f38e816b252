"""Orders are kept in files of their own; those of version 1.1 were among the options of the entry."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import wisun_route_b
from custom_components.wisun_route_b import async_migrate_entry
from custom_components.wisun_route_b.config_flow import RouteBConfigFlow
from custom_components.wisun_route_b.const import CONF_IDENTITY, DOMAIN
from custom_components.wisun_route_b.history.store import NotStoredError
from custom_components.wisun_route_b.orders import Orders, async_place
from tests.stack.scripted import ScriptedDongle

from ..conftest import entry_for
from .entry_fixture import HOUR, IMPORTED, HistoryHarness
from .scenario import at

type Storage = dict[str, Any]

ORDER = {"imported_energy": "sensor.old", "power": "sensor.old_power"}
SINCE = "2026-01-02T03:04:05+00:00"


def entry_of_1_1(**options: object) -> MockConfigEntry:
    entry = entry_for()
    return MockConfigEntry(
        domain=DOMAIN,
        unique_id=entry.unique_id,
        title=entry.title,
        data=dict(entry.data),
        options={"poll_interval": 60, **options},
        minor_version=1,
    )


def notes(storage: Storage, entry: MockConfigEntry, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = storage[f"{DOMAIN}.{entry.data[CONF_IDENTITY]}.{kind}"]["data"]
    return found


async def test_orders_of_an_older_entry_are_moved(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_storage: Storage
) -> None:
    entry = entry_of_1_1(import_days=30, adopt=ORDER)
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert (entry.version, entry.minor_version) == (1, 2)
    assert entry.options == {"poll_interval": 60}
    assert notes(hass_storage, entry, "history")["import_days"] == 30
    assert notes(hass_storage, entry, "history")["import_left"]
    assert notes(hass_storage, entry, "take_over")["order"] == ORDER


async def test_import_that_an_older_entry_has_ordered_is_carried_out(
    harness: HistoryHarness,
) -> None:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    harness.hass.config_entries.async_update_entry(
        harness.entry, options={"import_days": 2}, minor_version=1
    )
    assert await async_migrate_entry(harness.hass, harness.entry)
    await harness.start()
    await harness.live(at(1.2))

    hours = sorted(await harness.stored(IMPORTED))
    assert at(-48) - HOUR <= hours[0] <= at(-40)
    assert harness.repair is not None
    assert harness.repair.to_import is None


async def test_days_that_are_ordered_during_an_import_are_imported_as_well(
    harness: HistoryHarness,
) -> None:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    backfill = await harness.start(import_days=1)

    async def order_more() -> None:
        await backfill.async_order_import(2)

    harness.meter.meanwhile = order_more
    await harness.live(at(2.2))

    hours = sorted(await harness.stored(IMPORTED))
    assert at(-48) - HOUR <= hours[0] <= at(-40)
    assert backfill.to_import is None


async def test_outcome_of_an_older_take_over_is_moved(
    hass: HomeAssistant, hass_storage: Storage
) -> None:
    entry = entry_of_1_1()
    entry.add_to_hass(hass)
    data = {**entry.data, "migrated": ORDER, "take_over_failing_since": SINCE}
    hass.config_entries.async_update_entry(entry, data=data)

    assert await async_migrate_entry(hass, entry)

    assert notes(hass_storage, entry, "take_over") == {
        "order": None,
        "migrated": ORDER,
        "dashboard": False,
        "failing_since": SINCE,
    }
    assert entry.data.keys() == entry_for().data.keys()


@pytest.mark.parametrize("kind", ["history", "take_over"])
async def test_order_that_cannot_be_stored_stays_in_the_older_entry(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    hass_storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A store logs a full disk and raises nothing."""
    entry = entry_of_1_1(import_days=30, adopt=ORDER)
    entry.add_to_hass(hass)
    before = dict(entry.options)
    real = Store.async_save

    async def save(store: Store[Any], data: Any) -> None:
        if not store.key.endswith(kind):
            await real(store, data)

    with monkeypatch.context() as full:
        full.setattr(Store, "async_save", save)
        await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.minor_version, dict(entry.options)) == (1, before)

    await hass.config_entries.async_reload(entry.entry_id)

    assert (entry.minor_version, dict(entry.options)) == (2, {"poll_interval": 60})
    assert notes(hass_storage, entry, "history")["import_days"] == 30
    assert notes(hass_storage, entry, "take_over")["order"] == ORDER


async def test_entry_of_a_newer_minor_version_loads(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    object.__setattr__(entry, "minor_version", 3)
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.minor_version == 3


async def test_entry_of_a_newer_major_version_is_left_alone(hass: HomeAssistant) -> None:
    entry = entry_for()
    object.__setattr__(entry, "version", 2)
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR


async def test_older_version_loads_an_entry_of_this_one(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 1.1 has no migration: Home Assistant compares the major version only."""
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, minor_version=RouteBConfigFlow.MINOR_VERSION, options={"poll_interval": 60}
    )
    monkeypatch.setattr(RouteBConfigFlow, "MINOR_VERSION", 1)
    monkeypatch.delattr(wisun_route_b, "async_migrate_entry")

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.update_interval == timedelta(seconds=60)


async def test_new_orders_replace_what_an_unfinished_set_up_has_left(
    hass: HomeAssistant, hass_storage: Storage
) -> None:
    await async_place(hass, "home", Orders(30, ORDER))
    await async_place(hass, "home", Orders())

    assert f"{DOMAIN}.home.history" not in hass_storage
    assert f"{DOMAIN}.home.take_over" not in hass_storage


async def test_order_that_is_not_on_the_disk_is_not_accepted(
    hass: HomeAssistant, hass_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> None:
        pass

    monkeypatch.setattr(Store, "async_save", lose)
    for orders in (Orders(30), Orders(0, ORDER)):
        with pytest.raises(NotStoredError):
            await async_place(hass, "home", orders)
