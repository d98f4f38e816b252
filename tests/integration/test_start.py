"""The start of Home Assistant does not wait for the radio, the dongle or the port."""

import asyncio
from collections.abc import Callable
import logging
import re

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import CONF_KNOWN, DOMAIN
from custom_components.wisun_route_b.stack import LinkState, RouteBError, errors
from tests.stack.scripted import JOIN_REFUSED, METER_IP, ScriptedDongle

from .conftest import (
    JOIN_IGNORED,
    KNOWN,
    Later,
    entry_for,
    poll,
    set_up,
    state_of,
    until,
)
from .repairs.shown_issues import FaultyPort

NO_PAN_HEARD = f"OK\r\nEVENT 22 {METER_IP}\r\n".encode()


def known_entry() -> MockConfigEntry:
    """Return the entry of a meter that has been read before."""
    entry = entry_for()
    return MockConfigEntry(
        domain=DOMAIN,
        unique_id=entry.unique_id,
        title=entry.title,
        data={**entry.data, CONF_KNOWN: KNOWN},
        options=dict(entry.options),
    )


def no_meter(dongle: ScriptedDongle) -> None:
    dongle.replies |= {"SKSCAN": NO_PAN_HEARD, "SKJOIN": JOIN_IGNORED}


def slow_refusal(dongle: ScriptedDongle) -> None:
    """The meter is out of reach: each sign-in would fail after 40 s."""
    dongle.replies |= {"SKJOIN": b"OK\r\n"}


def no_answer(dongle: ScriptedDongle) -> None:
    dongle.on_request = lambda _: dongle.accept()


def deaf(dongle: ScriptedDongle) -> None:
    dongle.replies["SKVER"] = b""


def healed(dongle: ScriptedDongle) -> None:
    dongle.replies.clear()
    dongle.on_request = dongle.answer


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("strike", [no_meter, slow_refusal, no_answer, deaf])
async def test_start_does_not_wait_for_the_meter_which_is_read_when_it_is_back(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    strike: Callable[[ScriptedDongle], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "custom_components.wisun_route_b.coordinator._FIRST_READING_WAIT", 4.0
    )  # of the faster clock
    strike(dongle)
    entry = known_entry()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "power") == STATE_UNAVAILABLE
    link = hass.states.get("sensor.smart_meter_link_state")
    assert link is not None
    assert link.state in {"connecting", "meter_not_found", "meter_silent", "dongle_silent"}

    await asyncio.sleep(180)
    healed(dongle)
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "power") == "632"


async def test_known_meter_with_a_living_dongle_is_read_within_the_set_up(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = known_entry()
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.runtime_data.data.values


async def test_start_is_logged_as_a_start_and_not_as_a_loss(
    hass: HomeAssistant, dongle: ScriptedDongle, caplog: pytest.LogCaptureFixture
) -> None:
    entry = known_entry()
    await set_up(hass, entry)
    await until(lambda: entry.runtime_data.keeper.state is LinkState.CONNECTED)

    logged = [
        record.getMessage()
        for record in caplog.records
        if record.name.endswith(".keeper") and record.levelno >= logging.INFO
    ]
    assert logged[0] == "Connecting to the meter"
    assert re.fullmatch(r"The link is up after \d+ s", logged[1])
    assert len(logged) == 2


@pytest.mark.usefixtures("fast_clock")
async def test_sign_in_that_takes_longer_than_the_start_is_no_error(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("custom_components.wisun_route_b.coordinator._FIRST_READING_WAIT", 4.0)
    dongle.replies["SKJOIN"] = b"OK\r\n"
    entry = known_entry()
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: any(line.startswith("SKJOIN") for line in dongle.commands))
    dongle.say(f"EVENT 25 {METER_IP}\r\n".encode())
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state_of(hass, "power") == "632"
    assert "Error fetching" not in caplog.text


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize(
    ("error", "issue"),
    [
        (errors.PortNotFoundError("There is no such port"), "dongle_missing"),
        (errors.PortUnreachableError("The port could not be opened"), "dongle_missing"),
        (errors.PortBusyError("The port is in use"), "port_taken_by_somebody"),
    ],
)
async def test_port_that_cannot_be_opened_is_watched_and_becomes_a_repair(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
    error: RouteBError,
    issue: str,
) -> None:
    faulty_port = FaultyPort(dongle)
    faulty_port.error = error
    monkeypatch.setattr(
        "custom_components.wisun_route_b.coordinator.port_connector", faulty_port.connector
    )
    entry = known_entry()
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    link = hass.states.get("sensor.smart_meter_link_state")
    assert link is not None
    assert link.attributes["cause"] in {"port_not_found", "port_unreachable", "port_busy"}
    faulty_port.error = None
    entry.runtime_data.keeper.retry_now()
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "power") == "632"


def bridge_off(faulty_port: FaultyPort) -> None:
    faulty_port.error = errors.PortUnreachableError("The port does not answer")


def dongle_off(faulty_port: FaultyPort) -> None:
    deaf(faulty_port.dongle)


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("make_entry", [known_entry, entry_for], ids=["read before", "never read"])
@pytest.mark.parametrize("switch_off", [bridge_off, dongle_off])
async def test_port_that_is_away_at_the_start_is_back_within_the_bound_of_the_link(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    monkeypatch: pytest.MonkeyPatch,
    *,
    switch_off: Callable[[FaultyPort], None],
    make_entry: Callable[[], MockConfigEntry],
) -> None:
    """The waits of Home Assistant's own retries would have grown to ten minutes by then."""
    faulty_port = FaultyPort(dongle)
    monkeypatch.setattr(
        "custom_components.wisun_route_b.coordinator.port_connector", faulty_port.connector
    )
    switch_off(faulty_port)
    entry = make_entry()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(21 * 60)
    assert state_of(hass, "power") in {STATE_UNAVAILABLE, None}

    faulty_port.error = None
    dongle.replies.clear()
    on_again = hass.loop.time()
    while state_of(hass, "power") != "632":
        assert hass.loop.time() - on_again < 300.0
        await asyncio.sleep(1)


@pytest.mark.usefixtures("fast_clock")
async def test_refusal_at_the_start_asks_for_credentials_and_goes_on_trying(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies |= {"SKJOIN": JOIN_REFUSED}
    entry = known_entry()
    entry.add_to_hass(hass)

    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: entry.runtime_data.keeper.state is LinkState.REFUSED)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert entry.state is ConfigEntryState.LOADED
    assert isinstance(entry.runtime_data.keeper.status.error, errors.CredentialsRefusedError)
    assert list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))

    dongle.replies.clear()
    entry.runtime_data.keeper.retry_now()
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))
    assert state_of(hass, "power") == "632"


async def test_nothing_is_scheduled_any_more_once_an_entry_is_closed(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later
) -> None:
    """An event while the link is being closed comes too late to start a timer."""
    entry = entry_for()
    await set_up(hass, entry)
    coordinator = entry.runtime_data
    await poll(hass)
    # A change of the link was shown this second, so that the next one would be put off.
    dongle.say(f"EVENT 29 {METER_IP}\r\n".encode())

    await hass.config_entries.async_unload(entry.entry_id)
    assert coordinator._showing is None or coordinator._showing.cancelled()
    assert coordinator._expiry is None or coordinator._expiry.cancelled()
    before = len(dongle.commands)
    await later(10)

    assert len(dongle.commands) == before
