"""Where is the dongle? Asked before each opening, for all meters together."""

import os
import threading
from typing import Any

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_USB, DOMAIN
from custom_components.wisun_route_b.stack import LinkState
from tests.stack.scripted import DONGLE_IP, ScriptedDongle

from ..conftest import JOIN_IGNORED, Later, entry_for, set_up, state_of, until
from ..flow.dialogs import FORM, submit
from ..repairs.shown_issues import issues, texts
from .usb_ports import (
    IDENTITY,
    NUMBER,
    Machine,
    device,
    happens,
    identity,
    known,
    other_stick,
)

USB0, USB1, USB2 = "/dev/ttyUSB90", "/dev/ttyUSB91", "/dev/ttyUSB92"
SECOND_ID = "FF112233445566778899AABBCCDDEEFF"


def unnumbered(path: str, resolved: str | None = None) -> usb.SerialDevice:
    """Return a port of which no vendor is listed."""
    return usb.SerialDevice(
        device=path,
        resolved_device=resolved,
        serial_number=None,
        manufacturer=None,
        description=None,
    )


@pytest.fixture
def machine(dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def stick() -> ScriptedDongle:
    """Another stick: whoever opens it has opened the wrong port."""
    return ScriptedDongle()


# --- At the start ---------------------------------------------------------------------------


async def test_names_that_have_changed_places_are_noticed_before_the_opening(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, stick: ScriptedDongle
) -> None:
    machine.put(dongle, USB1)
    machine.dongles[USB0] = stick
    machine.listed.append(other_stick(USB0))
    entry = known(USB0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_DEVICE] == USB1
    assert machine.opened == [USB1]
    assert not stick.commands


async def test_dongle_that_has_moved_while_its_meter_was_disabled_is_found(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    entry = known(USB0)
    object.__setattr__(entry, "disabled_by", ConfigEntryDisabler.USER)
    entry.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    machine.put(dongle, USB1)
    happens(hass, device(USB1))
    await hass.async_block_till_done()

    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert machine.opened == [USB1]


async def test_all_names_have_moved_up_by_one(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    second = ScriptedDongle()
    entries = known(USB0, "A1"), known(USB1, "B2", SECOND_ID)
    machine.put(dongle, USB1, "A1")
    machine.put(second, USB2, "B2")
    for entry in entries:
        entry.add_to_hass(hass)

    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()

    assert [entry.data[CONF_DEVICE] for entry in entries] == [USB1, USB2]
    assert sorted(set(machine.opened)) == [USB1, USB2]
    assert dongle.commands
    assert second.commands


async def test_two_meters_have_exchanged_their_ports(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    second = ScriptedDongle()
    entries = known(USB0, "A1"), known(USB1, "B2", SECOND_ID)
    machine.put(dongle, USB1, "A1")
    machine.put(second, USB0, "B2")
    for entry in entries:
        entry.add_to_hass(hass)

    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()

    assert [entry.data[CONF_DEVICE] for entry in entries] == [USB1, USB0]


async def test_dongle_of_another_meter_is_not_opened_for_one_without_a_number(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    first, second = known(USB0, "A1"), entry_for(USB1, SECOND_ID)
    machine.put(dongle, USB1, "A1")
    first.add_to_hass(hass)
    second.add_to_hass(hass)

    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()

    assert first.data[CONF_DEVICE] == USB1
    assert first.state is ConfigEntryState.LOADED
    assert (second.state, second.error_reason_translation_key) == (
        ConfigEntryState.SETUP_RETRY,
        "other_device",
    )
    assert machine.opened == [USB1]


# --- Another device -------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    "there",
    [
        other_stick(USB0),
        other_stick(USB0, None),
        device(USB0, "ANOTHER"),
        unnumbered(USB0, "/dev/ttyS90"),
    ],
    ids=["other model", "other model without a number", "other number", "no USB device"],
)
async def test_what_is_another_device_is_not_opened_and_a_person_learns_of_it(
    hass: HomeAssistant,
    machine: Machine,
    dongle: ScriptedDongle,
    *,
    stick: ScriptedDongle,
    later: Later,
    there: usb.USBDevice | usb.SerialDevice,
    language: str,
) -> None:
    machine.dongles[USB0] = stick
    machine.listed = [there]
    entry = known(USB0)
    await set_up(hass, entry)

    assert (entry.state, entry.error_reason_translation_key) == (
        ConfigEntryState.SETUP_RETRY,
        "other_device",
    )
    await later(290)
    assert not issues(hass)
    await later(15)
    shown = await texts(hass, issues(hass)["other_device"], language)
    assert "Smart meter" in shown["title"]
    assert "Smart meter" in shown["description"]
    assert machine.opened == []

    machine.put(dongle, USB1)
    happens(hass, device(USB1))
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not issues(hass)
    assert not stick.commands


async def test_dongle_whose_vendor_cannot_be_read_is_opened_where_it_was(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    machine.dongles[USB0] = dongle
    machine.listed = [unnumbered(USB0)]
    entry = known(USB0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert machine.opened == [USB0]


@pytest.mark.parametrize("number", [None, "0001"])
async def test_port_that_another_integration_has_open_is_not_opened(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, number: str | None
) -> None:
    machine.put(dongle, USB0, number)
    other = MockConfigEntry(
        domain="zha", data={"device": {"path": USB0}}, state=ConfigEntryState.LOADED
    )
    other.add_to_hass(hass)
    entry = entry_for(USB0)

    await set_up(hass, entry)
    assert entry.error_reason_translation_key == "port_busy"
    await hass.config_entries.async_remove(entry.entry_id)

    assert machine.opened == []
    assert not dongle.commands
    other.mock_state(hass, ConfigEntryState.NOT_LOADED)


async def test_files_in_the_settings_of_others_are_not_looked_at(
    hass: HomeAssistant,
    machine: Machine,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    stat = os.stat

    def note(path: Any, **more: Any) -> os.stat_result:
        asked.append(path)
        return stat(path, **more)

    monkeypatch.setattr(os, "stat", note)
    machine.put(dongle, USB0)
    other = MockConfigEntry(
        domain="local_file", options={"file": "/mnt/away/x"}, state=ConfigEntryState.LOADED
    )
    other.add_to_hass(hass)
    entry = known(USB0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert "/mnt/away/x" not in asked
    assert USB0 in asked
    other.mock_state(hass, ConfigEntryState.NOT_LOADED)


async def test_dongle_that_comes_while_a_set_up_fails_at_its_old_port_is_used_at_once(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, later: Later
) -> None:
    mute = ScriptedDongle()
    mute.replies |= {"SKVER": b""}
    machine.dongles[USB0] = mute
    entry = known(USB0)
    entry.add_to_hass(hass)
    setup = hass.config_entries.async_setup(entry.entry_id)
    _ = hass.async_create_background_task(setup, "set-up")
    await until(lambda: bool(mute.commands))

    machine.put(dongle, USB1)
    happens(hass, device(USB1))
    happens(hass, device(USB1))
    await until(lambda: entry.data[CONF_DEVICE] == USB1)
    while entry.state is ConfigEntryState.SETUP_IN_PROGRESS and len(machine.opened) == 1:
        await later(0.5)
    # Home Assistant itself would try again after five seconds, and later and later.
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert machine.opened == [USB0, USB1]


@pytest.mark.parametrize("number", [None, NUMBER])
async def test_number_that_cannot_be_read_or_is_ours_is_no_reason_not_to_open(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, number: str | None
) -> None:
    machine.put(dongle, USB0, number)
    entry = known(USB0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED


async def test_session_is_not_ended_in_another_device_when_the_meter_is_removed(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, stick: ScriptedDongle
) -> None:
    machine.put(dongle, USB0)
    entry = known(USB0)
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    machine.dongles[USB0] = stick
    machine.listed = [other_stick(USB0)]

    await hass.config_entries.async_remove(entry.entry_id)

    assert not stick.commands


# --- While the meter is read ----------------------------------------------------------------


@pytest.mark.usefixtures("fast_clock")
async def test_port_is_asked_for_at_each_opening(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, stick: ScriptedDongle
) -> None:
    machine.put(dongle, USB0)
    entry = known(USB0)
    await set_up(hass, entry)
    keeper = entry.runtime_data.keeper

    dongle.unplug()
    machine.put(dongle, USB1)
    machine.dongles[USB0] = stick
    machine.listed.append(other_stick(USB0))
    await until(lambda: keeper.state is not LinkState.CONNECTED)
    await until(lambda: keeper.state is LinkState.CONNECTED)

    assert entry.data[CONF_DEVICE] == USB1
    assert not stick.commands


async def test_removal_of_the_old_port_counts_as_well(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    entry = known(USB0)
    machine.listed = [device(USB0), device(USB1)]  # the dead node goes later than the new one comes
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    machine.put(dongle, USB1)
    happens(hass, removed=[device(USB0)])
    await until(lambda: entry.state is ConfigEntryState.LOADED)

    assert entry.data[CONF_DEVICE] == USB1


async def test_living_link_is_left_alone(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    machine.put(dongle, USB0)
    entry = known(USB0)
    await set_up(hass, entry)
    begun = entry.runtime_data

    # Another stick comes and goes, and one with the number of ours.
    others = [other_stick(USB1), device(USB2)]
    machine.listed = [*others]
    happens(hass, *others, removed=[device(USB0)])
    await hass.async_block_till_done()
    happens(hass, removed=others)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert entry.runtime_data is begun
    assert begun.keeper.state is LinkState.CONNECTED
    assert entry.data[CONF_DEVICE] == USB0
    assert machine.opened == [USB0]


async def test_another_stick_has_no_meter_looked_for(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_IGNORED
    dongle.replies["SKSCAN"] = f"OK\r\nEVENT 22 {DONGLE_IP}\r\n".encode()
    machine.put(dongle, USB0)
    entry = known(USB0)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    commands = len(dongle.commands)

    for stick in (other_stick(USB1), device(USB2, None)):
        happens(hass, stick)
        await hass.async_block_till_done()
        happens(hass, removed=[stick])
        await hass.async_block_till_done()

    assert len(dongle.commands) == commands
    happens(hass, device(USB0))  # ours was plugged in again, perhaps nearer to the meter
    await hass.async_block_till_done()
    assert len(dongle.commands) > commands


# --- The list fails, or is of no use ----------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        PermissionError("sysfs"),
        ValueError("invalid literal for int()"),
        UnicodeDecodeError("utf-8", b"DK00TEST\xff", 8, 9, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_port_is_opened_if_the_ports_cannot_be_listed(
    hass: HomeAssistant,
    machine: Machine,
    dongle: ScriptedDongle,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine.put(dongle, USB0)
    machine.scan_error = error
    entry = known(USB0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert "DK00TEST" not in caplog.text


async def test_scan_that_does_not_return_is_waited_for_once_and_not_repeated(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, fast_clock: None
) -> None:
    machine.put(dongle, USB0)
    machine.hold = threading.Event()
    entry = known(USB0)
    try:
        begun = hass.loop.time()
        await set_up(hass, entry)
        await until(lambda: entry.state is ConfigEntryState.LOADED)
        for _ in range(4):
            await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        assert hass.loop.time() - begun < 300  # a hundredth of that in real time
        assert machine.scans == 1
    finally:
        machine.hold.set()


@pytest.mark.parametrize("number", ["0001", "00000000", "  ", "0123456789"])
async def test_number_that_many_devices_have_is_not_followed(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, number: str
) -> None:
    machine.put(dongle, USB1, number)
    entry = known(USB0, number)

    await set_up(hass, entry)

    assert entry.data[CONF_DEVICE] == USB0
    assert machine.opened == [USB0]


async def test_sign_in_is_not_lost_because_the_ports_cannot_be_listed(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    machine.put(dongle, USB0)
    machine.scan_error = ValueError("invalid literal for int()")
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    result = await submit(hass, flow["flow_id"], FORM, device=USB0)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.data[CONF_USB] is None
    assert state_of(hass, "power") == "632"

    # The number is stored as soon as it can be read.
    machine.scan_error = None
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.data[CONF_USB] == IDENTITY


async def test_number_of_the_dongle_of_another_meter_is_not_stored(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    machine.put(dongle, USB0, "A1")
    entry = entry_for(USB0)
    await set_up(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert entry.data[CONF_USB] == identity("A1")


# --- In the dialog ----------------------------------------------------------------------------


async def _reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    return flow["flow_id"]


async def test_dialog_goes_where_the_dongle_is(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle, stick: ScriptedDongle
) -> None:
    entry = known(USB0)
    entry.add_to_hass(hass)
    machine.put(dongle, USB1)
    machine.dongles[USB0] = stick
    machine.listed.append(other_stick(USB0))
    flow_id = await _reconfigure(hass, entry)

    result = await submit(hass, flow_id, {CONF_DEVICE: USB0})

    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_DEVICE] == USB1
    assert not stick.commands


async def test_new_dongle_at_the_old_port_is_taken_when_a_person_says_so_twice(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    entry = known(USB0, "BROKEN1")
    entry.add_to_hass(hass)
    machine.put(dongle, USB0, "NEW2")
    flow_id = await _reconfigure(hass, entry)

    result = await submit(hass, flow_id, {CONF_DEVICE: USB0})
    assert result["errors"] == {"base": "other_device"}
    assert not dongle.commands

    result = await submit(hass, flow_id, {CONF_DEVICE: USB0})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_USB] == identity("NEW2")
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_port_of_another_meter_is_known_by_where_its_dongle_is_now(
    hass: HomeAssistant, machine: Machine, dongle: ScriptedDongle
) -> None:
    other = known(USB0, "A1", SECOND_ID)
    other.add_to_hass(hass)
    machine.put(dongle, USB1, "A1")
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    result = await submit(hass, flow["flow_id"], FORM, device=USB1)

    assert result["errors"] == {CONF_DEVICE: "port_already_configured"}
    assert not dongle.commands
