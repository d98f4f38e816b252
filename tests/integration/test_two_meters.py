"""Two meters behind two dongles in one Home Assistant: each has its name, its values and its faults."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.wisun_route_b.const import CONF_IDENTITY, CONF_ROUTE_B_ID, DOMAIN
from custom_components.wisun_route_b.repairs.issues import Problem, issue_monitor_of
from custom_components.wisun_route_b.stack import JST
from tools.emulator import Emulator, EmulatorConfig

from .conftest import until
from .repairs.shown_issues import issues
from .test_emulator import PASSWORD, dialog

_IDS = ("0123456789ABCDEF0123456789ABCDEF", "00112233445566778899AABBCCDDEEFF")
_NOON = datetime(2026, 11, 22, 12, 15, 3, tzinfo=JST)
_NAMES = {"en": ("Smart meter", "Smart meter 2"), "ja": ("スマートメーター", "スマートメーター 2")}


@pytest.fixture
async def emulators(tmp_path: Path) -> AsyncIterator[list[Emulator]]:
    """Two dongles at the ports "0" and "1" of the folder, each with its own meter."""
    async with AsyncExitStack() as stack:
        built = []
        for number, route_b_id in enumerate(_IDS):
            config = EmulatorConfig(
                route_b_id=route_b_id,
                password=PASSWORD,
                speed=2000.0,
                clock=lambda: _NOON,
                seed=number + 1,
            )
            emulator = await stack.enter_async_context(Emulator(config))
            emulator.serve_pty(str(tmp_path / str(number)))
            built.append(emulator)
        yield built


async def set_up_both(hass: HomeAssistant, folder: Path) -> list[ConfigEntry]:
    entries = []
    for number, route_b_id in enumerate(_IDS):
        result = await dialog(
            hass, "", **{CONF_DEVICE: str(folder / str(number)), CONF_ROUTE_B_ID: route_b_id}
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY
        entries.append(result["result"])
    return entries


@pytest.mark.usefixtures("emulators")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_second_meter_is_told_from_the_first_wherever_it_is_named(
    hass: HomeAssistant, tmp_path: Path, device_registry: dr.DeviceRegistry, language: str
) -> None:
    hass.config.language = language
    entries = await set_up_both(hass, tmp_path)

    assert tuple(entry.title for entry in entries) == _NAMES[language]
    devices = [
        device_registry.async_get_device_by_identifier(
            (DOMAIN, entry.data[CONF_IDENTITY]), entry.entry_id
        )
        for entry in entries
    ]
    assert tuple(device.name for device in devices if device) == _NAMES[language]

    second = entries[1]
    second.async_start_reauth(hass)
    await hass.async_block_till_done()
    (flow,) = second.async_get_active_flows(hass, {SOURCE_REAUTH})
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    placeholders = form["description_placeholders"]
    assert placeholders is not None
    assert placeholders["name"] == _NAMES[language][1]

    issue_monitor_of(hass, second).create(Problem.DONGLE_MISSING)
    shown = issues(hass)["dongle_missing"].translation_placeholders
    assert shown == {"name": _NAMES[language][1]}


async def test_each_meter_shows_its_own_values_and_only_the_one_that_fails_is_lost(
    hass: HomeAssistant, tmp_path: Path, emulators: list[Emulator]
) -> None:
    entries = await set_up_both(hass, tmp_path)

    for prefix, emulator in zip(("smart_meter", "smart_meter_2"), emulators, strict=True):
        state = hass.states.get(f"sensor.{prefix}_imported_energy")
        assert state is not None
        truth = emulator.truth()["energy_imported"]
        assert isinstance(truth, dict)
        assert state.state == truth["kwh"]

    emulators[1].faults.terminate()
    emulators[1].faults.refuse_sign_ins(on=True)
    await until(lambda: not hass.states.is_state("sensor.smart_meter_2_link_state", "connected"))
    assert hass.states.is_state("sensor.smart_meter_link_state", "connected")
    assert hass.states.is_state("binary_sensor.smart_meter_connectivity", "on")

    emulators[1].faults.refuse_sign_ins(on=False)
    entries[1].runtime_data.keeper.retry_now()
    await until(lambda: hass.states.is_state("sensor.smart_meter_2_link_state", "connected"))
    assert [entry.state for entry in entries] == [ConfigEntryState.LOADED] * 2


@pytest.mark.usefixtures("emulators")
async def test_name_that_is_free_again_is_given_again(hass: HomeAssistant, tmp_path: Path) -> None:
    first, second = await set_up_both(hass, tmp_path)
    await hass.config_entries.async_remove(first.entry_id)

    result = await dialog(hass, "", **{CONF_DEVICE: str(tmp_path / "0"), CONF_ROUTE_B_ID: _IDS[0]})

    assert (result["result"].title, second.title) == _NAMES["en"]
