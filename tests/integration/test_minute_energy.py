"""Meters of the second generation: the registers at the last full minute, and finer steps."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.wisun_route_b.const import CONF_IDENTITY, DOMAIN
from custom_components.wisun_route_b.stack import JST
from tools.emulator import MODELS, Emulator, EmulatorConfig

from .conftest import entry_for, poll, set_up, state_of

NOON = datetime(2026, 11, 22, 12, 15, 37, tzinfo=JST)
KEYS = ("minute_imported_energy", "minute_exported_energy")
STEPS = {"gen2": Decimal("0.1"), "gen2-wh": Decimal("0.001"), "gen2-tenth-wh": Decimal("0.0001")}

type House = Callable[..., AbstractAsyncContextManager[Emulator]]


@pytest.fixture
def house(hass: HomeAssistant, tmp_path: Path) -> House:
    @asynccontextmanager
    async def built(model: str, *enabled: str) -> AsyncIterator[Emulator]:
        config = EmulatorConfig(speed=2000.0, clock=lambda: NOON, model=MODELS[model])
        async with Emulator(config) as emulator:
            emulator.serve_pty(tmp_path / "port")
            entry = entry_for(str(tmp_path / "port"), config.route_b_id, config.password)
            for key in enabled:
                er.async_get(hass).async_get_or_create(
                    "sensor", DOMAIN, f"{entry.data[CONF_IDENTITY]}_{key}", disabled_by=None
                )
            await set_up(hass, entry)
            await hass.async_block_till_done(wait_background_tasks=True)
            await poll(hass)
            yield emulator
            await hass.config_entries.async_unload(entry.entry_id)

    return built


@pytest.mark.parametrize("model", STEPS)
async def test_registers_are_those_of_the_last_full_minute(
    hass: HomeAssistant, house: House, model: str
) -> None:
    async with house(model, *KEYS) as emulator:
        shown = emulator.meter.registers(NOON.replace(second=0))
        assert shown is not None
        for key, count in zip(KEYS, shown, strict=True):
            entity_id = er.async_get(hass).async_get_entity_id(
                "sensor", DOMAIN, f"{_identity(hass)}_{key}"
            )
            assert entity_id is not None
            state = hass.states.get(entity_id)
            assert state is not None
            assert Decimal(state.state) == count * STEPS[model]
            assert state.attributes["measured_at"] == "2026-11-22T12:15:00+09:00"
            assert state.attributes["state_class"] == "total_increasing"


async def test_they_are_off_at_first(hass: HomeAssistant, house: House) -> None:
    async with house("gen2"):
        registry = er.async_get(hass)
        for key in KEYS:
            entity_id = registry.async_get_entity_id("sensor", DOMAIN, f"{_identity(hass)}_{key}")
            assert entity_id is not None
            entity = registry.async_get(entity_id)
            assert entity is not None
            assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_meter_that_does_not_list_them_has_none(hass: HomeAssistant, house: House) -> None:
    async with house("gen1"):
        registry = er.async_get(hass)
        assert state_of(hass, "power") is not None
        for key in KEYS:
            found = registry.async_get_entity_id("sensor", DOMAIN, f"{_identity(hass)}_{key}")
            assert found is None


async def test_refused_register_takes_nothing_else_away(hass: HomeAssistant, house: House) -> None:
    async with house("gen2-without-minutes", KEYS[0]) as emulator:
        registers = emulator.meter.registers(NOON)
        assert registers is not None
        assert state_of(hass, "imported_energy") == str(registers[0] * STEPS["gen2"])
        assert state_of(hass, "power") == str(emulator.meter.profile.power(NOON))
        entity_id = er.async_get(hass).async_get_entity_id(
            "sensor", DOMAIN, f"{_identity(hass)}_{KEYS[0]}"
        )
        assert entity_id is not None
        state = hass.states.get(entity_id)
        assert state is not None
        assert state.state == "unavailable"


def test_fine_register_starts_again_within_years() -> None:
    emulator = Emulator(EmulatorConfig(model=MODELS["gen2-tenth-wh"]))
    meter = emulator.meter
    energy = meter.profile.energy(NOON).imported / 3_600_000
    shown = meter.registers(NOON)

    assert energy > 10_000  # kWh: it has done so at least once
    assert shown is not None
    assert 0 <= shown[0] / 10_000 < 10_000
    week = [meter.registers(NOON - timedelta(days=day)) for day in range(1, 1500, 7)]
    counts = [pair[0] for pair in week if pair is not None]
    assert any(newer < older for newer, older in pairwise(counts))


def _identity(hass: HomeAssistant) -> str:
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    return str(entry.data[CONF_IDENTITY])
