"""The command line of the demo."""

import pytest

from tools.demo.options import parse
from tools.emulator import J11_PRODUCTS, PRODUCTS


def test_every_dongle_that_can_be_emulated_can_be_chosen() -> None:
    assert parse([]).options.dongle == "bp35c2"
    for name in (*PRODUCTS, *J11_PRODUCTS):
        assert parse(["--dongle", name, "--check"]).options.dongle == name


def test_a_dongle_that_does_not_exist_is_refused_with_the_names_of_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse(["--dongle", "bp35c9"])

    error = capsys.readouterr().err
    assert all(name in error for name in (*PRODUCTS, *J11_PRODUCTS))


def test_home_assistants_own_integration_is_not_shown_with_a_dongle_that_it_cannot_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse(["--core", "--dongle", "rs-wsuha-j11"])

    assert "reads no J11 dongle" in capsys.readouterr().err
