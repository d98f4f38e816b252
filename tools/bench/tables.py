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
    "built-in": "the built-in one",
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


def percent(value: float) -> str:
    """Return a share."""
    return f"{value:.1%}"


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
    figures: Figures,
    rows: tuple[Row, ...],
    asked: dict[str, Goal],
    programs: tuple[str, ...],
    *,
    limits: bool = True,
) -> str:
    """Return a table with a column for each program; the second one is compared with the first.

    ``limits`` adds a column of what the radio needs by itself.
    """
    other = programs[1]
    heads = ["", *(_TITLES[name] for name in programs), f"{other} / this", "asked for"]
    heads += ["limit"] if limits else []
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [cell(figures, row, name) for name in programs]
        limit = LEAST.get(row.key)
        lines.append(
            [
                row.title,
                *cells,
                _advantage(figures, row, other),
                _asked(figures, asked.get(row.key)),
                *(("" if limit is None else row.form(limit),) if limits else ()),
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


def cell(figures: Figures, row: Row, program: str) -> str:
    """Return the figure of a program as it is shown, with its range if there are several."""
    value = value_of(figures, row, program)
    if value is None:
        return "-"
    values = figures.samples(row.key, program)
    text = row.form(value)
    if not row.best_round and row.form in (seconds, percent) and len(values) > 1:
        text += f" ({row.form(values[0])} to {row.form(values[-1])}, n={len(values)})"
    return f"more than {text}" if (row.key, program) in figures.bounds else text


def _advantage(figures: Figures, row: Row, other: str) -> str:
    ours, theirs = value_of(figures, row, "ours"), value_of(figures, row, other)
    if not ours or not theirs:
        return ""
    ratio = theirs / ours
    text = f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"  # noqa: PLR2004 - digits
    return f"more than {text}" if (row.key, other) in figures.bounds else text


def _asked(figures: Figures, goal: Goal | None) -> str:
    if goal is None:
        return ""
    of = " of Home Assistant's own" if goal.other == "core" else ""
    return f"{goal.text}{of}: {'yes' if goal.met(figures) else '**no**'}"
