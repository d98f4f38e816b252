"""momonga 0.7.0 and our stack read the same emulated meters in turn, at the same moment.

The meters' clocks stand still, so every value must be the same, digit by digit: momonga's
floats are compared after quantising to the step of our decimals. All meters share one loop and
all sessions of momonga one process.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
import inspect
import json
import os
from pathlib import Path
import sys
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    ReadReport,
    SmartMeter,
    errors,
    properties,
    serial_connector,
)
from tests.tools.meter.shell import Outcome, carry_out
from tools.emulator import (
    DUMMY_ID,
    DUMMY_PASSWORD,
    FIRST_GENERATION,
    MODELS,
    PRODUCTS,
    Emulator,
    EmulatorConfig,
    MeterModel,
    frozen,
)
from tools.meter.values import as_json

from .pairs import AT, NAMES, PAIRS, PUBLIC, Pair, fixed_time

#: Whichever test comes first has all meters read, in one process.
pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("momonga reads beside us")]

ROOT = Path(__file__).parents[2]

#: Three counts of 0.03 kWh make 0.09: a meter with a transformer, and without a T phase.
ODD = replace(
    FIRST_GENERATION,
    unit=0x02,
    coefficient=3,
    watt_seconds_per_count=3 * 36_000,
    digits=8,
    three_wire=False,
)
#: A meter that refuses what it lists has nothing to compare there.
METERS: dict[str, MeterModel] = {
    **{name: model for name, model in MODELS.items() if not model.refused},
    "odd": ODD,
}
_CREDENTIALS = {"ROUTE_B_ID": DUMMY_ID, "ROUTE_B_PASSWORD": DUMMY_PASSWORD}


@dataclass(slots=True)
class Variant:
    """A meter behind a dongle, and what both sides read from it."""

    model: str
    config: EmulatorConfig
    theirs: dict[str, Any] = field(default_factory=dict)
    ours: list[dict[str, Any]] = field(default_factory=list)
    pushed: ReadReport | None = None
    signal: int | None = None
    everything: ReadReport = field(default_factory=ReadReport)
    printed: list[Outcome] = field(default_factory=list)


def _variants() -> Iterator[tuple[str, Variant]]:
    for model, kind in METERS.items():
        for number, (dongle, product) in enumerate(PRODUCTS.items()):
            for output in ("ascii", "binary") if product.has_options else ("ascii",):
                config = EmulatorConfig(
                    dongle=product.name,
                    output="binary" if output == "binary" else "ascii",
                    model=kind,
                    push="infc" if number % 2 else "inf",
                    speed=500,
                    seed=3,
                    clock=frozen(AT),
                )
                yield f"{model} {dongle} {output}", Variant(model, config)


VARIANTS = dict(_variants())


# --- Reading -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Variant]:
    """Have every meter read by both."""
    folder = tmp_path_factory.mktemp("ports")
    asyncio.run(_read_all(folder))
    return VARIANTS


async def _read_all(folder: Path) -> None:
    ports = {str(folder / f"tty{number}"): name for number, name in enumerate(VARIANTS)}
    async with asyncio.timeout(110), asyncio.TaskGroup() as group:
        emulators: dict[str, Emulator] = {}
        for port, name in ports.items():
            emulators[port] = Emulator(VARIANTS[name].config)
            emulators[port].serve_pty(port)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.interop.momonga_session"),
            *(DUMMY_ID, DUMMY_PASSWORD, *ports),
            cwd=ROOT,
            env={**os.environ, "TZ": "JST-9"},
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        assert process.stdout is not None
        try:
            async for text in process.stdout:
                line = json.loads(text)
                emulator = emulators[line["port"]]
                if "listening" in line:
                    group.create_task(_announce(emulator))
                else:
                    variant = VARIANTS[ports[line["port"]]]
                    variant.theirs = line
                    group.create_task(_read(variant, emulator, line["port"]))
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    for emulator in emulators.values():
        await emulator.close()


async def _announce(emulator: Emulator) -> None:
    """Have the meter announce its half-hour values, which a clock that stands never does."""
    await emulator.dongle._radio._pushes._announce()


async def _read(variant: Variant, emulator: Emulator, port: str) -> None:
    """Read the same meter with the stack, then with the command line."""
    _forget_settings(emulator)
    connector = serial_connector(port)
    meter = SmartMeter(connector, Credentials(DUMMY_ID, DUMMY_PASSWORD))
    await meter.connect()
    variant.ours = [await _outcome(meter, pair) for pair in PAIRS]
    variant.everything = await meter.read(
        row for epc, row in properties.PROPERTIES.items() if epc in variant.config.model.readable
    )
    heard: asyncio.Queue[ReadReport] = asyncio.Queue()
    meter.subscribe(heard.put_nowait)
    await _announce(emulator)
    variant.pushed = await heard.get()
    variant.signal = None if meter.signal is None else meter.signal.lqi
    await meter.close(end_session=True)
    for words in (("read",), ("history", "--day", "1")):
        variant.printed.append(
            await carry_out(
                ("--json", "--show-addresses", *words), connector, environment=_CREDENTIALS
            )
        )


def _forget_settings(emulator: Emulator) -> None:
    """Undo what momonga has set: the histories it chose, and WOPT 01 in the dongle's flash."""
    as_new = Emulator(emulator.config)
    for name in ("_day", "_slots", "_minutes"):
        setattr(emulator.meter, name, getattr(as_new.meter, name))
    emulator.dongle._radio.binary = as_new.dongle._radio.binary


