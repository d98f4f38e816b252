"""The meter as an ECHONET Lite node, against frames of real meters."""

from datetime import datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from tests import transcripts
from tools.emulator import FIRST_GENERATION, INSTALLED, JST
from tools.emulator.meter.echonet import decode, property_map
from tools.emulator.meter.echonet_node import EchonetNode
from tools.emulator.meter.meter import Meter

#: When the captured meter of capture 08 was read; a noon keeps today's history in two parts.
NOW = datetime(2026, 5, 20, 14, 26, 31, tzinfo=JST)


@pytest.fixture
def meter() -> Meter:
    return Meter(0, FIRST_GENERATION)


def ask(meter: Meter, frame: str, now: datetime = NOW) -> str | None:
    answer = EchonetNode(meter).answer(bytes.fromhex(frame), now)
    return None if answer is None else answer.hex().upper()


def get(meter: Meter, epc: int, now: datetime = NOW) -> bytes:
    answer = decode(bytes.fromhex(ask(meter, f"1081000105FF010288016201{epc:02X}00", now) or ""))
    assert answer is not None
    ((answered, edt),) = answer.properties
    assert answered == epc
    return edt


def registers(meter: Meter, moment: datetime, *, reverse: bool = False) -> bytes:
    counts = meter.registers(moment)
    assert counts is not None
    return counts[reverse].to_bytes(4)


# --- Against captures ------------------------------------------------------------------------

_CAPTURED = [
    bytes.fromhex(line.split()[-1].decode())
    for line in transcripts.load("08").received()
    if b" 1081000102880105FF01" in line
]
#: What differs from house to house, or from hour to hour.
_READINGS = (0xE0, 0xE2, 0xE7, 0xE8, 0xEA, 0xEB, 0x8D)


@pytest.mark.parametrize("captured", _CAPTURED, ids=lambda frame: f"{frame[12]:02X}")
def test_answers_like_the_captured_meter(meter: Meter, captured: bytes) -> None:
    epc = captured[12]
    meter.set(0xE5, b"\x0b")
    answer = ask(meter, f"1081000105FF010288016201{epc:02X}00")
    assert answer is not None
    if epc in _READINGS:
        assert bytes.fromhex(answer)[:14] == captured[:14]
        assert len(bytes.fromhex(answer)) == len(captured)
    else:
        assert answer == captured.hex().upper()


def test_map_of_the_captured_meter_is_written_as_captured(meter: Meter) -> None:
    assert get(meter, 0x9F).hex() == "1941414160404000624300414040430202"
    assert property_map(frozenset((0xE5, 0x81, 0xED))).hex() == "0381e5ed"


def test_every_property_of_the_map_can_be_read(meter: Meter) -> None:
    for epc in FIRST_GENERATION.readable:
        assert get(meter, epc)
    for epc in set(range(0x80, 0x100)) - FIRST_GENERATION.readable:
        assert get(meter, epc) == b""


# --- Services --------------------------------------------------------------------------------


def test_several_properties_come_in_one_answer(meter: Meter) -> None:
    answer = ask(meter, "1081020005FF010288016203E700E800E000")
    assert answer is not None
    assert answer.startswith("1081020002880105FF017203E704")
    assert len(answer) == 2 * (12 + 3 * 6)


def test_one_refused_property_makes_it_52_and_has_no_data(meter: Meter) -> None:
    answer = ask(meter, "108100FF05FF01028801620380008300D700")
    assert answer == "108100FF02880105FF01520380013083" + "00D70106"


def test_more_than_six_properties_get_52_with_the_first_six(meter: Meter) -> None:
    answer = ask(meter, "1081002305FF010288016207" + "80008200D300D700880081009F00")
    assert answer == (
        "1081002302880105FF015206" + "80013082040000" + "4600D30400000001D70106880142810161"
    )


def test_set_is_answered_without_data_and_a_refusal_with_the_data_sent(meter: Meter) -> None:
    assert ask(meter, "1081000405FF010288016101E50101") == "1081000402880105FF017101E500"
    assert get(meter, 0xE5) == b"\x01"
    assert ask(meter, "1081000405FF010288016102E501648101FF") == (
        "1081000402880105FF015102E501648100"
    )
    assert get(meter, 0xE5) == b"\x01"
    assert get(meter, 0x81) == b"\xff"


def test_set_without_confirmation_is_silent_unless_refused(meter: Meter) -> None:
    assert ask(meter, "1081000405FF010288016001E50102") is None
    assert get(meter, 0xE5) == b"\x02"
    assert ask(meter, "1081000405FF010288016001E00101") == "1081000402880105FF015001E00101"


