"""A Home Assistant with the integration, and dongles for it at the wire."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
import fcntl
import logging
import os
from pathlib import Path
import tty
from types import CoroutineType
from typing import Any

from aiousbwatcher import AIOUSBWatcher
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import usb
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD, MAJOR_VERSION, MINOR_VERSION
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.wisun_route_b import coordinator
from custom_components.wisun_route_b.const import (
    CONF_IDENTITY,
    CONF_NETWORK,
    CONF_ROUTE_B_ID,
    DOMAIN,
)
from custom_components.wisun_route_b.stack import Connector, Credentials, serial_connector
from tests.integration.idle_clock import IdleClock
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    METER_SAYS,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.stack.scripted_j11 import ScriptedJ11Dongle

type Wait = Callable[[timedelta], Awaitable[None]]

#: Seconds that the set-up of a known meter waits for its first reading.
FIRST_READING_WAIT = 4.0
SCRIPTED_PORT = "/dev/scripted"
#: What the set-up of an entry returns in an integration of Home Assistant's own.
CORE_SUCCEEDED = None if (MAJOR_VERSION, MINOR_VERSION) >= (2026, 11) else True

#: What the scripted meter says of itself, in the form that an entry keeps.
KNOWN = {
    "address": NETWORK.address,
    "values": {
        f"{epc:02X}": METER_SAYS[epc].lower() for epc in (0x82, 0x8A, 0x8D, 0x9F, 0xD3, 0xD7, 0xE1)
    },
    "refused": [],
}

JOIN_IGNORED = f"OK\r\nEVENT 21 {METER_IP} 00\r\nEVENT 24 {METER_IP}\r\n".encode()


type Later = Callable[[float], Awaitable[None]]
type PutOn = Callable[[timedelta], None]


@pytest.fixture
def wait(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Wait:
    """Let time pass for everything that waits for a moment."""

    async def pass_by(time: timedelta) -> None:
        freezer.tick(time)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    return pass_by


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the integration found, and the ports of the machine left alone."""
    monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", list)
    monkeypatch.setattr(AIOUSBWatcher, "async_start", lambda _: lambda: None)


@pytest.fixture(autouse=True)
async def idle_clock(monkeypatch: pytest.MonkeyPatch) -> IdleClock:
    """Have no test wait for a timer."""
    return IdleClock(asyncio.get_running_loop(), monkeypatch)


