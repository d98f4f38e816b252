"""The command line of the benchmark."""

import pytest

from tools.bench.__main__ import parser


@pytest.mark.parametrize("name", ["short", "j11", "home_assistant"])
def test_one_part_can_be_chosen(name: str) -> None:
    chosen = vars(parser().parse_args([f"--{name.replace('_', '-')}"]))

    assert {key for key, value in chosen.items() if value} == {name}


@pytest.mark.parametrize("arguments", [["--j11", "--home-assistant"], ["--home"]])
def test_two_parts_and_half_a_name_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(arguments)

    assert "usage: scripts/bench" in capsys.readouterr().err
