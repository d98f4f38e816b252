"""What Home Assistant's own checker (hassfest) and HACS would find, as far as they can be had.

Neither is on PyPI; the rules are those of the developers' documentation and of the loader.
"""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any, Final, cast

from homeassistant.core import HomeAssistant
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.loader import async_get_integration
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.wisun_route_b.help_pages import PROJECT

from .source_files import FILES, PACKAGE, name_of

INTEGRATION = PACKAGE
#: Home Assistant's side: what may import it, and speak to people.
MODULES: Final = FILES
_MANIFEST_KEYS: Final = {
    "domain",
    "name",
    "after_dependencies",
    "codeowners",
    "config_flow",
    "dependencies",
    "documentation",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "loggers",
    "requirements",
    "usb",
    "version",
}
#: Integrations that may be imported without being named: platforms, and what is always there.
_ALWAYS_THERE: Final = {
    "binary_sensor",
    "button",
    "diagnostics",
    "homeassistant",
    "lovelace",
    "persistent_notification",
    "repairs",
    "sensor",
    "system_health",
}
#: Rules of the scale, by tier (the same in every quality_scale.yaml of Home Assistant 2026.11).
_RULES: Final = 54


def _json(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((INTEGRATION / name).read_text(encoding="utf-8")))


def _has_text(path: str) -> bool:
    node: object = _json("translations/en.json")
    for part in path.split("."):
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in MODULES:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


# --- The manifest ---------------------------------------------------------------------------


def test_manifest_has_known_keys_in_the_order_that_home_assistant_wants() -> None:
    keys = list(_json("manifest.json"))

    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])
    assert set(keys) == _MANIFEST_KEYS


def test_manifest_has_values_that_home_assistant_knows() -> None:
    manifest = _json("manifest.json")

    assert manifest["integration_type"] == "device"
    assert manifest["iot_class"] == "local_polling"
    assert manifest["config_flow"] is True
    assert manifest["documentation"].startswith("https://")
    assert "home-assistant.io" not in manifest["documentation"]
    assert manifest["issue_tracker"].startswith("https://")
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", need) for need in manifest["requirements"])


