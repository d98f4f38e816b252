"""Actions: the meter's history on demand, and into the statistics."""

import asyncio
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_IMPORT_DAYS, DOMAIN, TARIFF
from custom_components.wisun_route_b.services import GET_HISTORY, IMPORT_HISTORY
from custom_components.wisun_route_b.stack import JST
from tools.emulator import MODELS, Emulator, EmulatorConfig

from .conftest import entry_for, set_up

HALF_HOUR = timedelta(minutes=30)
NOW = dt_util.utcnow()


async def _set_up(hass: HomeAssistant, emulator: Emulator, port: Path) -> MockConfigEntry:
    emulator.serve_pty(port)
    config = emulator.config
    entry = entry_for(str(port), config.route_b_id, config.password)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def _call(hass: HomeAssistant, action: str, entry: MockConfigEntry, **data: Any) -> Any:
    return await hass.services.async_call(
        DOMAIN,
        action,
        {"config_entry_id": entry.entry_id, **data},
        blocking=True,
        return_response=True,
    )


async def test_half_hours_are_those_of_the_meter(hass: HomeAssistant, tmp_path: Path) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        start = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)

        answer = await _call(
            hass, GET_HISTORY, entry, start=start, end=start + timedelta(hours=5, minutes=10)
        )

        rows = answer["half_hours"]
        assert len(rows) == 10
        for index, row in enumerate(rows):
            begin = start + index * HALF_HOUR
            before, after = (emulator.meter.registers(begin + n * HALF_HOUR) for n in (0, 1))
            assert before is not None
            assert after is not None
            assert datetime.fromisoformat(row["start"]) == begin
            assert datetime.fromisoformat(row["end"]) == begin + HALF_HOUR
            assert row["imported_register"] == after[0] / 10
            assert row["exported_register"] == after[1] / 10
            assert row["imported"] == pytest.approx((after[0] - before[0]) / 10)
            assert row["exported"] == pytest.approx((after[1] - before[1]) / 10)
            assert row["gap"] is None
        await hass.config_entries.async_unload(entry.entry_id)


