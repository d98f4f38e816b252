"""Link state: why there is no link, as soon as that is known, and of when the values are."""

import asyncio
from collections.abc import Callable
from datetime import datetime
import json
from pathlib import Path
from typing import Final

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.error_texts import FAILURE_KEYS
from custom_components.wisun_route_b.link_state import LINK_STATES, REASONS, link_state
from custom_components.wisun_route_b.stack import (
    LinkState,
    LinkStatus,
    RouteBError,
    Signal,
    errors,
)
from tests.integration.conftest import (
    JOIN_IGNORED,
    entry_for,
    live_session,
    poll,
    set_up,
    state_of,
    until,
)
from tests.integration.repairs.shown_issues import FaultyPort
from tests.stack.scripted import METER_IP, ScriptedDongle

_TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "wisun_route_b" / "translations"
NO_PAN_HEARD: Final = f"OK\r\nEVENT 22 {METER_IP}\r\n".encode()
FAINT: Final = Signal(-96.0)
GOOD: Final = Signal(-60.0)
#: In the longest wait for the next attempt, and one attempt.
_ATTEMPT: Final = 300.0


def shown(error: RouteBError | None, state: LinkState, signal: Signal | None = None) -> str:
    return link_state(LinkStatus(state, 0.0, error), signal)


# --- The table -----------------------------------------------------------------------------------


