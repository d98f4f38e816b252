"""After a take-over: what still names the old sensors is listed, and nothing of the Route-B ID."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import CONF_DEVICE, CONF_ID, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.wisun_route_b.takeover.core_integration import CORE_DOMAIN
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import SCRIPTED_PORT, entry_for, set_up
from ..repairs.shown_issues import issues

_KEY = "old_sensors_named"


@pytest.fixture
def old(hass: HomeAssistant, entity_registry: er.EntityRegistry) -> str:
    """The power sensor of the other integration, which is disabled; its entity id."""
    entry = MockConfigEntry(
        domain=CORE_DOMAIN,
        disabled_by=ConfigEntryDisabler.USER,
        data={CONF_DEVICE: SCRIPTED_PORT, CONF_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD},
    )
    entry.add_to_hass(hass)
    return entity_registry.async_get_or_create(
        "sensor",
        CORE_DOMAIN,
        f"{ROUTE_B_ID}_instantaneous_power",
        config_entry=entry,
        suggested_object_id=f"route_b_smart_meter_{ROUTE_B_ID}_power".lower(),
    ).entity_id


async def add_users(hass: HomeAssistant, entity_id: str) -> None:
    """Have one of each kind name the sensor, and one of each that does not."""
    above: dict[str, Any] = {"trigger": "numeric_state", "entity_id": entity_id, "above": 3000}
    template = f"{{{{ states('{entity_id}') | float(0) > 1 }}}}"
    harmless = {"trigger": "state", "entity_id": f"{entity_id}_2"}
    automations = [
        {"id": "1", "alias": "Trips soon", "triggers": [above], "actions": []},
        {
            "id": "2",
            "alias": "By template",
            "triggers": [{"trigger": "template", "value_template": template}],
            "actions": [],
        },
        {"id": "3", "alias": "Harmless", "triggers": [harmless], "actions": []},
    ]
    script = {"tell": {"alias": "Tell", "sequence": [{"delay": template}]}}
    scene = [{"name": "Evening", "entities": {entity_id: "on"}}]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    assert await async_setup_component(hass, "script", {"script": script})
    assert await async_setup_component(hass, "scene", {"scene": scene})
    assert await async_setup_component(hass, "lovelace", {})
    await (
        hass.data["lovelace"]
        .dashboards[None]
        .async_save({"views": [{"cards": [{"type": "gauge", "entity": entity_id}]}]})
    )
    await hass.async_block_till_done()


async def test_everything_that_names_the_old_sensors_is_listed_without_their_ids(
    hass: HomeAssistant, dongle: ScriptedDongle, old: str
) -> None:
    await add_users(hass, old)

    await set_up(hass, entry_for())

    issue = issues(hass)[_KEY]
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.WARNING, False)
    placeholders = issue.translation_placeholders
    assert placeholders is not None
    assert placeholders["name"] == "Smart meter"
    assert placeholders["users"].splitlines() == [
        "- /lovelace",
        "- By template (automation.by_template)",
        "- Evening (scene.evening)",
        "- Tell (script.tell)",
        "- Trips soon (automation.trips_soon)",
    ]
    assert ROUTE_B_ID.lower() not in str(placeholders).lower()


async def test_message_goes_when_nothing_names_them_and_stays_dismissed_over_a_reload(
    hass: HomeAssistant, dongle: ScriptedDongle, old: str
) -> None:
    await add_users(hass, old)
    entry = entry_for()
    await set_up(hass, entry)
    issue = issues(hass)[_KEY]
    ir.async_ignore_issue(hass, issue.domain, issue.issue_id, ignore=True)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert issues(hass)[_KEY].dismissed_version is not None

    for domain in ("automation", "script", "scene"):
        for state in hass.states.async_all(domain):
            await hass.data[domain].async_remove_entity(state.entity_id)
    await hass.data["lovelace"].dashboards[None].async_save({"views": []})
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1, minutes=1))
    await hass.async_block_till_done(wait_background_tasks=True)

    assert _KEY not in issues(hass)


async def test_nothing_is_said_while_the_other_integration_is_in_use_or_unused(
    hass: HomeAssistant, dongle: ScriptedDongle, old: str
) -> None:
    await set_up(hass, entry_for())
    assert _KEY not in issues(hass)


async def test_message_goes_with_the_meter(
    hass: HomeAssistant, dongle: ScriptedDongle, old: str
) -> None:
    await add_users(hass, old)
    entry = entry_for()
    await set_up(hass, entry)
    assert _KEY in issues(hass)

    await hass.config_entries.async_remove(entry.entry_id)

    assert _KEY not in issues(hass)
