"""The table of momonga's calls in the documentation: complete, and every name in it exists."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
import inspect
from pathlib import Path
import re
from typing import Any

import momonga
import pytest

from custom_components.wisun_route_b.stack import (
    LinkStatistics,
    MeterDescription,
    Scale,
    Signal,
    SmartMeter,
)

from .pairs import NAMES, PAIRS, PUBLIC

DOCUMENT = Path(__file__).parents[2] / "docs" / "momonga.md"

#: What an attribute of SmartMeter is.
_PARTS: dict[str, type] = {
    "description": MeterDescription,
    "scale": Scale,
    "signal": Signal,
    "statistics": LinkStatistics,
}
#: What the examples leave to the reader.
_GIVEN = {"meter", "callback", "progress", "port", "route_b_id", "password", "text", *NAMES}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    cells: tuple[str, ...]

    @property
    def theirs(self) -> list[str]:
        """Names of momonga, without arguments."""
        return [code.partition("(")[0] for code in _code(self.cells[0])]

    @property
    def ours(self) -> list[str]:
        return _code(self.cells[1])


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _rows() -> Iterator[Row]:
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| ---", "| momonga")):
            yield Row(tuple(cell.strip() for cell in line.strip("|").split("|")))


ROWS = list(_rows())


def _public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def _everything_of_momonga() -> set[str]:
    dongle = momonga.Momonga("0" * 32, "0" * 12, "/dev/null")  # opens nothing yet
    arguments = inspect.signature(momonga.AsyncMomonga).parameters.keys()
    return (
        _public(dongle)
        | _public(momonga.AsyncMomonga)
        | set(momonga.__all__)
        | (arguments - {"rbid", "pwd", "dev"})
    )


def test_the_table_has_everything_of_momonga_and_nothing_else() -> None:
    listed = [name for row in ROWS for name in row.theirs]
    assert len(listed) == len(set(listed))
    assert set(listed) == _everything_of_momonga()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs[0])
def test_no_cell_is_empty(row: Row) -> None:
    assert len(row.cells) == 3
    assert all(row.cells)
    assert row.theirs
    assert row.ours


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs[0])
def test_every_name_of_ours_exists_and_is_public(row: Row) -> None:
    for code in row.ours:
        for node in ast.walk(ast.parse(code, mode="eval")):
            match node:
                case ast.Attribute(value=ast.Name(id="meter"), attr=name):
                    assert name in _public(SmartMeter)
                case ast.Attribute(value=ast.Attribute(attr=part), attr=name):
                    assert name in _public(_PARTS[part])
                case ast.Name(id=name):
                    assert name in _GIVEN or name in PUBLIC
                case _:
                    pass


def test_every_call_that_is_compared_is_written_as_it_is_executed() -> None:
    executed: dict[str, set[str]] = {}
    for pair in PAIRS:
        executed.setdefault(pair.call, set()).add(pair.ours)
    rows: dict[str, Any] = {name: row for row in ROWS for name in row.theirs}
    for call, codes in executed.items():
        assert codes.issuperset(rows[call].ours), call


def test_every_reading_of_momonga_is_compared() -> None:
    readings = {
        name
        for name in _public(momonga.Momonga)
        if name.startswith(("get_", "set_", "request_")) and name != "get_notification"
    }
    assert readings <= {pair.call for pair in PAIRS}