async def _outcome(meter: SmartMeter, pair: Pair) -> dict[str, Any]:
    """Do what the table says is our call."""
    try:
        found = eval(pair.ours, {**PUBLIC, **NAMES, "meter": meter})  # noqa: S307 - our own
        if inspect.isawaitable(found):
            found = await found
    except errors.RequestRefusedError:
        return {"refused": True}
    if isinstance(found, ReadReport) and pair.epc in found.refused:
        return {"refused": True}
    return {"value": pair.like_momonga(found)}


# --- Comparing ---------------------------------------------------------------------------


def agree(theirs: object, ours: object) -> bool:
    """Return whether both are the same; floats by the step of the decimal."""
    match ours:
        case Decimal():
            if not isinstance(theirs, (int, float)):
                return False
            exact = Decimal(repr(theirs))
            return exact.quantize(ours) == ours and abs(exact - ours) < Decimal("1e-6")
        case Mapping():
            return (
                isinstance(theirs, Mapping)
                and theirs.keys() == ours.keys()
                and all(agree(theirs[key], value) for key, value in ours.items())
            )
        case list():
            return (
                isinstance(theirs, list)
                and len(theirs) == len(ours)
                and all(agree(one, other) for one, other in zip(theirs, ours, strict=True))
            )
        case _:
            return type(theirs) is type(ours) and theirs == ours


def _moved(slots: list[dict[str, Any]], away: timedelta) -> list[dict[str, Any]]:
    return [
        {**slot, "timestamp": (datetime.fromisoformat(slot["timestamp"]) + away).isoformat()}
        for slot in slots
    ]


def _possible(pair: Pair, result: dict[str, Any]) -> list[object]:
    """Return momonga's value, by the meter's calendar.

    momonga dates history 1 by the date of its host, not by that of the meter, which stands
    still here; if midnight came to the host meanwhile, its date is unknown.
    """
    if pair.call != "get_historical_cumulative_energy_1":
        return [result["value"]]
    dates = {date.fromisoformat(text) for text in result["host_dates"]}
    return [_moved(result["value"], AT.date() - host) for host in dates]


def _singles(variant: Variant) -> dict[int, object]:
    """Return what our calls for single properties gave."""
    return {
        pair.epc: result["value"]
        for pair, result in zip(PAIRS, variant.ours, strict=True)
        if pair.epc is not None and "value" in result
    }


