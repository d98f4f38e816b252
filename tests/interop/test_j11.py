"""The same meter over an SKSTACK and over a J11 dongle, and through broute-j11 0.1.0: the same values.

The meters' clocks stand still, so every value is of the same moment and must be the same to the digit.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
import inspect
from pathlib import Path
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    ReadReport,
    RouteBError,
    SmartMeter,
    half_hours,
    properties,
    readings,
    serial_connector,
)
from tests.tools.emulator.test_broute_j11 import client, emulator as served
from tests.virtual_clock import run
from tools.emulator import (
    DUMMY_ID,
    DUMMY_PASSWORD,
    Emulator,
    EmulatorConfig,
    MeterModel,
    frozen,
)
from tools.emulator.config import Push
from tools.emulator.j11.violations import Violations
from tools.emulator.products import J11_PRODUCTS, DongleName

from .pairs import AT, NAMES, PAIRS, PUBLIC, Pair
from .test_side_by_side import METERS

SEED = 3
#: Days of history that a meter keeps.
DAYS = range(100)
CREDENTIALS = Credentials(DUMMY_ID, DUMMY_PASSWORD)


@dataclass(frozen=True, slots=True)
class Read:
    """All that can be read of a meter, and what it says by itself."""

    getters: list[object]
    """What each call of the table gave: a value, or the name of the error."""
    everything: ReadReport
    days: list[tuple[half_hours.Slot, ...]]
    pushed: ReadReport
    description: object
    violations: Violations | None


def read(dongle: DongleName, model: MeterModel, push: Push) -> Read:
    """Read a meter over a dongle, all of it."""
    return run(_read(dongle, model, push))


async def _read(dongle: DongleName, model: MeterModel, push: Push) -> Read:
    config = EmulatorConfig(dongle=dongle, model=model, seed=SEED, clock=frozen(AT), push=push)
    async with Emulator(config) as emulator:
        meter = SmartMeter(emulator.connector(), CREDENTIALS)
        await meter.connect()
        getters = [await _outcome(meter, pair) for pair in PAIRS]
        everything = await meter.read(
            row for epc, row in properties.PROPERTIES.items() if epc in model.readable
        )
        days = [await meter.day_history(day) for day in DAYS]
        heard: asyncio.Queue[ReadReport] = asyncio.Queue()
        meter.subscribe(heard.put_nowait)
        radio = emulator.j11.radio if config.j11 else emulator.dongle.radio
        await radio._pushes._announce()
        pushed = await heard.get()
        description = meter.description
        await meter.close(end_session=True)
        violations = emulator.j11.violations if config.j11 else None
    return Read(getters, everything, days, pushed, description, violations)


async def _outcome(meter: SmartMeter, pair: Pair) -> object:
    try:
        found = eval(pair.ours, {**PUBLIC, **NAMES, "meter": meter})  # noqa: S307 - our own
        return await found if inspect.isawaitable(found) else found
    except RouteBError as err:
        return type(err).__name__


@pytest.mark.timeout(120)
@pytest.mark.parametrize("push", ["inf", "infc"])
@pytest.mark.parametrize("model", METERS)
def test_same_values_over_both_protocols(model: str, push: Push) -> None:
    over_skstack = read("bp35c2", METERS[model], push)
    over_j11 = read("bp35c0-j11", METERS[model], push)

    different = {
        pair.ours: both
        for pair, *both in zip(PAIRS, over_skstack.getters, over_j11.getters, strict=True)
        if both[0] != both[1]
    }
    assert different == {}
    assert over_j11.everything == over_skstack.everything
    assert over_j11.everything.values.keys() == METERS[model].readable
    assert over_j11.days == over_skstack.days
    assert any(slot.registers.normal is not None for slot in over_j11.days[99])
    assert over_j11.pushed == over_skstack.pushed
    assert over_j11.description == over_skstack.description
    assert over_j11.violations == Violations()


@pytest.mark.parametrize("meter", ["gen1", "gen2"])
@pytest.mark.parametrize("dongle", J11_PRODUCTS)
def test_our_stack_and_broute_j11_read_the_same(dongle: str, meter: str, tmp_path: Path) -> None:
    """One after the other, as one dongle has one host; the moment is the same."""
    with served(tmp_path, "--dongle", dongle, "--meter", meter) as port:
        theirs = client(port)
        ours, profile = asyncio.run(_read_over_pty(port))
        again = client(port)

    assert "error" not in theirs
    assert theirs["readings"] == again["readings"] == [ours]
    assert {name: theirs["profile"][name] for name in profile} == profile


def test_meter_without_reverse_energy_is_beyond_broute_j11_but_not_us(tmp_path: Path) -> None:
    """It answers a bundle with less than was asked for; that client then asks for all of it again."""
    with served(tmp_path, "--dongle", "bp35c0-j11", "--meter", "minimal") as port:
        assert client(port)["error"] == "SessionError"
        ours, _ = asyncio.run(_read_over_pty(port))

    assert ours["cumulative_reverse_energy"] is None
    assert all(value is not None for name, value in ours.items() if "reverse" not in name)


async def _read_over_pty(port: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a reading and a profile in the form of the other client."""
    meter = SmartMeter(serial_connector(str(port)), CREDENTIALS)
    await meter.connect()
    names = properties
    report = await meter.read(
        (
            names.INSTANTANEOUS_POWER,
            names.INSTANTANEOUS_CURRENT,
            names.CUMULATIVE_ENERGY_NORMAL,
            names.CUMULATIVE_ENERGY_REVERSE,
            names.SERIAL_NUMBER,
        )
    )
    currents = report.value(names.INSTANTANEOUS_CURRENT)
    assert isinstance(currents, readings.Currents)
    reading = {
        "instantaneous_power": report.value(names.INSTANTANEOUS_POWER),
        "current_r_phase": _text(currents.r),
        "current_t_phase": _text(currents.t),
        "cumulative_forward_energy": _text(report.value(names.CUMULATIVE_ENERGY_NORMAL)),
        "cumulative_reverse_energy": _text(report.value(names.CUMULATIVE_ENERGY_REVERSE)),
    }
    assert meter.scale is not None
    profile = {
        "unit": _text(meter.scale.unit),
        "coefficient": meter.scale.coefficient,
        "serial_number": report.value(names.SERIAL_NUMBER),
    }
    await meter.close(end_session=True)
    return reading, profile


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
