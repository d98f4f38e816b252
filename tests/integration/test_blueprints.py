"""The blueprints: each is imported by Home Assistant, used with its defaults, and does what it says."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
import shutil
from typing import Any
from urllib.parse import quote

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.blueprint.importer import fetch_blueprint_from_url
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict, parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    async_mock_service,
)
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.wisun_route_b.const import DOMAIN
from tests.stack.scripted import ScriptedDongle

from .conftest import Wait, entry_for, live_session, set_up

AUTOMATION = "automation"
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "blueprints" / "automation" / DOMAIN
NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))
PAGES = {"": "automations.md", ".ja": "automations.ja.md"}

type Use = Callable[..., Awaitable[None]]


@pytest.fixture(params=["", ".ja"], ids=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def messages(hass: HomeAssistant) -> list[ServiceCall]:
    calls: list[ServiceCall] = async_mock_service(hass, "persistent_notification", "create")
    return calls


@pytest.fixture
def use(hass: HomeAssistant, language: str) -> Use:
    """Make an automation of a blueprint, as a person who fills in what has no default."""
    shutil.copytree(FOLDER, hass.config.path("blueprints", AUTOMATION, DOMAIN))

    async def automate(name: str, **inputs: Any) -> None:
        path = f"{DOMAIN}/{name}{language}.yaml"
        used = {"alias": "used", "use_blueprint": {"path": path, "input": inputs}}
        assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [used]})
        await hass.async_block_till_done()
        (state,) = hass.states.async_all(AUTOMATION)
        assert state.state == "on"  # "unavailable" if it is not valid

    return automate


async def _show(hass: HomeAssistant, entity_id: str, value: object) -> None:
    hass.states.async_set(entity_id, str(value))
    await hass.async_block_till_done()


# --- The files -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_blueprint_is_imported_from_where_it_says_that_it_comes_from(
    hass: HomeAssistant, aioclient_mock: AiohttpClientMocker, name: str
) -> None:
    url = str(load_yaml_dict(str(FOLDER / name))["blueprint"]["source_url"])
    where = url.removeprefix("https://github.com/").replace("/blob/", "/")
    aioclient_mock.get(
        f"https://raw.githubusercontent.com/{where}", text=(FOLDER / name).read_text("utf-8")
    )
    assert where.endswith(f"/main/blueprints/automation/{DOMAIN}/{name}")

    found = await fetch_blueprint_from_url(hass, url)

    assert found.blueprint.domain == AUTOMATION
    assert found.blueprint.validate() is None


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".ja.yaml")])
def test_both_languages_are_the_same_but_for_their_texts(name: str) -> None:
    def frame(path: Path) -> object:
        return _without_texts(parse_yaml(path.read_text("utf-8")))

    assert frame(FOLDER / name) == frame(FOLDER / name.replace(".yaml", ".ja.yaml"))


def _without_texts(tree: object) -> object:
    texts = {"name", "description", "title", "message", "source_url", "unit_of_measurement"}
    if isinstance(tree, dict):
        return {
            key: isinstance(value, str) if key in texts else _without_texts(value)
            for key, value in tree.items()
        }
    return [_without_texts(item) for item in tree] if isinstance(tree, list) else repr(tree)


def test_pages_offer_every_blueprint_for_one_click(language: str) -> None:
    text = (ROOT / "docs" / PAGES[language]).read_text("utf-8")
    mine = [name for name in NAMES if name.endswith(".ja.yaml") == bool(language)]

    assert mine
    for name in mine:
        url = load_yaml_dict(str(FOLDER / name))["blueprint"]["source_url"]
        link = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
        assert f"({link}{quote(str(url), safe='')})" in text


async def test_selectors_offer_the_entities_that_are_meant(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    live_session(dongle)
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, options={"contract": "ampere", "contract_size": 40}
    )
    await set_up(hass, entry)
    meant = {
        "load": "sensor.smart_meter_load",
        "power": "sensor.smart_meter_power",
        "projected": "sensor.smart_meter_projected_demand",
        "peak": "sensor.smart_meter_12_month_peak_demand",
        "connectivity": "binary_sensor.smart_meter_connectivity",
    }
    seen = set()
    for name in NAMES:
        for key, row in load_yaml_dict(str(FOLDER / name))["blueprint"]["input"].items():
            for wanted in row["selector"].get("entity", {}).get("filter", ()):
                if wanted.get("integration") != DOMAIN:
                    continue
                seen.add(key)
                state = hass.states.get(meant[key])
                assert state is not None, key
                assert state.domain == wanted["domain"]
                assert state.attributes.get("device_class") == wanted.get(
                    "device_class", state.attributes.get("device_class")
                )
    assert seen == set(meant)


# --- What they do --------------------------------------------------------------------------


async def test_breaker_is_warned_of_after_a_minute_near_the_contract(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await _show(hass, "sensor.load", 80)
    await use("breaker_about_to_trip", load="sensor.load")
    await wait(timedelta(minutes=5))
    await _show(hass, "sensor.load", 93.4)
    await wait(timedelta(seconds=50))
    assert not messages
    await wait(timedelta(seconds=15))

    assert len(messages) == 1
    assert "93 %" in messages[0].data["message"]


async def test_load_that_falls_in_time_is_no_message(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await _show(hass, "sensor.load", 80)
    await use("breaker_about_to_trip", load="sensor.load")
    await _show(hass, "sensor.load", 120)
    await wait(timedelta(seconds=50))
    await _show(hass, "sensor.load", "unavailable")
    await wait(timedelta(minutes=5))

    assert not messages


async def test_solar_power_is_offered_after_ten_minutes(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await _show(hass, "sensor.power", -100)
    await use("solar_power_left_over", power="sensor.power")
    await _show(hass, "sensor.power", -1200)
    await wait(timedelta(minutes=9))
    assert not messages
    await wait(timedelta(minutes=2))

    assert len(messages) == 1
    assert "1200 W" in messages[0].data["message"]


async def test_chosen_action_is_done_instead_of_the_message(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    switched = async_mock_service(hass, "switch", "turn_on")
    await _show(hass, "sensor.power", 0)
    await use(
        "solar_power_left_over",
        power="sensor.power",
        surplus=2000,
        minutes=1,
        actions=[{"action": "switch.turn_on", "target": {"entity_id": "switch.washer"}}],
    )
    await _show(hass, "sensor.power", -1999)
    await wait(timedelta(minutes=2))
    assert not switched
    await _show(hass, "sensor.power", -2001)
    await wait(timedelta(minutes=2))

    assert len(switched) == 1
    assert not messages


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_new_peak_is_warned_of_from_the_tenth_minute_on(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2026-11-22 09:01:00+09:00")
    await _show(hass, "sensor.peak", 4.2)
    await _show(hass, "sensor.projected", 6.0)
    await use("peak_demand_warning", projected="sensor.projected", peak="sensor.peak")
    await _show(hass, "sensor.projected", 4.6)
    await wait(timedelta(minutes=8))
    assert not messages
    await wait(timedelta(minutes=1))
    assert len(messages) == 1
    assert "4.6 kW" in messages[0].data["message"]

    await _show(hass, "sensor.projected", 5.0)
    await wait(timedelta(minutes=18))
    assert len(messages) == 1
    await wait(timedelta(minutes=5))  # the next half-hour, with another projection
    await _show(hass, "sensor.projected", 4.1)
    await wait(timedelta(minutes=10))
    assert len(messages) == 1
    await _show(hass, "sensor.projected", 4.3)

    assert len(messages) == 2


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_demand_below_the_limit_is_no_warning(
    hass: HomeAssistant,
    use: Use,
    messages: list[ServiceCall],
    wait: Wait,
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2026-11-22 09:15:00+09:00")
    await _show(hass, "sensor.projected", 2.9)
    await use("peak_demand_warning", projected="sensor.projected")
    await _show(hass, "sensor.projected", "unavailable")
    await wait(timedelta(minutes=1))
    assert not messages
    await _show(hass, "sensor.projected", 3.1)

    assert len(messages) == 1


async def test_lost_link_is_reported_after_a_quarter_of_an_hour_whatever_it_shows(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall], wait: Wait
) -> None:
    await _show(hass, "binary_sensor.link", "on")
    await use("no_contact_with_the_meter", connectivity="binary_sensor.link")
    await _show(hass, "binary_sensor.link", "off")
    await wait(timedelta(minutes=10))
    await _show(hass, "binary_sensor.link", "unavailable")
    assert not messages
    await wait(timedelta(minutes=6))

    assert len(messages) == 1
    assert "15" in messages[0].data["message"]


async def test_cheap_half_hours_begin_and_end(
    hass: HomeAssistant, use: Use, messages: list[ServiceCall]
) -> None:
    ended = async_mock_service(hass, "switch", "turn_off")
    await _show(hass, "sensor.price", 25)
    await use(
        "cheap_half_hours",
        price="sensor.price",
        end=[{"action": "switch.turn_off", "target": {"entity_id": "switch.boiler"}}],
    )
    await _show(hass, "sensor.price", 20)
    assert (len(messages), len(ended)) == (1, 0)
    assert "20" in messages[0].data["message"]
    await _show(hass, "sensor.price", -3.5)
    assert (len(messages), len(ended)) == (1, 0)
    await _show(hass, "sensor.price", "unavailable")
    assert (len(messages), len(ended)) == (1, 1)
    await _show(hass, "sensor.price", 30)
    await _show(hass, "sensor.price", 12)

    assert (len(messages), len(ended)) == (2, 1)
