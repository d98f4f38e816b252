"""Dongles that are plugged in: new ones are offered, known ones are found again."""

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USB,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.loader import async_get_usb
import pytest
from pytest_homeassistant_custom_component.common import (
    get_schema_suggested_value,
)

from custom_components.wisun_route_b.const import CONF_ROUTE_B_ID, CONF_USB, DOMAIN
from tests.stack.scripted import JOIN_REFUSED, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.stack.scripted_j11 import ScriptedJ11Dongle

from ..conftest import SCRIPTED_PORT, entry_for, set_up, state_of, until, words
from ..flow.dialogs import FORM, submit
from .usb_ports import (
    IDENTITY as _IDENTITY,
    device as _device,
    happens as _happens,
    known as _known,
)


def _plugged(device: str = SCRIPTED_PORT, **changes: str | None) -> UsbServiceInfo:
    return UsbServiceInfo(
        **{
            "device": device,
            "vid": "0403",
            "pid": "6015",
            "serial_number": "DK00TEST",
            "manufacturer": "ROHM",
            "description": "BP35C2",
            **changes,
        }  # type: ignore[arg-type]
    )


async def _discover(hass: HomeAssistant, info: UsbServiceInfo) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=info
    )


# --- A new one ------------------------------------------------------------------------------


async def test_new_dongle_is_offered_with_its_port_and_set_up(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    found = await _discover(hass, _plugged())

    assert (found["type"], found["step_id"]) == (FlowResultType.FORM, "user")
    schema = found["data_schema"]
    assert schema is not None
    assert get_schema_suggested_value(schema.schema, CONF_DEVICE) == SCRIPTED_PORT
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["title_placeholders"] == {"name": "BP35C2"}
    assert words(dongle)[0] == "SKVER"
    assert dongle.is_closing()

    result = await submit(
        hass,
        found["flow_id"],
        {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD},
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert state_of(hass, "power") == "632"


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("says", [b"", b"AT OK\r\n"], ids=["mute", "another device"])
async def test_other_device_is_not_offered_and_not_held(
    hass: HomeAssistant, dongle: ScriptedDongle, says: bytes
) -> None:
    dongle.replies["SKVER"] = says

    result = await _discover(hass, _plugged())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_a_wisun_dongle")
    assert dongle.is_closing()


async def test_new_j11_dongle_is_offered_and_nothing_in_it_changed(
    hass: HomeAssistant, j11_dongle: ScriptedJ11Dongle
) -> None:
    result = await _discover(hass, _plugged())

    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    assert set(j11_dongle.codes) == {0x006B}
    assert j11_dongle.is_closing()


async def test_j11_dongle_without_route_b_is_not_offered(
    hass: HomeAssistant, j11_dongle: ScriptedJ11Dongle
) -> None:
    j11_dongle.firmware = 0x0200

    result = await _discover(hass, _plugged())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "firmware_without_route_b")
    assert j11_dongle.is_closing()


async def test_failed_sign_in_leaves_the_offer_what_it_was(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    found = await _discover(hass, _plugged())
    (flow,) = hass.config_entries.flow.async_progress()
    of_dongle = flow["context"]["unique_id"]
    dongle.replies["SKJOIN"] = JOIN_REFUSED

    result = await submit(hass, found["flow_id"], FORM)

    assert result["errors"] == {"base": "credentials_refused"}
    (flow,) = hass.config_entries.flow.async_progress()
    # So it can be ignored, and is shown once only.
    assert flow["context"]["unique_id"] == of_dongle
    again = await _discover(hass, _plugged())
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_in_progress")
    dongle.replies.clear()
    result = await submit(hass, found["flow_id"], FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_port_of_a_meter_is_not_touched(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    await set_up(hass, entry_for())
    commands = len(dongle.commands)

    result = await _discover(hass, _plugged())

    assert result["reason"] == "port_already_configured"
    assert len(dongle.commands) == commands


async def test_dongle_that_was_ignored_stays_ignored(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await _discover(hass, _plugged())
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": usb.usb_unique_id_from_service_info(_plugged()), "title": "BP35C2"},
    )
    assert not hass.config_entries.flow.async_progress()
    dongle.commands.clear()

    result = await _discover(hass, _plugged(device="/dev/elsewhere"))
    assert result["reason"] == "already_configured"
    assert not dongle.commands

    result = await _discover(hass, _plugged(serial_number="ANOTHER"))
    assert result["type"] is FlowResultType.FORM


async def test_only_dongles_that_name_their_maker_are_looked_at(
    hass: HomeAssistant, enable_custom_integrations: None
) -> None:
    matchers = [matcher for matcher in await async_get_usb(hass) if matcher["domain"] == DOMAIN]

    def fits(manufacturer: str, description: str) -> bool:
        device = usb.USBDevice(
            device="/dev/ttyUSB0",
            vid="0403",
            pid="6015",
            serial_number=None,
            manufacturer=manufacturer,
            description=description,
        )
        return any(usb.usb_device_matches_matcher(device, matcher) for matcher in matchers)

    assert fits("RATOC Systems, Ltd.", "RS-WSUHA-J11")
    assert fits("ROHM", "BP35C2")
    assert not fits("FTDI", "FT230X Basic UART")
    assert not fits("FTDI", "USB Serial Converter")
    assert not fits("RATOC Systems", "USB Serial Converter")
    assert not fits("dresden elektronik", "ConBee III")


# --- A known one ----------------------------------------------------------------------------


async def test_set_up_notes_what_tells_the_dongle_from_others(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [_device(SCRIPTED_PORT), _device("/dev/other", "OTHER")]
    monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", lambda: ports)
    found = await _discover(hass, _plugged())

    result = await submit(
        hass,
        found["flow_id"],
        {CONF_DEVICE: SCRIPTED_PORT, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD},
    )

    assert result["result"].data[CONF_USB] == _IDENTITY


async def test_known_dongle_is_followed_to_another_port(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = _known("/dev/gone")
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    _happens(hass, _device(SCRIPTED_PORT))
    await hass.async_block_till_done()
    await until(lambda: entry.state is ConfigEntryState.LOADED)

    assert entry.data[CONF_DEVICE] == SCRIPTED_PORT
    assert state_of(hass, "power") == "632"
    result = await _discover(hass, _plugged())
    assert result["type"] is FlowResultType.ABORT


@pytest.mark.parametrize(
    "added",
    [
        [_device("/dev/a", "ANOTHER")],
        [_device("/dev/a", None)],
        [_device("/dev/a"), _device("/dev/b")],
    ],
    ids=["another dongle", "one without a number", "two with the same number"],
)
async def test_what_may_be_another_dongle_is_not_followed(
    hass: HomeAssistant, dongle: ScriptedDongle, added: list[usb.USBDevice]
) -> None:
    entry = _known("/dev/gone")
    await set_up(hass, entry)

    _happens(hass, *added)
    await hass.async_block_till_done()

    assert entry.data[CONF_DEVICE] == "/dev/gone"


@pytest.mark.usefixtures("fast_clock")
async def test_port_is_kept_if_another_dongle_has_the_same_number(
    hass: HomeAssistant, mute_port: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [_device(mute_port[0]), _device("/dev/clone")]
    monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", lambda: ports)
    entry = _known(mute_port[0])
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    _happens(hass, _device("/dev/clone"))
    await hass.async_block_till_done()

    assert entry.data[CONF_DEVICE] == mute_port[0]
