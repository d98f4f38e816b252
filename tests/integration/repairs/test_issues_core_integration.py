"""Home Assistant's own integration on our port: a repair issue with a fix flow."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_config_flow,
    mock_integration,
    mock_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.takeover.core_integration import CORE_DOMAIN
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle

from ..conftest import (
    CORE_SUCCEEDED,
    SCRIPTED_PORT,
    Later,
    entry_for,
    exclusively,
    set_up,
    until,
    words,
)
from .shown_issues import issues, texts


@pytest.fixture(autouse=True)
def _built_in(hass: HomeAssistant) -> None:
    """Put a stand-in in the place of the other integration, whose library needs a port."""

    async def succeed(*_: object) -> bool | None:
        return CORE_SUCCEEDED

    module = MockModule(CORE_DOMAIN, async_setup_entry=succeed, async_unload_entry=succeed)
    mock_integration(hass, module)
    mock_platform(hass, f"{CORE_DOMAIN}.config_flow")


def rival_on(device: str) -> MockConfigEntry:
    return MockConfigEntry(
        domain=CORE_DOMAIN,
        title=f"Route B {ROUTE_B_ID}",
        data={"device": device, "id": ROUTE_B_ID, "password": PASSWORD},
    )


async def start(hass: HomeAssistant, rival: MockConfigEntry) -> None:
    """Set the other integration up."""
    with mock_config_flow(CORE_DOMAIN, ConfigFlow):
        await set_up(hass, rival)
    assert rival.state is ConfigEntryState.LOADED


async def fix(client: Any, issue: ir.IssueEntry) -> list[dict[str, Any]]:
    """Go through the fix flow as the frontend does; return what each step answered."""
    answers = []
    answer = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id}
    )
    assert answer.status == HTTPStatus.OK
    answers.append(await answer.json())
    answer = await client.post(f"/api/repairs/issues/fix/{answers[0]['flow_id']}", json={})
    assert answer.status == HTTPStatus.OK
    answers.append(await answer.json())
    return answers


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_built_in_integration_on_our_port_is_told_whoever_comes_first(
    hass: HomeAssistant, dongle: ScriptedDongle, language: str
) -> None:
    await set_up(hass, entry_for())
    assert not issues(hass)

    await start(hass, rival_on(SCRIPTED_PORT))
    await until(lambda: bool(issues(hass)))

    assert issues(hass).keys() == {"built_in_enabled"}
    issue = issues(hass)["built_in_enabled"]
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.ERROR, True)
    shown = await texts(hass, issue, language)
    assert shown.keys() == {
        "title",
        "fix_flow.step.confirm.title",
        "fix_flow.step.confirm.description",
    }
    assert not any(ROUTE_B_ID in text for text in shown.values())


async def test_same_port_is_known_under_its_other_names(
    hass: HomeAssistant, dongle: ScriptedDongle, tmp_path: Path
) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    await start(hass, rival_on(str(tmp_path / "ttyUSB0")))

    await set_up(hass, entry_for(str(tmp_path / "by-id")))

    await until(lambda: bool(issues(hass)))
    assert issues(hass).keys() == {"built_in_enabled"}


async def test_built_in_integration_on_another_port_is_welcome(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await start(hass, rival_on("/dev/another"))

    await set_up(hass, entry_for())

    assert not issues(hass)


async def test_issue_goes_when_the_other_integration_is_disabled(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    rival = rival_on(SCRIPTED_PORT)
    await start(hass, rival)
    await set_up(hass, entry_for())
    await until(lambda: bool(issues(hass)))

    await hass.config_entries.async_set_disabled_by(rival.entry_id, ConfigEntryDisabler.USER)
    await hass.async_block_till_done()

    assert not issues(hass)


@pytest.mark.parametrize("ours", [True, False])
async def test_issue_goes_with_either_entry(
    hass: HomeAssistant, dongle: ScriptedDongle, ours: bool
) -> None:
    rival, entry = rival_on(SCRIPTED_PORT), entry_for()
    await start(hass, rival)
    await set_up(hass, entry)
    await until(lambda: bool(issues(hass)))

    await hass.config_entries.async_remove(entry.entry_id if ours else rival.entry_id)
    await hass.async_block_till_done()

    assert not issues(hass)


async def test_port_that_the_built_in_integration_has_is_one_issue_and_not_two(
    hass: HomeAssistant, dongle: ScriptedDongle, later: Later, mute_port: tuple[str, int]
) -> None:
    await start(hass, rival_on(mute_port[0]))
    entry = entry_for(mute_port[0])
    with exclusively(mute_port[0]):
        await set_up(hass, entry)
        assert entry.error_reason_translation_key == "port_busy"
        await later(70)
        await hass.async_block_till_done()

        assert issues(hass).keys() == {"built_in_enabled"}


async def test_click_disables_the_other_integration_and_sets_ours_up_again(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    later: Later,
    hass_client: ClientSessionGenerator,
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    rival, entry = rival_on(SCRIPTED_PORT), entry_for()
    await start(hass, rival)
    await set_up(hass, entry)
    await until(lambda: bool(issues(hass)))
    set_ups = len(dongle.commands)

    shown, done = await fix(await hass_client(), issues(hass)["built_in_enabled"])
    await until(lambda: words(dongle)[set_ups:].count("SKINFO") == 2)
    await later(11)  # a meter needs a pause after the other one's session
    await until(lambda: entry.state is ConfigEntryState.LOADED)

    assert shown["step_id"] == "confirm"
    assert shown["description_placeholders"].keys() == {"name", "user"}
    assert done["type"] == "create_entry"
    assert rival.disabled_by is ConfigEntryDisabler.USER
    assert not issues(hass)


async def test_click_that_cannot_disable_the_other_integration_says_so(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    rival = rival_on(SCRIPTED_PORT)
    await start(hass, rival)
    await set_up(hass, entry_for())
    await until(lambda: bool(issues(hass)))
    rival.mock_state(hass, ConfigEntryState.SETUP_IN_PROGRESS)

    _, done = await fix(await hass_client(), issues(hass)["built_in_enabled"])

    assert (done["type"], done["reason"]) == ("abort", "built_in_busy")
    assert rival.disabled_by is None
    assert issues(hass)
    rival.mock_state(hass, ConfigEntryState.LOADED)


async def test_click_after_the_other_integration_was_removed_is_no_failure(
    hass: HomeAssistant, dongle: ScriptedDongle, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    rival = rival_on(SCRIPTED_PORT)
    await start(hass, rival)
    await set_up(hass, entry_for())
    await until(lambda: bool(issues(hass)))
    client = await hass_client()
    answer = await client.post(
        "/api/repairs/issues/fix",
        json={"handler": DOMAIN, "issue_id": issues(hass)["built_in_enabled"].issue_id},
    )
    flow_id = (await answer.json())["flow_id"]
    await hass.config_entries.async_remove(rival.entry_id)

    answer = await client.post(f"/api/repairs/issues/fix/{flow_id}", json={})

    assert (await answer.json())["type"] == "create_entry"
    assert not issues(hass)