async def test_half_hours_have_their_costs_by_the_tariff(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """Two steps, and a fuel adjustment that is taken off; the reading was five days ago."""
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        reading = (
            dt_util.utcnow().astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        )
        reading -= timedelta(days=5)
        start = reading + timedelta(hours=20, minutes=30)
        before, begin = emulator.meter.registers(reading), emulator.meter.registers(start)
        assert before is not None
        assert begin is not None
        used = (begin[0] - before[0]) / 10
        limit = used + 4.3
        row = {"basic_charge": 500, "price_1": 20, "limit_1": limit, "price_2": 30}
        data = {
            "reading_day": reading.day,
            "prices": [row],
            "fuel_adjustment": [{"month": "2020-01", "per_kwh": -5}],
        }
        subentry = ConfigSubentry(
            data=MappingProxyType(data), subentry_type=TARIFF, title="Tariff", unique_id=None
        )
        hass.config_entries.async_add_subentry(entry, subentry)

        answer = await _call(
            hass, GET_HISTORY, entry, start=start, end=start + timedelta(days=2), costs=True
        )

        rows = answer["half_hours"]
        assert datetime.fromisoformat(rows[0]["start"]) == start
        assert len(rows) == 96
        for half_hour in rows:
            energy = half_hour["imported"]
            cheap = max(min(limit - used, energy), 0)
            assert half_hour["cost"] == pytest.approx(
                cheap * 20 + (energy - cheap) * 30 - 5 * energy, abs=0.001
            )
            used += energy
        assert {half_hour["price"] for half_hour in rows} >= {15.0, 25.0}
        await hass.config_entries.async_unload(entry.entry_id)


async def test_half_hours_after_a_gap_keep_their_step(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meter has lost two registers, that of the reading among them, and was exchanged."""
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        reading = (
            dt_util.utcnow().astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        )
        reading -= timedelta(days=3)
        lost, exchange = reading + timedelta(hours=10), reading + timedelta(hours=20)
        whole = emulator.meter.registers

        def registers(moment: datetime) -> tuple[int, int] | None:
            found = whole(moment)
            if found is None or moment in {reading, lost}:
                return None
            return found if moment < exchange else (found[0] % 1000, found[1])

        before, begin = whole(exchange - HALF_HOUR), whole(exchange)
        assert before is not None
        assert begin is not None
        assert begin[0] % 1000 < before[0]
        monkeypatch.setattr(emulator.meter, "registers", registers)

        def between(start: datetime, end: datetime) -> float:
            older, newer = whole(start), whole(end)
            assert older is not None
            assert newer is not None
            return (newer[0] - older[0]) / 10

        used = between(reading - HALF_HOUR, reading + HALF_HOUR) / 2
        limit = used + between(reading + HALF_HOUR, exchange - HALF_HOUR) + 2.2
        row = {"basic_charge": 500, "price_1": 20, "limit_1": limit, "price_2": 30}
        subentry = ConfigSubentry(
            data=MappingProxyType({"reading_day": reading.day, "prices": [row]}),
            subentry_type=TARIFF,
            title="Tariff",
            unique_id=None,
        )
        hass.config_entries.async_add_subentry(entry, subentry)

        answer = await _call(
            hass, GET_HISTORY, entry, start=reading, end=reading + timedelta(days=2), costs=True
        )

        rows = {datetime.fromisoformat(row["start"]): row for row in answer["half_hours"]}
        assert len(rows) == 96
        gaps = {reading, lost - HALF_HOUR, lost, exchange - HALF_HOUR}
        for start, half_hour in rows.items():
            energy = between(start, start + HALF_HOUR)
            if start in gaps:
                assert (half_hour["price"], half_hour["cost"]) == (None, None)
            else:
                cheap = max(min(limit - used, energy), 0)
                cost = pytest.approx(cheap * 20 + (energy - cheap) * 30, abs=0.001)
                assert half_hour["cost"] == cost, start
            if start not in {reading, exchange - HALF_HOUR}:
                used += energy
        assert {half_hour["price"] for half_hour in rows.values()} >= {20.0, 30.0}
        await hass.config_entries.async_unload(entry.entry_id)


async def test_costs_need_a_tariff_and_minutes_a_meter_that_has_them(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        for field, key in (("costs", "no_tariff"), ("minutes", "no_minutes")):
            with pytest.raises(ServiceValidationError) as caught:
                await _call(
                    hass, GET_HISTORY, entry, start=NOW - timedelta(hours=1), **{field: True}
                )
            assert caught.value.translation_key == key
        await hass.config_entries.async_unload(entry.entry_id)


async def test_minutes_are_those_of_the_meter(hass: HomeAssistant, tmp_path: Path) -> None:
    config = EmulatorConfig(speed=2000.0, model=MODELS["gen2-wh"])
    async with Emulator(config) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        end = NOW.replace(second=0, microsecond=0) - timedelta(minutes=1)

        answer = await _call(
            hass, GET_HISTORY, entry, start=end - timedelta(hours=1), end=end, minutes=True
        )

        rows = answer["minutes"]
        assert [datetime.fromisoformat(row["end"]) for row in rows] == [
            end - timedelta(minutes=index) for index in reversed(range(9))
        ]
        for row in rows:
            moments = [datetime.fromisoformat(row[key]) for key in ("start", "end")]
            first, last = (emulator.meter.registers(moment) for moment in moments)
            assert first is not None
            assert last is not None
            assert row["imported"] == pytest.approx((last[0] - first[0]) / 1000)
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [
        (NOW - timedelta(hours=1), NOW - timedelta(hours=2), "range_is_empty"),
        (NOW + timedelta(days=1), NOW + timedelta(days=2), "range_is_empty"),
        (NOW - timedelta(days=101), NOW, "range_is_too_old"),
    ],
)
async def test_impossible_range_is_told(
    hass: HomeAssistant, tmp_path: Path, start: datetime, end: datetime, key: str
) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")

        for action in (GET_HISTORY, IMPORT_HISTORY):
            with pytest.raises(ServiceValidationError) as caught:
                await _call(hass, action, entry, start=start, end=end)
            assert caught.value.translation_key == key
        await hass.config_entries.async_unload(entry.entry_id)


async def test_range_at_the_ends_of_the_calendar_is_told(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    first, last = "0001-01-01 00:00:00", "9999-12-31 23:59:59"
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")

        for zone, start, key in (
            ("Asia/Tokyo", first, "range_is_too_old"),
            ("America/New_York", last, "range_is_empty"),
        ):
            await hass.config.async_set_time_zone(zone)
            for action in (GET_HISTORY, IMPORT_HISTORY):
                with pytest.raises(ServiceValidationError) as caught:
                    await _call(hass, action, entry, start=start, end=last)
                assert caught.value.translation_key == key
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
async def test_times_without_a_zone_are_those_of_the_house(
    hass: HomeAssistant, tmp_path: Path, zone: str
) -> None:
    await hass.config.async_set_time_zone(zone)
    local = (dt_util.as_local(NOW) - timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")

        answer = await _call(
            hass,
            GET_HISTORY,
            entry,
            start=local.replace(tzinfo=None),
            end=(local + timedelta(hours=2)).replace(tzinfo=None),
        )

        assert [datetime.fromisoformat(row["start"]) for row in answer["half_hours"]] == [
            local + index * HALF_HOUR for index in range(4)
        ]
        await hass.config_entries.async_unload(entry.entry_id)


async def test_entry_of_another_integration_or_unloaded_is_refused(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        await hass.config_entries.async_unload(entry.entry_id)

        for wrong, action in product((other, entry), (GET_HISTORY, IMPORT_HISTORY)):
            with pytest.raises(ServiceValidationError):
                await _call(hass, action, wrong, start=NOW - timedelta(hours=3))


async def test_unloading_ends_a_reading_with_a_word(hass: HomeAssistant, tmp_path: Path) -> None:
    async with Emulator(EmulatorConfig(speed=50.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        call = asyncio.ensure_future(
            _call(hass, GET_HISTORY, entry, start=NOW - timedelta(hours=5))
        )
        await asyncio.sleep(0)

        await hass.config_entries.async_unload(entry.entry_id)

        with pytest.raises(HomeAssistantError) as caught:
            await call
        assert caught.value.translation_key == "link_error"


async def test_link_that_is_down_is_told(hass: HomeAssistant, tmp_path: Path) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")
        await entry.runtime_data.keeper.close()

        with pytest.raises(HomeAssistantError) as caught:
            await _call(hass, GET_HISTORY, entry, start=NOW - timedelta(hours=3))

        assert caught.value.translation_key == "link_error"
        await hass.config_entries.async_unload(entry.entry_id)


async def test_import_without_a_recorder_is_told(hass: HomeAssistant, tmp_path: Path) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = await _set_up(hass, emulator, tmp_path / "port")

        with pytest.raises(HomeAssistantError) as caught:
            await _call(hass, IMPORT_HISTORY, entry, start=NOW - timedelta(days=1))

        assert caught.value.translation_key == "history_no_recorder"
        await hass.config_entries.async_unload(entry.entry_id)


async def test_import_before_the_first_statistics_is_told_and_the_wish_of_the_set_up_kept(
    recorder_mock: Recorder, hass: HomeAssistant, tmp_path: Path
) -> None:
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        emulator.serve_pty(tmp_path / "port")
        config = emulator.config
        entry = entry_for(str(tmp_path / "port"), config.route_b_id, config.password)
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, options={CONF_IMPORT_DAYS: 30})
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()

        with pytest.raises(HomeAssistantError) as caught:
            await _call(hass, IMPORT_HISTORY, entry, start=NOW - timedelta(days=1), dry_run=True)

        assert caught.value.translation_key == "history_not_compiled"
        assert CONF_IMPORT_DAYS not in entry.options
        await hass.config_entries.async_unload(entry.entry_id)
