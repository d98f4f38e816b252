from pathlib import Path
from xml.etree import ElementTree as ET

from tools.bench.chart import Bar, draw
from tools.bench.figures import Figures
from tools.bench.goals import HOME_ASSISTANT, J11, RATIOS, Goal, failures, missed_in
from tools.bench.report import write, write_home_assistant, write_j11


def _good() -> Figures:
    figures = Figures()
    for row, ours, momonga, core in (
        ("cold", 11.0, 41.0, 54.0),
        ("warm", 4.5, None, None),
        ("live", 1.2, None, None),
        ("datagrams", 1.0, 1.0, 3.0),
        ("cpu", 0.001, 0.004, 0.01),
        ("silent", 2.9, 31.0, None),
    ):
        for program, value in (("ours", ours), ("momonga", momonga), ("core", core)):
            if value is not None:
                figures.add(row, program, value)
    figures.verdicts["silent", "ours"] = "DongleSilentError"
    return figures


def test_nothing_is_missed_where_every_ratio_is_reached() -> None:
    assert failures(_good(), RATIOS) == []


def test_a_ratio_that_was_not_reached_is_named() -> None:
    figures = _good()
    for _ in range(2):
        figures.add("live", "ours", 2.0)

    assert failures(figures, RATIOS) == ["live: 0.049 of momonga's, asked for: at most 1/25"]


def test_what_was_not_measured_is_missed() -> None:
    assert failures(_good(), (Goal("unplug", 1.0),)) == ["unplug: not measured, asked for: faster"]


def test_a_stop_without_a_verdict_is_missed() -> None:
    figures = _good()
    figures.verdicts["silent", "ours"] = ""

    assert failures(figures, RATIOS) == ["silent: no verdict within 5 s"]


def test_page_says_what_was_missed_and_what_momonga_does_better(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    figures = _good()
    figures.add("warm", "ours", 30.0)
    figures.add("peak", "ours", 40.0 * 2**20)
    figures.add("peak", "momonga", 30.0 * 2**20)

    write(figures, RATIOS, tmp_path)

    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "- warm: asked for at most 1/8, missed." in page
    assert "- Peak memory: 40.0 MiB, momonga 30.0 MiB." in page
    assert "- cold" not in page


def test_picture_is_well_formed_and_shows_each_figure() -> None:
    drawn = draw([Bar("A <start>", 1.25, 40.0, 0.5)])
    picture = ET.fromstring(drawn)  # noqa: S314 - our own text

    texts = [element.text for element in picture.iter() if element.tag.endswith("text")]
    assert {"A <start>", "1.25", "40"} <= set(texts)


def _j11(live: float) -> Figures:
    figures = Figures()
    for row, ours, theirs in (("cold", 15.0, 46.0), ("live", live, 9.0), ("datagrams", 1.0, 1.0)):
        figures.add(f"J11 {row}", "ours", ours)
        figures.add(f"J11 {row}", "broute-j11", theirs)
    return figures


def test_a_j11_dongle_is_measured_beside_the_program_that_reads_it() -> None:
    assert missed_in(_j11(live=0.8), J11) == []
    assert missed_in(_j11(live=1.0), J11) == [
        "J11 live: 0.111 of broute-j11's, asked for: at most 1/10"
    ]


def test_the_section_about_j11_is_written_and_the_others_are_left(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(
        "# B\n\n## A\n\nold\n\n## J11 dongles\n\nold\n\n## C\n\nold\n", encoding="utf-8"
    )

    for live in (1.0, 0.8):
        write_j11(_j11(live), J11, tmp_path)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# B\n\n## A\n\nold\n\n## J11 dongles\n\nThe same meter")
    assert text.endswith("|\n\n## C\n\nold\n")
    assert "| Start, session still alive | 0.80 s | 9.00 s | 11.2 | at most 1/10: yes |" in text
    assert "1.00 s" not in text


def _in_home_assistant(dialog: float) -> Figures:
    figures = Figures()
    for row in {goal.row for goal in HOME_ASSISTANT}:
        figures.add(row, "ours", dialog)
        figures.add(row, "built-in", 100.0)
    figures.bounds.add(("HA back", "built-in"))
    return figures


def test_the_section_about_home_assistant_is_put_before_the_last_one_and_then_replaced(
    tmp_path: Path,
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# B\n\n## A\n\nold\n\n## What falls short\n\nold\n", encoding="utf-8")

    for dialog in (8.0, 5.0):
        write_home_assistant(_in_home_assistant(dialog), HOME_ASSISTANT, "2026.11.0", tmp_path)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# B\n\n## A\n\nold\n\n## Beside the built-in integration")
    assert text.endswith("\n\n## What falls short\n\nold\n")
    assert text.count("## Beside the built-in integration") == 1
    assert (
        "| Dialog submitted, to the first power | 5.00 s | 100 s | 20.0 | at most 1/4: yes |"
        in text
    )
    assert "| 5.00 s | more than 100 s | more than 20.0 |" in text
    assert "8.00 s" not in text


def test_a_run_of_all_the_rest_keeps_the_section_about_home_assistant(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write(_good(), RATIOS, tmp_path)
    write_home_assistant(_in_home_assistant(5.0), HOME_ASSISTANT, "2026.11.0", tmp_path)
    kept = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")

    write(_good(), RATIOS, tmp_path)

    after = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| Dialog submitted, to the first power | 5.00 s |" in after
    sections = [sorted(text.split("\n## ")) for text in (kept, after)]
    assert sections[0] == sections[1]