def _same(variant: Variant, pair: Pair, theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Return whether both sides got the same out of one call."""
    if "error" not in theirs:
        return "value" in ours and any(
            agree(value, ours["value"]) for value in _possible(pair, theirs)
        )
    if theirs["error"] != "MomongaResponseNotPossible":
        return False
    instead = pair.momonga_fails_on.get(variant.model)
    if instead is None:
        return "refused" in ours
    return ours.get("value") == instead(_singles(variant))


@pytest.mark.parametrize("name", VARIANTS)
def test_both_read_the_same_from_every_meter(variants: dict[str, Variant], name: str) -> None:
    variant = variants[name]
    results = zip(PAIRS, variant.theirs["results"], variant.ours, strict=True)
    different = {
        (pair.call, str(pair.arguments)): (theirs, ours)
        for pair, theirs, ours in results
        if not _same(variant, pair, theirs, ours)
    }
    assert different == {}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_refused_is_what_the_meter_lacks(variants: dict[str, Variant], name: str) -> None:
    variant = variants[name]
    lacking = {
        pair.epc
        for pair, result in zip(PAIRS, variant.ours, strict=True)
        if "refused" in result and pair.epc is not None
    }
    asked = {pair.epc for pair in PAIRS if pair.epc is not None}
    assert lacking == asked - variant.config.model.readable


@pytest.mark.parametrize("name", VARIANTS)
def test_both_hear_the_same_announcement(variants: dict[str, Variant], name: str) -> None:
    variant = variants[name]
    announced = variant.theirs["notification"]
    assert announced["esv"] == {"inf": 0x73, "infc": 0x74}[variant.config.push]
    assert variant.pushed is not None
    ours = {
        str(row.epc): fixed_time(value)
        for row in (properties.FIXED_TIME_ENERGY_NORMAL, properties.FIXED_TIME_ENERGY_REVERSE)
        if (value := variant.pushed.value(row)) is not None
    }
    assert agree(announced["properties"], ours)


@pytest.mark.parametrize("name", VARIANTS)
def test_both_tell_the_same_link_quality(variants: dict[str, Variant], name: str) -> None:
    variant = variants[name]
    # momonga has none from a single-stack dongle, whose datagrams carry none; we keep the
    # scan's. The emulator's signal is the same all the time.
    if variant.config.product.dual:
        assert variant.signal == variant.theirs["lqi"] is not None
    else:
        assert variant.theirs["lqi"] is None
        assert variant.signal is not None


@pytest.mark.parametrize("name", VARIANTS)
def test_command_line_prints_what_the_stack_read(variants: dict[str, Variant], name: str) -> None:
    variant = variants[name]
    read, _ = variant.printed
    assert read.code == 0, read.err
    printed = {int(row["epc"], 16): row["value"] for row in read.json["properties"]}
    assert printed.keys() == variant.config.model.readable
    assert printed == {epc: as_json(value) for epc, value in variant.everything.values.items()}
    assert read.json["missing"] == read.json["unknown"] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_command_line_prints_the_registers_of_yesterday(
    variants: dict[str, Variant], name: str
) -> None:
    variant = variants[name]
    _, history = variant.printed
    assert history.code == 0, history.err
    slots = history.json["slots"]
    for direction, reverse in (("normal", False), ("reverse", True)):
        (theirs,) = (
            result
            for pair, result in zip(PAIRS, variant.theirs["results"], strict=True)
            if pair.call == "get_historical_cumulative_energy_1"
            and pair.arguments == {"day": 1, "reverse": reverse}
        )
        ours = [_decimal(slot["register"][direction]) for slot in slots]
        if "error" in theirs:
            assert ours == [None] * 48
        else:
            assert agree([slot["cumulative energy"] for slot in theirs["value"]], ours)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# --- The comparison itself ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (6513.900000000001, Decimal("6513.9")),
        (0.30000000000000004, Decimal("0.3")),
        (7, Decimal(7)),
        (None, None),
        ({"a": [0.1]}, {"a": [Decimal("0.1")]}),
    ],
)
def test_noise_of_floats_is_no_difference(theirs: object, ours: object) -> None:
    assert agree(theirs, ours)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (6513.91, Decimal("6513.9")),
        (0.4, Decimal("0.3")),
        (None, Decimal(0)),
        (0, None),
        (0, False),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1, 2], [1]),
    ],
)
def test_everything_else_is_one(theirs: object, ours: object) -> None:
    assert not agree(theirs, ours)
