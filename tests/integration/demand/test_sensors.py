"""The sensors of the demand, from the bytes of the meter to the states."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.stack import JST, ReadReport
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.integration.conftest import Later, entry_for, live_session, poll, set_up, state_of
from tests.stack.scripted import METER_SAYS, ScriptedDongle, erxudp

START = datetime(2026, 5, 20, 14, 0, tzinfo=JST)


def _saying(dongle: ScriptedDongle, watts: int, count: int) -> None:
    says = METER_SAYS | {0xE7: f"{watts & 0xFFFFFFFF:08X}", 0xE0: f"{count:08X}"}
    dongle.know(says)


async def test_demand_is_the_average_of_the_running_half_hour(
    hass: HomeAssistant, dongle: ScriptedDongle, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to(START + timedelta(minutes=4))
    _saying(dongle, 2000, 0xFE68)
    await set_up(hass, entry_for())
    await poll(hass)

    freezer.move_to(START + timedelta(minutes=15))
    # 1.5 kWh since 14:00 by the registers: much more than the power that was seen.
    _saying(dongle, 2000, 0xFE68 + 15)
    await poll(hass)

    assert state_of(hass, "demand") == "5.600"  # at least 1.4 kWh in a quarter of an hour
    assert state_of(hass, "projected_demand") == "3.800"  # and 2 kW for another one
    state = hass.states.get("sensor.smart_meter_demand")
    assert state is not None
    assert state.attributes["half_hour"] == START.isoformat()
    assert state.attributes["unit_of_measurement"] == "kW"


async def test_peaks_outlive_a_restart_without_a_link(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    later: Later,
) -> None:
    freezer.move_to(START + timedelta(minutes=4))
    entry = entry_for()
    key = f"{DOMAIN}.{entry.data['identity']}.demand"
    hass_storage[key] = {
        "version": 1,
        "minor_version": 1,
        "key": key,
        "data": {
            "months": {
                "2026-05-01": {"start": "2026-05-09T18:30:00+09:00", "power": "1.4"},
                "2026-01-01": {"start": "2026-01-09T18:30:00+09:00", "power": "5.2"},
            },
            "since": "2026-01-01T00:00:00+09:00",
            "until": START.isoformat(),
        },
    }
    live_session(dongle)
    await set_up(hass, entry)
    await poll(hass)
    assert state_of(hass, "monthly_peak_demand") == "1.4"
    state = hass.states.get("sensor.smart_meter_12_month_peak_demand")
    assert state is not None
    assert (state.state, state.attributes["half_hour"]) == ("5.2", "2026-01-09T18:30:00+09:00")

    # 0.8 kWh until 14:30, which the meter announces by itself.
    freezer.move_to(START + timedelta(minutes=31))
    pushed = (Property(0xEA, bytes.fromhex("07EA05140E1E000000FE70")),)
    dongle.say(erxudp(Frame(7, METER, CONTROLLER, ESV.INF, pushed).encode()))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "monthly_peak_demand") == "1.6"

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    dongle.on_request = lambda _: None
    await later(300.0)
    assert state_of(hass, "power") == "unavailable"
    assert state_of(hass, "demand") == "unavailable"
    state = hass.states.get("sensor.smart_meter_monthly_peak_demand")
    assert state is not None
    assert (state.state, state.attributes["half_hour"]) == ("1.6", START.isoformat())

    await hass.config_entries.async_remove(entry.entry_id)
    assert key not in hass_storage


async def test_month_ends_without_a_link(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    await hass.config.async_set_time_zone("Asia/Kolkata")
    freezer.move_to(START + timedelta(minutes=4))
    entry = entry_for()
    key = f"{DOMAIN}.{entry.data['identity']}.demand"
    months = {"2026-05-01": {"start": "2026-05-09T18:30:00+09:00", "power": "1.4"}}
    data = {"months": months, "since": "2026-05-01T00:00:00+09:00", "until": START.isoformat()}
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    live_session(dongle)
    await set_up(hass, entry)
    await poll(hass)
    dongle.on_request = lambda _: None

    for moment in (datetime(2026, 5, 31, 23, 59, tzinfo=JST), datetime(2026, 6, 1, tzinfo=JST)):
        assert state_of(hass, "monthly_peak_demand") == "1.4"
        freezer.move_to(moment + timedelta(seconds=1))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    assert state_of(hass, "monthly_peak_demand") == "unavailable"
    assert state_of(hass, "12_month_peak_demand") == "1.4"


async def test_step_of_the_meters_clock_within_its_minute_keeps_the_demand(
    hass: HomeAssistant, dongle: ScriptedDongle, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to(START + timedelta(minutes=4))
    _saying(dongle, 5000, 0xFE68)
    entry = entry_for()
    await set_up(hass, entry)
    demand = entry.runtime_data.demand
    for seconds in range(0, 600, 30):
        offset = timedelta(seconds=100 if seconds < 540 else 45)
        report = ReadReport(values={0xE7: 5000 if seconds < 540 else 0})
        demand.note(report, START + timedelta(seconds=300 + seconds), offset)

    assert demand.running is not None
    assert demand.running.average > 4


async def test_meter_without_half_hours_has_no_demand(
    hass: HomeAssistant, dongle: ScriptedDongle, entity_registry: er.EntityRegistry
) -> None:
    says = {epc: edt for epc, edt in METER_SAYS.items() if epc not in {0x9F, 0xEA}}
    dongle.know(says)
    await set_up(hass, entry_for())

    assert state_of(hass, "power") == "632"
    assert state_of(hass, "demand") is None
    assert state_of(hass, "monthly_peak_demand") is None
