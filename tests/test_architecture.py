"""The pictures in docs/architecture.md are made of the code: import contracts and the PANA table."""

from pathlib import Path
import re
import tomllib

import grimp
import pytest

from custom_components.wisun_route_b.stack.dongle.skstack_session import _NEXT, SessionState
from custom_components.wisun_route_b.stack.skstack import EventNumber

_ROOT = Path(__file__).parent.parent
_DOCUMENT = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_STACK = "custom_components.wisun_route_b.stack"
#: What every part of the stack may use; arrows to these would hide the others.
_BASE = {"errors", "redact", "route_b", "tasks"}


def _picture(heading: str) -> list[str]:
    """Return the lines of the mermaid block under a heading."""
    section = _DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.search(r"```mermaid\n(.*?)```", section, re.DOTALL)
    assert block, heading
    return [line.strip() for line in block[1].splitlines()]


def _layers() -> list[list[str]]:
    """Return the layers of the stack, from the top, as the contract has them."""
    with (_ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (
        contract["layers"] for contract in contracts if contract.get("containers") == [_STACK]
    )
    return [[name.strip() for name in layer.split("|")] for layer in layers]


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Which part of the stack imports which."""
    graph = grimp.build_graph("custom_components.wisun_route_b", cache_dir=None)
    parts = {child.rpartition(".")[2] for child in graph.find_children(_STACK)}
    return {
        (importer, imported)
        for importer in parts
        for imported in parts - {importer}
        if graph.direct_import_exists(
            importer=f"{_STACK}.{importer}", imported=f"{_STACK}.{imported}", as_packages=True
        )
    }


def test_every_part_of_the_stack_is_in_a_layer(imports: set[tuple[str, str]]) -> None:
    parts = {part for pair in imports for part in pair}

    assert parts == {name for layer in _layers() for name in layer}


def test_picture_of_the_layers_shows_the_imports_that_there_are(
    imports: set[tuple[str, str]],
) -> None:
    order = [name for layer in _layers() for name in layer]
    shown = sorted(
        ((a, b) for a, b in imports if b not in _BASE),
        key=lambda pair: (order.index(pair[0]), order.index(pair[1])),
    )

    assert _picture("Layers") == ["flowchart TD", *(f"{a} --> {b}" for a, b in shown)]


def test_layers_are_named_as_in_the_contract() -> None:
    named = " > ".join(" | ".join(f"`{name}`" for name in layer) for layer in _layers())

    assert named in " ".join(_DOCUMENT.split())


def test_picture_of_the_session_is_the_table() -> None:
    arrows: dict[tuple[SessionState, SessionState], list[int]] = {}
    for state, events in _NEXT.items():
        for event, after in events.items():
            arrows.setdefault((state, after), []).append(EventNumber(event))
    expected = [
        "stateDiagram-v2",
        "[*] --> NONE",
        "NONE --> JOINING: SKJOIN",
        "NONE --> UP: session of an earlier program",
        *(
            f"{before.name} --> {after.name}: {', '.join(f'{event:02X}' for event in events)}"
            for (before, after), events in arrows.items()
        ),
    ]

    assert _picture("The PANA session of an SKSTACK dongle") == expected
