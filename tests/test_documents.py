"""The documents: what they link to is there, and what they quote is what people will see."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
import subprocess
from typing import Any, cast
from urllib.parse import unquote

import pytest

from custom_components.wisun_route_b.binary_sensor import BINARY_SENSORS
from custom_components.wisun_route_b.button import BUTTONS
from custom_components.wisun_route_b.link_state import REASONS
from custom_components.wisun_route_b.sensor import ALL_SENSORS

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "wisun_route_b"
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/fixtures/**/*.md")]
)
FRONT_PAGES = {"en": "README.md", "ja": "README.ja.md"}
ENTITY_PAGES = {"en": "docs/entities.md", "ja": "docs/entities.ja.md"}
SETUP_PAGES = {"en": "docs/setup.md", "ja": "docs/setup.ja.md"}
HELP_PAGES = {"en": "docs/troubleshooting.md", "ja": "docs/troubleshooting.ja.md"}
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])

#: Names that Home Assistant itself gives, by device class.
NAMES_OF_DEVICE_CLASSES = {
    "en": {"power": "Power", "signal_strength": "Signal strength"},
    "ja": {"power": "電力", "signal_strength": "信号強度"},
}
WORDS = {"en": {True: "on", False: "off"}, "ja": {True: "有効", False: "無効"}}


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def texts(language: str) -> dict[str, Any]:
    path = INTEGRATION / "translations" / f"{language}.json"
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def without_code(text: str) -> str:
    return re.sub(r"(?ms)^ *```.*?^ *```$|`[^`\n]+`", "", text)


def headings(path: str | Path) -> list[tuple[int, str]]:
    found = re.findall(r"(?m)^(#+) (.+)$", re.sub(r"(?ms)^```.*?^```$", "", read(path)))
    return [(len(marks), title) for marks, title in found]


def anchor(title: str) -> str:
    """Return the name under which GitHub lets a heading be linked to."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def tables(text: str) -> Iterator[list[list[str]]]:
    """Return the tables of a text, as rows of cells without the line below the heading."""
    for block in re.findall(r"(?m)(?:^ *\|.*\|\n)+", text):
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
        ]
        yield [row for row in rows if not all(re.fullmatch(r"-+", cell) for cell in row)]


def table(path: str, *head: str) -> list[list[str]]:
    """Return the rows of all tables of a document that have this heading."""
    found = [rows[1:] for rows in tables(read(path)) if rows[0][: len(head)] == [*head]]
    assert found, head
    return [row for rows in found for row in rows]


# --- Links ---------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_linked_to_is_there(document: Path) -> None:
    text = without_code(document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        linked = (document.parent / path) if path else document
        assert linked.exists(), target
        if fragment:
            assert unquote(fragment) in {anchor(title) for _, title in headings(linked)}, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_was_left_to_be_written(document: Path) -> None:
    assert "<!--" not in without_code(document.read_text(encoding="utf-8"))


def test_every_picture_is_shown_somewhere() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    pictures = [
        path for path in (ROOT / "docs" / "images").rglob("*") if path.suffix in {".png", ".svg"}
    ]

    assert pictures
    for picture in pictures:
        assert picture.relative_to(ROOT / "docs" / "images").as_posix() in shown, picture.name


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("README.md", "README.ja.md"),
        ("docs/entities.md", "docs/entities.ja.md"),
        ("docs/setup.md", "docs/setup.ja.md"),
        ("docs/route-b.md", "docs/route-b.ja.md"),
        ("docs/hardware.md", "docs/hardware.ja.md"),
        ("docs/troubleshooting.md", "docs/troubleshooting.ja.md"),
        ("docs/automations.md", "docs/automations.ja.md"),
        ("docs/tariff.md", "docs/tariff.ja.md"),
    ],
)
def test_both_languages_have_the_same_sections(english: str, japanese: str) -> None:
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(japanese)]
    assert [len(rows) for rows in tables(read(english))] == [
        len(rows) for rows in tables(read(japanese))
    ]
    assert re.findall(r"images/[\w-]+\.", read(english)) == re.findall(
        r"images/(?:ja/)?[\w-]+\.", read(japanese).replace("images/ja/", "images/")
    )


# --- Names ---------------------------------------------------------------------------------


def _name(platform: str, key: str, translation_key: str | None, language: str) -> str:
    if translation_key is None:
        return NAMES_OF_DEVICE_CLASSES[language][key]
    return str(texts(language)["entity"][platform][translation_key]["name"])


@LANGUAGES
def test_entity_page_lists_every_entity_with_its_unit_and_whether_it_is_enabled(
    language: str,
) -> None:
    words = WORDS[language]
    expected = {
        _name(platform, row.key, row.translation_key, language): (
            getattr(row, "native_unit_of_measurement", None) or "",
            words[row.entity_registry_enabled_default],
        )
        for platform, rows in (
            (
                "sensor",
                ALL_SENSORS,
            ),
            ("binary_sensor", BINARY_SENSORS),
        )
        for row in rows
    }
    head = {"en": ("Entity", "Unit", "At first"), "ja": ("エンティティ", "単位", "最初は")}
    listed = table(ENTITY_PAGES[language], *head[language])

    assert {name: (unit, at_first) for name, unit, at_first, _ in listed} == expected