def test_notification_can_be_asked_for(meter: Meter) -> None:
    assert ask(meter, "1081000705FF010EF0016301D500") == ("108100070EF00105FF017301D50401028801")
    assert ask(meter, "1081000705FF010288016301F000") == "1081000702880105FF015301F000"


def test_node_profile_lists_what_it_answers(meter: Meter) -> None:
    answer = ask(meter, "1081000105FF010EF00162019F00")
    assert answer is not None
    assert answer.endswith("9F0D0C8082838A9D9E9FD3D4D5D6D7")
    assert ask(meter, "1081000105FF010EF0016101800130") == "108100010EF00105FF015101800130"


@pytest.mark.parametrize(
    "frame",
    [
        "1081000105FF010288026201E700",  # no such instance
        "1081000105FF010130016201E700",  # no such class
        "1081000105FF010288017201E700",  # an answer is no request
        "1081000105FF010288016200",  # nothing asked
        "1081000105FF010288016202E700",  # too short
        "1081000105FF010288016201E70000",  # too long
        "1082000105FF010288016201E700",  # another format
        "",
    ],
)
def test_what_cannot_be_answered_is_met_with_silence(meter: Meter, frame: str) -> None:
    assert ask(meter, frame) is None


@given(st.binary(max_size=60))
def test_random_datagrams_do_no_harm(data: bytes) -> None:
    meter = Meter(0, FIRST_GENERATION)
    for request in (data, bytes.fromhex("1081000105FF01028801") + data):
        EchonetNode(meter).answer(request, NOW)


@given(st.binary(max_size=9))
def test_any_selector_is_refused_or_leads_to_a_history(edt: bytes) -> None:
    meter = Meter(0, FIRST_GENERATION)
    taken = meter.set(0xED, edt)
    history = get(meter, 0xEC)
    assert history[:7] == (edt if taken else bytes.fromhex("FFFFFFFFFFFF01"))
    assert len(history) == 7 + 8 * history[6]


# --- History ---------------------------------------------------------------------------------


def test_history_of_no_day_is_empty(meter: Meter) -> None:
    assert get(meter, 0xE5) == b"\xff"
    assert get(meter, 0xE2) == bytes.fromhex("00FF" + "FFFFFFFE" * 48)
    assert get(meter, 0xEC) == bytes.fromhex("FFFFFFFFFFFF01" + "FFFFFFFE" * 2)


@pytest.mark.parametrize("day", [1, 11, 99])
@pytest.mark.parametrize(("epc", "reverse"), [(0xE2, False), (0xE4, True)])
def test_day_of_history_holds_the_registers_of_that_day(
    meter: Meter, day: int, epc: int, reverse: bool
) -> None:
    meter.set(0xE5, bytes((day,)))
    midnight = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=day)
    expected = [
        registers(meter, midnight + timedelta(minutes=30 * slot), reverse=reverse)
        for slot in range(48)
    ]
    assert get(meter, epc) == day.to_bytes(2) + b"".join(expected)


def test_today_has_no_value_for_slots_to_come(meter: Meter) -> None:
    meter.set(0xE5, b"\x00")
    history = get(meter, 0xE2)
    slots = [history[at : at + 4] for at in range(2, len(history), 4)]
    assert slots[28] == registers(meter, NOW.replace(minute=0, second=0))
    assert slots[29:] == [bytes.fromhex("FFFFFFFE")] * 19
    assert bytes.fromhex("FFFFFFFE") not in slots[:29]


def test_slots_go_back_from_the_newest(meter: Meter) -> None:
    meter.set(0xED, bytes.fromhex("07EA05140E1E03"))  # 14:30, four minutes from now
    history = get(meter, 0xEC)
    half_past_one, two = (
        NOW.replace(hour=hour, minute=minute, second=0) for hour, minute in ((13, 30), (14, 0))
    )
    assert history.hex() == (
        "07ea05140e1e03"
        + "fffffffe" * 2
        + registers(meter, two).hex()
        + registers(meter, two, reverse=True).hex()
        + registers(meter, half_past_one).hex()
        + registers(meter, half_past_one, reverse=True).hex()
    )


def test_fixed_time_value_is_the_register_of_the_last_half_hour(meter: Meter) -> None:
    two = NOW.replace(minute=0, second=0)
    assert get(meter, 0xEA) == bytes.fromhex("07EA05140E0000") + registers(meter, two)
    assert get(meter, 0xEB) == bytes.fromhex("07EA05140E0000") + registers(meter, two, reverse=True)


def test_there_is_no_register_before_the_meter_was_installed(meter: Meter) -> None:
    meter.set(0xE5, b"\x01")
    first_day = INSTALLED + timedelta(hours=12)
    assert get(meter, 0xE2, first_day) == bytes.fromhex("0001" + "FFFFFFFE" * 48)
