"""Each blueprint is imported by Home Assistant, is described, and offers the entities that are meant."""

from pathlib import Path
from urllib.parse import quote

from homeassistant.components.blueprint.importer import fetch_blueprint_from_url
from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import load_yaml_dict, parse_yaml
import pytest
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.wisun_route_b.const import DOMAIN
from tests.integration.conftest import entry_for, live_session, set_up
from tests.stack.scripted import ScriptedDongle

from .conftest import AUTOMATION, FOLDER

ROOT = FOLDER.parents[2]
NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))
PAGES = {"": "automations.md", ".ja": "automations.ja.md"}


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
