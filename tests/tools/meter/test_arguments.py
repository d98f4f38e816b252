"""The words of a command line, and what becomes of wrong ones."""

from datetime import date
from pathlib import Path

import pytest

from custom_components.wisun_route_b.stack import Credentials, properties
from tools.meter.arguments import parse
from tools.meter.commands import History, Identify, Read, Record, Scan, Source, Watch
from tools.meter.context import Command

from .shell import ENVIRONMENT, PASSWORD, ROUTE_B_ID

GROUPS = [ROUTE_B_ID[at : at + 4] for at in range(0, 32, 4)]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("identify", Identify()),
        ("scan", Scan(6)),
        ("scan --duration 7", Scan(7)),
        ("read", Read(())),
        ("read E7 serial-number", Read((properties.INSTANTANEOUS_POWER, properties.SERIAL_NUMBER))),
        ("history", History()),
        ("history --day 99", History(99)),
        (
            "history --from 2026-11-01 --to 2026-11-02 --source ec",
            History(0, date(2026, 11, 1), date(2026, 11, 2), Source.SLOTS),
        ),
        ("watch", Watch(10.0, None)),
        ("watch --interval 2.5 --count 3", Watch(2.5, 3)),
        ("watch --signal", Watch(10.0, None, signal=True)),
        ("record file.txt --listen 60", Record(Path("file.txt"), 60.0)),
    ],
)
def test_words_become_a_command(words: str, command: Command) -> None:
    assert parse(["/dev/tty", *words.split()], ENVIRONMENT).command == command


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--id", ROUTE_B_ID, "--password", PASSWORD, "PORT", "read", "E7"],
        ["PORT", "--json", f"--id={ROUTE_B_ID}", "--password", PASSWORD, "read", "E7"],
        ["PORT", "read", "E7", "--id", " ".join(GROUPS), "--password", PASSWORD, "--json"],
        ["PORT", "--id", ROUTE_B_ID, "read", "--json", "E7", "--password", PASSWORD],
    ],
)
def test_common_options_may_stand_anywhere(words: list[str]) -> None:
    request = parse(words, {})

    assert request.port == "PORT"
    assert request.as_json
    assert not request.show_addresses
    assert request.credentials == Credentials(ROUTE_B_ID, PASSWORD)


def test_options_win_over_the_environment() -> None:
    other = {"ROUTE_B_ID": "F" * 32, "ROUTE_B_PASSWORD": PASSWORD}

    request = parse(["PORT", "--id", ROUTE_B_ID, "read"], other)
    assert request.credentials == Credentials(ROUTE_B_ID, PASSWORD)


def test_identify_does_not_care_about_credentials() -> None:
    assert parse(["PORT", "identify"], {"ROUTE_B_ID": "nonsense"}).credentials is None


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("", "PORT"),
        ("PORT", "COMMAND"),
        ("PORT sing", "invalid choice"),
        ("PORT read no_such_thing", "no property is called 'no_such_thing'"),
        ("PORT read 7F", "no property"),
        ("PORT scan --duration 3", "invalid choice"),
        ("PORT history --day 100", "not within 0 to 99"),
        ("PORT history --day one", "invalid"),
        ("PORT history --from 2026-13-01", "no date"),
        ("PORT history --to 2026-11-01", "--to needs --from"),
        ("PORT history --from 2026-11-01 --day 2", "exclude each other"),
        ("PORT history --source e5", "invalid choice"),
        ("PORT watch --interval 0", "not within 2 to 3600"),
        ("PORT watch --interval nan", "not within"),
        ("PORT watch --count 0", "not within"),
        ("PORT record", "FILE"),
        ("PORT record f --listen -1", "not within"),
    ],
)
def test_wrong_words_end_with_code_two_and_a_reason(
    words: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words.split(), ENVIRONMENT)

    assert left.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("usage: scripts/meter")
    assert hint in message


@pytest.mark.parametrize(
    "words",
    [
        ["PORT", "--id", *GROUPS, "--password", PASSWORD, "read"],
        ["PORT", "read", "--id", *GROUPS, "--password", PASSWORD],
        ["PORT", "--password", *("S3cret", "PASS99"), "--id", ROUTE_B_ID, "read"],
        ["PORT", f"--id={ROUTE_B_ID[:-1]}", f"--password={PASSWORD}", "read"],
        ["PORT", "--id", ROUTE_B_ID, "--password", f"{PASSWORD}x", "read"],
        ["PORT", "--id", ROUTE_B_ID, "read"],
        ["PORT", "--password", PASSWORD, "read"],
    ],
)
def test_wrong_credentials_are_never_repeated(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words, {})

    assert left.value.code == 2
    shown = "".join(capsys.readouterr())
    assert not any(part in shown for part in (*GROUPS, ROUTE_B_ID, PASSWORD, "S3cret", "PASS99"))


@pytest.mark.parametrize("words", [["--help"], ["PORT", "read", "--help"]])
def test_help_tells_exit_codes_and_property_names(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words, ENVIRONMENT)

    assert left.value.code == 0
    shown = capsys.readouterr().out
    if "read" in words:
        assert all(row.name in shown for row in properties.PROPERTIES.values())
    else:
        assert "exit codes:" in shown
        assert "130" in shown
    assert ROUTE_B_ID not in shown