async def test_home_assistant_finds_nothing_wrong_with_the_manifest(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    integration = await async_get_integration(hass, "wisun_route_b")

    assert integration.version is not None
    assert not integration.disabled
    assert "not valid" not in caplog.text


def test_usb_matchers_are_specific_and_of_the_right_case() -> None:
    for matcher in _json("manifest.json")["usb"]:
        assert matcher.keys() <= {"vid", "pid", "manufacturer", "description", "serial_number"}
        assert re.fullmatch(r"[0-9A-F]{4}", matcher["vid"])
        assert matcher["manufacturer"].islower()
        assert matcher.get("description", "a").islower()
        assert len(matcher["manufacturer"].strip("*")) >= 4


def test_every_integration_that_is_imported_is_named_in_the_manifest() -> None:
    manifest = _json("manifest.json")
    named = {*manifest["dependencies"], *manifest["after_dependencies"], *_ALWAYS_THERE}

    for path, tree in _trees():
        for found in _imported_integrations(tree):
            assert found in named, f"{path.name} imports {found}"


def _imported_integrations(tree: ast.Module) -> Iterator[str]:
    components = "homeassistant.components"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == components:
            yield from (alias.name for alias in node.names)
            continue
        modules: list[str] = []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        yield from (name.split(".")[2] for name in modules if name.startswith(f"{components}."))


def test_set_up_without_an_entry_has_a_schema() -> None:
    source = (INTEGRATION / "__init__.py").read_text(encoding="utf-8")

    assert "async def async_setup(" in source
    assert re.search(
        r"^CONFIG_SCHEMA = cv\.config_entry_only_config_schema\(DOMAIN\)", source, re.MULTILINE
    )


def test_actions_are_described_as_home_assistant_reads_them() -> None:
    assert _SERVICES_SCHEMA(load_yaml_dict(str(INTEGRATION / "services.yaml")))


# --- Every text that the code asks for is there ------------------------------------------------


def _constants(node: ast.expr | None) -> Iterator[str]:
    """Return the strings that an expression can be, of those that stand there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _calls(*names: str) -> Iterator[tuple[Path, ast.Call]]:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                name = (
                    called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                )
                if name in names:
                    yield path, node


def test_every_reason_to_end_a_dialog_has_a_text() -> None:
    reasons = {
        text
        for path, call in _calls("async_abort", "AbortFlow")
        # The texts of these stand with their issue, and with their subentry.
        if name_of(path) not in {"repairs/__init__.py", "billing/flow.py"}
        for node in (*call.args, _keyword(call, "reason"))
        for text in _constants(node)
    }

    assert {"another_home", "port_already_configured"} <= reasons
    for reason in {*reasons, "already_configured"}:
        assert _has_text(f"config.abort.{reason}"), reason
    assert set(_json("translations/en.json")["config"]["abort"]) == {*reasons, "already_configured"}


def test_help_pages_are_those_of_the_manifest() -> None:
    assert _json("manifest.json")["documentation"] == PROJECT


#: Where the texts of dialogs are that are no set-up of an entry.
FLOWS = {"flow/options.py": "options", "billing/flow.py": "config_subentries.tariff"}


def test_every_step_has_its_texts() -> None:
    steps: set[tuple[str, str]] = set()
    for path, call in _calls("async_show_form", "async_show_menu"):
        flow = FLOWS.get(name_of(path), "config")
        for step in _constants(_keyword(call, "step_id")):
            steps.add((flow, step))
            assert _has_text(f"{flow}.step.{step}.title"), step
            assert _has_text(f"{flow}.step.{step}.description"), step
            options = _keyword(call, "menu_options")
            if isinstance(options, ast.List):
                chosen = {text for item in options.elts for text in _constants(item)}
                assert _below(flow)["step"][step]["menu_options"].keys() == chosen

    for flow in ("config", *FLOWS.values()):
        translated = _below(flow)["step"].keys()
        assert translated == {step for kind, step in steps if kind == flow}


def _below(path: str) -> Any:
    """Return the English texts below a path with points in it."""
    found: Any = _json("translations/en.json")
    for key in path.split("."):
        found = found[key]
    return found


def test_every_error_of_the_tariff_has_a_text() -> None:
    keys = {
        text
        for _, call in _calls("FieldError")
        for key in call.args[1:]
        for text in _constants(key)
    }

    assert keys == _below("config_subentries.tariff.error").keys()


def test_every_exception_with_a_key_has_a_text() -> None:
    raised = {
        text
        for _, call in _calls(
            "ConfigEntryAuthFailed", "HomeAssistantError", "ServiceValidationError", "UpdateFailed"
        )
        for text in _constants(_keyword(call, "translation_key"))
    }

    assert raised
    for key in raised:
        assert _has_text(f"exceptions.{key}.message"), key


# --- The scale --------------------------------------------------------------------------------


def _rules() -> dict[str, Any]:
    return cast("dict[str, Any]", load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"])


def test_every_rule_of_the_quality_scale_is_kept_or_has_a_reason() -> None:
    rules = _rules()

    assert len(rules) == _RULES
    for rule, status in rules.items():
        if isinstance(status, dict):
            assert status["status"] in {"done", "exempt"}, rule
            assert len(status["comment"]) > 20, rule
        else:
            assert status == "done", rule


@pytest.mark.parametrize("language", ["en", "ja"])
def test_texts_are_in_a_file_that_home_assistant_loads(language: str) -> None:
    assert (INTEGRATION / "translations" / f"{language}.json").is_file()
    assert not (INTEGRATION / "strings.json").exists()  # unused, and could only disagree


def test_typing_is_promised() -> None:
    assert (INTEGRATION / "py.typed").is_file()
