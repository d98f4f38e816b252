"""What Home Assistant's own checker looks for behind a "done" of the quality scale.

Its validators are not on PyPI. These are the same facts, read from the code: a plain assignment,
a function of a certain name, a call, a type of a certain form.
"""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any, cast

from homeassistant.helpers.entity import Entity
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.wisun_route_b import PLATFORMS
from custom_components.wisun_route_b.entity import RouteBEntity

from .source_files import FILES, PACKAGE as _PACKAGE, name_of

#: How Home Assistant names the type of an entry with its runtime data.
_TYPED_ENTRY = re.compile(r"[A-Za-z][A-Za-z0-9]*ConfigEntry")
#: Functions that Home Assistant calls with one of our entries.
_ENTRY_FUNCTIONS = {
    "__init__": {"async_setup_entry", "async_unload_entry", "async_remove_entry"},
    "config_flow": {"async_get_options_flow"},
    "diagnostics": {"async_get_config_entry_diagnostics"},
    **{str(platform): {"async_setup_entry"} for platform in PLATFORMS},
}
#: Where an entry may be one of another integration.
_OTHERS = {
    "takeover/core_integration.py",
    "takeover/references.py:async_users_of",
    "serial_port/users.py:other",
    "serial_port/users.py:_ports_in",
    "repairs/issues.py:_entry_changed",
}

type Function = ast.FunctionDef | ast.AsyncFunctionDef


def _module(name: str) -> ast.Module:
    return _parsed(_PACKAGE / f"{name}.py")


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.AST) -> dict[str, Function]:
    return {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _called(tree: ast.AST) -> set[str]:
    """Return the names of what is called, without what they belong to."""
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }


def _rule(name: str) -> str:
    rules = load_yaml_dict(str(_PACKAGE / "quality_scale.yaml"))["rules"]
    status = cast("dict[str, Any]", rules)[name]
    return str(status["status"] if isinstance(status, dict) else status)


# --- Bronze ----------------------------------------------------------------------------------


def test_actions_are_registered_whether_or_not_there_is_an_entry() -> None:
    assert _rule("action-setup") == "done"
    init = _functions(_module("__init__"))

    assert "async_setup_services" in _called(init["async_setup"])
    register = {"async_register", "async_register_admin_service", "async_setup_services"}
    assert not register & _called(init["async_setup_entry"])


def test_set_up_is_a_dialog_whose_every_field_is_explained() -> None:
    assert _rule("config-flow") == "done"
    assert json.loads((_PACKAGE / "manifest.json").read_text())["config_flow"] is True
    texts = json.loads((_PACKAGE / "translations" / "en.json").read_text(encoding="utf-8"))

    for flow in ("config", "options"):
        for step in texts[flow]["step"].values():
            assert step.get("data", {}).keys() == step.get("data_description", {}).keys()


def test_entities_have_names_and_unique_ids_of_their_own() -> None:
    assert (_rule("has-entity-name"), _rule("entity-unique-id")) == ("done", "done")
    assert "_attr_has_entity_name = True" in ast.unparse(_module("entity"))

    for platform in PLATFORMS:
        module = __import__(
            f"{RouteBEntity.__module__.rpartition('.')[0]}.{platform}", fromlist="*"
        )
        entities = {
            kind
            for kind in vars(module).values()
            if isinstance(kind, type)
            and issubclass(kind, Entity)
            and kind.__module__ == module.__name__
        }
        assert entities
        assert all(issubclass(kind, RouteBEntity) for kind in entities)
        assert not [kind for kind in entities if "_attr_unique_id" in vars(kind)]
    init = _functions(_module("entity"))["__init__"]
    assert "_attr_unique_id" in {
        node.attr for node in ast.walk(init) if isinstance(node, ast.Attribute)
    }


def test_runtime_data_are_kept_in_a_typed_entry() -> None:
    assert _rule("runtime-data") == "done"
    stored = [
        target
        for node in ast.walk(_functions(_module("__init__"))["async_setup_entry"])
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr == "runtime_data"
    ]
    assert len(stored) == 1

    for module, names in _ENTRY_FUNCTIONS.items():
        functions = _functions(_module(module))
        for name in names:
            (entry,) = (
                arg for arg in functions[name].args.args if arg.arg in {"entry", "config_entry"}
            )
            assert isinstance(entry.annotation, ast.Name), (module, name)
            assert _TYPED_ENTRY.fullmatch(entry.annotation.id), (module, name)


