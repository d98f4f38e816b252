"""The texts: complete in both languages, and in the form that Home Assistant demands."""

import json
from pathlib import Path
import re
import struct
from typing import Any, cast

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.wisun_route_b.binary_sensor import BINARY_SENSORS
from custom_components.wisun_route_b.button import BUTTONS
from custom_components.wisun_route_b.energy_statistics import Obstacle
from custom_components.wisun_route_b.failures import FAILURE_KEYS
from custom_components.wisun_route_b.health import HEALTH_SENSORS
from custom_components.wisun_route_b.progress import PROGRESS_ACTIONS
from custom_components.wisun_route_b.sensor import HALF_HOUR_SENSORS, SENSORS
from custom_components.wisun_route_b.services import GET_HISTORY, IMPORT_HISTORY

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "wisun_route_b"
LANGUAGES = ("en", "ja")

type Texts = dict[str, str]


def _flat(tree: dict[str, object], path: str = "") -> Texts:
    texts: Texts = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            texts |= _flat(value, f"{path}{key}.")
        else:
            texts[f"{path}{key}"] = cast("str", value)
    return texts


def _load(name: str) -> dict[str, object]:
    text = (INTEGRATION / name).read_text(encoding="utf-8")
    return cast("dict[str, object]", json.loads(text))


def texts_of(language: str) -> Texts:
    return _flat(_load(f"translations/{language}.json"))


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
        assert re.search(r"[぀-ヿ一-鿿]", text), key


def test_every_failure_has_a_text_in_the_dialog_and_on_the_card() -> None:
    assert _under("config.error.") == FAILURE_KEYS | {
        "invalid_route_b_id",
        "invalid_password",
        "unknown",
    }
    obstacles = {f"history_{obstacle.value}" for obstacle in Obstacle}
    of_actions = {"range_is_empty", "range_is_too_old"}
    assert _under("exceptions.") == FAILURE_KEYS | obstacles | of_actions


def test_every_failure_says_the_same_in_the_dialog_and_on_the_card() -> None:
    texts = texts_of("en")
    for key in FAILURE_KEYS:
        assert texts[f"config.error.{key}"] == texts[f"exceptions.{key}.message"]


def test_every_progress_action_has_a_text() -> None:
    assert _under("config.progress.") == PROGRESS_ACTIONS


def test_every_field_has_a_name_and_a_description() -> None:
    for step, fields in (
        ("user", {"device", "route_b_id", "password", "import_days"}),
        ("reauth_confirm", {"password"}),
    ):
        assert _under(f"config.step.{step}.data.") == fields
        assert _under(f"config.step.{step}.data_description.") == fields


def test_every_sensor_is_named_by_its_text_or_by_its_device_class() -> None:
    keys = {row.translation_key for row in (*SENSORS, *HALF_HOUR_SENSORS, *HEALTH_SENSORS)} - {None}

    assert _under("entity.sensor.") == keys
    assert {
        row.key
        for row in (*SENSORS, *HALF_HOUR_SENSORS, *HEALTH_SENSORS)
        if row.translation_key is None
    } == {
        "power",
        "signal_strength",
    }


def test_every_binary_sensor_and_button_is_named() -> None:
    named = {row.key for row in BINARY_SENSORS if row.translation_key}

    assert _under("entity.binary_sensor.") == named == {"fault", "operation"}
    assert _under("entity.button.") == {row.translation_key for row in BUTTONS}


def test_icons_belong_to_named_entities() -> None:
    icons = _flat(_load("icons.json"))
    actions = {key for key in icons if key.startswith("services.")}

    assert {key.split(".")[1] for key in actions} == {GET_HISTORY, IMPORT_HISTORY}
    for key, icon in icons.items():
        if key in actions:
            continue
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon)
        _, platform, name, *_ = key.split(".")
        assert name in _under(f"entity.{platform}.")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_action_and_its_fields_have_texts(language: str) -> None:
    described = cast("dict[str, Any]", load_yaml_dict(str(INTEGRATION / "services.yaml")))
    texts = cast("dict[str, Any]", _load(f"translations/{language}.json")["services"])

    assert described.keys() == texts.keys() == {GET_HISTORY, IMPORT_HISTORY}
    for action, description in described.items():
        assert description["fields"].keys() == texts[action]["fields"].keys()
        for text in (texts[action], *texts[action]["fields"].values()):
            assert text["name"]
            assert text["description"]


def test_manifest_keys_are_in_the_order_that_home_assistant_wants() -> None:
    keys = list(_load("manifest.json"))

    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_brand_icon_is_a_square_png_of_the_right_size(name: str, size: int) -> None:
    data = (INTEGRATION / "brand" / name).read_bytes()

    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (size, size)
    assert data[25] == 6  # colour with transparency