@pytest.fixture
def mock_recorder_before_hass(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the recorder patched before there is a Home Assistant, if the test has one.

    Its tests are done without a debug log, which takes longer than all the rest.
    """
    if "recorder_mock" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("async_test_recorder")
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def recorder_config() -> dict[str, Any]:
    """Have the recorder look back one day at a start, not ten: that takes its time."""
    return {"purge_keep_days": 1}


@pytest.fixture
def fast_clock(idle_clock: IdleClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time jump too while a port is open or a thread works, unless they do something soon."""
    idle_clock.real_time = False
    # What they do meanwhile takes as long as ever.
    monkeypatch.setattr(coordinator, "_FIRST_READING_WAIT", 100 * FIRST_READING_WAIT)


def hurry(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Let the event loop's time pass so many times faster, as that of an emulator does."""
    loop = hass.loop
    # No public seam leads to the waiting of an event loop.
    selector = vars(loop)["_selector"]
    real_time, real_select, begin = loop.time, selector.select, loop.time()

    def select(timeout: float | None = None) -> object:
        return real_select(timeout and timeout / factor)

    # What Home Assistant does meanwhile takes as long as ever.
    monkeypatch.setattr(coordinator, "_FIRST_READING_WAIT", factor * FIRST_READING_WAIT)
    monkeypatch.setattr(loop, "time", lambda: begin + (real_time() - begin) * factor)
    monkeypatch.setattr(selector, "select", select)


@pytest.fixture
def later(hass: HomeAssistant, idle_clock: IdleClock) -> Later:
    """Let the event loop's time pass, so that what was to happen till then happens, in its order."""

    async def pass_by(seconds: float) -> None:
        await idle_clock.pass_by(seconds)
        await hass.async_block_till_done()

    return pass_by


@pytest.fixture
def put_on(monkeypatch: pytest.MonkeyPatch) -> PutOn:
    """Put the wall clock on; unlike a frozen one, it leaves the event loop's clock alone."""
    ahead = timedelta()
    real = dt_util.utcnow
    monkeypatch.setattr(dt_util, "utcnow", lambda: real() + ahead)

    def put(further: timedelta) -> None:
        nonlocal ahead
        ahead += further

    return put


@pytest.fixture
def scripted_ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedDongle]:
    """Dongles that say what a test wants, by their port."""
    ports: dict[str, ScriptedDongle] = {}

    def connector(url: str) -> Connector:
        return ports[url].connector() if url in ports else serial_connector(url)

    monkeypatch.setattr(
        f"custom_components.{DOMAIN}.serial_port.connector.serial_connector", connector
    )
    return ports


@pytest.fixture
def dongle(scripted_ports: dict[str, ScriptedDongle]) -> ScriptedDongle:
    """A dongle that says what a test wants, on the port SCRIPTED_PORT."""
    return scripted_ports.setdefault(SCRIPTED_PORT, ScriptedDongle())


@pytest.fixture
def j11_dongle(scripted_ports: dict[str, ScriptedDongle]) -> ScriptedJ11Dongle:
    """The same with a dongle that speaks J11."""
    scripted = ScriptedJ11Dongle()
    scripted_ports[SCRIPTED_PORT] = scripted
    return scripted


@pytest.fixture
def mute_port(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A serial port with nothing at its other end: its path, and that other end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    path = tmp_path / "port"
    path.symlink_to(os.ttyname(slave))
    yield str(path), master
    os.close(master)
    os.close(slave)


def entry_for(
    device: str = SCRIPTED_PORT, route_b_id: str = ROUTE_B_ID, password: str = PASSWORD
) -> MockConfigEntry:
    """Return an entry as the set-up dialog makes it."""
    identity = Credentials(route_b_id, password).fingerprint
    return MockConfigEntry(
        domain=DOMAIN,
        title="Smart meter",
        unique_id=identity,
        data={
            CONF_DEVICE: device,
            CONF_ROUTE_B_ID: route_b_id,
            CONF_PASSWORD: password,
            CONF_IDENTITY: identity,
            CONF_NETWORK: NETWORK.as_dict(),
        },
    )


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set an entry up and wait until that is through."""
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def poll(hass: HomeAssistant) -> None:
    """Let the next poll happen, now."""
    async_fire_time_changed(hass, fire_all=True)
    await hass.async_block_till_done(wait_background_tasks=True)


def state_of(hass: HomeAssistant, key: str) -> str | None:
    """Return the state of a sensor of the one meter, None if there is no such sensor."""
    state = hass.states.get(f"sensor.smart_meter_{key}")
    return state.state if state else None


async def until(happened: Callable[[], bool]) -> None:
    """Let everything that is ready run, until something has happened."""
    pause = 0.001
    for _ in range(2000):
        if happened():
            return
        await asyncio.sleep(pause)
        pause = min(1.01 * pause, 0.05)  # enough for the longest pauses of the link
    raise AssertionError("It did not happen")


def live_session(dongle: ScriptedDongle) -> None:
    """Have the dongle say that it still is in the network of the meter."""
    dongle.replies["SKINFO"] = (
        f"EINFO {DONGLE_IP} 001D12900005747B {NETWORK.channel:02X} {NETWORK.pan_id:04X} FFFE\r\n"
        "OK\r\n"
    ).encode()


def without_half_hours(dongle: ScriptedDongle) -> None:
    """Have the meter know no half-hourly value: the history before that would be looked up."""
    says = {epc: edt for epc, edt in METER_SAYS.items() if epc != 0xEA}
    dongle.know(says)


def plug_in(hass: HomeAssistant) -> None:
    """Have Home Assistant notice a new serial device."""
    device = usb.USBDevice(
        device="/dev/new",
        vid="0403",
        pid="6015",
        serial_number=None,
        manufacturer=None,
        description=None,
    )
    # The one place in Home Assistant where port events come from.
    for heard in tuple(vars(hass.data[usb._USB_DATA])["_port_event_callbacks"]):
        heard({device}, set())


def words(dongle: ScriptedDongle) -> list[str]:
    return [command.partition(" ")[0] for command in dongle.commands]


def nothing_goes_on() -> bool:
    """Return whether every task of the integration has ended, but for the keeping of a link.

    Home Assistant itself does not wait for tasks that are being cancelled.
    """
    return not [
        task
        for task in asyncio.all_tasks()
        if isinstance(coro := task.get_coro(), CoroutineType)
        and f"custom_components/{DOMAIN}/" in coro.cr_code.co_filename
        and coro.cr_code.co_qualname != "LinkKeeper._keep"
    ]


def real_path(path: str) -> str:
    """Return the port behind a symbolic link."""
    return os.path.realpath(path)


@contextmanager
def exclusively(path: str) -> Iterator[None]:
    """Hold a port as another program would."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def held_by_us(path: str) -> bool:
    """Return whether a port cannot be had exclusively."""
    try:
        with exclusively(path):
            return False
    except BlockingIOError:
        return True
