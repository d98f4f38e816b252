"""``history`` prints dated registers and the energy of each half-hour."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from custom_components.wisun_route_b.stack import JST
from tests.stack.controller.test_history_reader import PastMeter
from tests.stack.scripted import PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import EPOCH, run
from tools.emulator import MINIMAL
from tools.meter.exit_codes import ExitCode

from .shell import Outcome, Terminal, carry_out, meter

TODAY = EPOCH.replace(hour=0, minute=0, second=0)
HALF_HOUR = timedelta(minutes=30)


def _times(outcome: Outcome) -> list[datetime]:
    return [datetime.fromisoformat(slot["at"]) for slot in outcome.json["slots"]]


def _from(begin: datetime, count: int) -> list[datetime]:
    return [begin + number * HALF_HOUR for number in range(count)]


@pytest.mark.parametrize("source", ["e2", "ec"])
def test_yesterday_is_whole_and_agrees_with_the_meter(source: str) -> None:
    outcome = meter("history", "--day", "1", "--source", source, "--json")

    assert outcome.code == ExitCode.OK
    assert _times(outcome) == _from(TODAY - timedelta(days=1), 48)
    assert outcome.json["source"] == source
    assert outcome.json["missing"] == []
    assert outcome.emulator is not None
    for slot in outcome.json["slots"]:
        begin = datetime.fromisoformat(slot["at"])
        truth, later = (
            cast("Any", outcome.emulator.truth(moment)) for moment in (begin, begin + HALF_HOUR)
        )
        for direction, key in (("normal", "energy_imported"), ("reverse", "energy_exported")):
            register, next_register = (Decimal(moment[key]["kwh"]) for moment in (truth, later))
            assert Decimal(slot["register"][direction]) == register
            assert Decimal(slot["consumption"][direction]) == next_register - register
    assert slot["at"].endswith("+09:00")


@pytest.mark.parametrize("source", ["e2", "ec"])
def test_today_ends_where_the_meter_is(source: str) -> None:
    outcome = meter("history", "--source", source, "--json")

    assert _times(outcome) == _from(TODAY, 25)
    assert outcome.json["slots"][-1]["consumption"] == {"normal": None, "reverse": None}


def test_several_days_are_one_table_without_a_seam() -> None:
    outcome = meter("history", "--from", "2026-11-19", "--to", "2026-11-20", "--json")

    assert _times(outcome) == _from(datetime(2026, 11, 19, tzinfo=JST), 96)
    assert all(slot["consumption"]["normal"] is not None for slot in outcome.json["slots"])


def test_from_alone_goes_on_until_now() -> None:
    outcome = meter("history", "--from", "2026-11-21", "--json")

    assert _times(outcome) == _from(TODAY - timedelta(days=1), 48 + 25)


def test_table_has_a_heading_and_sums() -> None:
    outcome = meter("history", "--day", "1", err=(terminal := Terminal()))

    heading, *rows, used, fed_in = outcome.lines
    assert heading.split() == ["register", "in", "register", "out", "used", "fed", "in", "(kWh)"]
    assert len(rows) == 48
    assert rows[0].startswith("2026-11-21 00:00 ")
    energies = [Decimal(row.split()[4]) for row in rows]
    assert used == f"Used in 48 half-hours: {sum(energies)} kWh"
    assert fed_in.startswith("Fed in in 48 half-hours: ")
    assert "day 2 of 2" in terminal.getvalue()


def test_meter_without_reverse_values_has_dashes_there() -> None:
    outcome = meter("history", model=MINIMAL)

    _, first, *_, last = outcome.lines
    assert first.split()[3] == "-"
    assert last.startswith("Used in")


def test_meter_without_slot_history_says_so() -> None:
    outcome = meter("history", "--source", "ec", model=MINIMAL, err=(terminal := Terminal()))

    assert outcome.code == ExitCode.LINK
    assert "The meter refused: " in terminal.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "2026-11-22", "--to", "2026-11-21"),
        ("--from", "2026-11-23"),
        ("--from", "2026-08-14"),
    ],
)
def test_days_out_of_reach_are_a_matter_of_usage(words: tuple[str, ...]) -> None:
    outcome = meter("history", *words)

    assert outcome.code == ExitCode.USAGE
    assert "2026-11-22" in outcome.err


def test_oldest_day_that_meters_keep_can_be_read() -> None:
    assert meter("history", "--from", "2026-08-15", "--to", "2026-08-15").code == ExitCode.OK


def test_day_that_was_not_requested_is_left_out_and_named() -> None:
    dongle = ScriptedDongle()
    past = PastMeter(dongle)

    def claim(epc: int) -> None:
        if epc == 0xE2:
            past.claims_day = 7 if past.day == 2 else None

    past.on_get = claim
    environment = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}
    words = ("history", "--from", "2026-11-20", "--to", "2026-11-21", "--json")
    outcome = run(carry_out(words, dongle.connector(), environment=environment))

    assert outcome.code == ExitCode.OK
    assert {moment.date().isoformat() for moment in _times(outcome)} == {"2026-11-21"}
    assert [day["day"] for day in outcome.json["missing"]] == ["2026-11-20"]


def test_midnight_that_passes_meanwhile_changes_no_date() -> None:
    dongle = ScriptedDongle()
    past = PastMeter(dongle)
    past.clock = datetime(2026, 11, 22, 23, 58, tzinfo=JST)

    def tick(epc: int) -> None:
        if epc == 0x98 and past.day != 0xFF:
            past.clock = datetime(2026, 11, 23, 0, 4, tzinfo=JST)

    past.on_get = tick
    environment = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}
    words = ("history", "--from", "2026-11-20", "--to", "2026-11-21", "--json")
    outcome = run(carry_out(words, dongle.connector(), environment=environment))

    assert _times(outcome) == _from(datetime(2026, 11, 20, tzinfo=JST), 96)
