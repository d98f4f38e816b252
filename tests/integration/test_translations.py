"""The texts: complete in both languages, and in the form that Home Assistant demands."""

import json
from pathlib import Path
import re
import struct
from typing import Any, cast

from homeassistant.helpers.entity import EntityDescription
from homeassistant.util.yaml import load_yaml_dict
import probatio
import pytest

from custom_components.wisun_route_b.billing import fields as tariff_fields
from custom_components.wisun_route_b.binary_sensor import BINARY_SENSORS
from custom_components.wisun_route_b.button import BUTTONS
from custom_components.wisun_route_b.entry_data import StoredOptions
from custom_components.wisun_route_b.error_texts import FAILURE_KEYS
from custom_components.wisun_route_b.flow import sign_in_forms
from custom_components.wisun_route_b.flow.last_page import LAST_PAGES
from custom_components.wisun_route_b.flow.options import options_schema
from custom_components.wisun_route_b.flow.sign_in import PROGRESS_ACTIONS
from custom_components.wisun_route_b.history.statistics import Obstacle
from custom_components.wisun_route_b.sensor import ALL_SENSORS
from custom_components.wisun_route_b.services import GET_HISTORY, IMPORT_HISTORY

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "wisun_route_b"
LANGUAGES = ("en", "ja")

#: Platform -> its descriptions, and the keys of those that are named by their device class.
ENTITIES: dict[str, tuple[tuple[EntityDescription, ...], set[str]]] = {
    "sensor": (
        ALL_SENSORS,
        {"power", "signal_strength"},
    ),
    "binary_sensor": (BINARY_SENSORS, set()),
    "button": (BUTTONS, set()),
}

type Texts = dict[str, str]


def _flat(tree: dict[str, object], path: str = "") -> Texts:
    texts: Texts = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            texts |= _flat(value, f"{path}{key}.")
        else:
            texts[f"{path}{key}"] = cast("str", value)
    return texts


def _tree(name: str) -> dict[str, Any]:
    text = (INTEGRATION / name).read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def texts_of(language: str) -> Texts:
    return _flat(_tree(f"translations/{language}.json"))


def _under(prefix: str) -> set[str]:
    return {
        key.removeprefix(prefix).partition(".")[0]
        for key in texts_of("en")
        if key.startswith(prefix)
    }


def test_both_languages_have_the_same_texts() -> None:
    assert texts_of("ja").keys() == texts_of("en").keys()


def test_both_languages_use_the_same_placeholders() -> None:
    japanese = texts_of("ja")
    for key, english in texts_of("en").items():
        assert sorted(re.findall(r"{\w+}", japanese[key])) == sorted(
            re.findall(r"{\w+}", english)
        ), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_obey_the_rules_of_home_assistant(language: str) -> None:
    for key, text in texts_of(language).items():
        assert all(re.fullmatch(r"[a-z0-9_-]+", part) for part in key.split(".")), key
        assert text, key
        assert text == text.strip(), key
        assert not re.search(r"<[^>]+>", text), key
        assert "://" not in text, key
        assert not re.search(r"'{\w+}'", text), key
        assert "[%key:" not in text, key


def test_japanese_texts_are_japanese() -> None:
    for key, text in texts_of("ja").items():
        if re.fullmatch(r"{\w+}", text):
            continue
        assert re.search(r"[぀-ヿ一-鿿]", text), key


def test_every_failure_has_a_text_in_the_dialog_and_on_the_card() -> None:
    assert _under("config.error.") == FAILURE_KEYS | {
        "built_in_busy",
        "invalid_route_b_id",
        "invalid_password",
        "port_already_configured",
        "unknown",
    }
    assert _under("exceptions.") >= FAILURE_KEYS | {f"history_{each.value}" for each in Obstacle}


def test_every_failure_says_the_same_in_the_dialog_and_on_the_card() -> None:
    texts = texts_of("en")
    for key in FAILURE_KEYS:
        assert texts[f"config.error.{key}"] == texts[f"exceptions.{key}.message"]


def test_every_progress_action_has_a_text() -> None:
    assert _under("config.progress.") == PROGRESS_ACTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_last_page_says_the_same_of_one_thing_whatever_it_says_of_the_other(language: str) -> None:
    prefix = "config.create_entry."
    texts = texts_of(language)
    assert _under(prefix) == LAST_PAGES
    nothing = texts[f"{prefix}unknown_plain"]
    for key in LAST_PAGES:
        reception, _, dashboard = key.partition("_")
        of_reception = texts[f"{prefix}{reception}_plain"]
        of_dashboard = texts[f"{prefix}unknown_{dashboard}"].removeprefix(nothing)
        assert of_reception.startswith(nothing)
        assert texts[prefix + key] == of_reception + of_dashboard
        assert ("{dbm}" in of_reception) is (reception != "unknown")


@pytest.mark.parametrize(
    ("step", "schema"),
    [
        ("config.step.user", sign_in_forms.user(dashboard=True)),
        (
            "config.step.take_over",
            sign_in_forms.take_over({"one": "/dev/a", "two": "/dev/b"}, dashboard=True),
        ),
        ("config.step.reauth_confirm", sign_in_forms.REAUTH),
        ("config.step.reconfigure", sign_in_forms.RECONFIGURE),
        ("options.step.init", options_schema(StoredOptions(), dashboard=True)),
        ("config_subentries.tariff.step.prices", tariff_fields.prices(["2026-10-01"])),
        ("config_subentries.tariff.step.adjustments", tariff_fields.ADJUSTMENTS),
    ],
)
def test_every_field_has_a_name_and_a_description(step: str, schema: probatio.Schema) -> None:
    fields = {str(key) for key in schema.schema}

    assert _under(f"{step}.data.") == _under(f"{step}.data_description.") == fields


def test_every_entity_is_named_by_its_text_or_by_its_device_class() -> None:
    for platform, (rows, by_class) in ENTITIES.items():
        named = {row.translation_key for row in rows} - {None}

        assert _under(f"entity.{platform}.") == named, platform
        assert {row.key for row in rows if row.translation_key is None} == by_class, platform


def test_icons_belong_to_what_has_a_text() -> None:
    texts, icons = _tree("translations/en.json"), _tree("icons.json")

    for platform, entities in icons["entity"].items():
        assert entities.keys() <= texts["entity"][platform].keys()
        for key, icon in entities.items():
            named = texts["entity"][platform][key].get("state", {})
            assert icon.get("state", {}).keys() <= named.keys(), key
    assert icons["services"].keys() == texts["services"].keys() == {GET_HISTORY, IMPORT_HISTORY}
    for key, icon in _flat(icons).items():
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon), key


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_action_and_its_fields_have_texts(language: str) -> None:
    described = cast("dict[str, Any]", load_yaml_dict(str(INTEGRATION / "services.yaml")))
    texts = cast("dict[str, Any]", _tree(f"translations/{language}.json")["services"])

    assert described.keys() == texts.keys() == {GET_HISTORY, IMPORT_HISTORY}
    for action, description in described.items():
        assert description["fields"].keys() == texts[action]["fields"].keys()
        for text in (texts[action], *texts[action]["fields"].values()):
            assert text["name"]
            assert text["description"]


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_brand_icon_is_a_square_png_of_the_right_size(name: str, size: int) -> None:
    data = (INTEGRATION / "brand" / name).read_bytes()

    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (size, size)
    assert data[25] == 6  # colour with transparency
