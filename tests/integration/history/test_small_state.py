"""What is remembered of the history is less important than everything that it could break."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_IDENTITY, CONF_IMPORT_DAYS, DOMAIN
from custom_components.wisun_route_b.diagnostics import async_get_config_entry_diagnostics
from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.store import forget_backfill
from tests.integration.conftest import entry_for, poll, set_up, state_of
from tests.integration.history.entry_fixture import IMPORTED, HistoryHarness
from tests.integration.history.scenario import all_is_right, at, off
from tests.stack.scripted import METER_SAYS, ScriptedDongle

REPORT = {
    "at": "2030-05-20T01:00:00+00:00",
    "occasion": "repair",
    "dry_run": False,
    "hours": 3,
    "from": None,
    "to": None,
    "sensors": {"imported_energy": {"energy": 1.5}},
}


@pytest.fixture(autouse=True)
def _answers(dongle: ScriptedDongle) -> None:
    """Have the meter answer everything that the diagnostics ask for, at once."""
    dongle.know({**METER_SAYS, 0x9E: "0281E5"})


def file_of(key: str, data: object, version: int = 1) -> dict[str, Any]:
    return {"version": version, "minor_version": 1, "key": key, "data": data}


DAMAGED: dict[str, object] = {
    "newer": file_of("", {"verified": {}}, version=99),
    "no version": {"key": "", "data": {}},
    "no object": file_of("", [1, 2]),
    "a report of nonsense": file_of("", {"last_repair": {**REPORT, "sensors": {"x": 3}}}),
    "a report at no time": file_of("", {"last_repair": {**REPORT, "at": 3}}),
    "a report of too much": file_of(
        "", {"last_repair": {**REPORT, "sensors": {"x": {"energy": float("inf")}}}}
    ),
    "the first year": file_of(
        "", {"verified": {"imported_energy": "0001-01-01T00:00:00+00:00"}, "import_days": -5}
    ),
    "the last year": file_of(
        "", {"verified": {"exported_energy": "9999-12-31T23:00:00-12:00"}, "import_days": 10**30}
    ),
}


@pytest.mark.parametrize("stored", DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_file_that_makes_no_sense_freezes_no_sensor(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    fast_clock: None,
    hass_storage: dict[str, Any],
    stored: Any,
) -> None:
    entry = entry_for()
    hass_storage[f"{DOMAIN}.{entry.data[CONF_IDENTITY]}.history"] = stored

    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert await hass.config_entries.async_reload(entry.entry_id)
    await poll(hass)

    assert state_of(hass, "imported_energy") == "6513.9"
    assert state_of(hass, "last_history_repair") == "unknown"
    assert "history" in await async_get_config_entry_diagnostics(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("error", [OSError("input/output error"), KeyError("version")])
async def test_a_file_that_cannot_be_read_or_written_freezes_no_sensor(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    real_load, real_save = Store.async_load, Store.async_save

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        async def call(store: Store[Any], *arguments: Any) -> Any:
            if store.key.endswith(".history"):
                raise error
            return await real(store, *arguments)

        return call

    monkeypatch.setattr(Store, "async_load", failing(real_load))
    monkeypatch.setattr(Store, "async_save", failing(real_save))
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={CONF_IMPORT_DAYS: 30})

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "imported_energy") == "6513.9"
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_set_up_that_ends_while_the_file_is_read_leaves_no_sensor_behind(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sensors of an entry that is not set up would stay as they are, at their last value."""
    real = Store.async_load

    async def load(store: Store[Any]) -> Any:
        if store.key.endswith(".history"):
            seen.append(state_of(hass, "imported_energy"))
            raise asyncio.CancelledError  # as when the set-up takes too long
        return await real(store)

    seen: list[str | None] = []
    entry = entry_for()
    with monkeypatch.context() as slow:
        slow.setattr(Store, "async_load", load)
        await set_up(hass, entry)
        assert seen == [None]
        assert entry.state is not ConfigEntryState.LOADED
        assert state_of(hass, "imported_energy") is None

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "imported_energy") == "6513.9"
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("days", ["many", None, -1, 0, float("nan"), [3], True])
async def test_an_order_that_makes_no_sense_is_no_order(
    hass: HomeAssistant, dongle: ScriptedDongle, days: object
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={CONF_IMPORT_DAYS: days})

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    repair: HistoryBackfill = entry.runtime_data.backfill
    assert repair.to_import is None
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    "data", [{}, {"device": 3, "identity": None, "network": "x", "known": [1], "usb": 7}]
)
async def test_a_damaged_entry_is_told_of_and_disturbs_no_other(
    hass: HomeAssistant, dongle: ScriptedDongle, data: dict[str, Any]
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    damaged = MockConfigEntry(domain=DOMAIN, data=data, title="Damaged", unique_id="damaged")
    damaged.add_to_hass(hass)

    assert "history" in await async_get_config_entry_diagnostics(hass, entry)
    report = await async_get_config_entry_diagnostics(hass, damaged)
    assert "knows" in report["entry"]
    await hass.config_entries.async_remove(damaged.entry_id)

    await poll(hass)
    assert state_of(hass, "imported_energy") == "6513.9"
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("stored", ["2030-05-20T09:00:00+00:00", "2029-01-01T00:00:00+00:00"])
async def test_hours_that_cannot_have_been_compared_are_compared(
    harness: HistoryHarness, hass_storage: dict[str, Any], stored: str
) -> None:
    """Later than now: a clock that was wrong. Long ago: no meter remembers it."""
    key = f"{DOMAIN}.{harness.identity}.history"
    hass_storage[key] = file_of(
        key, {"verified": {"imported_energy": stored, "exported_energy": stored}}
    )
    await harness.start()
    await harness.live(at(2.2))
    await off(harness, at(5.5))
    await harness.live(at(7.2))

    await all_is_right(harness)
    await forget_backfill(harness.hass, harness.identity)


async def test_hours_that_the_meter_has_forgotten_are_not_compared_again(
    harness: HistoryHarness, hass_storage: dict[str, Any]
) -> None:
    """Compared last before the meter's memory begins: what lies there stays as it is."""
    await harness.start()
    await harness.live(at(2.2))
    await off(harness, at(2.3), enabled=False)
    await harness.live(at(6.2))
    get_instance(harness.hass).async_adjust_statistics(IMPORTED, at(4), 5, "kWh")
    before = await harness.stored(IMPORTED, "sum")
    key, compared = f"{DOMAIN}.{harness.identity}.history", at(1).isoformat()
    hass_storage[key] = file_of(key, {"verified": {"imported_energy": compared}})
    # The note itself is not too old to be read, but the meter remembers 99 whole days only.
    await off(harness, at(100 * 24 + 3))
    await harness.live(at(100 * 24 + 5.2))

    after = await harness.stored(IMPORTED, "sum")
    assert {hour: after[hour] for hour in before} == before
    assert harness.repair is not None
    assert harness.repair.verified["imported_energy"] == at(100 * 24 + 4)
    bars = await harness.stored(IMPORTED)
    recent = [hour for hour in bars if hour >= at(100 * 24)]
    assert len(recent) == 5
    assert {hour: bars[hour] for hour in recent} == harness.expected(IMPORTED, recent)


async def test_the_notes_are_read_before_there_are_entities(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while entities exist leaves them behind, frozen at their last values."""
    read_with: list[list[str]] = []
    real_load = Store.async_load

    async def load(store: Any) -> Any:
        if store.key.endswith(".history"):
            read_with.append(hass.states.async_entity_ids("sensor"))
        return await real_load(store)

    monkeypatch.setattr(Store, "async_load", load)
    entry = entry_for()
    await set_up(hass, entry)

    assert read_with
    assert not any(read_with)
    assert hass.states.async_entity_ids("sensor")
    assert await hass.config_entries.async_unload(entry.entry_id)
