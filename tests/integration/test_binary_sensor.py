"""Whether the meter runs, and whether it has a fault."""

from collections.abc import Callable
from datetime import timedelta

from homeassistant.const import STATE_UNAVAILABLE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import METER_SAYS, ScriptedDongle, answer_to, erxudp

from .conftest import PutOn, entry_for, live_session, poll, set_up, until

FAULT = "binary_sensor.smart_meter_fault"
OPERATION = "binary_sensor.smart_meter_operation"


async def read(hass: HomeAssistant) -> None:
    """Let the next poll happen, with nothing in flight that could run out of time."""
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)


def shown(hass: HomeAssistant, entity_id: str) -> str | None:
    state = hass.states.get(entity_id)
    return state.state if state else None


def saying(dongle: ScriptedDongle, **says: str) -> Callable[[Frame], None]:
    """Return how the scripted meter answers with some properties changed: E80="31".

    It has no half-hourly value, for the history before that would be looked up.
    """
    changed = METER_SAYS | {int(epc[1:], 16): edt for epc, edt in says.items()}
    del changed[0xEA]

    def answer(request: Frame) -> None:
        dongle.accept()
        dongle.say(erxudp(answer_to(request, changed).encode()))

    return answer


def times_asked(dongle: ScriptedDongle, epc: int) -> int:
    return sum(item.epc == epc for request in dongle.requests for item in request.properties)


def enable(hass: HomeAssistant, entry_unique_id: str | None, key: str, entity_id: str) -> None:
    """Have an entity enabled before it is added for the first time."""
    er.async_get(hass).async_get_or_create(
        "binary_sensor",
        "wisun_route_b",
        f"{entry_unique_id}_{key}",
        object_id_base=entity_id.partition(".")[2],
        disabled_by=None,
    )


@pytest.mark.parametrize("occasion", ["set-up", "reload"])
async def test_what_is_read_seldom_is_there_within_seconds(
    hass: HomeAssistant, dongle: ScriptedDongle, occasion: str
) -> None:
    entry = entry_for()
    enable(hass, entry.unique_id, "operation", OPERATION)
    dongle.on_request = saying(dongle)
    since = hass.loop.time()
    await set_up(hass, entry)
    if occasion == "reload":
        live_session(dongle)
        since = hass.loop.time()
        await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: (shown(hass, FAULT), shown(hass, OPERATION)) == ("off", "on"))

    assert hass.loop.time() - since < 5


@pytest.mark.parametrize(("edt", "state"), [("41", "on"), ("42", "off")])
async def test_fault_is_on_while_the_meter_reports_one(
    hass: HomeAssistant, dongle: ScriptedDongle, edt: str, state: str
) -> None:
    dongle.on_request = saying(dongle, E88=edt)
    await set_up(hass, entry_for())

    await read(hass)

    assert shown(hass, FAULT) == state


async def test_unknown_fault_status_is_no_fault_and_no_health(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.on_request = saying(dongle, E88="55")
    await set_up(hass, entry_for())

    await read(hass)

    assert shown(hass, FAULT) == STATE_UNAVAILABLE


async def test_fault_is_a_diagnostic_problem_and_the_operation_is_left_to_who_wants_it(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())
    registry = er.async_get(hass)

    fault, operation = registry.async_get(FAULT), registry.async_get(OPERATION)

    assert fault is not None
    assert operation is not None
    assert fault.entity_category is operation.entity_category is EntityCategory.DIAGNOSTIC
    assert fault.original_device_class == "problem"
    assert operation.original_device_class == "running"
    assert fault.disabled_by is None
    assert operation.disabled_by is er.RegistryEntryDisabler.INTEGRATION


@pytest.mark.parametrize(("edt", "state"), [("30", "on"), ("31", "off")])
async def test_operation_is_read_once_its_entity_is_enabled(
    hass: HomeAssistant, dongle: ScriptedDongle, edt: str, state: str
) -> None:
    dongle.on_request = saying(dongle, E80=edt)
    entry = entry_for()
    enable(hass, entry.unique_id, "operation", OPERATION)
    await set_up(hass, entry)

    await read(hass)

    assert shown(hass, OPERATION) == state


async def test_fault_is_asked_for_once_an_hour_and_the_operation_never(
    hass: HomeAssistant, dongle: ScriptedDongle, put_on: PutOn
) -> None:
    dongle.on_request = saying(dongle)
    await set_up(hass, entry_for())
    for _ in range(4):
        put_on(timedelta(minutes=10))
        await read(hass)
    assert times_asked(dongle, 0x88) == 1

    put_on(timedelta(minutes=40))
    await read(hass)

    assert times_asked(dongle, 0x88) == 2
    assert times_asked(dongle, 0x80) == 0


async def test_fault_that_the_meter_announces_is_shown_at_once(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.on_request = saying(dongle)
    await set_up(hass, entry_for())
    await read(hass)
    assert shown(hass, FAULT) == "off"

    announced = Frame(1, METER, CONTROLLER, ESV.INF, (Property(0x88, b"\x41"),))
    dongle.say(erxudp(announced.encode()))
    await hass.async_block_till_done()

    assert shown(hass, FAULT) == "on"


async def test_meter_that_offers_neither_has_neither(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    # 82 8A 8D 9F D3 D7 E0 E1 E3 E7 E8 EA: all that METER_SAYS, without 80 and 88.
    dongle.on_request = saying(dongle, E9F="0C828A8D9FD3D7E0E1E3E7E8EA")
    await set_up(hass, entry_for())

    await read(hass)

    assert shown(hass, "sensor.smart_meter_power") == "632"
    assert shown(hass, FAULT) is None
    assert times_asked(dongle, 0x88) == 0
