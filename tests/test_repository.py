"""What HACS, Home Assistant and the reader of the front page rely on."""

import json
from pathlib import Path
import re
import tomllib
from typing import Any, cast

from homeassistant.util.yaml import load_yaml_dict
import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file())


def _json(path: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((ROOT / path).read_text(encoding="utf-8")))


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_hacs_json_has_only_keys_that_the_hacs_action_knows() -> None:
    assert _json("hacs.json") == {
        "name": "Bルート電力スマートメーター Smart Meter (Wi-SUN Route B)",
        "homeassistant": "2026.10.0",
        "hide_default_branch": True,
    }


def test_there_is_one_integration_in_a_folder_named_like_its_domain() -> None:
    manifests = list((ROOT / "custom_components").glob("*/manifest.json"))

    assert [path.parent.name for path in manifests] == ["wisun_route_b"]
    assert _json("custom_components/wisun_route_b/manifest.json")["domain"] == "wisun_route_b"


def test_manifest_and_project_have_the_same_name_and_version() -> None:
    manifest = _json("custom_components/wisun_route_b/manifest.json")

    assert manifest["name"] == _json("hacs.json")["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert manifest["version"] == _pyproject()["project"]["version"]


@pytest.mark.parametrize("typed", ["スマートメーター", "Bルート", "電力", "smart meter"])
def test_name_is_found_by_what_people_type(typed: str) -> None:
    """The frontend (Fuse, threshold 0.2 in a distance of 100) finds what begins in the first 20 characters."""
    name = _json("custom_components/wisun_route_b/manifest.json")["name"].lower()

    assert 0 <= name.find(typed.lower()) <= 20


@pytest.mark.parametrize("group", ["test", "demo"])
def test_environments_have_what_the_manifest_requires(group: str) -> None:
    manifest = _json("custom_components/wisun_route_b/manifest.json")

    assert set(manifest["requirements"]) <= set(_pyproject()["dependency-groups"][group])


def test_both_environments_of_the_tests_have_what_the_tests_import() -> None:
    script = (ROOT / "scripts/setup").read_text(encoding="utf-8")
    groups = {
        name: set(re.findall(r"--group (\w+)", made))
        for name, made in re.findall(r"^  (\w+)\) venv=(.*) ;;$", script, re.MULTILINE)
    }

    assert groups["test"] - {"lint"} == groups["recorders"] - {"recorders"}


def test_lock_file_names_one_public_registry() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    sources = {key for package in lock["package"] for key in package["source"]}
    registries = {package["source"].get("registry") for package in lock["package"]} - {None}

    assert sources == {"registry", "virtual"}
    assert len(registries) == 1
    assert registries.pop().startswith("https://")


def test_licence_is_mit() -> None:
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")


def test_changelog_has_the_unreleased_changes_on_top() -> None:
    headings = re.findall(
        r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert headings[0] == "Unreleased"


def test_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert re.search(r"^scripts/test\b", readme, re.MULTILINE)
    assert re.search(r"^scripts/demo\b", readme, re.MULTILINE)


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_script_can_be_run_and_stops_at_errors(script: Path) -> None:
    text = script.read_text(encoding="utf-8")

    assert script.stat().st_mode & 0o111 == 0o111
    assert text.startswith("#!/usr/bin/env ")
    if "bash" in text.partition("\n")[0]:
        assert re.search(r"^set -[e]?uo pipefail$", text, re.MULTILINE)


def test_issue_templates_are_complete_and_never_ask_for_keys() -> None:
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    forms = [load_yaml_dict(str(path)) for path in templates]
    forms = [form for form in forms if "body" in form]

    assert {form["labels"][0] for form in forms} == {"bug", "hardware"}
    for form in forms:
        assert form["name"]
        assert form["description"]
        ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert len(set(ids)) == len(ids) > 0
        notice = next(field for field in form["body"] if field["type"] == "markdown")
        assert "Never write your Route-B ID or password" in notice["attributes"]["value"]


def test_hooks_of_a_commit_are_the_checks_of_the_lint_script() -> None:
    hooks = load_yaml_dict(str(ROOT / ".pre-commit-config.yaml"))

    (hook,) = (hook for repo in hooks["repos"] for hook in repo["hooks"])
    assert hook["entry"] == "scripts/lint"
    read = [*ROOT.glob("c*/**/*.py"), *ROOT.glob("t*/**/*.py"), *ROOT.glob("*.toml")]
    for path in (*read, ROOT / "uv.lock"):
        assert re.search(hook["files"], str(path.relative_to(ROOT)))