@LANGUAGES
def test_entity_page_lists_every_button(language: str) -> None:
    head = {"en": ("Entity", "What it does"), "ja": ("エンティティ", "内容")}

    assert [name for name, _ in table(ENTITY_PAGES[language], *head[language])] == [
        _name("button", row.key, row.translation_key, language) for row in BUTTONS
    ]


@LANGUAGES
def test_entity_page_lists_every_action_and_field(language: str) -> None:
    services = texts(language)["services"]
    head = {"en": ("Action", "What it does"), "ja": ("アクション", "内容")}
    actions = {row[0] for row in table(ENTITY_PAGES[language], *head[language])}
    head = {"en": ("Field", "Action"), "ja": ("項目", "アクション")}
    fields = {row[0] for row in table(ENTITY_PAGES[language], *head[language])}

    assert actions == {f"`wisun_route_b.{action}`" for action in services}
    assert fields == {f"`{field}`" for action in services.values() for field in action["fields"]}


@LANGUAGES
def test_set_up_field_and_every_option_is_explained(language: str) -> None:
    found = texts(language)
    head = {"en": ("Field", "What to put in"), "ja": ("項目", "入力するもの")}
    assert [row[0] for row in table(FRONT_PAGES[language], *head[language])] == [
        *found["config"]["step"]["user"]["data"].values()
    ]

    head = {"en": ("Option", "Default"), "ja": ("項目", "既定値")}
    assert [row[0] for row in table(SETUP_PAGES[language], *head[language])] == [
        *found["options"]["step"]["init"]["data"].values()
    ]


@LANGUAGES
def test_entity_page_names_every_state_of_the_link(language: str) -> None:
    states = texts(language)["entity"]["sensor"]["link_state"]
    (row,) = (
        row
        for rows in tables(read(ENTITY_PAGES[language]))
        for row in rows
        if row[0] == states["name"]
    )

    for state in states["state"].values():
        assert state.lower() in row[-1].lower()


@LANGUAGES
def test_help_page_says_what_to_do_in_every_state_without_a_link(language: str) -> None:
    states = texts(language)["entity"]["sensor"]["link_state"]["state"]
    explained = {row[0] for rows in tables(read(HELP_PAGES[language])) for row in rows}

    assert {states[reason] for reason in REASONS.values() if reason is not None} <= explained
    assert states["weak_signal"] in explained


# --- Messages ------------------------------------------------------------------------------


def _messages(language: str) -> Iterator[str]:
    found = texts(language)
    yield from found["config"]["error"].values()
    yield from found["config"]["abort"].values()
    yield from (text["message"] for text in found["exceptions"].values())
    yield from (issue["title"] for issue in found.get("issues", {}).values())


@LANGUAGES
def test_help_page_explains_every_message(language: str) -> None:
    explained = {row[0] for rows in tables(read(HELP_PAGES[language])) for row in rows}

    assert not set(_messages(language)) - explained


@LANGUAGES
def test_front_page_quotes_messages_as_they_are(language: str) -> None:
    head = {"en": ("What you see",), "ja": ("症状",)}
    *quoted, _ = (row[0].strip("「」") for row in table(FRONT_PAGES[language], *head[language]))
    known = "\n".join(_messages(language))

    assert quoted
    for message in quoted:
        assert message in known


# --- Releases ------------------------------------------------------------------------------


def release_faults(tags: list[str], version: str, changelog: str) -> list[str]:
    """Return what is wrong with a commit that has these tags."""
    released = re.findall(r"(?m)^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$", changelog)
    faults = [f"{tag} is not {version}" for tag in tags if tag != version]
    faults += [f"{tag} has no section" for tag in tags if tag not in released]
    newest = [int(part) for part in (released or ["0.0.0"])[0].split(".")]
    if newest > [int(part) for part in version.split(".")]:
        faults.append(f"the manifest is older than {released[0]}")
    return faults


@pytest.mark.parametrize(
    ("tags", "version", "changelog", "faults"),
    [
        ([], "0.1.0", "## Unreleased\n", []),
        (["0.1.0"], "0.1.0", "## Unreleased\n\n## 0.1.0 (2026-12-01)\n", []),
        (["0.1.0"], "0.1.0", "## Unreleased\n", ["0.1.0 has no section"]),
        (["0.2.0"], "0.3.0", "## 0.2.0 (2026-12-01)\n", ["0.2.0 is not 0.3.0"]),
        ([], "0.1.0", "## 0.2.0 (2026-12-01)\n", ["the manifest is older than 0.2.0"]),
    ],
)
def test_release_needs_tag_manifest_and_changelog_to_agree(
    tags: list[str], version: str, changelog: str, faults: list[str]
) -> None:
    assert release_faults(tags, version, changelog) == faults


def test_this_commit_is_no_faulty_release() -> None:
    command = ["git", "-C", str(ROOT), "tag", "--points-at", "HEAD"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except OSError, subprocess.CalledProcessError:
        listed = ""  # the sources without their history
    version = json.loads(read(INTEGRATION / "manifest.json"))["version"]

    assert not release_faults(listed.split(), version, read("CHANGELOG.md"))
