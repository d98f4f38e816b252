"""Writes docs/benchmarks.md and its picture."""

from collections.abc import Callable
from dataclasses import dataclass
import os
from pathlib import Path
import platform

from . import report_text
from .chart import Bar, draw
from .figures import Figures
from .goals import Goal
from .limits import LEAST

_PICTURE = "benchmarks.svg"
#: A stage of fewer seconds is over before it begins.
_BRIEF = 0.005
#: momonga is better only where it is so by a tenth: less is chance.
_ALIKE = 1.1


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004 - digits


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.2f} ms"


def _mebibytes(value: float) -> str:
    return f"{value / 2**20:.1f} MiB"


def _plain(value: float) -> str:
    return f"{value:.0f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    key: str
    title: str
    form: Callable[[float], str] = _seconds
    best_round: bool = False
    theirs: str = ""
    """The row of momonga that stands for this one, where it has no such thing."""


STARTS = (
    Row("cold", "Start, nothing known"),
    Row("warm", "Start, network remembered, dongle was without power", theirs="cold"),
    Row("live", "Start, session still alive", theirs="cold"),
    Row("import", "Before that: interpreter and imports"),
)
READING = (
    Row("reading", "Time of one full reading"),
    Row("datagrams", "Datagrams to the meter", _plain),
    Row("bytes out", "Bytes in them (ECHONET Lite)", _plain),
    Row("bytes in", "Bytes in the answers", _plain),
    Row("cpu", "CPU time", _milliseconds, best_round=True),
    Row("threads", "Threads", _plain),
    Row("peak", "Peak memory", _mebibytes),
)
VERDICTS = (
    Row("silent", "Port with nothing behind it"),
    Row("j11", "Dongle that speaks J11"),
)
NO_METER = (
    Row("no meter", "No meter, nothing known"),
    Row("no meter, remembered", "No meter, network remembered", theirs="no meter"),
)
RECOVERY = (
    Row("lost answer", "One answer lost"),
    Row("EVENT 26", "The meter ends the session (EVENT 26)"),
    Row("EVENT 29, renewed", "Session expires, module renews it (EVENT 29, 25)"),
    Row("EVENT 29, not renewed", "Session expires, nothing renews it (EVENT 29)"),
    Row("meter reboot", "Meter without power for 45 s"),
    Row("unplug", "Dongle out of its socket for 45 s"),
)


def write(figures: Figures, goals: tuple[Goal, ...], folder: Path) -> None:
    """Write the page and the picture into a folder."""
    (folder / "images" / _PICTURE).write_text(_picture(figures), encoding="utf-8")
    (folder / "benchmarks.md").write_text(_page(figures, goals), encoding="utf-8")


def _page(figures: Figures, goals: tuple[Goal, ...]) -> str:
    asked = {goal.row: goal for goal in goals}
    sections = [
        report_text.HEAD.format(machine=_machine(), picture=_PICTURE),
        "## Starts\n",
        report_text.STARTS,
        _table(figures, STARTS, asked, ("ours", "momonga", "core")),
        _stages(figures),
        _patience(figures),
        report_text.NO_METER,
        _table(figures, NO_METER, asked, ("ours", "momonga")),
        "## One full reading\n",
        report_text.READING,
        _table(figures, READING, asked, ("ours", "momonga", "core")),
        _floor(figures),
        _shares(figures),
        "## Ports without a usable dongle\n",
        report_text.VERDICTS,
        _table(figures, VERDICTS, asked, ("ours", "momonga")),
        _said(figures),
        "## Recovery\n",
        report_text.RECOVERY,
        _table(figures, RECOVERY, asked, ("ours", "momonga")),
        "## Many meters in one process\n",
        report_text.CROWD,
        _crowd(figures),
        "## What falls short\n",
        report_text.SHORT.format(found=_short(figures, goals)),
    ]
    return "\n".join(sections)


def _machine() -> str:
    names = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    }
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({', '.join(names)}), {platform.system()}, Python {platform.python_version()}"


# --- Tables ------------------------------------------------------------------------------


def _table(
    figures: Figures, rows: tuple[Row, ...], asked: dict[str, Goal], programs: tuple[str, ...]
) -> str:
    titles = {"ours": "this stack", "momonga": "momonga 0.7.0", "core": "Home Assistant's own"}
    heads = ["", *(titles[name] for name in programs), "momonga / this", "asked for", "limit"]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [_cell(figures, row, name) for name in programs]
        limit = LEAST.get(row.key)
        lines.append(
            [
                row.title,
                *cells,
                _advantage(figures, row),
                _asked(figures, asked.get(row.key)),
                "" if limit is None else row.form(limit),
            ]
        )
    return _markdown(lines)


