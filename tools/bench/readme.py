"""The three figures of the READMEs: a line of each is theirs, and written by the measurement."""

from dataclasses import dataclass
from pathlib import Path

from .figures import Figures

_ROWS = ("HA dialog", "HA restart", "HA EVENT 26")
_PROGRAMS = ("ours", "built-in")


@dataclass(frozen=True, slots=True)
class _Line:
    """How a README says it."""

    file: str
    begin: str
    """What its line begins with, by which it is found."""
    rest: str
    seconds: str
    more: str
    """A number of seconds after which it was not waited for any longer."""


_LINES = (
    _Line(
        "README.md",
        "  Beside the built-in integration",
        " (emulated meter): first power {0} after the dialog instead of {1}, {2} after a restart"
        " instead of {3}, {4} after a lost session instead of {5}.",
        "{} s",
        "over {} s",
    ),
    _Line(
        "README.ja.md",
        "  標準の統合との比較",
        "（エミュレーターで測定）: 最初の値まで、設定の送信から{0}（標準は{1}）、"  # noqa: RUF001 - Japanese
        "再起動から{2}（{3}）、セッション切れから{4}（{5}）。",  # noqa: RUF001
        "{}秒",
        "{}秒超",
    ),
)


def write_figures(figures: Figures, root: Path) -> None:
    """Write the figures into both READMEs of a folder.

    Raises:
        ValueError: One of the figures was not measured, or a README has no line for them.
    """
    for line in _LINES:
        cells = [_cell(figures, row, program, line) for row in _ROWS for program in _PROGRAMS]
        file = root / line.file
        text = file.read_text(encoding="utf-8")
        begin = text.index(f"\n{line.begin}") + 1
        end = text.index("\n", begin)
        said = line.begin + line.rest.format(*cells)
        file.write_text(text[:begin] + said + text[end:], encoding="utf-8")


def _cell(figures: Figures, row: str, program: str, line: _Line) -> str:
    value = figures.middle(row, program)
    if value is None:
        raise ValueError(f"{row} was not measured: {program}")
    form = line.more if (row, program) in figures.bounds else line.seconds
    return form.format(round(value))
