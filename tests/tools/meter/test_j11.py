"""Every command with a J11 dongle. ``record`` is in test_record_j11.py."""

from datetime import timedelta
from decimal import Decimal
import json
from typing import Any

import pytest

from tests.virtual_clock import EPOCH
from tools.emulator import MODELS
from tools.emulator.j11.channels import from_air
from tools.meter.exit_codes import ExitCode

from .shell import J11_ENVIRONMENT, J11_PASSWORD, Outcome, meter, secrets

DONGLES = ["bp35c0-j11", "rs-wsuha-j11"]
DONGLE = DONGLES[1]


def j11(*words: str, **choices: Any) -> Outcome:
    """Carry out a command line with a dongle of this kind."""
    usual = {"dongle": DONGLE, "password": J11_PASSWORD}
    return meter(*words, environment=J11_ENVIRONMENT, **{**usual, **choices})


@pytest.mark.parametrize("dongle", DONGLES)
def test_identify_names_the_protocol_and_the_firmware(dongle: str) -> None:
    outcome = meter("identify", "--json", dongle=dongle, environment={})

    assert outcome.code == ExitCode.OK
    assert outcome.json["found"] == "dongle"
    assert outcome.json["protocol"].startswith("J11")
    assert outcome.json["version"].startswith("1.3")


def test_scan_finds_our_network_among_the_others() -> None:
    outcome = j11("scan", "--json", neighbours=2)

    assert outcome.emulator is not None
    pan = outcome.emulator.air.pan
    (ours,) = (network for network in outcome.json["networks"] if network["ours"])
    assert outcome.code == ExitCode.OK
    assert ours["pan_id"] == f"{pan.pan_id:04X}"
    assert (ours["channel"] - 33) // 2 + 4 == from_air(pan.channel)
    assert -104 <= ours["dbm"] <= -34


def test_scan_without_a_meter_is_a_failure_with_advice() -> None:
    outcome = j11("scan", in_range=False)

    assert outcome.code == ExitCode.LINK
    assert "Move the dongle closer" in outcome.err


@pytest.mark.parametrize("model", MODELS)
def test_read_reads_every_meter_whole(model: str) -> None:
    outcome = j11("read", "--json", model=MODELS[model])

    assert outcome.code == ExitCode.OK
    read = {entry["epc"] for entry in outcome.json["properties"]}
    assert read == {f"{epc:02X}" for epc in MODELS[model].readable - MODELS[model].refused}
    missing = {entry["epc"] for entry in outcome.json["missing"]}
    assert missing == {f"{epc:02X}" for epc in MODELS[model].refused}


def test_read_with_a_wrong_password_says_so() -> None:
    assert j11("read", password="WrongWrong12").code == ExitCode.REFUSED


def test_watch_prints_readings_and_no_secret() -> None:
    outcome = j11("watch", "--interval", "20", "--count", "3", "--json")

    assert outcome.emulator is not None
    readings = [line for line in map(json.loads, outcome.lines) if line.get("kind") != "link"]
    assert len(readings) == 3
    assert all("instantaneous_power" in reading and reading["dbm"] for reading in readings)
    assert not any(secret in outcome.out + outcome.err for secret in secrets(outcome.emulator))


def test_history_is_that_of_the_meter() -> None:
    outcome = j11("history", "--day", "1", "--json")

    assert outcome.code == ExitCode.OK
    assert outcome.emulator is not None
    assert len(outcome.json["slots"]) == 48
    midnight = EPOCH.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    truth: Any = outcome.emulator.truth(midnight)["energy_imported"]
    first = outcome.json["slots"][0]["register"]["normal"]
    assert Decimal(first) == Decimal(truth["kwh"])
