"""Writes docs/benchmarks.md and its picture."""

import os
from pathlib import Path
import platform

from . import report_home_assistant, report_j11, report_text
from .chart import Bar, draw
from .figures import Figures
from .goals import Goal
from .limits import LEAST
from .sections import replaced, section_of
from .tables import Row, markdown, mebibytes, milliseconds, plain, seconds, table, value_of

_PICTURE = "benchmarks.svg"
_LAST = "## What falls short\n"
#: A stage of fewer seconds is over before it begins.
_BRIEF = 0.005
#: momonga is better only where it is so by a tenth: less is chance.
_ALIKE = 1.1


STARTS = (
    Row("cold", "Start, nothing known"),
    Row("warm", "Start, network remembered, dongle was without power", theirs="cold"),
    Row("live", "Start, session still alive", theirs="cold"),
    Row("import", "Before that: interpreter and imports"),
)
READING = (
    Row("reading", "Time of one full reading"),
    Row("datagrams", "Datagrams to the meter", plain),
    Row("bytes out", "Bytes in them (ECHONET Lite)", plain),
    Row("bytes in", "Bytes in the answers", plain),
    Row("cpu", "CPU time", milliseconds, best_round=True),
    Row("threads", "Threads", plain),
    Row("peak", "Peak memory", mebibytes),
)
VERDICTS = (Row("silent", "Port with nothing behind it"),)
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
    page = folder / "benchmarks.md"
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    # Measured by a run of its own.
    kept = section_of(before, report_home_assistant.TITLE)
    page.write_text(_page(figures, goals, kept), encoding="utf-8")


def write_j11(figures: Figures, goals: tuple[Goal, ...], folder: Path) -> None:
    """Write the section about J11 dongles into the page that a folder has."""
    _replace(folder, report_j11.TITLE, report_j11.section(figures, goals))


def write_home_assistant(
    figures: Figures, goals: tuple[Goal, ...], version: str, folder: Path
) -> None:
    """Write the section about the integrations in Home Assistant into the page that a folder has."""
    text = report_home_assistant.section(figures, goals, version)
    _replace(folder, report_home_assistant.TITLE, text)


def _replace(folder: Path, title: str, text: str) -> None:
    page = folder / "benchmarks.md"
    page.write_text(
        replaced(page.read_text(encoding="utf-8"), title, text, _LAST), encoding="utf-8"
    )


def _page(figures: Figures, goals: tuple[Goal, ...], kept: str) -> str:
    asked = {goal.row: goal for goal in goals}
    sections = [
        report_text.HEAD.format(machine=_machine(), picture=_PICTURE),
        "## Starts\n",
        report_text.STARTS,
        table(figures, STARTS, asked, ("ours", "momonga", "core")),
        _stages(figures),
        _weak_signal(figures),
        report_text.NO_METER,
        table(figures, NO_METER, asked, ("ours", "momonga")),
        "## One full reading\n",
        report_text.READING,
        table(figures, READING, asked, ("ours", "momonga", "core")),
        _floor(figures),
        _shares(figures),
        "## Ports without a usable dongle\n",
        report_text.VERDICTS,
        table(figures, VERDICTS, asked, ("ours", "momonga")),
        _said(figures),
        "## Recovery\n",
        report_text.RECOVERY,
        table(figures, RECOVERY, asked, ("ours", "momonga")),
        report_j11.section(figures, goals),
        "## Many meters in one process\n",
        report_text.CROWD,
        _crowd(figures),
        kept,
        _LAST,
        report_text.SHORT.format(found=_short(figures, goals)),
    ]
    return "\n".join(section for section in sections if section)


def _machine() -> str:
    names = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    }
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({', '.join(names)}), {platform.system()}, Python {platform.python_version()}"


# --- Sections ----------------------------------------------------------------------------


def _stages(figures: Figures) -> str:
    names = ("opening", "identifying", "scanning", "joining", "describing")
    lines = [["", *names], ["---"] * (len(names) + 1)]
    for row in ("cold", "warm", "live"):
        values = [figures.middle(f"{row}: {name}", "ours") for name in names]
        lines.append(
            [row, *("" if not value or value < _BRIEF else seconds(value) for value in values)]
        )
    return report_text.STAGES + "\n" + markdown(lines)


def _weak_signal(figures: Figures) -> str:
    value, theirs = figures.middle("weak signal", "ours"), figures.middle("cold", "momonga")
    if value is None or theirs is None:
        return ""
    return report_text.WEAK_SIGNAL.format(
        ours=seconds(value), theirs=seconds(theirs), ratio=f"{theirs / value:.1f}"
    )


def _floor(figures: Figures) -> str:
    bare, python = figures.least("cpu", "bare"), figures.middle("peak", "python")
    if bare is None or python is None:
        return ""
    names = ("ours", "momonga", "libraries")
    above = {name: (figures.middle("peak", name) or 0.0) - python for name in names}
    return report_text.FLOOR.format(
        bare=milliseconds(bare),
        python=mebibytes(python),
        ours=mebibytes(above["ours"]),
        momonga=mebibytes(above["momonga"]),
        libraries=mebibytes(above["libraries"]),
    )


def _shares(figures: Figures) -> str:
    lines = [["Part", "Share"], ["---", "---"]]
    lines += [[part, f"{share:.0%}"] for part, share in figures.shares.items() if share >= 0.01]  # noqa: PLR2004 - a hundredth
    return report_text.SHARES + "\n" + markdown(lines)


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
        for kind, form in (("cpu", milliseconds), ("peak", mebibytes), ("threads", plain)):
            for name in ("ours", "momonga"):
                value = figures.middle(f"crowd {kind} {size}", name)
                cells.append("-" if value is None else form(value))
        lines.append(cells)
    return markdown(lines)


def _short(figures: Figures, goals: tuple[Goal, ...]) -> str:
    """List what was asked for and missed, and what momonga does better."""
    found = [
        f"- {goal.row}: asked for {goal.text}, missed." for goal in goals if not goal.met(figures)
    ]
    for row in STARTS + READING + VERDICTS + RECOVERY:
        ours, theirs = value_of(figures, row, "ours"), value_of(figures, row, "momonga")
        if ours is not None and theirs is not None and ours > theirs * _ALIKE:
            found.append(f"- {row.title}: {row.form(ours)}, momonga {row.form(theirs)}.")
    return "\n".join(found) or "Nothing that was asked for."


def _picture(figures: Figures) -> str:
    bars: list[Bar] = []
    for row in (*STARTS[:3], READING[0], *VERDICTS, *RECOVERY):
        ours, theirs = value_of(figures, row, "ours"), value_of(figures, row, "momonga")
        if ours and theirs:
            bars.append(Bar(row.title, ours, theirs, LEAST.get(row.key)))
    return draw(bars)