def test_our_entries_are_typed_everywhere() -> None:
    assert _rule("strict-typing") == "done"
    untyped = {
        place
        for path in FILES
        if name_of(path) not in _OTHERS
        for function in _functions(_parsed(path)).values()
        for place in _untyped(name_of(path), function)
    }

    assert untyped - _OTHERS == set()


def _untyped(file: str, function: Function) -> Iterator[str]:
    """Yield where a function takes a bare ConfigEntry."""
    arguments = function.args
    for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if arg.annotation is not None and "ConfigEntry" in {
            node.id for node in ast.walk(arg.annotation) if isinstance(node, ast.Name)
        }:
            yield f"{file}:{arg.arg if arg.arg != 'entry' else function.name}"


def test_connection_is_tried_before_an_entry_is_made_or_loaded() -> None:
    assert (_rule("test-before-configure"), _rule("test-before-setup")) == ("done", "done")
    called = _called(_functions(_module("__init__"))["async_setup_entry"])

    assert "check_entry" in called  # raises ConfigEntryError
    assert "SignInAttempt" in _called(_functions(_module("config_flow"))["async_step_connect"])


def test_no_meter_can_be_set_up_twice() -> None:
    assert _rule("unique-config-entry") == "done"
    called = _called(_module("config_flow"))

    assert {"async_set_unique_id", "_abort_if_unique_id_configured"} <= called


# --- Silver ----------------------------------------------------------------------------------


def test_entries_can_be_unloaded() -> None:
    assert _rule("config-entry-unloading") == "done"
    unload = _functions(_module("__init__"))["async_unload_entry"]
    assert "async_unload_platforms" in _called(unload)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_parallel_updates_are_a_plain_assignment(platform: str) -> None:
    assert _rule("parallel-updates") == "done"
    values = [
        node.value
        for node in _module(platform).body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(name, ast.Name) and name.id == "PARALLEL_UPDATES" for name in node.targets
        )
    ]
    assert [value.value for value in values if isinstance(value, ast.Constant)] == [0]


def test_dialogs_of_an_entry_are_there() -> None:
    steps = _functions(_module("config_flow")).keys()

    for rule, step in (
        ("reauthentication-flow", "async_step_reauth"),
        ("reconfiguration-flow", "async_step_reconfigure"),
        ("discovery", "async_step_usb"),
    ):
        assert _rule(rule) == "done"
        assert step in steps


# --- Gold ------------------------------------------------------------------------------------


def test_diagnostics_and_repairs_are_there() -> None:
    assert (_rule("diagnostics"), _rule("repair-issues")) == ("done", "done")
    assert "async_get_config_entry_diagnostics" in _functions(_module("diagnostics"))
    assert "async_create_fix_flow" in _functions(_module("repairs/__init__"))
    assert any("async_create_issue" in _called(_parsed(path)) for path in FILES)


def test_discovery_says_what_it_rests_on() -> None:
    rules = cast("dict[str, Any]", load_yaml_dict(str(_PACKAGE / "quality_scale.yaml"))["rules"])

    said = rules["discovery"]["comment"]
    assert "No capture of a real dongle" in said
    matchers = json.loads((_PACKAGE / "manifest.json").read_text(encoding="utf-8"))["usb"]
    for matcher in matchers:
        assert matcher["manufacturer"].strip("*") in said


def test_exceptions_have_texts_and_no_words_of_their_own() -> None:
    assert _rule("exception-translations") == "done"
    kinds = {"HomeAssistantError", "ServiceValidationError", "ConfigEntryError"}
    kinds |= {"ConfigEntryNotReady", "ConfigEntryAuthFailed", "UpdateFailed"}
    for path in FILES:
        for node in ast.walk(_parsed(path)):
            if not isinstance(node, ast.Call) or _called_name(node) not in kinds:
                continue
            keys = {keyword.arg for keyword in node.keywords}
            assert {"translation_domain", "translation_key"} <= keys, path.name
            assert not node.args, path.name


def _called_name(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


# --- Platinum --------------------------------------------------------------------------------


def test_types_are_promised() -> None:
    assert (_PACKAGE / "py.typed").is_file()
