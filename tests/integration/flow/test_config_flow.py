"""The set-up dialog: what a person types, sees, and gets."""

import asyncio
from collections.abc import Callable
import os
from pathlib import Path
from typing import Any, cast

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE,
    EVENT_DATA_ENTRY_FLOW_PROGRESSED,
    FlowResultType,
    UnknownFlow,
)
from homeassistant.helpers import config_validation as cv
import probatio
import pytest
from pytest_homeassistant_custom_component.common import get_schema_suggested_value

from custom_components.wisun_route_b.config_flow import RouteBConfigFlow
from custom_components.wisun_route_b.const import (
    CONF_DONGLE_KIND,
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_ROUTE_B_ID,
    CONF_USB,
    DOMAIN,
)
from custom_components.wisun_route_b.history.store import NotStoredError
from custom_components.wisun_route_b.stack import Connector, Credentials
from tests.stack.scripted import (
    DONGLE_IP,
    JOIN_REFUSED,
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.stack.scripted_j11 import ScriptedJ11Dongle, pana_result, response

from ..conftest import (
    JOIN_IGNORED,
    KNOWN,
    SCRIPTED_PORT,
    entry_for,
    exclusively,
    held_by_us,
    nothing_goes_on,
    real_path,
    state_of,
    until,
    words,
)
from .dialogs import FORM, open_form, submit

_LAST_PAGE = f"custom_components.{DOMAIN}.flow.last_page"
_STORE = "homeassistant.helpers.storage.Store"
_LISTED = usb.USBDevice(
    device=SCRIPTED_PORT,
    vid="0403",
    pid="6015",
    serial_number="DK00TEST",
    manufacturer="ROHM",
    description="BP35C2",
)


async def _raise(*_: object) -> dict[str, str]:
    raise OSError("No space left on device")


SCAN_FINDS_NOBODY = f"OK\r\nEVENT 22 {DONGLE_IP}\r\n".encode()


async def test_meter_is_set_up(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Smart meter"
    entry = result["result"]
    assert entry.data == {
        CONF_DEVICE: SCRIPTED_PORT,
        CONF_ROUTE_B_ID: ROUTE_B_ID,
        CONF_PASSWORD: PASSWORD,
        CONF_NETWORK: NETWORK.as_dict(),
        CONF_KNOWN: KNOWN,
        CONF_DONGLE_KIND: "skstack",
        CONF_USB: None,
        CONF_IDENTITY: Credentials(ROUTE_B_ID, PASSWORD).fingerprint,
    }
    assert entry.unique_id == entry.data[CONF_IDENTITY]
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "power") == "632"


async def test_meter_is_looked_for_once_only(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    await submit(hass, await open_form(hass), FORM)

    assert words(dongle).count("SKSCAN") == 1
    assert "SKTERM" not in words(dongle)  # the session is left up for the entry


async def test_id_may_have_spaces_and_lower_case(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    spaced = " ".join(ROUTE_B_ID[at : at + 4] for at in range(0, 32, 4)).lower()

    result = await submit(
        hass, await open_form(hass), FORM, route_b_id=f" {spaced}\u3000", password=f" {PASSWORD} "
    )

    assert result["result"].data[CONF_ROUTE_B_ID] == ROUTE_B_ID
    assert result["result"].data[CONF_PASSWORD] == PASSWORD


async def test_port_may_be_typed_in_full_width_characters(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    wide = "".join(chr(ord(char) - 0x21 + 0xFF01) for char in SCRIPTED_PORT)

    result = await submit(hass, await open_form(hass), FORM, device=f"\u3000{wide} ")

    assert result["result"].data[CONF_DEVICE] == SCRIPTED_PORT


async def test_entry_is_named_in_the_language_of_the_house(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    hass.config.language = "ja"

    result = await submit(hass, await open_form(hass), FORM)

    assert result["title"] == "スマートメーター"


async def test_progress_names_each_phase_once_and_only_rises(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    actions: list[str] = []
    fractions: list[float] = []
    flow_id = await open_form(hass)

    @callback
    def shown(_: Event[Any]) -> None:
        step = hass.config_entries.flow._progress[flow_id].cur_step
        if step and "progress_action" in step:
            actions.append(step["progress_action"])

    @callback
    def risen(event: Event[Any]) -> None:
        fractions.append(event.data["progress"])

    hass.bus.async_listen(EVENT_DATA_ENTRY_FLOW_PROGRESSED, shown)
    hass.bus.async_listen(EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE, risen)
    scan_result = dongle.usual("SKSCAN").removeprefix(b"OK\r\n")
    dongle.replies |= {"SKSCAN": b"OK\r\n", "SKJOIN": b"OK\r\n", "SKVER": b""}
    dongle.on_request = lambda _: dongle.accept()

    result = await hass.config_entries.flow.async_configure(flow_id, FORM)
    actions.append(result["progress_action"])
    await until(lambda: "SKVER" in words(dongle))
    dongle.say(b"EVER 1.2.10\r\nOK\r\n")
    await until(lambda: "SKSCAN" in words(dongle) and "scan" in actions)
    dongle.say(scan_result)
    await until(lambda: "SKJOIN" in words(dongle) and "join" in actions)
    dongle.say(f"EVENT 25 {METER_IP}\r\n".encode())
    await until(lambda: bool(dongle.requests) and "read" in actions)
    hass.config_entries.flow.async_abort(flow_id)
    await until(nothing_goes_on)

    assert actions == ["identify", "scan", "join", "read"]
    assert fractions == sorted(set(fractions))
    assert 0 < fractions[0] < fractions[-1] <= 1


async def test_looking_at_the_progress_changes_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKSCAN"] = b"OK\r\n"
    flow_id = await open_form(hass)
    await hass.config_entries.flow.async_configure(flow_id, FORM)
    await until(lambda: "SKSCAN" in words(dongle))

    for _ in range(5):
        result = await hass.config_entries.flow.async_configure(flow_id)
        assert result["type"] is FlowResultType.SHOW_PROGRESS
        assert result["progress_action"] == "scan"
    dongle.say(dongle.usual("SKSCAN").removeprefix(b"OK\r\n"))
    await hass.async_block_till_done()
    result = await hass.config_entries.flow.async_configure(flow_id)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert words(dongle).count("SKSCAN") == 1


async def test_two_browsers_get_one_entry(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    flow_id = await open_form(hass)
    await hass.config_entries.flow.async_configure(flow_id, FORM)
    await hass.async_block_till_done()

    results = await asyncio.gather(
        hass.config_entries.flow.async_configure(flow_id),
        hass.config_entries.flow.async_configure(flow_id),
        return_exceptions=True,
    )
    await hass.async_block_till_done()

    assert [type(result) for result in results] == [dict, UnknownFlow]
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


# --- What is wrong with what was typed ---------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({CONF_ROUTE_B_ID: "0011"}, {CONF_ROUTE_B_ID: "invalid_route_b_id"}),
        ({CONF_ROUTE_B_ID: "G" * 32}, {CONF_ROUTE_B_ID: "invalid_route_b_id"}),
        ({CONF_PASSWORD: "tooshort"}, {CONF_PASSWORD: "invalid_password"}),
        ({CONF_PASSWORD: "!" * 12}, {CONF_PASSWORD: "invalid_password"}),
        (
            {CONF_ROUTE_B_ID: PASSWORD, CONF_PASSWORD: ROUTE_B_ID},
            {CONF_ROUTE_B_ID: "invalid_route_b_id", CONF_PASSWORD: "invalid_password"},
        ),
    ],
)
async def test_wrong_form_is_told_by_field_before_the_port_is_touched(
    hass: HomeAssistant, dongle: ScriptedDongle, changes: dict[str, str], errors: dict[str, str]
) -> None:
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM, **changes)

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert not dongle.commands
    result = await submit(hass, flow_id, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_form_comes_back_with_what_was_typed_but_not_with_the_password(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.first_replies["SKJOIN"] = JOIN_IGNORED

    result = await submit(hass, await open_form(hass), FORM)

    schema = result["data_schema"]
    assert schema is not None
    assert get_schema_suggested_value(schema.schema, CONF_DEVICE) == SCRIPTED_PORT
    assert get_schema_suggested_value(schema.schema, CONF_ROUTE_B_ID) == ROUTE_B_ID
    assert PASSWORD not in str(_as_sent(schema))


async def test_password_is_sent_to_the_browser_as_a_secret_field(hass: HomeAssistant) -> None:
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    (field,) = [row for row in _as_sent(result["data_schema"]) if row["name"] == CONF_PASSWORD]
    assert field["secret"] is True
    assert field["selector"]["text"]["type"] == "password"


def _as_sent(schema: Any) -> list[dict[str, Any]]:
    """Return a form as the browser gets it."""
    return cast(
        "list[dict[str, Any]]",
        probatio.to_field_list(schema, custom_serializer=cv.custom_serializer),
    )


# --- What is wrong with the port, the dongle, the meter ------------------------------------


def _missing(_: ScriptedDongle, folder: Path) -> str:
    return str(folder / "not-there")


def _no_serial_port(_: ScriptedDongle, folder: Path) -> str:
    (folder / "file").touch()
    return str(folder / "file")


def _unknown_scheme(_: ScriptedDongle, __: Path) -> str:
    return "gopher://dongle"


def _refused(_: ScriptedDongle, __: Path) -> str:
    return "socket://127.0.0.1:1"


def _other_integration(_: ScriptedDongle, __: Path) -> str:
    return "esphome-hass://esphome/0123?port_name=uart"


def _failing(command: str, reply: bytes) -> Callable[[ScriptedDongle, Path], str]:
    def prepare(dongle: ScriptedDongle, _: Path) -> str:
        dongle.replies[command] = reply
        return SCRIPTED_PORT

    return prepare


def _mute_meter(dongle: ScriptedDongle, _: Path) -> str:
    dongle.on_request = lambda _: dongle.accept()
    return SCRIPTED_PORT


def _unplugged(dongle: ScriptedDongle, _: Path) -> str:
    dongle.on_request = lambda _: dongle.unplug()
    return SCRIPTED_PORT


@pytest.mark.usefixtures("fast_clock", "socket_enabled")
@pytest.mark.parametrize(
    ("error", "prepare"),
    [
        ("port_not_found", _missing),
        ("not_a_serial_port", _no_serial_port),
        ("not_a_serial_port", _unknown_scheme),
        ("port_unreachable", _refused),
        ("port_unreachable", _other_integration),
        ("port_lost", _unplugged),
        ("dongle_silent", _failing("SKVER", b"")),
        ("not_a_wisun_dongle", _failing("SKVER", b"AT+OK?\r\nERROR\r\n")),
        ("dongle_failed", _failing("SKSETRBID", b"FAIL ER10\r\n")),
        ("meter_not_found", _failing("SKSCAN", SCAN_FINDS_NOBODY)),
        ("join_failed", _failing("SKJOIN", JOIN_IGNORED)),
        ("credentials_refused", _failing("SKJOIN", JOIN_REFUSED)),
        ("meter_silent", _mute_meter),
    ],
)
async def test_failure_is_told_and_can_be_mended(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    tmp_path: Path,
    error: str,
    prepare: Callable[[ScriptedDongle, Path], str],
) -> None:
    flow_id = await open_form(hass)
    device = prepare(dongle, tmp_path)

    result = await submit(hass, flow_id, FORM, device=device)

    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert result["errors"] == {"base": error}
    assert not dongle.commands or dongle.is_closing()
    again = await hass.config_entries.flow.async_configure(flow_id)
    assert again["errors"] == {"base": error}

    dongle.replies.clear()
    dongle.on_request = dongle.answer
    result = await submit(hass, flow_id, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert state_of(hass, "power") == "632"


@pytest.mark.parametrize(
    ("error", "attribute", "value"),
    [("firmware_without_route_b", "firmware", 0x0200), ("dongle_in_han_use", "han", 2)],
)
async def test_j11_dongle_that_cannot_do_route_b_is_named(
    hass: HomeAssistant,
    j11_dongle: ScriptedJ11Dongle,
    *,
    error: str,
    attribute: str,
    value: int,
) -> None:
    usual = getattr(j11_dongle, attribute)
    setattr(j11_dongle, attribute, value)
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM)

    assert result["errors"] == {"base": error}
    assert j11_dongle.is_closing()
    setattr(j11_dongle, attribute, usual)
    result = await submit(hass, flow_id, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert state_of(hass, "power") == "632"


@pytest.mark.parametrize("remembered", [True, False])
async def test_kind_of_dongle_is_remembered_and_asked_for_first(
    hass: HomeAssistant, j11_dongle: ScriptedJ11Dongle, *, remembered: bool
) -> None:
    await submit(hass, await open_form(hass), FORM)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.data[CONF_DONGLE_KIND] == "j11"
    if not remembered:  # as an entry of the version before
        data = {key: value for key, value in entry.data.items() if key != CONF_DONGLE_KIND}
        hass.config_entries.async_update_entry(entry, data=data)
    j11_dongle.written.clear()

    await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, "power") == "632")

    assert (b"SKVER" in j11_dongle.written) is not remembered
    assert entry.data[CONF_DONGLE_KIND] == "j11"


async def test_wrong_password_at_a_j11_dongle_is_named(
    hass: HomeAssistant, j11_dongle: ScriptedJ11Dongle
) -> None:
    j11_dongle.responses[0x0056] = response(0x0056) + pana_result(2)
    flow_id = await open_form(hass)

    result = await submit(hass, flow_id, FORM)

    assert result["errors"] == {"base": "credentials_refused"}
    j11_dongle.responses.clear()
    result = await submit(hass, flow_id, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("fast_clock")
async def test_port_in_use_is_told(hass: HomeAssistant, mute_port: tuple[str, int]) -> None:
    flow_id = await open_form(hass)
    with exclusively(mute_port[0]):
        result = await submit(hass, flow_id, FORM, device=mute_port[0])
    assert result["errors"] == {"base": "port_busy"}

    result = await submit(hass, flow_id, FORM, device=mute_port[0])
    assert result["errors"] == {"base": "dongle_silent"}


@pytest.mark.usefixtures("fast_clock")
async def test_silent_port_is_free_again(hass: HomeAssistant, mute_port: tuple[str, int]) -> None:
    await submit(hass, await open_form(hass), FORM, device=mute_port[0])

    assert not held_by_us(mute_port[0])
    assert b"SKVER" in os.read(mute_port[1], 100)


async def test_unexpected_error_is_logged_and_told(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> Connector:
        async def connect(_: object) -> Any:
            raise RuntimeError("a library of the host fell over")

        return connect

    monkeypatch.setattr(
        f"custom_components.{DOMAIN}.serial_port.connector.serial_connector", broken
    )

    result = await submit(hass, await open_form(hass), FORM)

    assert result["errors"] == {"base": "unknown"}
    assert "a library of the host fell over" in caplog.text
    assert PASSWORD not in caplog.text
    assert ROUTE_B_ID not in caplog.text


# --- Duplicates ---------------------------------------------------------------------------


async def test_meter_that_is_set_up_is_refused_before_the_port_is_touched(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry_for("/dev/another").add_to_hass(hass)

    result = await submit(hass, await open_form(hass), FORM)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert not dongle.commands


async def test_port_that_is_set_up_is_refused_under_any_name_before_it_is_touched(
    hass: HomeAssistant, mute_port: tuple[str, int]
) -> None:
    path, master = mute_port
    entry_for(real_path(path), route_b_id="F" * 32).add_to_hass(hass)

    result = await submit(hass, await open_form(hass), FORM, device=path)

    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    assert result["errors"] == {CONF_DEVICE: "port_already_configured"}
    schema = result["data_schema"]
    assert schema is not None
    assert get_schema_suggested_value(schema.schema, CONF_ROUTE_B_ID) == ROUTE_B_ID
    with pytest.raises(BlockingIOError):
        os.read(master, 1)


async def test_meter_that_is_just_being_set_up_is_refused(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKSCAN"] = b"OK\r\n"
    first = await open_form(hass)
    await hass.config_entries.flow.async_configure(first, FORM)
    await until(lambda: "SKSCAN" in words(dongle))

    second = await hass.config_entries.flow.async_configure(await open_form(hass), FORM)

    assert second["type"] is FlowResultType.ABORT
    assert second["reason"] == "already_in_progress"
    hass.config_entries.flow.async_abort(first)
    await until(nothing_goes_on)


async def test_dialog_that_was_left_behind_does_not_lock_anybody_out(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    left_behind = await submit(hass, await open_form(hass), FORM)
    assert left_behind["errors"]
    dongle.replies.clear()

    result = await submit(hass, await open_form(hass), FORM)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not hass.config_entries.flow.async_progress()


# --- Closing the dialog ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["SKVER", "SKSCAN", "SKJOIN"])
async def test_closing_the_dialog_frees_the_port(
    hass: HomeAssistant, dongle: ScriptedDongle, command: str
) -> None:
    dongle.replies[command] = b""
    flow_id = await open_form(hass)
    await hass.config_entries.flow.async_configure(flow_id, FORM)
    await until(lambda: command in words(dongle))
    assert not dongle.is_closing()

    hass.config_entries.flow.async_abort(flow_id)
    await until(dongle.is_closing)
    await until(nothing_goes_on)

    assert not hass.config_entries.async_entries(DOMAIN)


async def test_port_can_be_had_at_once_after_the_dialog_was_closed(
    hass: HomeAssistant, mute_port: tuple[str, int]
) -> None:
    path, master = mute_port
    flow_id = await open_form(hass)
    await hass.config_entries.flow.async_configure(flow_id, {**FORM, CONF_DEVICE: path})
    await until(lambda: _arrived(master))
    assert held_by_us(path)

    hass.config_entries.flow.async_abort(flow_id)
    await until(nothing_goes_on)

    assert not held_by_us(path)


def _arrived(master: int) -> bool:
    try:
        return bool(os.read(master, 100))
    except BlockingIOError:
        return False


async def test_no_step_can_be_reached_without_a_form(hass: HomeAssistant) -> None:
    flow = RouteBConfigFlow()
    flow.hass = hass

    for step in (flow.async_step_connect, flow.async_step_finish):
        with pytest.raises(UnknownFlow):
            await step()


async def test_sign_in_is_kept_when_the_port_cannot_be_asked_who_it_is(
    hass: HomeAssistant, dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may be out of threads, or have lost the device meanwhile."""
    run = hass.async_add_executor_job

    def fail(target: Callable[..., Any], *args: object) -> asyncio.Future[Any]:
        if "SKJOIN" in words(dongle) and target.__name__ == "node_of":
            raise RuntimeError("can't start new thread")
        return run(target, *args)

    monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", lambda: [_LISTED])
    flow_id = await open_form(hass)
    monkeypatch.setattr(hass, "async_add_executor_job", fail)
    result = await hass.config_entries.flow.async_configure(flow_id, FORM)
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        result = await hass.config_entries.flow.async_configure(flow_id)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_USB] is None


@pytest.mark.parametrize("broken", [f"{_LAST_PAGE}.async_get_translations", f"{_STORE}.async_save"])
async def test_sign_in_is_kept_when_its_result_could_not_be_stored_the_first_time(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    form = {**FORM, CONF_IMPORT_DAYS: "month"}
    flow_id = await open_form(hass)
    result = await hass.config_entries.flow.async_configure(flow_id, form)
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        with monkeypatch.context() as fault:
            fault.setattr(broken, _raise)
            try:
                result = await hass.config_entries.flow.async_configure(flow_id)
            except OSError, NotStoredError:
                break
    assert not hass.config_entries.async_entries(DOMAIN)
    assert words(dongle).count("SKJOIN") == 1

    result = await hass.config_entries.flow.async_configure(flow_id)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_ROUTE_B_ID] == ROUTE_B_ID
    identity = result["data"][CONF_IDENTITY]
    assert hass_storage[f"{DOMAIN}.{identity}.history"]["data"]["import_days"] == 30
