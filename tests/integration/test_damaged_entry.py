"""One damaged entry fails by itself, and harms nothing of other meters."""

import ast
from collections.abc import Callable
import logging
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USB,
    SOURCE_USER,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.wisun_route_b.const import (
    CONF_CARRY_OVER,
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    CONF_ROUTE_B_ID,
    CONF_USB,
    DOMAIN,
)
from custom_components.wisun_route_b.diagnostics import async_get_config_entry_diagnostics
from custom_components.wisun_route_b.stack import Credentials
from custom_components.wisun_route_b.system_health import _info
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle

from .conftest import SCRIPTED_PORT, entry_for, plug_in, set_up, state_of
from .flow.dialogs import FORM, submit
from .source_files import FILES, name_of

_OTHER_ID = "F" * 32
_OTHER_PORT = "/dev/another"
_CORE = "route_b_smart_meter"

type Damage = Callable[[dict[str, Any]], dict[str, Any]]


def _without(*keys: str) -> Damage:
    return lambda data: {key: value for key, value in data.items() if key not in keys}


def _with(**values: object) -> Damage:
    return lambda data: {**data, **values}


#: What keeps an entry from being set up.
_FATAL: dict[str, Damage] = {
    "nothing": lambda _: {},
    "no identity": _without(CONF_IDENTITY),
    "no port": _without(CONF_DEVICE),
    "no ID": _without(CONF_ROUTE_B_ID),
    "no password": _without(CONF_PASSWORD),
    "null": dict.fromkeys,
    "numbers": lambda data: dict.fromkeys(data, 7),
    "lists": lambda data: {key: [value] for key, value in data.items()},
    "mappings": lambda data: {key: {"value": value} for key, value in data.items()},
    "malformed ID": _with(**{CONF_ROUTE_B_ID: "0123"}),
    "malformed password": _with(**{CONF_PASSWORD: "0123"}),
}
#: What only costs time.
_HARMLESS: dict[str, Damage] = {
    "network": _with(**{CONF_NETWORK: "elsewhere"}),
    "network of wrong types": _with(
        **{CONF_NETWORK: {"channel": "31", "pan_id": [], "address": 1}}
    ),
    "known": _with(**{CONF_KNOWN: ["known"]}),
    "known of wrong types": _with(
        **{CONF_KNOWN: {"address": "", "values": {1: 2}, "refused": [3]}}
    ),
    "usb": _with(**{CONF_USB: 5}),
    "usb of wrong types": _with(**{CONF_USB: {"vid": 1, "pid": None, "serial_number": []}}),
    "more": _with(later_version={"of": ["another", "time"]}),
}
_BAD_OPTIONS: dict[str, object] = {
    CONF_POLL_INTERVAL: "often",
    CONF_REPAIR: "perhaps",
    "costs": "perhaps",
    CONF_IMPORT_DAYS: [7],
    CONF_CARRY_OVER: 3,
}


def _damaged(hass: HomeAssistant, damage: Damage, device: str = _OTHER_PORT) -> MockConfigEntry:
    entry = entry_for(device, _OTHER_ID)
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data=damage(dict(entry.data)), options=dict(_BAD_OPTIONS)
    )
    return entry


fatal = pytest.mark.parametrize("damage", _FATAL.values(), ids=list(_FATAL))


# --- The entry itself ------------------------------------------------------------------------