def test_every_failure_has_a_place_in_the_table() -> None:
    assert REASONS.keys() == FAILURE_KEYS


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_state_has_a_text_of_its_own(language: str) -> None:
    texts = json.loads((_TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"))
    states = texts["entity"]["sensor"]["link_state"]["state"]

    assert states.keys() == set(LINK_STATES)
    assert len(set(states.values())) == len(states)


def all_errors() -> list[type[RouteBError]]:
    """Return every kind of failure of the port, the dongle and the link."""
    found: list[type[RouteBError]] = []
    waiting: list[type[RouteBError]] = [errors.PortError, errors.DongleError, errors.LinkError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize("signal", [None, FAINT, GOOD])
@pytest.mark.parametrize("kind", all_errors())
def test_whatever_fails_is_shown_as_a_state_that_exists(
    kind: type[RouteBError], signal: Signal | None
) -> None:
    error = kind.__new__(kind)
    for state in LinkState:
        assert shown(error, state, signal) in LINK_STATES
    blamed_on_port = issubclass(kind, errors.PortError | errors.DongleError)
    assert (shown(error, LinkState.WAITING, signal) == "waiting") <= (not blamed_on_port)


@pytest.mark.parametrize(
    ("error", "signal", "expected"),
    [
        (errors.JoinFailedError(""), GOOD, "sign_in_failed"),
        (errors.JoinFailedError(""), None, "sign_in_failed"),
        (errors.JoinFailedError(""), FAINT, "weak_signal"),
        (errors.MeterSilentError(""), FAINT, "weak_signal"),
        (errors.MeterNotFoundError(""), FAINT, "weak_signal"),
        (errors.PortNotFoundError(""), FAINT, "no_dongle"),
        (errors.CommandTimeoutError(""), GOOD, "dongle_silent"),
        (errors.SessionLostError(""), FAINT, "waiting"),
        (errors.ResponseTimeoutError(""), GOOD, "meter_silent"),
    ],
)
def test_weak_radio_is_named_where_it_explains_the_failure(
    error: RouteBError, signal: Signal | None, expected: str
) -> None:
    assert shown(error, LinkState.WAITING, signal) == expected


def test_session_that_is_made_again_at_once_is_no_fault() -> None:
    assert shown(errors.SessionLostError(""), LinkState.CONNECTING) == "connecting"


# --- In Home Assistant ---------------------------------------------------------------------------


@pytest.fixture
def port(dongle: ScriptedDongle, monkeypatch: pytest.MonkeyPatch) -> FaultyPort:
    """The way to the dongle, which can be away."""
    built = FaultyPort(dongle)
    monkeypatch.setattr(
        "custom_components.wisun_route_b.coordinator.port_connector", built.connector
    )
    return built


def link(hass: HomeAssistant) -> State:
    state = hass.states.get("sensor.smart_meter_link_state")
    assert state is not None
    return state


def unplugged(port: FaultyPort) -> None:
    port.error = errors.PortNotFoundError("There is no such port")
    port.dongle.unplug()


async def becomes(hass: HomeAssistant, expected: str, seconds: float) -> None:
    """Wait for a state, for so long at most."""
    async with asyncio.timeout(seconds):
        while link(hass).state != expected:  # noqa: ASYNC110 - by the clock of the loop
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("fast_clock")
async def test_dongle_that_is_pulled_out_is_missed_within_a_second(
    hass: HomeAssistant, port: FaultyPort
) -> None:
    await set_up(hass, entry_for())
    await asyncio.sleep(2)

    unplugged(port)

    await becomes(hass, "no_dongle", 1.0)
    assert link(hass).attributes["cause"] in {"port_lost", "port_not_found"}


def no_meter(port: FaultyPort) -> None:
    port.dongle.replies |= {"SKSCAN": NO_PAN_HEARD, "SKJOIN": JOIN_IGNORED}


def no_sign_in(port: FaultyPort) -> None:
    port.dongle.replies["SKJOIN"] = JOIN_IGNORED


def mute(port: FaultyPort) -> None:
    port.dongle.swallow = 1_000_000


def in_use(port: FaultyPort) -> None:
    port.error = errors.PortBusyError("Another program has the port")


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize(
    ("strike", "expected"),
    [
        (no_meter, "meter_not_found"),
        (no_sign_in, "sign_in_failed"),
        (mute, "dongle_silent"),
        (in_use, "port_in_use"),
    ],
)
async def test_causes_that_alternate_are_each_shown_as_they_come(
    hass: HomeAssistant, port: FaultyPort, strike: Callable[[FaultyPort], None], expected: str
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await asyncio.sleep(2)

    for _ in range(3):
        unplugged(port)
        entry.runtime_data.keeper.retry_now()
        await becomes(hass, "no_dongle", _ATTEMPT)
        port.error = None
        strike(port)
        entry.runtime_data.keeper.retry_now()
        await becomes(hass, expected, _ATTEMPT)
    assert entry.runtime_data.keeper.status.error is not None


@pytest.mark.usefixtures("fast_clock")
async def test_dongle_that_is_back_is_no_longer_missed_while_the_meter_is_looked_for(
    hass: HomeAssistant, port: FaultyPort
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await asyncio.sleep(2)
    unplugged(port)
    await becomes(hass, "no_dongle", 1.0)
    port.dongle.replies |= {"SKJOIN": b"OK\r\n", "SKSCAN": b"OK\r\n"}
    keeper = entry.runtime_data.keeper
    await until(lambda: keeper.state is LinkState.WAITING)

    port.error = None
    keeper.retry_now()

    await becomes(hass, "connecting", 2.0)
    await asyncio.sleep(1)
    assert state_of(hass, "link_state") == "connecting"
    assert not hass.states.is_state("binary_sensor.smart_meter_connectivity", "on")


@pytest.mark.usefixtures("fast_clock")
async def test_rounds_of_attempts_do_not_flicker_between_what_their_steps_found(
    hass: HomeAssistant, port: FaultyPort
) -> None:
    await set_up(hass, entry_for())
    await asyncio.sleep(2)
    no_meter(port)
    port.dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
    await until(lambda: words_of(port).count("SKRESET") > 1)
    await becomes(hass, "meter_not_found", 2 * _ATTEMPT)
    tried = len(port.dongle.commands)

    for _ in range(900):
        assert link(hass).state == "meter_not_found"
        await asyncio.sleep(1)
    assert port.dongle.commands[tried:].count("SKRESET") > 1


def words_of(port: FaultyPort) -> list[str]:
    return [command.partition(" ")[0] for command in port.dongle.commands]


@pytest.mark.usefixtures("fast_clock")
async def test_values_that_are_still_shown_have_a_date_while_the_link_is_down(
    hass: HomeAssistant, port: FaultyPort
) -> None:
    entry: MockConfigEntry = entry_for()
    live_session(port.dongle)
    await set_up(hass, entry)
    await poll(hass)
    assert (link(hass).attributes["down_since"], link(hass).attributes["last_answer"]) == (
        None,
        None,
    )
    answered = entry.runtime_data.last_answer
    assert isinstance(answered, datetime)

    unplugged(port)
    await becomes(hass, "no_dongle", 2.0)

    assert state_of(hass, "power") == "632"
    attributes = link(hass).attributes
    assert attributes["last_answer"] == answered
    assert answered <= attributes["down_since"]

    await asyncio.sleep(200)
    assert state_of(hass, "power") == STATE_UNAVAILABLE
    assert link(hass).attributes["down_since"] == attributes["down_since"]

    port.error = None
    entry.runtime_data.keeper.retry_now()
    await becomes(hass, "connected", _ATTEMPT)
    assert link(hass).attributes["down_since"] is None
