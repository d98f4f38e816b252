"""The Energy dashboard, from an empty Home Assistant to the meter's own history."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.frontend import Frontend, about_dashboard, connected, words
from tools.demo.jsons import as_text

from .conftest import SecondDongle, remove_meters
from .counted import JAPAN
from .dashboard import shows
from .ha_instance import HomeAssistantInstance, running_instance

_DAY = timedelta(days=1)
#: The recorder compiles within five minutes; then yesterday is read and imported first.
_STATISTICS = 480.0
#: 30 days, with a pause after each.
_IMPORT = 900.0
#: Start, first statistics, and all days.
_TIMEOUT = 1800


@pytest.fixture(scope="module")
def instance(
    chromium: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistantInstance]:
    """An empty Home Assistant in Japanese."""
    folder = tmp_path_factory.mktemp("browser") / "japanese"
    with running_instance(folder, language="ja") as built:
        yield built
    assert built.complaints() == []


@pytest.mark.timeout(_TIMEOUT)
async def test_yesterday_is_there_after_one_dialog_in_japanese(
    frontend: Frontend, instance: HomeAssistantInstance, client: HomeAssistantClient
) -> None:
    await frontend.follow_link_to_set_up()
    await frontend.sees(words("config.step.user.title", "ja"))
    await frontend.open_ports()
    await frontend.enter_port(instance.dongle)
    await frontend.enter("route_b_id", ROUTE_B_ID)
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(connected("ja"))
    await frontend.sees(about_dashboard("added", "ja"))

    # Nothing else was chosen anywhere. The day is that of this Home Assistant's own clock.
    await shows(frontend, await _today(client) - _DAY, _STATISTICS)
    await frontend.open_device()
    days = words("common.history_import_days", "ja").partition("{days}")[2]
    shown = frontend.state(words("entity.sensor.history_import.name", "ja"))
    await expect(shown).to_contain_text(days)

    # All that comes after yesterday leaves it as it was.
    done = words("entity.sensor.history_import.state.done", "ja")
    await expect(shown).to_contain_text(done, timeout=_IMPORT * 1000)
    for days_ago in (20, 1):
        await shows(frontend, await _today(client) - days_ago * _DAY, _STATISTICS)


@pytest.mark.usefixtures("meter")
async def test_second_meter_of_a_japanese_home_has_a_japanese_name(
    frontend: Frontend, client: HomeAssistantClient, second: SecondDongle
) -> None:
    await frontend.follow_link_to_set_up()
    await frontend.open_ports()
    await frontend.enter_port(second.port)
    await frontend.enter("route_b_id", second.route_b_id)
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(connected("ja"))
    await frontend.sees(about_dashboard("left", "ja"))

    await frontend.open_device("スマートメーター")
    await frontend.open_device("スマートメーター 2")
    imported = words("entity.sensor.imported_energy.name", "ja")
    await expect(frontend.state(imported)).to_contain_text("kWh")
    # While there are their dongles: the loss of one would be logged.
    await remove_meters(client)


async def _today(client: HomeAssistantClient) -> date:
    """Return the day in Japan by the clock of this Home Assistant, which may be some minutes behind."""
    answer = await client.post(
        "/api/template", {"template": "{{ utcnow().isoformat() | to_json }}"}
    )
    return datetime.fromisoformat(as_text(answer)).astimezone(JAPAN).date()
