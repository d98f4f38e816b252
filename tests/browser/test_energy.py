"""The Energy dashboard, from an empty Home Assistant to the meter's own history."""

from datetime import date, datetime, timedelta

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.frontend import Frontend, connected, words
from tools.demo.jsons import as_text
from tools.demo.onboarding import choose_language

from .conftest import remove_meters
from .counted import JAPAN
from .dashboard import shows
from .ha_instance import HomeAssistantInstance

_DAY = timedelta(days=1)
#: The recorder compiles within five minutes; then yesterday is read and imported first.
_STATISTICS = 480.0


@pytest.mark.usefixtures("no_meter")
async def test_yesterday_is_there_after_one_dialog_in_japanese(
    frontend: Frontend, instance: HomeAssistantInstance, client: HomeAssistantClient
) -> None:
    await client.command("energy/save_prefs", energy_sources=[])
    await client.command("config/core/update", language="ja")
    await choose_language(client, "ja")
    try:
        await frontend.follow_link_to_set_up()
        await frontend.sees(words("config.step.user.title", "ja"))
        await frontend.open_ports()
        await frontend.enter_port(instance.dongle)
        await frontend.enter("route_b_id", ROUTE_B_ID)
        await frontend.enter("password", PASSWORD)
        await frontend.submit()
        await frontend.sees(connected("ja"))
        await frontend.sees(words("config.create_entry.energy_added", "ja"))

        # Nothing else was chosen anywhere. The day is that of this Home Assistant's own clock.
        await shows(frontend, await _today(client) - _DAY, _STATISTICS)
        await frontend.open_device()
        days = words("common.history_import_days", "ja").partition("{days}")[2]
        shown = frontend.state(words("entity.sensor.history_import.name", "ja"))
        done = words("entity.sensor.history_import.state.done", "ja")
        await expect(shown).to_contain_text(days)
        # All that comes after yesterday leaves it as it was.
        await expect(shown).to_contain_text(done, timeout=_STATISTICS * 1000)
        await shows(frontend, await _today(client) - 20 * _DAY, 60)
        await shows(frontend, await _today(client) - _DAY, 60)
    finally:
        await choose_language(client, "en")
        await client.command("config/core/update", language="en")
        await remove_meters(client)


async def _today(client: HomeAssistantClient) -> date:
    """Return the day in Japan by the clock of this Home Assistant, which may be some minutes behind."""
    answer = await client.post(
        "/api/template", {"template": "{{ utcnow().isoformat() | to_json }}"}
    )
    return datetime.fromisoformat(as_text(answer)).astimezone(JAPAN).date()
