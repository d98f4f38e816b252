"""A port that hangs in the kernel: one thread, a reason, and back within seconds of the adapter."""

import asyncio
from collections.abc import Callable
from pathlib import Path
import threading

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import serial

from custom_components.wisun_route_b.const import CONF_IDENTITY, CONF_ROUTE_B_ID, DOMAIN
from custom_components.wisun_route_b.stack import Credentials, LinkState, errors
from tools.emulator import Emulator, EmulatorConfig

from ..conftest import hurry, set_up
from ..repairs.shown_issues import issues

ROUTE_B_ID = "0123456789ABCDEF0123456789ABCDEF"
PASSWORD = "PaSsWoRd4567"
FACTOR = 20.0


def _entry_on(path: str) -> MockConfigEntry:
    identity = Credentials(ROUTE_B_ID, PASSWORD).fingerprint
    return MockConfigEntry(
        domain=DOMAIN,
        title="Smart meter",
        unique_id=identity,
        data={
            CONF_DEVICE: path,
            CONF_ROUTE_B_ID: ROUTE_B_ID,
            CONF_PASSWORD: PASSWORD,
            CONF_IDENTITY: identity,
        },
    )


def _config() -> EmulatorConfig:
    return EmulatorConfig(route_b_id=ROUTE_B_ID, password=PASSWORD, speed=FACTOR)


def _our_threads() -> int:
    return sum(thread.name == "wisun-route-b port" for thread in threading.enumerate())


async def _within(hass: HomeAssistant, seconds: float, happened: Callable[[], bool]) -> None:
    """Wait until something happens; fail after so many seconds of the loop's clock."""
    end = hass.loop.time() + seconds
    while not happened():
        assert hass.loop.time() < end
        await asyncio.sleep(1.0)


async def test_an_adapter_that_hangs_costs_one_thread_and_is_back_by_itself(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, gate = str(tmp_path / "ttyUSB0"), threading.Event()
    real = serial.serial_for_url

    def stuck(url: str, *, baudrate: int, exclusive: bool) -> serial.Serial:
        gate.wait(50)
        return real(url, baudrate=baudrate, exclusive=exclusive)

    hurry(hass, monkeypatch, FACTOR)
    async with Emulator(_config()) as emulator:
        emulator.serve_pty(path)
        entry = _entry_on(path)
        await set_up(hass, entry)
        assert entry.state is ConfigEntryState.LOADED
        keeper = entry.runtime_data.keeper

        monkeypatch.setattr(serial, "serial_for_url", stuck)
        emulator.faults.unplug()
        emulator.faults.replug()
        await _within(hass, 600.0, lambda: bool(issues(hass)))
        threads, error = _our_threads(), keeper.status.error
        gate.set()
        await _within(hass, 60.0, lambda: keeper.state is LinkState.CONNECTED)
        await hass.config_entries.async_unload(entry.entry_id)

    assert threads == 1
    assert isinstance(error, errors.PortStuckError)


async def test_an_adapter_that_never_sends_what_it_took_does_not_keep_its_port(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, gate = str(tmp_path / "ttyUSB0"), threading.Event()
    monkeypatch.setattr(serial.Serial, "flush", lambda _: gate.wait(50))
    hurry(hass, monkeypatch, FACTOR)
    async with Emulator(_config()) as emulator:
        emulator.serve_pty(path)
        entry = _entry_on(path)
        await set_up(hass, entry)
        keeper = entry.runtime_data.keeper

        emulator.faults.mute_dongle()
        await _within(hass, 300.0, lambda: keeper.state is LinkState.WAITING)
        emulator.faults.unmute_dongle()
        await _within(hass, 60.0, lambda: keeper.state is LinkState.CONNECTED)
        await hass.config_entries.async_unload(entry.entry_id)
    gate.set()
