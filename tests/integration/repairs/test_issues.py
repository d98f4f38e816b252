"""The issues that a person can mend: when they come, what they say, when they go."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Unpack, override
from urllib.parse import quote, unquote

from homeassistant.components.usb import SerialDevice
from homeassistant.components.usb.serial_proxy_stub import (
    HassESPHomeSerialStub,
    HassESPHomeSerialStubTransport,
)
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from serialx import SerialException, register_uri_handler
from serialx.common import ConnectKwargs

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.stack import RouteBError, errors
from tests.stack.scripted import (
    JOIN_REFUSED,
    METER_IP,
    ScriptedDongle,
)

from ..conftest import (
    JOIN_IGNORED,
    SCRIPTED_PORT,
    Later,
    PutOn,
    entry_for,
    plug_in,
    set_up,
    state_of,
    until,
)
from .shown_issues import FaultyPort, count_changes, issues, texts

MISSING = errors.PortNotFoundError("There is no such port")
BUSY = errors.PortBusyError("The port is in use")
_BLOB = "https://github.com/wisun-route-b/wisun-route-b/blob/HEAD"
#: Where "Learn more" leads, by the language of the house.
PAGES = {
    "en": f"{_BLOB}/docs/troubleshooting.md#repairs",
    "ja": f"{_BLOB}/docs/troubleshooting.ja.md#{quote('修復')}",
}


@pytest.mark.parametrize("page", PAGES.values())
def test_pages_to_learn_more_from_are_there(page: str) -> None:
    path, _, heading = page.removeprefix(f"{_BLOB}/").partition("#")
    lines = (Path(__file__).parents[3] / path).read_text(encoding="utf-8").lower().splitlines()

    assert f"## {unquote(heading)}" in lines


@pytest.fixture
def faulty_port(dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch) -> FaultyPort:
    made = FaultyPort(dongle)
    monkeypatch.setattr(
        f"custom_components.{DOMAIN}.serial_port.connector.serial_connector", made.connector
    )
    return made


async def mend(hass: HomeAssistant, faulty_port: FaultyPort, entry: MockConfigEntry) -> None:
    await until(lambda: entry.state is not ConfigEntryState.SETUP_IN_PROGRESS)
    faulty_port.error = None
    plug_in(hass)
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)


# --- The dongle is missing ------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [MISSING, errors.PortUnreachableError("no"), errors.DongleSilentError("nothing")]
)
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_dongle_that_is_not_there_at_the_start_is_told_after_five_minutes(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later, error: RouteBError, language: str
) -> None:
    hass.config.language = language
    faulty_port.error = error
    entry = entry_for()
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    await later(290)
    assert not issues(hass)
    await later(15)

    issue = issues(hass)["dongle_missing"]
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.ERROR, False)
    assert issue.learn_more_url == PAGES[language]
    shown = await texts(hass, issue, language)
    assert shown.keys() == {"title", "description"}
    assert "Smart meter" in shown["title"]

    hass.config.language = "en"  # of which the ids of entities are made
    await mend(hass, faulty_port, entry)
    assert not issues(hass)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("error", "key"),
    [
        (errors.PortPermissionError("no"), "port_not_permitted"),
        (errors.HanInUseError("HAN"), "dongle_in_han_use"),
        (errors.FirmwareNotDualError("HAN only"), "firmware_without_route_b"),
        (errors.NotAWiSunDongleError("another"), "wrong_device"),
        (errors.NotASerialPortError("a file"), "wrong_device"),
        (errors.PortLostError("gone at once"), "dongle_missing"),
        (errors.CommandTimeoutError("hangs"), "dongle_missing"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_whatever_lasts_at_the_port_becomes_a_repair(
    hass: HomeAssistant,
    faulty_port: FaultyPort,
    later: Later,
    *,
    error: RouteBError,
    key: str,
    language: str,
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    faulty_port.error = error
    faulty_port.dongle.unplug()
    for _ in range(12):
        await later(31)

    assert issues(hass).keys() == {key}
    shown = await texts(hass, issues(hass)[key], language)
    assert shown.keys() == {"title", "description"}

    await mend(hass, faulty_port, entry)
    assert not issues(hass)


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (errors.PortStuckError("no return"), "port_stuck"),
        (errors.TelnetPortError("IAC"), "port_speaks_telnet"),
    ],
)
async def test_port_with_a_trouble_of_its_own_is_told_in_its_own_words(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later, error: RouteBError, key: str
) -> None:
    faulty_port.error = error
    entry = entry_for()
    await set_up(hass, entry)
    assert entry.error_reason_translation_key == key

    await later(305)
    assert list(issues(hass)) == [key]
    shown = {lang: await texts(hass, issues(hass)[key], lang) for lang in ("en", "ja")}
    assert all("Smart meter" in text["title"] for text in shown.values())
    assert shown["en"] != shown["ja"]

    await mend(hass, faulty_port, entry)
    assert not issues(hass)


async def test_what_fails_in_changing_ways_becomes_a_repair_as_well(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    faulty_port.dongle.unplug()
    for step in range(22):
        faulty_port.error = (
            errors.DongleSilentError("mute") if step % 2 else errors.NotAWiSunDongleError("another")
        )
        await later(16)

    assert issues(hass).keys() <= {"dongle_missing", "wrong_device"}
    assert issues(hass)


class _ProxyThatIsOff(HassESPHomeSerialStubTransport):
    """What ESPHome makes of the port of a device that is off."""

    @override
    async def _connect(self, *, path: str | None = None, **kwargs: Unpack[ConnectKwargs]) -> None:
        raise SerialException("ESPHome config entry '0123' is not loaded")


@pytest.fixture
def proxy_that_is_off() -> Iterator[str]:
    """The address of a serial proxy; as ESPHome itself does, it comes before its stand-in."""
    forget = register_uri_handler(
        scheme="esphome-hass://",
        unique_scheme="esphome-hass-off://",
        sync_cls=HassESPHomeSerialStub,
        async_transport_cls=_ProxyThatIsOff,
    )
    yield "esphome-hass://esphome/0123?port_name=uart"
    forget()


async def test_dongle_at_a_serial_proxy_that_is_off_is_missing(
    hass: HomeAssistant, later: Later, proxy_that_is_off: str
) -> None:
    entry = entry_for(proxy_that_is_off)
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "port_unreachable"
    await later(305)
    assert issues(hass).keys() == {"dongle_missing"}


async def test_dongle_that_is_unplugged_for_good_is_told_until_it_is_back(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    faulty_port.error = MISSING
    faulty_port.dongle.unplug()
    for _ in range(12):
        await later(31)

    assert issues(hass).keys() == {"dongle_missing"}

    await mend(hass, faulty_port, entry)
    assert not issues(hass)


async def test_dongle_that_comes_and_goes_is_no_issue(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    changes = count_changes(hass)
    for _ in range(6):
        faulty_port.error = MISSING
        faulty_port.dongle.unplug()
        for _ in range(4):
            await later(31)
        await mend(hass, faulty_port, entry)

    assert changes == []


async def test_issue_stays_as_it_is_while_the_set_up_is_tried_again_and_again(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = MISSING
    entry = entry_for()
    await set_up(hass, entry)
    await later(301)
    before = issues(hass)
    changes = count_changes(hass)

    for _ in range(3):
        await hass.config_entries.async_reload(entry.entry_id)
        await later(700)

    assert changes == []
    assert issues(hass) == before


async def test_issues_go_with_the_entry(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = MISSING
    entry = entry_for()
    await set_up(hass, entry)
    await later(301)
    assert issues(hass)

    await hass.config_entries.async_remove(entry.entry_id)
    await later(1000)

    assert not issues(hass)


async def test_issues_go_when_the_entry_is_disabled_and_come_back_only_if_still_true(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = MISSING
    entry = entry_for()
    await set_up(hass, entry)
    await later(301)

    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await later(1000)
    assert not issues(hass)

    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await later(290)
    assert not issues(hass)
    await later(15)
    assert issues(hass)


async def test_entry_that_was_put_aside_is_not_complained_of(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = MISSING
    entry = entry_for()
    await set_up(hass, entry)

    await hass.config_entries.async_unload(entry.entry_id)  # as the dialogs do
    await later(1000)

    assert not issues(hass)


# --- The port is taken ------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_integration_that_has_the_port_is_named_by_its_name_and_never_its_title(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later, tmp_path: Path, language: str
) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    other = MockConfigEntry(
        domain="zha",
        title="my secret stick",
        data={"device": {"path": str(tmp_path / "ttyUSB0"), "baudrate": 115200}},
    )
    other.add_to_hass(hass)
    other.mock_state(hass, ConfigEntryState.LOADED)
    listing = MockConfigEntry(domain="sun", data={"list": [1, "/dev/null"]})
    listing.add_to_hass(hass)
    listing.mock_state(hass, ConfigEntryState.LOADED)
    faulty_port.error = BUSY
    entry = entry_for(str(tmp_path / "by-id"))
    await set_up(hass, entry)

    await later(50)
    assert not issues(hass)
    await later(15)
    await until(lambda: bool(issues(hass)))

    assert issues(hass).keys() == {"port_taken"}
    issue = issues(hass)["port_taken"]
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.ERROR, False)
    shown = await texts(hass, issue, language)
    assert all("Zigbee Home Automation" in text for text in shown.values())
    assert not any("secret" in text for text in shown.values())

    other.mock_state(hass, ConfigEntryState.NOT_LOADED)
    await mend(hass, faulty_port, entry)
    assert not issues(hass)


async def test_port_held_by_an_unknown_program_is_reported_without_a_name(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    other = MockConfigEntry(domain="zha", data={"device": {"path": SCRIPTED_PORT}})
    other.add_to_hass(hass)  # but it is not running
    faulty_port.error = BUSY
    entry = entry_for()
    await set_up(hass, entry)
    await later(65)
    await until(lambda: bool(issues(hass)))

    assert issues(hass).keys() == {"port_taken_by_somebody"}
    assert await texts(hass, issues(hass)["port_taken_by_somebody"])

    # Whoever has it may show up later.
    other.mock_state(hass, ConfigEntryState.SETUP_RETRY)
    await later(601)
    await until(lambda: issues(hass).keys() == {"port_taken"})

    await mend(hass, faulty_port, entry)
    assert not issues(hass)


async def test_app_that_has_the_port_is_named(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumers = "homeassistant.components.usb.consumers"
    port = SerialDevice(device=SCRIPTED_PORT, serial_number=None, manufacturer=None, description="")
    monkeypatch.setattr("homeassistant.components.usb.scan_serial_ports", lambda: [port])
    monkeypatch.setattr(f"{consumers}.is_hassio", lambda _: True)
    monkeypatch.setattr(
        f"{consumers}.get_addons_info",
        lambda _: {"x": {"name": "Mosquito", "state": "started", "options": {"p": SCRIPTED_PORT}}},
    )
    faulty_port.error = BUSY
    await set_up(hass, entry_for())
    await later(65)
    await until(lambda: bool(issues(hass)))

    assert issues(hass)["port_taken"].translation_placeholders == {
        "name": "Smart meter",
        "user": "Mosquito",
    }


async def test_port_that_is_probed_for_a_moment_is_no_issue(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = BUSY
    entry = entry_for()
    await set_up(hass, entry)
    changes = count_changes(hass)
    await later(20)

    await mend(hass, faulty_port, entry)
    await later(600)

    assert changes == []


async def test_change_from_taken_to_missing_changes_the_issue(
    hass: HomeAssistant, faulty_port: FaultyPort, later: Later
) -> None:
    faulty_port.error = BUSY
    entry = entry_for()
    await set_up(hass, entry)
    await later(65)
    await until(lambda: bool(issues(hass)))

    faulty_port.error = MISSING
    await hass.config_entries.async_reload(entry.entry_id)
    assert not issues(hass)
    await later(301)

    assert issues(hass).keys() == {"dongle_missing"}


# --- The credentials are refused --------------------------------------------------------------


async def test_refused_credentials_are_told_once_by_home_assistant_with_its_dialog(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later
) -> None:
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    entry = entry_for()
    await set_up(hass, entry)
    await later(1000)

    assert issues(hass).keys() == {"config_entry_reauth"}
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    assert (issues(hass)["config_entry_reauth"].data or {})["flow_id"] == flow["flow_id"]


# --- The radio is weak ------------------------------------------------------------------------


async def poll_hourly(hass: HomeAssistant, put_on: PutOn, hours: int) -> None:
    for _ in range(hours):
        put_on(timedelta(hours=1))
        await hass.config_entries.async_entries(DOMAIN)[0].runtime_data.async_refresh()


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_radio_that_is_too_weak_for_two_days_is_told_until_it_was_good_for_a_day(
    hass: HomeAssistant, faulty_port: FaultyPort, put_on: PutOn, language: str
) -> None:
    await set_up(hass, entry_for())
    await hass.async_block_till_done(wait_background_tasks=True)
    faulty_port.dongle.replies["SKJOIN"] = JOIN_IGNORED
    faulty_port.dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
    await until(lambda: state_of(hass, "link_state") == "sign_in_failed")
    changes = count_changes(hass)

    await poll_hourly(hass, put_on, 38)
    assert not issues(hass)
    await poll_hourly(hass, put_on, 12)

    assert issues(hass).keys() == {"weak_signal"}
    issue = issues(hass)["weak_signal"]
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.WARNING, False)
    assert (await texts(hass, issue, language)).keys() == {"title", "description"}

    del faulty_port.dongle.replies["SKJOIN"]
    plug_in(hass)
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert issues(hass)
    await poll_hourly(hass, put_on, 26)

    assert not issues(hass)
    assert changes == ["create", "remove"]