@fatal
async def test_it_fails_its_own_set_up_in_its_own_words(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = _damaged(hass, damage)

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert (entry.error_reason_translation_domain, entry.error_reason_translation_key) == (
        DOMAIN,
        "entry_damaged",
    )
    # Home Assistant logs the exception itself; nothing else lies behind it.
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "The stored settings of this meter are damaged" in errors[0].getMessage()
    raised = errors[0].exc_info and errors[0].exc_info[1]
    assert raised is not None
    assert (raised.__cause__, raised.__context__) == (None, None)
    assert not dongle.commands


@fatal
async def test_its_diagnostics_can_be_had_and_it_can_be_removed(
    hass: HomeAssistant, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = _damaged(hass, damage)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    caplog.clear()

    report = await async_get_config_entry_diagnostics(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert report["entry"]["complete"] is False
    assert not hass.config_entries.async_entries(DOMAIN)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("damage", _HARMLESS.values(), ids=list(_HARMLESS))
async def test_memory_and_options_that_make_no_sense_do_no_harm(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = _damaged(hass, damage, SCRIPTED_PORT)
    identity = Credentials(ROUTE_B_ID, PASSWORD).fingerprint
    hass.config_entries.async_update_entry(
        entry,
        unique_id=identity,
        data={**entry.data, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_IDENTITY: identity},
        options={**entry.options, "later_version": 1},
    )

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    assert dict(entry.options) == {"later_version": 1}
    assert "Dropped invalid options" in caplog.text
    assert "Traceback" not in caplog.text


async def test_its_options_open_with_what_holds(hass: HomeAssistant) -> None:
    entry = _damaged(hass, _FATAL["nothing"])

    form = await hass.config_entries.options.async_init(entry.entry_id)

    assert form["type"] is FlowResultType.FORM
    assert form["data_schema"] is not None
    assert form["data_schema"]({}) == {
        CONF_POLL_INTERVAL: 30,
        CONF_REPAIR: True,
        "costs": True,
        CONF_IMPORT_DAYS: "none",
        "contract": "none",
        "contract_size": 0,
    }


async def test_new_password_alone_cannot_mend_it(hass: HomeAssistant) -> None:
    entry = _damaged(hass, _FATAL["no ID"])

    result = await entry.start_reauth_flow(hass)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "entry_damaged")


@pytest.mark.parametrize("loaded_before", [True, False])
async def test_reconfigure_mends_it_and_keeps_its_entities(
    hass: HomeAssistant, dongle: ScriptedDongle, loaded_before: bool
) -> None:
    entry = entry_for()
    identity = entry.data[CONF_IDENTITY]
    if loaded_before:
        await set_up(hass, entry)
        await hass.config_entries.async_unload(entry.entry_id)
    else:
        entry.add_to_hass(hass)
    before = {row.entity_id: row.unique_id for row in er.async_get(hass).entities.values()}
    # Also a home that got a new Route-B ID keeps what its entities were made of.
    hass.config_entries.async_update_entry(entry, data={}, unique_id="another")
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    form = await entry.start_reconfigure_flow(hass)

    blank = await submit(hass, form["flow_id"], {CONF_DEVICE: SCRIPTED_PORT})
    assert blank["errors"] == {
        CONF_ROUTE_B_ID: "invalid_route_b_id",
        CONF_PASSWORD: "invalid_password",
    }
    asked = await submit(hass, form["flow_id"], _typed())
    assert asked["step_id"] == "exchange"  # the old meter is unknown
    result = await submit(hass, form["flow_id"], {"next_step_id": "finish"})

    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_IDENTITY] == identity
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    after = {row.entity_id: row.unique_id for row in er.async_get(hass).entities.values()}
    assert after == before or not loaded_before


def _typed() -> dict[str, Any]:
    return {key: FORM[key] for key in (CONF_DEVICE, CONF_ROUTE_B_ID, CONF_PASSWORD)}


# --- Other meters ----------------------------------------------------------------------------


@fatal
async def test_new_meter_can_be_set_up_beside_it(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage
) -> None:
    _damaged(hass, damage)
    form = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    result = await submit(hass, form["flow_id"], FORM)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Smart meter 2"
    assert hass.states.is_state("sensor.smart_meter_2_power", "632")


@fatal
async def test_dongle_can_be_discovered_beside_it(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage
) -> None:
    _damaged(hass, damage)
    found = UsbServiceInfo(
        device=SCRIPTED_PORT,
        vid="0403",
        pid="6015",
        serial_number="A1",
        manufacturer="ROHM",
        description="BP35C2",
    )

    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=found
    )

    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "user")


