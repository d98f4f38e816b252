"""The figures that the READMEs quote."""

from pathlib import Path

import pytest

from tools.bench.figures import Figures
from tools.bench.readme import write_figures

_ENGLISH = "- a\n  Beside the built-in integration: old.\n- b\n"
_JAPANESE = "- a\n  標準の統合との比較: old.\n- b\n"


def _figures() -> Figures:
    figures = Figures()
    for row, ours, theirs in (
        ("HA dialog", 10.6, 97.0),
        ("HA restart", 6.4, 61.0),
        ("HA EVENT 26", 4.2, 900.0),
    ):
        figures.add(row, "ours", ours)
        figures.add(row, "built-in", theirs)
    figures.bounds.add(("HA EVENT 26", "built-in"))
    return figures


def test_both_readmes_get_the_figures_in_their_line(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(_ENGLISH, encoding="utf-8")
    (tmp_path / "README.ja.md").write_text(_JAPANESE, encoding="utf-8")

    for _ in range(2):
        write_figures(_figures(), tmp_path)

    english = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert english.startswith(
        "- a\n  Beside the built-in integration (emulated meter): first power"
    )
    assert "11 s after the dialog instead of 97 s" in english
    assert english.endswith("instead of over 900 s.\n- b\n")
    japanese = (tmp_path / "README.ja.md").read_text(encoding="utf-8")
    assert "再起動から6秒" in japanese
    assert "900秒超" in japanese


def test_a_figure_that_was_not_measured_is_not_made_up(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(_ENGLISH, encoding="utf-8")

    with pytest.raises(ValueError, match="HA dialog was not measured: ours"):
        write_figures(Figures(), tmp_path)
