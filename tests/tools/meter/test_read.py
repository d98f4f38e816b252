"""``read`` prints what the meter says, with units, and names what it does not say."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.stack.scripted import (
    METER_SAYS,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.virtual_clock import EPOCH, run
from tools.emulator import FIRST_GENERATION, MINIMAL, MODELS, SECOND_GENERATION, Emulator
from tools.meter.exit_codes import ExitCode

from .shell import Terminal, carry_out, meter, secrets


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1", "rl7023-dss", "rl7023-ips"])
def test_every_meter_is_read_whole_through_every_dongle(model: str, dongle: str) -> None:
    outcome = meter("read", "--json", dongle=dongle, model=MODELS[model])

    assert outcome.code == ExitCode.OK
    read = {entry["epc"] for entry in outcome.json["properties"]}
    assert read == {f"{epc:02X}" for epc in MODELS[model].readable - MODELS[model].refused}
    missing = {entry["epc"] for entry in outcome.json["missing"]}
    assert missing == {f"{epc:02X}" for epc in MODELS[model].refused}
    assert outcome.json["unknown"] == []


def _truth(emulator: Emulator | None, at: str) -> dict[str, Any]:
    assert emulator is not None
    return dict(emulator.truth(EPOCH.fromisoformat(at)))


def test_values_are_those_of_the_meter() -> None:
    outcome = meter("read", "--json", clock=lambda: EPOCH)
    values = {entry["name"]: entry["value"] for entry in outcome.json["properties"]}
    truth = _truth(outcome.emulator, EPOCH.isoformat())

    assert values["instantaneous_power"] == truth["power"]
    assert values["instantaneous_current"] == {"r": truth["current_r"], "t": truth["current_t"]}
    assert Decimal(values["cumulative_energy_normal"]) == Decimal(truth["energy_imported"]["kwh"])
    assert values["fixed_time_energy_reverse"]["measured_at"] == truth["fixed_time"]["at"]
    assert values["fixed_time_energy_reverse"]["measured_at"].endswith("+09:00")
    assert values["serial_number"] == truth["serial_number"]
    assert values["current_date"] == "2026-11-22"
    assert outcome.json["manufacturer"] == "Toshiba"


def test_every_kind_of_value_has_its_words() -> None:
    outcome = meter("read", clock=lambda: EPOCH, model=SECOND_GENERATION)
    truth = _truth(outcome.emulator, EPOCH.isoformat())

    assert outcome.says("80  operation_status") == "on"
    assert outcome.says("81  installation_location") == "garden 1"
    assert outcome.says("82  standard_version") == "R.0"
    assert outcome.says("8A  manufacturer_code") == "000016 (Toshiba)"
    assert outcome.says("97  current_time") == "12:00"
    assert outcome.says("9D  anno_property_map") == "80 81 88"
    assert outcome.says("E1  cumulative_energy_unit") == "0.1 kWh per count"
    assert outcome.says("E2  history1_normal").startswith("no day chosen")
    assert outcome.says("E5  history1_day") == "no data"
    assert outcome.says("E7  instantaneous_power") == f"{truth['power']} W"
    assert outcome.says("E8  instantaneous_current") == (
        f"R {truth['current_r']} A, T {truth['current_t']} A"
    )
    assert outcome.says("EA  fixed_time_energy_normal").endswith("kWh at 2026-11-22 12:00")
    assert outcome.says("ED  history2_selector") == "not set"
    assert outcome.says("D0  one_minute_cumulative_energy").endswith("out at 2026-11-22 12:00")


def test_properties_are_found_by_code_and_by_name() -> None:
    outcome = meter("read", "e7", "0xE0", "Serial-Number", "instantaneous_power")

    assert [line[:2] for line in outcome.lines] == ["8D", "E0", "E7"]


def test_what_the_meter_lacks_is_named_with_the_reason() -> None:
    outcome = meter("read", "E7", "E3", model=MINIMAL)

    assert outcome.code == ExitCode.OK
    assert outcome.says("E3  cumulative_energy_reverse") == "- the meter does not offer it"
    as_json = meter("read", "E3", "--json", model=MINIMAL)
    assert as_json.code == ExitCode.LINK
    assert as_json.json["properties"] == []
    assert as_json.json["missing"] == [
        {
            "epc": "E3",
            "name": "cumulative_energy_reverse",
            "reason": "the meter does not offer it",
        }
    ]


def test_impossible_values_are_absent_with_the_reason() -> None:
    dongle = ScriptedDongle()
    says = METER_SAYS | {0x80: "99"}
    dongle.know(says)
    environment = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}
    outcome = run(carry_out(("read", "E0", "80"), dongle.connector(), environment=environment))

    assert outcome.says("80  operation_status") == "- 99 is no OperationStatus"
    assert outcome.says("E0  cumulative_energy_normal") == "6513.9 kWh"


def test_who_the_household_is_stays_hidden_unless_asked_for() -> None:
    shy = meter("read", model=SECOND_GENERATION)
    open_ = meter("read", "--show-addresses", "C0", model=SECOND_GENERATION)

    assert shy.emulator is not None
    assert shy.says("C0  route_b_id") == "hidden (--show-addresses)"
    assert not any(secret in shy.out + shy.err for secret in secrets(shy.emulator))
    assert shy.emulator.meter.unique[:12].hex().upper() in open_.out
    as_json = meter("read", "C0", "--json", model=SECOND_GENERATION).json["properties"]
    assert as_json == [
        {"epc": "C0", "name": "route_b_id", "value": None, "unit": None, "hidden": True}
    ]


def test_one_phase_is_not_printed_as_two() -> None:
    outcome = meter("read", "E8", model=replace(FIRST_GENERATION, three_wire=False))

    assert ", T" not in outcome.out
    assert outcome.says("E8  instantaneous_current").startswith("R ")


def test_whoever_watches_sees_every_step() -> None:
    outcome = meter("read", "E7", err=Terminal())

    for step in ("Opening the port", "Looking for the meter", "Signing in", "Reading"):
        assert step in outcome.err


@pytest.mark.parametrize(
    ("choices", "code", "key"),
    [
        ({"in_range": False}, ExitCode.LINK, "meter_not_found"),
        ({"password": "000000000000"}, ExitCode.REFUSED, "credentials_refused"),
        ({"route_b_id": "F" * 32}, ExitCode.LINK, "meter_not_found"),
    ],
)
def test_failures_have_a_word_a_sentence_and_a_code(
    choices: dict[str, Any], code: ExitCode, key: str
) -> None:
    outcome = meter("read", "--json", **choices)

    assert outcome.code == code
    assert outcome.json["error"] == key
    assert outcome.err.strip() == outcome.json["message"]


def test_without_credentials_nothing_is_tried() -> None:
    outcome = meter("read", environment={})

    assert outcome.code == ExitCode.USAGE
    assert "ROUTE_B_ID" in outcome.err