@fatal
async def test_meter_can_be_taken_over_beside_it(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage
) -> None:
    _damaged(hass, damage)
    for number, device in enumerate((SCRIPTED_PORT, 7)):  # one of theirs is damaged as well
        theirs = MockConfigEntry(
            domain=_CORE,
            unique_id=str(number),
            data={CONF_DEVICE: device, "id": ROUTE_B_ID, CONF_PASSWORD: PASSWORD},
            disabled_by=ConfigEntryDisabler.USER,
        )
        theirs.add_to_hass(hass)
    menu = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["step_id"] == "start"
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": "take_over"}
    )

    result = await submit(hass, form["flow_id"], {CONF_CARRY_OVER: False})

    assert result["type"] is FlowResultType.CREATE_ENTRY


@fatal
async def test_running_meter_notices_nothing_of_it(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    damaged = _damaged(hass, damage)
    await hass.config_entries.async_setup(damaged.entry_id)
    await hass.async_block_till_done()
    caplog.clear()

    for form, start in (
        ({CONF_PASSWORD: PASSWORD}, entry.start_reauth_flow),
        ({CONF_DEVICE: SCRIPTED_PORT}, entry.start_reconfigure_flow),
    ):
        flow = await start(hass)
        result = await submit(hass, flow["flow_id"], form)
        assert result["reason"] in {"reauth_successful", "reconfigure_successful"}
    options = await hass.config_entries.options.async_init(entry.entry_id)
    assert options["type"] is FlowResultType.FORM
    plug_in(hass)
    health = await _info(hass)
    report = await async_get_config_entry_diagnostics(hass, entry)
    await hass.async_block_till_done()

    assert health["meters"] == "1/2"
    assert report["entry"]["complete"] is True
    assert (entry.state, state_of(hass, "power")) == (ConfigEntryState.LOADED, "632")
    assert "Traceback" not in caplog.text


@fatal
async def test_rival_on_the_port_of_a_meter_is_reported_beside_it(
    hass: HomeAssistant, dongle: ScriptedDongle, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    _damaged(hass, damage)

    MockConfigEntry(domain=_CORE, data={"somewhere": [SCRIPTED_PORT]}).add_to_hass(hass)
    other = MockConfigEntry(domain=_CORE, data={"serial": {"path": SCRIPTED_PORT}})
    other.add_to_hass(hass)
    hass.config_entries.async_update_entry(other, title="Another")
    await hass.async_block_till_done()

    issues = ir.async_get(hass).issues
    assert [key[1].partition("_enabled")[0] for key in issues if key[0] == DOMAIN] == ["built_in"]
    assert "Traceback" not in caplog.text


async def test_rival_that_keeps_its_port_elsewhere_can_be_disabled(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    from custom_components.wisun_route_b.takeover.core_integration import async_disable

    other = MockConfigEntry(domain=_CORE, data={"serial": {"path": SCRIPTED_PORT}})
    other.add_to_hass(hass)

    await async_disable(hass, other.entry_id)

    assert other.disabled_by is ConfigEntryDisabler.USER


# --- The kind --------------------------------------------------------------------------------

#: Who may read what entries store. The coordinator and its parts are made after the check only;
#: what the other integration stores is read in one place of its own.
_READERS = {
    "entry_data.py",
    "coordinator.py",
    "entity.py",
    "takeover/carry_over.py",
    "takeover/core_integration.py",
    "takeover/offer.py",
}


def test_entries_are_read_in_one_place() -> None:
    found = {
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        if name_of(path) not in _READERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr) and _reads_one_value(node)
    }
    assert found == set()


def _reads_one_value(node: ast.expr) -> bool:
    """Match ``….data[CONF_…]`` and ``….options.get(CONF_…)``."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="data" | "options"), slice=key):
            pass
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="data" | "options"), attr="get"),
            args=[key, *_],
        ):
            pass
        case _:
            return False
    return isinstance(key, ast.Name) and key.id.startswith("CONF_")
