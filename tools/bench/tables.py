"""Tables of docs/benchmarks.md: a row is a thing that was measured, a column a program."""

from collections.abc import Callable
from dataclasses import dataclass

from .figures import Figures
from .goals import Goal
from .limits import LEAST

_TITLES = {
    "ours": "this stack",
    "momonga": "momonga 0.7.0",
    "core": "Home Assistant's own",
    "broute-j11": "broute-j11 0.1.0",
}


def seconds(value: float) -> str:
    """Return a number of seconds as it is shown."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004 - digits


def milliseconds(value: float) -> str:
    """Return a number of seconds, in milliseconds."""
    return f"{value * 1000:.2f} ms"


def mebibytes(value: float) -> str:
    """Return a number of bytes as it is shown."""
    return f"{value / 2**20:.1f} MiB"


def plain(value: float) -> str:
    """Return a whole number."""
    return f"{value:.0f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    key: str
    title: str
    form: Callable[[float], str] = seconds
    best_round: bool = False
    theirs: str = ""
    """The row of the others that stands for this one, where they have no such thing."""


def table(
    figures: Figures, rows: tuple[Row, ...], asked: dict[str, Goal], programs: tuple[str, ...]
) -> str:
    """Return a table with a column for each program; the second one is compared with the first."""
    other = programs[1]
    heads = ["", *(_TITLES[name] for name in programs), f"{other} / this", "asked for", "limit"]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [_cell(figures, row, name) for name in programs]
        limit = LEAST.get(row.key)
        lines.append(
            [
                row.title,
                *cells,
                _advantage(figures, row, other),
                _asked(figures, asked.get(row.key)),
                "" if limit is None else row.form(limit),
            ]
        )
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Return lines of cells, the heads first, as a table."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def value_of(figures: Figures, row: Row, program: str) -> float | None:
    """Return what stands for all measurements of a row; None if there are none."""
    choose = figures.least if row.best_round else figures.middle
    value = choose(row.key, program)
    if value is None and row.theirs and program != "ours":
        value = choose(row.theirs, program)
    return value


def _cell(figures: Figures, row: Row, program: str) -> str:
    value = value_of(figures, row, program)
    if value is None:
        return "-"
    values = figures.samples(row.key, program)
    text = row.form(value)
    if not row.best_round and row.form is seconds and len(values) > 1:
        text += f" ({row.form(values[0])} to {row.form(values[-1])}, n={len(values)})"
    return text


def _advantage(figures: Figures, row: Row, other: str) -> str:
    ours, theirs = value_of(figures, row, "ours"), value_of(figures, row, other)
    if not ours or not theirs:
        return ""
    ratio = theirs / ours
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"  # noqa: PLR2004 - digits


def _asked(figures: Figures, goal: Goal | None) -> str:
    if goal is None:
        return ""
    of = " of Home Assistant's own" if goal.other == "core" else ""
    return f"{goal.text}{of}: {'yes' if goal.met(figures) else '**no**'}"
