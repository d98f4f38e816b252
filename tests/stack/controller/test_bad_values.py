"""Impossible values of a meter: a reason and no value, a typed error, never a number."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.stack import (
    JST,
    Credentials,
    SmartMeter,
    errors,
    properties,
    readings,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import (
    METER_SAYS,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    answer_to,
    erxudp,
)
from tests.virtual_clock import run

#: A meter whose histories of today, and of the half-hour to noon, are in order.
DAY = "0000" + "0000FE73" * 48
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=JST)
SAYS = METER_SAYS | {
    0x97: "0C05",
    0x98: "07EA0B16",
    0xE2: DAY,
    0xE4: DAY,
    0xEC: "07EA0B160C000100000001" + "00000002",
}

type Scenario = Callable[[SmartMeter], Awaitable[None]]


def play(scenario: Scenario, lies: dict[int, str]) -> list[Frame]:
    """Run a scenario with a meter that says these instead; return what it was asked."""
    dongle = ScriptedDongle()

    def answer(request: Frame) -> None:
        dongle.accept()
        if request.esv is ESV.SET_C:
            taken = Property(request.properties[0].epc)
            frame = Frame(request.tid, METER, CONTROLLER, ESV.SET_RES, (taken,))
        else:
            frame = answer_to(request, SAYS | lies)
        dongle.say(erxudp(frame.encode()))

    async def whole() -> None:
        dongle.on_request = answer
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        try:
            await meter.connect()
            dongle.requests.clear()
            await scenario(meter)
        finally:
            await meter.close()

    run(whole())
    return dongle.requests


@pytest.mark.parametrize(
    ("lied", "edt"),
    [
        pytest.param(properties.FIXED_TIME_ENERGY_NORMAL, "07EA0D010000000000FE68", id="month 13"),
        pytest.param(
            properties.FIXED_TIME_ENERGY_NORMAL, "07EA021E0000000000FE68", id="30 February"
        ),
        pytest.param(
            properties.FIXED_TIME_ENERGY_NORMAL, "FFFFFFFFFFFFFF0000FE68", id="no date at all"
        ),
        pytest.param(
            properties.FIXED_TIME_ENERGY_NORMAL, "07EA05140E00000000FE", id="a byte too short"
        ),
        pytest.param(
            properties.FIXED_TIME_ENERGY_NORMAL, "07EA05140E00000000FE6800", id="a byte too long"
        ),
        pytest.param(
            properties.FIXED_TIME_ENERGY_NORMAL, "07EA05140E0000FFFFFFFF", id="beyond the range"
        ),
        pytest.param(properties.CURRENT_DATE, "FFFFFFFF", id="date of FF"),
        pytest.param(properties.CURRENT_DATE, "00000000", id="date of 00"),
        pytest.param(properties.EFFECTIVE_DIGITS, "00", id="no digits"),
        pytest.param(properties.EFFECTIVE_DIGITS, "FF", id="255 digits"),
        pytest.param(properties.CUMULATIVE_ENERGY_NORMAL, "00FE73", id="three bytes of a register"),
        pytest.param(properties.CUMULATIVE_ENERGY_UNIT, "05", id="undefined unit"),
    ],
)
def test_impossible_value_has_a_reason_and_the_rest_is_read(
    lied: properties.AnyProperty, edt: str
) -> None:
    async def scenario(meter: SmartMeter) -> None:
        report = await meter.read((lied, properties.INSTANTANEOUS_POWER))
        assert report.absent == {lied.epc}
        assert report.reasons[lied.epc]
        assert lied.epc not in report.values
        assert report.value(properties.INSTANTANEOUS_POWER) == 632

    play(scenario, {lied.epc: edt})


@pytest.mark.parametrize("code", ["05", "0E", "FF", "0100"])
def test_energies_of_an_unknown_unit_are_none(code: str) -> None:
    async def scenario(meter: SmartMeter) -> None:
        report = await meter.read(
            (properties.CUMULATIVE_ENERGY_NORMAL, properties.INSTANTANEOUS_POWER)
        )
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) is None
        assert "E1" in report.reasons[properties.CUMULATIVE_ENERGY_NORMAL.epc]
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        for reading in (meter.day_history(0), meter.half_hour_history(NOON, 1)):
            with pytest.raises(errors.ScaleUnknownError):
                await reading

    play(scenario, {0xE1: code})


def test_energies_of_a_coefficient_of_zero_are_none() -> None:
    async def scenario(meter: SmartMeter) -> None:
        report = await meter.read(
            (properties.CUMULATIVE_ENERGY_NORMAL, properties.INSTANTANEOUS_POWER)
        )
        assert report.absent == {properties.CUMULATIVE_ENERGY_NORMAL.epc}
        assert report.value(properties.INSTANTANEOUS_POWER) == 632

    play(scenario, {0xD3: "00000000"})


@pytest.mark.parametrize(
    ("edt", "error"),
    [
        pytest.param("0000" + "0000FE73" * 47, errors.DecodeError, id="47 registers"),
        pytest.param("0000" + "0000FE73" * 49, errors.DecodeError, id="49 registers"),
        pytest.param("0001" + "0000FE73" * 48, errors.WrongDayError, id="yesterday"),
        pytest.param("00FF" + "FFFFFFFE" * 48, errors.WrongDayError, id="no day chosen"),
        pytest.param("0064" + "0000FE73" * 48, errors.DecodeError, id="a hundred days ago"),
        pytest.param(
            "0000" + "0000FE73" * 47 + "FFFFFFFF", errors.DecodeError, id="beyond the range"
        ),
    ],
)
@pytest.mark.parametrize("epc", [0xE2, 0xE4])
def test_day_that_cannot_be_is_an_error(
    epc: int, edt: str, error: type[errors.DecodeError]
) -> None:
    async def scenario(meter: SmartMeter) -> None:
        with pytest.raises(error):
            await meter.day_history(0)

    play(scenario, {epc: edt})


@pytest.mark.parametrize(
    "edt",
    [
        pytest.param("07EA0B160C0002" + "00000001" * 2, id="one pair of two"),
        pytest.param("07EA0B160C000D" + "00000001" * 26, id="13 pairs"),
        pytest.param("07EA0B160C0000", id="none"),
        pytest.param("07EA0D160C0001" + "00000001" * 2, id="month 13"),
        pytest.param("FFFFFFFFFFFF01" + "FFFFFFFE" * 2, id="no time chosen"),
        pytest.param("07EA0B160B1E01" + "00000001" * 2, id="another half-hour"),
        pytest.param("07EA0B160C0002" + "00000001" * 4, id="two instead of one"),
    ],
)
def test_half_hours_that_cannot_be_are_an_error(edt: str) -> None:
    async def scenario(meter: SmartMeter) -> None:
        with pytest.raises(errors.DecodeError):
            await meter.half_hour_history(NOON, 1)

    play(scenario, {0xEC: edt})


def test_slots_without_data_are_none() -> None:
    async def scenario(meter: SmartMeter) -> None:
        slots = await meter.day_history(0)
        assert {slot.registers for slot in slots[:2]} == {
            readings.RegisterPair(Decimal("6513.9"), None)
        }
        assert {slot.registers for slot in slots[2:]} == {readings.RegisterPair(None, None)}

    nothing = "FFFFFFFE"
    play(scenario, {0xE2: "0000" + "0000FE73" * 2 + nothing * 46, 0xE4: "0000" + nothing * 48})


@pytest.mark.parametrize("days_ago", [-1, 100, 256])
def test_day_that_no_meter_keeps_is_not_asked_for(days_ago: int) -> None:
    async def scenario(meter: SmartMeter) -> None:
        with pytest.raises(errors.EncodeError):
            await meter.day_history(days_ago)
        with pytest.raises(errors.EncodeError):
            await meter.write(properties.HISTORY1_DAY, days_ago)

    assert ESV.SET_C not in [request.esv for request in play(scenario, {})]


@pytest.mark.parametrize("count", [-1, 0, 13])
def test_number_of_slots_that_no_meter_answers_is_not_asked_for(count: int) -> None:
    async def scenario(meter: SmartMeter) -> None:
        with pytest.raises(errors.EncodeError):
            await meter.half_hour_history(NOON, count)
        with pytest.raises(errors.EncodeError):
            await meter.minute_history(NOON, count)
        with pytest.raises(errors.EncodeError):
            await meter.write(properties.HISTORY2_SELECTOR, readings.HistorySelector(NOON, count))

    assert play(scenario, {}) == []


def test_the_time_of_a_history_may_be_in_any_zone() -> None:
    async def scenario(meter: SmartMeter) -> None:
        elsewhere = NOON.astimezone(JST).astimezone(tz=None) + timedelta(seconds=59)
        (slot,) = await meter.half_hour_history(elsewhere, 1)
        assert slot.at == NOON
        assert slot.at.utcoffset() == timedelta(hours=9)

    play(scenario, {})
