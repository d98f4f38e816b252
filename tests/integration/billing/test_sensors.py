"""The sensors of the tariff, from the bytes of a meter to what the Energy dashboard accepts."""

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from homeassistant.components.energy.validate import ENERGY_PRICE_UNITS
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import DOMAIN, TARIFF
from custom_components.wisun_route_b.stack import JST
from tests.integration.conftest import entry_for, poll, set_up, until
from tools.emulator import Emulator, EmulatorConfig

PRICES = {"basic_charge": 935.25, "price_1": 29.8, "limit_1": 120, "price_2": 36.4}
PRICE = "sensor.electricity_tariff_electricity_price_now"


def _entry(emulator: Emulator, port: Path, reading_day: int) -> MockConfigEntry:
    emulator.serve_pty(port)
    entry = entry_for(str(port), emulator.config.route_b_id, emulator.config.password)
    data = {
        "reading_day": reading_day,
        "prices": [PRICES],
        "levy": [{"month": "2020-05", "per_kwh": 2.98}],
    }
    return _with_tariff(entry, data)


def _with_tariff(entry: MockConfigEntry, data: dict[str, Any]) -> MockConfigEntry:
    subentry = ConfigSubentry(
        data=MappingProxyType(data), subentry_type=TARIFF, title="Tariff", unique_id=None
    )
    object.__setattr__(entry, "subentries", MappingProxyType({subentry.subentry_id: subentry}))
    return entry


def _state(hass: HomeAssistant, key: str) -> State:
    state = hass.states.get(f"sensor.electricity_tariff_{key}")
    assert state is not None
    return state


@pytest.mark.usefixtures("fast_clock")
async def test_bill_is_that_of_the_meters_own_half_hours(
    hass: HomeAssistant, tmp_path: Path, hass_storage: dict[str, Any]
) -> None:
    reading = dt_util.utcnow().astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
    reading -= timedelta(days=3)
    async with Emulator(EmulatorConfig(speed=2000.0)) as emulator:
        entry = _entry(emulator, tmp_path / "port", reading.day)
        await set_up(hass, entry)
        await hass.async_block_till_done(wait_background_tasks=True)
        await poll(hass)
        await until(lambda: _state(hass, "bill_expected").state != "unavailable")

        bill = _state(hass, "bill_so_far")
        begin, end = emulator.meter.registers(reading), emulator.meter.registers(dt_util.utcnow())
        assert begin is not None
        assert end is not None
        energy = Decimal(str(bill.attributes["energy"]))
        assert abs(energy - Decimal(end[0] - begin[0]) / 10) <= Decimal("0.2")
        use = min(energy, Decimal(120)) * Decimal("29.8")
        use += max(energy - 120, Decimal()) * Decimal("36.4")
        levy = (energy * Decimal("2.98")).quantize(Decimal(1), ROUND_DOWN)
        total = Decimal("935.25") + use + levy
        assert Decimal(bill.state) == total.quantize(Decimal(1), ROUND_DOWN)
        assert bill.attributes["unit_of_measurement"] == "JPY"
        assert bill.attributes["device_class"] == "monetary"
        assert datetime.fromisoformat(bill.attributes["last_reset"]) == reading
        assert bill.attributes["period_start"] == reading.date().isoformat()
        assert int(_state(hass, "bill_expected").state) > int(bill.state)

        _is_a_price_for_the_dashboard(hass, energy)
        meter, tariff = _devices(hass, entry)
        assert (meter.entry_type, tariff.entry_type) == (None, "service")

        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
    assert not [key for key in hass_storage if "billing" in key]


def _is_a_price_for_the_dashboard(hass: HomeAssistant, energy: Decimal) -> None:
    price = hass.states.get(PRICE)
    assert price is not None
    assert price.state == ("32.78" if energy < 120 else "39.38")
    assert price.attributes["unit_of_measurement"] == "JPY/kWh"
    assert price.attributes["unit_of_measurement"].endswith(ENERGY_PRICE_UNITS)
    assert price.attributes["state_class"] == "measurement"


def _devices(hass: HomeAssistant, entry: MockConfigEntry) -> list[dr.DeviceEntry]:
    found = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    identity = entry.data["identity"]
    by_name = {next(iter(row.identifiers)): row for row in found}
    return [by_name[DOMAIN, identity], by_name[DOMAIN, f"{identity}_tariff"]]
