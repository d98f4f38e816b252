"""Home Assistant's own integration, the real one, beside an emulated dongle: how it is moved.

Nothing of it is replaced but the time that momonga sleeps and waits for.
"""

import asyncio
from collections.abc import AsyncIterator
import os
from pathlib import Path
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from momonga import Momonga, MomongaError, MomongaNeedToReopen
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.serial_port.release import async_load_again
from custom_components.wisun_route_b.session_end import session_ended_at
from custom_components.wisun_route_b.stack import Credentials
from custom_components.wisun_route_b.takeover.core_integration import (
    CORE_DOMAIN,
    CoreEntryBusyError,
    async_disable,
    async_release_port,
    core_entries,
    sensors_of,
)
from tools.emulator import DUMMY_ID, DUMMY_PASSWORD

from ..conftest import until

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[str]:
    """An emulated dongle in a process of its own, as its port would be open in ours."""
    path = tmp_path / "ttyWiSUN"
    emulator = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.emulator", "--pty", str(path), "--speed", "2000"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert emulator.stdout is not None
    await emulator.stdout.readline()
    assert path.is_symlink()
    yield str(path)
    emulator.terminate()
    await emulator.wait()


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have momonga, and who uses it, sleep no longer than a moment."""
    awake = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: time.sleep(0.001))
    for module in (
        "momonga.momonga",
        f"homeassistant.components.{CORE_DOMAIN}.coordinator",
    ):
        monkeypatch.setattr(f"{module}.time", awake)
    # It waits two seconds for what an earlier program may have left in the line.
    monkeypatch.setattr("momonga.momonga_sk_wrapper.MomongaSkWrapper._clear_buf", lambda _: None)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Momonga]:
    """All who have opened a port."""
    found: list[Momonga] = []
    open_port = Momonga.open

    def noted(self: Momonga) -> Momonga:
        found.append(self)
        return open_port(self)

    monkeypatch.setattr(Momonga, "open", noted)
    return found


def entry_of(device: str, route_b_id: str = DUMMY_ID, **other: Any) -> MockConfigEntry:
    """Return an entry as the other integration makes it."""
    data = {CONF_DEVICE: device, CONF_ID: route_b_id, CONF_PASSWORD: DUMMY_PASSWORD}
    return MockConfigEntry(
        **{
            "domain": CORE_DOMAIN,
            "title": "Route B Smart Meter",
            "unique_id": route_b_id,
            "data": data,
            **other,
        }
    )


async def set_up(hass: HomeAssistant, port: str) -> MockConfigEntry:
    entry = entry_of(port)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def is_open(port: str) -> bool:
    """Return whether this process has a port open."""
    real = os.path.realpath(port)
    return real in [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()]


async def test_port_is_free_once_it_is_disabled(hass: HomeAssistant, port: str) -> None:
    theirs = await set_up(hass, port)
    assert theirs.state is ConfigEntryState.LOADED
    assert is_open(port)

    await async_disable(hass, theirs.entry_id)

    assert (theirs.state, theirs.disabled_by) == (
        ConfigEntryState.NOT_LOADED,
        ConfigEntryDisabler.USER,
    )
    assert not is_open(port)
    # momonga has ended the session.
    identity = Credentials(DUMMY_ID, DUMMY_PASSWORD).fingerprint
    assert session_ended_at(hass, identity) == pytest.approx(hass.loop.time(), abs=5)


async def test_it_reads_again_once_it_is_restored(hass: HomeAssistant, port: str) -> None:
    theirs = await set_up(hass, port)
    energy = sensors_of(hass, theirs)["imported_energy"]
    await async_release_port(hass, theirs.entry_id)
    assert (theirs.state, theirs.disabled_by) == (ConfigEntryState.NOT_LOADED, None)
    assert not is_open(port)

    await async_load_again(hass, theirs.entry_id)
    await hass.async_block_till_done()

    assert (theirs.state, theirs.disabled_by) == (ConfigEntryState.LOADED, None)
    state = hass.states.get(energy)
    assert state is not None
    assert float(state.state) > 0
    await async_disable(hass, theirs.entry_id)


async def test_its_sensors_are_known_also_while_it_is_disabled(
    hass: HomeAssistant, port: str
) -> None:
    theirs = await set_up(hass, port)
    registry = er.async_get(hass)

    async def check() -> None:
        found = sensors_of(hass, theirs)
        assert set(found) == {"imported_energy", "power"}
        assert found["imported_energy"].endswith("_total_consumption")
        assert found["power"].endswith("_instantaneous_power")
        assert all(registry.async_get(entity_id) for entity_id in found.values())

    await check()
    registry.async_update_entity(
        sensors_of(hass, theirs)["power"], new_entity_id="sensor.p_instantaneous_power"
    )
    await async_disable(hass, theirs.entry_id)
    await check()


# --- When it keeps the port ---------------------------------------------------------------


async def test_poll_under_way_does_not_open_the_port_again(
    hass: HomeAssistant, port: str, opened: list[Momonga], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await set_up(hass, port)
    coordinator, meter = theirs.runtime_data, opened[0]
    asked, closed = threading.Event(), threading.Event()

    def wait_in_vain(*_: object, **__: object) -> None:
        asked.set()
        closed.wait(10)
        raise MomongaNeedToReopen("The session is gone")

    monkeypatch.setattr(meter.session_manager, "xmitter", wait_in_vain)
    poll = hass.async_create_task(coordinator.async_refresh())
    await until(asked.is_set)

    await async_disable(hass, theirs.entry_id)
    closed.set()
    await poll

    assert len(opened) == 1
    assert not is_open(port)


async def test_port_that_a_failed_set_up_has_left_open_is_told(
    hass: HomeAssistant, port: str, opened: list[Momonga], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Momonga) -> None:
        raise MomongaError("No answer")

    with monkeypatch.context() as mute:
        mute.setattr(Momonga, "get_instantaneous_current", fail)
        theirs = await set_up(hass, port)
    assert theirs.state is ConfigEntryState.SETUP_RETRY

    with pytest.raises(CoreEntryBusyError):
        await async_disable(hass, theirs.entry_id)

    assert theirs.disabled_by is ConfigEntryDisabler.USER
    await hass.async_add_executor_job(opened[0].close)
    await async_disable(hass, theirs.entry_id)


async def test_one_that_is_connecting_is_left_alone(hass: HomeAssistant) -> None:
    theirs = entry_of("/dev/ttyUSB0")
    theirs.add_to_hass(hass)
    theirs.mock_state(hass, ConfigEntryState.SETUP_IN_PROGRESS)

    with pytest.raises(CoreEntryBusyError):
        await async_disable(hass, theirs.entry_id)

    assert (theirs.state, theirs.disabled_by) == (ConfigEntryState.SETUP_IN_PROGRESS, None)


async def test_one_that_could_not_be_unloaded_is_told_and_set_up_at_the_next_start(
    hass: HomeAssistant, port: str, opened: list[Momonga], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await set_up(hass, port)

    def fail(_: Momonga) -> None:
        raise OSError("The dongle was pulled out")

    with monkeypatch.context() as broken:
        broken.setattr(Momonga, "close", fail)
        for _ in range(2):
            with pytest.raises(CoreEntryBusyError):
                await async_release_port(hass, theirs.entry_id)
            assert theirs.state is ConfigEntryState.FAILED_UNLOAD
            await async_load_again(hass, theirs.entry_id)
            assert theirs.disabled_by is None
    await hass.async_add_executor_job(opened[0].close)


# --- Which there are -------------------------------------------------------------------------


async def test_enabled_meters_come_first_and_incomplete_ones_not_at_all(
    hass: HomeAssistant,
) -> None:
    entries = {
        "disabled": entry_of("/dev/ttyUSB0", "0" * 32, disabled_by=ConfigEntryDisabler.USER),
        "enabled": entry_of("/dev/ttyUSB1", "1" * 32),
        "without port": entry_of("", "2" * 32),
        "ignored": entry_of("/dev/ttyUSB3", "3" * 32, source=SOURCE_IGNORE),
    }
    for entry in entries.values():
        entry.add_to_hass(hass)

    found: list[ConfigEntry] = core_entries(hass)

    assert found == [entries["enabled"], entries["disabled"]]
    assert sensors_of(hass, found[0]) == {}


async def test_one_that_the_user_has_disabled_stays_disabled(hass: HomeAssistant) -> None:
    theirs = entry_of("/dev/ttyUSB0", disabled_by=ConfigEntryDisabler.USER)
    theirs.add_to_hass(hass)

    await async_load_again(hass, theirs.entry_id)

    assert (theirs.state, theirs.disabled_by) == (
        ConfigEntryState.NOT_LOADED,
        ConfigEntryDisabler.USER,
    )


async def test_disabled_one_is_ready_at_once(hass: HomeAssistant) -> None:
    theirs = entry_of("/dev/ttyUSB0", disabled_by=ConfigEntryDisabler.USER)
    theirs.add_to_hass(hass)

    await async_disable(hass, theirs.entry_id)

    assert theirs.disabled_by is ConfigEntryDisabler.USER


async def test_credentials_in_a_form_that_no_meter_has_are_no_obstacle(
    hass: HomeAssistant, port: str, opened: list[Momonga]
) -> None:
    theirs = await set_up(hass, port)
    data = {CONF_DEVICE: "socket://192.0.2.1:8000", CONF_ID: "short", CONF_PASSWORD: "short"}
    hass.config_entries.async_update_entry(theirs, data=data)

    await async_disable(hass, theirs.entry_id)

    assert theirs.state is ConfigEntryState.NOT_LOADED
    assert not is_open(port)


async def test_what_was_removed_meanwhile_is_no_obstacle(hass: HomeAssistant) -> None:
    await async_release_port(hass, "gone")
    await async_load_again(hass, "gone")
    assert not core_entries(hass)