def _markdown(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _value(figures: Figures, row: Row, program: str) -> float | None:
    choose = figures.least if row.best_round else figures.middle
    value = choose(row.key, program)
    if value is None and row.theirs and program != "ours":
        value = choose(row.theirs, program)
    return value


def _cell(figures: Figures, row: Row, program: str) -> str:
    value = _value(figures, row, program)
    if value is None:
        return "-"
    values = figures.samples(row.key, program)
    text = row.form(value)
    if not row.best_round and row.form is _seconds and len(values) > 1:
        text += f" ({row.form(values[0])} to {row.form(values[-1])}, n={len(values)})"
    return text


def _advantage(figures: Figures, row: Row) -> str:
    ours, theirs = _value(figures, row, "ours"), _value(figures, row, "momonga")
    if not ours or not theirs:
        return ""
    ratio = theirs / ours
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"  # noqa: PLR2004 - digits


def _asked(figures: Figures, goal: Goal | None) -> str:
    if goal is None:
        return ""
    of = "" if goal.other == "momonga" else " of Home Assistant's own"
    return f"{goal.text}{of}: {'yes' if goal.met(figures) else '**no**'}"


# --- Sections ----------------------------------------------------------------------------


def _stages(figures: Figures) -> str:
    names = ("opening", "identifying", "scanning", "joining", "describing")
    lines = [["", *names], ["---"] * (len(names) + 1)]
    for row in ("cold", "warm", "live"):
        values = [figures.middle(f"{row}: {name}", "ours") for name in names]
        lines.append(
            [row, *("" if not value or value < _BRIEF else _seconds(value) for value in values)]
        )
    return report_text.STAGES + "\n" + _markdown(lines)


def _patience(figures: Figures) -> str:
    value, theirs = figures.middle("patient", "ours"), figures.middle("cold", "momonga")
    if value is None or theirs is None:
        return ""
    return report_text.PATIENCE.format(
        ours=_seconds(value), theirs=_seconds(theirs), ratio=f"{theirs / value:.1f}"
    )


def _floor(figures: Figures) -> str:
    bare, python = figures.least("cpu", "bare"), figures.middle("peak", "python")
    if bare is None or python is None:
        return ""
    names = ("ours", "momonga", "libraries")
    above = {name: (figures.middle("peak", name) or 0.0) - python for name in names}
    return report_text.FLOOR.format(
        bare=_milliseconds(bare),
        python=_mebibytes(python),
        ours=_mebibytes(above["ours"]),
        momonga=_mebibytes(above["momonga"]),
        libraries=_mebibytes(above["libraries"]),
    )


def _shares(figures: Figures) -> str:
    lines = [["Part", "Share"], ["---", "---"]]
    lines += [[part, f"{share:.0%}"] for part, share in figures.shares.items() if share >= 0.01]  # noqa: PLR2004 - a hundredth
    return report_text.SHARES + "\n" + _markdown(lines)


def _said(figures: Figures) -> str:
    names = {"ours": "this stack", "momonga": "momonga"}
    return (
        "\n".join(
            f"- {row}: {names[name]} says "
            + (f"`{said}`" if said else "nothing in all that time, and was stopped")
            for (row, name), said in sorted(figures.verdicts.items())
        )
        + "\n"
    )


def _crowd(figures: Figures) -> str:
    heads = ["Meters", "CPU a reading", "momonga", "peak memory", "momonga", "threads", "momonga"]
    lines = [heads, ["---"] * len(heads)]
    for size in (1, 10, 50):
        cells = [str(size)]
        for kind, form in (("cpu", _milliseconds), ("peak", _mebibytes), ("threads", _plain)):
            for name in ("ours", "momonga"):
                value = figures.middle(f"crowd {kind} {size}", name)
                cells.append("-" if value is None else form(value))
        lines.append(cells)
    return _markdown(lines)


def _short(figures: Figures, goals: tuple[Goal, ...]) -> str:
    """List what was asked for and missed, and what momonga does better."""
    found = [
        f"- {goal.row}: asked for {goal.text}, missed." for goal in goals if not goal.met(figures)
    ]
    for row in STARTS + READING + VERDICTS + RECOVERY:
        ours, theirs = _value(figures, row, "ours"), _value(figures, row, "momonga")
        if ours is not None and theirs is not None and ours > theirs * _ALIKE:
            found.append(f"- {row.title}: {row.form(ours)}, momonga {row.form(theirs)}.")
    return "\n".join(found) or "Nothing that was asked for."


def _picture(figures: Figures) -> str:
    bars: list[Bar] = []
    for row in (*STARTS[:3], READING[0], *VERDICTS, *RECOVERY):
        ours, theirs = _value(figures, row, "ours"), _value(figures, row, "momonga")
        if ours and theirs:
            bars.append(Bar(row.title, ours, theirs, LEAST.get(row.key)))
    return draw(bars)
