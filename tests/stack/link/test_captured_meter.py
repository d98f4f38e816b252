"""SmartMeter against what real meters said: captures 08 and 18, byte for byte but for the TID.

Capture 08 holds one answer for each property, so its meter knows single properties only. To
several at once it answers the first only, or nothing at all. Of what the capture lacks, E1 is
made up (0.1 kWh), and everything else is refused in the captured form.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.stack import (
    JST,
    Credentials,
    ReadReport,
    Scale,
    SmartMeter,
    errors,
    half_hours,
    properties,
    readings,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import NETWORK, PASSWORD, ROUTE_B_ID, ScriptedDongle, erxudp
from tests.transcripts import load
from tests.virtual_clock import run

_TID = b"10810001"
_SCALE = Scale(Decimal("0.1"), 1, 6)


def _captured() -> dict[int, bytes]:
    """Return the line that answers each property; the instance list of the profile as D5."""
    lines = load("08").received()
    return {int(line.rpartition(b" ")[2][24:26], 16): line for line in lines}


def _frame(line: bytes) -> Frame:
    return Frame.decode(bytes.fromhex(line.rpartition(b" ")[2].decode()))


class CapturedMeter:
    """The meter of capture 08 behind a scripted dongle."""

    def __init__(self, dongle: ScriptedDongle, *, silent_to_several: bool) -> None:
        self._dongle = dongle
        self._silent_to_several = silent_to_several
        self.lines = _captured()
        self.asked: list[int] = []
        dongle.on_request = self._request

    def _request(self, request: Frame) -> None:
        self._dongle.accept()
        first = request.properties[0]
        if request.esv is ESV.SET_C:
            taken = Frame(request.tid, METER, CONTROLLER, ESV.SET_RES, (Property(first.epc),))
            self._dongle.say(erxudp(taken.encode()))
        elif len(request.properties) == 1 or not self._silent_to_several:
            self.asked.append(first.epc)
            self._dongle.say(self._line(first.epc).replace(_TID, b"1081%04X" % request.tid))

    def _line(self, epc: int) -> bytes:
        if epc in self.lines:
            return self.lines[epc]
        if epc == 0xE1:
            known = Frame(1, METER, CONTROLLER, ESV.GET_RES, (Property(0xE1, b"\x01"),))
            return erxudp(known.encode())
        return self.lines[0x83].replace(b"018300", b"01%02X00" % epc)


type Scenario = Callable[[CapturedMeter, SmartMeter], Awaitable[None]]


@pytest.fixture(params=[False, True], ids=["first-only", "silent-to-several"])
def silent(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def play(
    scenario: Scenario,
    *,
    silent_to_several: bool = False,
    prepare: Callable[[CapturedMeter], object] = lambda _: None,
) -> None:
    """Run a scenario in virtual time with a connected meter."""
    dongle = ScriptedDongle()
    captured = CapturedMeter(dongle, silent_to_several=silent_to_several)
    prepare(captured)

    async def whole() -> None:
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        try:
            await meter.connect()
            dongle.say(captured.lines[0xD5])
            captured.asked.clear()
            await scenario(captured, meter)
        finally:
            await meter.close()

    run(whole())


# --- Capture 08 --------------------------------------------------------------------------


def test_the_whole_dump_is_read(silent: bool) -> None:
    readable = frozenset(bytes.fromhex("80818288 8A8D 9798 9D9E9F D3D7 E0E1E2E3E4E5E7E8 EAEBECED"))
    expected: dict[int, object] = {
        0x80: properties.OperationStatus.ON,
        0x81: readings.InstallationLocation(0x61, readings.Place.GARDEN, 1),
        0x82: readings.StandardVersion("F", 0),
        0x88: properties.FaultStatus.NO_FAULT,
        0x8A: bytes.fromhex("000016"),
        0x8D: "F24G366505",
        0x97: time(14, 26),
        0x98: date(2026, 5, 20),
        0x9D: frozenset((0x80, 0x81, 0x88)),
        0x9E: frozenset((0x81, 0xE5, 0xED)),
        0x9F: frozenset(bytes.fromhex("80818288 8A8D 9798 9D9E9F D3D7 E0E1E2E3E4E5E7E8 EAEBECED")),
        0xD3: 1,
        0xD7: 6,
        0xE0: Decimal("6513.9"),
        0xE1: Decimal("0.1"),
        0xE7: 632,
        0xE8: readings.Currents(Decimal("3.0"), Decimal("5.0")),
        0xEA: readings.FixedTimeEnergy(datetime(2026, 5, 20, 14, tzinfo=JST), Decimal("6512.8")),
        0xEB: readings.FixedTimeEnergy(datetime(2026, 5, 24, 22, 30, tzinfo=JST), Decimal("2.2")),
    }

    async def scenario(captured: CapturedMeter, meter: SmartMeter) -> None:
        report = await meter.read(properties.PROPERTIES.values())
        values = dict(report.values)
        history = values.pop(0xE2)
        assert values == expected
        assert getattr(history, "day", None) == 11
        assert not report.absent
        never_captured = {0xE3, 0xE4, 0xE5, 0xEC, 0xED}
        assert report.refused == never_captured | (properties.PROPERTIES.keys() - readable)
        assert not captured.asked.count(0x83)
        assert meter.statistics.strays == 1  # the instance list, which is from the node profile
        assert meter.statistics.malformed == 0

    play(scenario, silent_to_several=silent)


def test_a_refusal_as_captured_is_remembered() -> None:
    def without_map(captured: CapturedMeter) -> None:
        del captured.lines[properties.GET_PROPERTY_MAP.epc]

    async def scenario(captured: CapturedMeter, meter: SmartMeter) -> None:
        assert meter.description is not None
        assert not meter.description.readable
        wanted = (properties.IDENTIFICATION_NUMBER, properties.INSTANTANEOUS_POWER)
        for _ in range(2):
            report = await meter.read(wanted)
            assert report.refused == {0x83}
            assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert captured.asked.count(0x83) == 1

    play(scenario, prepare=without_map)


def test_the_second_captured_refusal_is_one_as_well() -> None:
    refusals = [_frame(_captured()[epc]) for epc in (0x83, 0x9C)]
    assert [(frame.esv, frame.properties) for frame in refusals] == [
        (ESV.GET_SNA, (Property(epc),)) for epc in (0x83, 0x9C)
    ]


def test_the_captured_day_of_48_registers_is_dated(silent: bool) -> None:
    counts = _frame(_captured()[0xE2]).properties[0].edt[2:]
    expected = [
        Decimal(int.from_bytes(counts[at : at + 4])) / 10 for at in range(0, len(counts), 4)
    ]
    assert len(expected) == 48

    async def scenario(captured: CapturedMeter, meter: SmartMeter) -> None:
        slots = await meter.day_history(11)
        midnight = datetime(2026, 5, 9, tzinfo=JST)
        assert [slot.at for slot in slots] == [
            midnight + timedelta(minutes=30) * number for number in range(48)
        ]
        assert [slot.registers.normal for slot in slots] == expected
        assert expected[0] == Decimal("6333.4")
        assert expected[-1] == Decimal("6341.4")
        # E4 is in the map and refused: the other direction is no less true for that.
        assert {slot.registers.reverse for slot in slots} == {None}
        energies = [span.normal for span in half_hours.consumptions(slots, _SCALE)]
        assert sum(energy for energy in energies if energy is not None) == Decimal("8.0")

    play(scenario, silent_to_several=silent)


def test_without_the_unit_the_dump_has_everything_but_energies() -> None:
    def without_unit(captured: CapturedMeter) -> None:
        captured.lines[0xE1] = captured.lines[0x83].replace(b"018300", b"01E100")

    async def scenario(captured: CapturedMeter, meter: SmartMeter) -> None:
        report = await meter.read(properties.PROPERTIES.values())
        assert 0xE1 in report.refused
        assert report.absent == {0xE0, 0xE2, 0xE3, 0xE4, 0xEA, 0xEB, 0xEC}
        assert all("E1" in report.reasons[epc] for epc in report.absent)
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        with pytest.raises(errors.ScaleUnknownError):
            await meter.day_history(11)

    play(scenario, prepare=without_unit)


def test_a_history_that_was_never_captured_is_refused() -> None:
    async def scenario(captured: CapturedMeter, meter: SmartMeter) -> None:
        with pytest.raises(errors.RequestRefusedError):
            await meter.half_hour_history(datetime(2026, 5, 20, 14, tzinfo=JST), 1)

    play(scenario)


# --- Capture 18 --------------------------------------------------------------------------


def _pushes() -> list[Frame]:
    frames = [Frame.decode(payload) for payload in load("18").received()]
    return [frame for frame in frames if frame.seoj == METER and frame.esv != ESV.GET_RES]


@pytest.mark.parametrize(
    ("number", "at", "normal", "reverse"),
    [
        (0, datetime(2023, 12, 19, 0, 30, tzinfo=JST), "1780.6", "2.1"),
        (1, datetime(2022, 6, 21, 15, 30, tzinfo=JST), "9335.1", "0.5"),
        (2, datetime(2021, 1, 18, 18, 0, tzinfo=JST), "6446.6", "0.9"),
    ],
)
def test_the_captured_pushes_are_reported(
    number: int, at: datetime, normal: str, reverse: str
) -> None:
    push = _pushes()[number]
    dongle = ScriptedDongle()

    async def whole() -> None:
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        dongle.requests.clear()
        dongle.on_request = lambda _: dongle.accept()
        heard: list[ReadReport] = []
        meter.subscribe(heard.append)
        dongle.say(erxudp(push.encode()))
        await asyncio.sleep(1)
        await meter.close()
        (report,) = heard
        assert report.value(properties.FIXED_TIME_ENERGY_NORMAL) == readings.FixedTimeEnergy(
            at, Decimal(normal)
        )
        assert report.value(properties.FIXED_TIME_ENERGY_REVERSE) == readings.FixedTimeEnergy(
            at, Decimal(reverse)
        )

    run(whole())
    confirmation = Frame(
        push.tid, CONTROLLER, METER, ESV.INFC_RES, (Property(0xEA), Property(0xEB))
    )
    assert dongle.requests == ([confirmation] if push.esv is ESV.INFC else [])


def test_the_captured_answer_to_two_properties_is_read() -> None:
    (captured,) = (
        frame for frame in map(Frame.decode, load("18").received()) if frame.esv is ESV.GET_RES
    )
    dongle = ScriptedDongle()

    def answer(request: Frame) -> None:
        dongle.accept()
        payload = captured.encode()
        dongle.say(erxudp(payload[:2] + request.tid.to_bytes(2) + payload[4:]))

    async def whole() -> None:
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        dongle.on_request = answer
        report = await meter.read(
            (properties.INSTANTANEOUS_POWER, properties.INSTANTANEOUS_CURRENT)
        )
        await meter.close()
        assert report.value(properties.INSTANTANEOUS_POWER) == 668
        assert report.value(properties.INSTANTANEOUS_CURRENT) == readings.Currents(
            Decimal("4.0"), Decimal("4.0")
        )

    run(whole())
