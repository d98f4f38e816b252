"""The buttons "Reconnect" and "Scan again"."""

from homeassistant.components.button.const import DOMAIN as BUTTON, SERVICE_PRESS
from homeassistant.const import ATTR_ENTITY_ID, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest

from tests.stack.scripted import JOIN_REFUSED, METER_IP, ScriptedDongle

from .conftest import JOIN_IGNORED, Later, entry_for, set_up, state_of, until, words

RECONNECT = "button.smart_meter_reconnect"
SCAN_AGAIN = "button.smart_meter_scan_again"

BOTH = pytest.mark.parametrize("button", [RECONNECT, SCAN_AGAIN])


async def press(hass: HomeAssistant, button: str) -> None:
    await hass.services.async_call(BUTTON, SERVICE_PRESS, {ATTR_ENTITY_ID: button}, blocking=True)


def asked_after(dongle: ScriptedDongle, commands: int) -> list[str]:
    """Return the session commands sent to the dongle after the first so many."""
    return [word for word in words(dongle)[commands:] if word in ("SKTERM", "SKSCAN", "SKJOIN")]


@BOTH
async def test_button_is_there_from_the_start_as_a_diagnostic_one(
    hass: HomeAssistant, dongle: ScriptedDongle, button: str
) -> None:
    await set_up(hass, entry_for())

    registered = er.async_get(hass).async_get(button)

    assert registered is not None
    assert registered.entity_category is EntityCategory.DIAGNOSTIC
    assert state_of(hass, "link_state") == "connected"


@pytest.mark.parametrize(
    ("button", "asked"),
    [(RECONNECT, ["SKTERM", "SKJOIN"]), (SCAN_AGAIN, ["SKTERM", "SKSCAN", "SKJOIN"])],
)
async def test_press_starts_and_the_state_of_the_link_shows_how_it_goes_on(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later, button: str, asked: list[str]
) -> None:
    await set_up(hass, entry_for())
    before = len(dongle.commands)

    await press(hass, button)
    await later(2)

    assert state_of(hass, "link_state") == "connecting"
    assert asked_after(dongle, before) == ["SKTERM"]  # the meter needs a pause after that

    await later(11)
    await until(lambda: asked_after(dongle, before) == asked)
    await later(2)
    await until(lambda: state_of(hass, "link_state") == "connected")
    assert state_of(hass, "power") == "632"


@BOTH
async def test_two_presses_make_one_new_session(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later, button: str
) -> None:
    await set_up(hass, entry_for())
    before = len(dongle.commands)

    await press(hass, button)
    await press(hass, button)
    await later(11)
    await until(lambda: "SKJOIN" in asked_after(dongle, before))
    await later(2)
    await until(lambda: state_of(hass, "link_state") == "connected")

    assert asked_after(dongle, before).count("SKTERM") == 1
    assert asked_after(dongle, before).count("SKJOIN") == 1


@BOTH
async def test_press_while_the_link_is_down_brings_the_next_attempt_forward(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later, button: str
) -> None:
    await set_up(hass, entry_for())
    dongle.replies["SKJOIN"] = JOIN_IGNORED
    dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
    await later(2)
    await later(10)
    await until(lambda: state_of(hass, "link_state") == "sign_in_failed")
    state = hass.states.get(button)
    assert state is not None
    assert state.state != "unavailable"
    del dongle.replies["SKJOIN"]

    await press(hass, button)

    await later(2)
    await until(lambda: state_of(hass, "link_state") == "connected")


@BOTH
async def test_press_against_the_transmit_limit_says_so_and_harms_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle, button: str
) -> None:
    await set_up(hass, entry_for())
    dongle.say(f"EVENT 32 {METER_IP}\r\n".encode())
    dongle.replies["SKSREG"] = b"ESREG 1\r\nOK\r\n"
    before = len(dongle.commands)

    with pytest.raises(HomeAssistantError) as raised:
        await press(hass, button)

    assert raised.value.translation_key == "transmit_limit"
    assert asked_after(dongle, before) == []


@pytest.mark.usefixtures("fast_clock")
async def test_press_after_a_refusal_tries_again_and_ends_the_question_for_a_password(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())
    dongle.replies["SKJOIN"] = JOIN_REFUSED
    dongle.unplug()
    await until(lambda: state_of(hass, "link_state") == "refused")
    await until(lambda: bool(hass.config_entries.flow.async_progress()))
    del dongle.replies["SKJOIN"]

    await press(hass, RECONNECT)
    await until(lambda: state_of(hass, "link_state") == "connected")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state_of(hass, "power") == "632"
    assert not hass.config_entries.flow.async_progress()
