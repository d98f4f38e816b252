"""Discovery of a dongle at a port in use: it is not touched, and offered later."""

from dataclasses import replace

from homeassistant.config_entries import (
    SOURCE_USB,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.usb import UsbServiceInfo
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_ROUTE_B_ID, DOMAIN
from custom_components.wisun_route_b.stack import RouteBError, errors
from tests.stack.scripted import ScriptedDongle

from ..conftest import SCRIPTED_PORT, Later, entry_for, set_up, until, words
from ..flow.dialogs import FORM, open_form, submit
from ..repairs.shown_issues import FaultyPort
from .usb_ports import IDENTITY, Machine, device, happens, known

CONSUMERS = "homeassistant.components.usb.consumers"

INFO = UsbServiceInfo(
    device=SCRIPTED_PORT,
    vid="0403",
    pid="6015",
    serial_number=IDENTITY["serial_number"],
    manufacturer="ROHM",
    description="BP35C2",
)


async def discover(hass: HomeAssistant, info: UsbServiceInfo = INFO) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=info
    )


def offered(hass: HomeAssistant) -> list[str]:
    """Return the steps that the offered dongles wait in."""
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [flow["step_id"] for flow in flows if flow["context"]["source"] == SOURCE_USB]


@pytest.fixture
def faulty_port(dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch) -> FaultyPort:
    made = FaultyPort(dongle)
    monkeypatch.setattr(
        f"custom_components.{DOMAIN}.serial_port.connector.serial_connector", made.connector
    )
    return made


@pytest.mark.parametrize(
    ("domain", "data"),
    [
        ("route_b_smart_meter", {CONF_DEVICE: SCRIPTED_PORT}),
        ("zha", {"device": {"path": SCRIPTED_PORT}}),
    ],
)
@pytest.mark.parametrize(
    "state",
    [ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_ERROR],
    ids=lambda state: state.value,
)
async def test_dongle_of_another_integration_is_not_touched_and_offered_when_it_is_free(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    later: Later,
    *,
    domain: str,
    data: dict[str, object],
    state: ConfigEntryState,
) -> None:
    other = MockConfigEntry(domain=domain, data=data, state=state)
    other.add_to_hass(hass)

    result = await discover(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "port_in_use")
    for _ in range(8):
        await later(901)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert not dongle.commands
    assert not offered(hass)

    other.mock_state(hass, ConfigEntryState.NOT_LOADED)
    object.__setattr__(other, "disabled_by", ConfigEntryDisabler.USER)
    await later(901)
    await until(lambda: offered(hass) == ["user"])
    assert words(dongle) == ["SKVER"]


async def test_dongle_of_a_running_app_is_not_touched(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = {"name": "Reader", "state": "started", "options": {"port": SCRIPTED_PORT}}
    monkeypatch.setattr(f"{CONSUMERS}.is_hassio", lambda _: True)
    monkeypatch.setattr(f"{CONSUMERS}.get_addons_info", lambda _: {"reader": app})

    assert (await discover(hass))["reason"] == "port_in_use"
    assert not dongle.commands

    app["state"] = "stopped"
    await later(61)
    await until(lambda: offered(hass) == ["user"])


@pytest.mark.parametrize(
    "error", [errors.PortBusyError("busy"), errors.PortUnreachableError("not ready")]
)
async def test_port_that_is_busy_is_looked_at_again(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later, error: RouteBError
) -> None:
    faulty_port.error = error
    assert (await discover(hass))["reason"] == "port_in_use"
    await later(61)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not offered(hass)

    faulty_port.error = None
    await later(121)

    await until(lambda: offered(hass) == ["user"])
    assert words(faulty_port.dongle) == ["SKVER"]


async def test_port_that_was_taken_for_a_while_at_a_look_is_looked_at_again(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = errors.PortBusyError("busy")
    await discover(hass)
    faulty_port.error = None
    ours = entry_for(SCRIPTED_PORT)
    object.__setattr__(ours, "disabled_by", ConfigEntryDisabler.USER)
    ours.add_to_hass(hass)

    await later(61)  # this look ends before the port is asked for
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not offered(hass)
    assert not faulty_port.dongle.commands
    await hass.config_entries.async_remove(ours.entry_id)
    await later(121)

    await until(lambda: offered(hass) == ["user"])
    assert words(faulty_port.dongle) == ["SKVER"]


async def test_dongle_that_was_offered_is_not_looked_at_again(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = errors.PortBusyError("busy")
    await discover(hass)
    faulty_port.error = None
    await later(61)
    await until(lambda: offered(hass) == ["user"])

    hass.config_entries.flow.async_abort(
        hass.config_entries.flow.async_progress_by_handler(DOMAIN)[0]["flow_id"]
    )
    await later(1900)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not offered(hass)
    assert words(faulty_port.dongle) == ["SKVER"]


async def test_device_that_was_unplugged_meanwhile_is_not_looked_at(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    await open_form(hass)  # which sets the integration up
    faulty_port.error = errors.PortBusyError("busy")
    await discover(hass)
    faulty_port.error = None

    happens(hass, removed=[device(SCRIPTED_PORT)])
    await later(1000)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not offered(hass)
    assert not faulty_port.dongle.commands


async def test_discovery_asks_for_the_version_and_sets_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    result = await discover(hass)

    assert result["type"] is FlowResultType.FORM
    assert words(dongle) == ["SKVER"]


async def test_second_dongle_with_the_same_number_is_offered(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    machine.dongles = {"/dev/one": ScriptedDongle(), "/dev/two": dongle}
    machine.listed = [device("/dev/one"), device("/dev/two")]
    await set_up(hass, known("/dev/one"))

    info = replace(INFO, device="/dev/two")

    assert (await discover(hass, info))["type"] is FlowResultType.FORM


async def test_port_that_another_integration_has_open_is_not_touched_by_the_dialog(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    other = MockConfigEntry(
        domain="zha", data={"device": {"path": SCRIPTED_PORT}}, state=ConfigEntryState.LOADED
    )
    other.add_to_hass(hass)
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM)
    assert result["errors"] == {"base": "port_busy"}
    assert not dongle.commands

    other.mock_state(hass, ConfigEntryState.SETUP_RETRY)  # it has not got the port
    result = await submit(hass, flow_id, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_ROUTE_B_ID] == FORM[CONF_ROUTE_B_ID]


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("embedded null byte")])
async def test_users_of_a_port_that_cannot_be_listed_do_not_end_the_sign_in(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(_: object) -> dict[str, str]:
        raise error

    monkeypatch.setattr(f"{CONSUMERS}._resolve_paths", fail)

    result = await submit(hass, await open_form(hass), FORM)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_port_that_no_system_can_have_is_an_error_of_the_form(hass: HomeAssistant) -> None:
    result = await submit(hass, await open_form(hass), FORM, **{CONF_DEVICE: "/dev/tty\0USB0"})

    assert result["errors"] == {"base": "not_a_serial_port"}


async def test_discovered_port_whose_users_cannot_be_listed_is_not_touched(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> dict[str, str]:
        raise OSError("gone")

    monkeypatch.setattr(f"{CONSUMERS}._resolve_paths", fail)

    result = await discover(hass)

    assert result["reason"] == "port_in_use"
    assert not dongle.commands
