"""What is remembered of the history is less important than everything that it could break."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_IDENTITY, CONF_IMPORT_DAYS, DOMAIN
from custom_components.wisun_route_b.diagnostics import async_get_config_entry_diagnostics
from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from custom_components.wisun_route_b.history.sensor_hours import Request, Since, compare
from custom_components.wisun_route_b.history.store import BackfillStore, forget_backfill
from custom_components.wisun_route_b.stack import readings
from custom_components.wisun_route_b.stack.echonet import Frame
from tests.integration.conftest import entry_for, poll, set_up, state_of
from tests.integration.history.entry_fixture import IMPORTED, House
from tests.integration.history.scenario import all_is_right, at, off
from tests.stack.scripted import METER_SAYS, ScriptedDongle, answer_to, erxudp

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

    def answer(request: Frame) -> None:
        dongle.accept()
        dongle.say(erxudp(answer_to(request, {**METER_SAYS, 0x9E: "0281E5"}).encode()))

    dongle.on_request = answer


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
    house: House, hass_storage: dict[str, Any], stored: str
) -> None:
    """Later than now: a clock that was wrong. Long ago: no meter remembers it."""
    key = f"{DOMAIN}.{house.identity}.history"
    hass_storage[key] = file_of(
        key, {"verified": {"imported_energy": stored, "exported_energy": stored}}
    )
    await house.start()
    await house.live(at(2.2))
    await off(house, at(5.5))
    await house.live(at(7.2))

    await all_is_right(house)
    await forget_backfill(house.hass, house.identity)


@pytest.mark.parametrize(
    ("offset", "kept"),
    [
        (timedelta(minutes=9), True),  # the clock was set back a little
        (timedelta(minutes=11), False),
        (timedelta(days=-100), True),
        (timedelta(days=-102), False),  # no meter remembers it
    ],
)
async def test_a_stored_moment_has_bounds(
    hass: HomeAssistant, hass_storage: dict[str, Any], offset: timedelta, *, kept: bool
) -> None:
    key, moment = f"{DOMAIN}.some_meter.history", dt_util.utcnow() + offset
    hass_storage[key] = file_of(
        key,
        {
            "verified": {"imported_energy": moment.isoformat()},
            "failing_since": moment.isoformat(),
            "import_days": 3,
            "import_since": moment.isoformat(),
        },
    )
    memory = BackfillStore(hass, "some_meter")

    await memory.async_load(["imported_energy"])

    believed = moment if kept else None
    assert memory.verified.get("imported_energy") == believed
    assert (memory.failing_since, memory.import_since) == (believed, believed)


@pytest.mark.parametrize(
    ("now", "verified"),
    [
        (at(3.2), at(4)),  # the clock was ahead, and was set back
        (at(4.2) + timedelta(days=readings.HISTORY_DAYS + 2), at(3)),  # no meter remembers it
    ],
    ids=["yet to end", "too old"],
)
async def test_what_cannot_have_been_compared_is_not_gone_on_from(
    house: House, now: datetime, verified: datetime
) -> None:
    """What is remembered during a run has bounds of its own, as the clock may be set meanwhile."""
    await house.start(enabled=False)
    await house.live(at(5.2))

    async def anchor(at_work: datetime, verified: datetime | None) -> datetime | None:
        request = Request(
            entities={"imported_energy": IMPORTED},
            orders={"imported_energy": Since(verified)},
            known={},
            asked=(),
            scale=None,
            now=at_work,
        )
        found = await run_in_recorder(house.hass, "compare", partial(compare, request))
        return found.cases["imported_energy"].anchor

    assert await anchor(now, verified) == await anchor(now, None) != verified
    assert await anchor(at(5.2), at(3)) == at(3)


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
