"""Typed values out of captured bytes, and nothing out of impossible ones."""

from datetime import date, datetime, time
from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import (
    CUMULATIVE_ENERGY_NORMAL,
    CURRENT_DATE,
    CURRENT_TIME,
    FIXED_TIME_ENERGY_NORMAL,
    HISTORY1_DAY,
    HISTORY1_NORMAL,
    HISTORY2,
    HISTORY2_SELECTOR,
    HISTORY3,
    INSTALLATION_LOCATION,
    INSTANTANEOUS_CURRENT,
    INSTANTANEOUS_POWER,
    JST,
    MANUFACTURER_CODE,
    ONE_MINUTE_CUMULATIVE_ENERGY,
    PROPERTIES,
    ROUTE_B_ID,
    SERIAL_NUMBER,
    STANDARD_VERSION,
    Currents,
    DayHistory,
    DecodeError,
    FixedTimeEnergy,
    HistorySelector,
    Identification,
    InstallationLocation,
    MeterProperty,
    OneMinuteEnergy,
    Place,
    RegisterPair,
    Scale,
    ScaleUnknownError,
    SlotHistory,
    StandardVersion,
)
from custom_components.wisun_route_b.stack.meter.manufacturers import manufacturer_name

SCALE = Scale(Decimal("0.1"), 1, 6)
_PAIR = RegisterPair(Decimal("10934.9"), Decimal("2.2"))

GOLDEN: dict[str, tuple[MeterProperty[object], str, object]] = {
    "capture 08: location": (
        INSTALLATION_LOCATION,
        "61",
        InstallationLocation(0x61, Place.GARDEN, 1),
    ),
    "location with a position": (
        INSTALLATION_LOCATION,
        "01" + "AB" * 16,
        InstallationLocation(1, position=b"\xab" * 16),
    ),
    "location not set": (INSTALLATION_LOCATION, "00", InstallationLocation(0)),
    "capture 08: version": (STANDARD_VERSION, "00004600", StandardVersion("F", 0)),
    "capture 08: maker": (MANUFACTURER_CODE, "000016", b"\x00\x00\x16"),
    "capture 08: serial number": (SERIAL_NUMBER, "463234473336363530350000", "F24G366505"),
    "capture 08: time": (CURRENT_TIME, "0E1A", time(14, 26)),
    "capture 08: date": (CURRENT_DATE, "07EA0514", date(2026, 5, 20)),
    "capture 08: power": (INSTANTANEOUS_POWER, "00000278", 632),
    "capture 06: feed-in": (INSTANTANEOUS_POWER, "FFFFF856", -1962),
    "power: no data": (INSTANTANEOUS_POWER, "7FFFFFFE", None),
    "power: overflow": (INSTANTANEOUS_POWER, "7FFFFFFF", None),
    "power: underflow": (INSTANTANEOUS_POWER, "80000000", None),
    "capture 08: currents": (
        INSTANTANEOUS_CURRENT,
        "001E0032",
        Currents(Decimal("3.0"), Decimal("5.0")),
    ),
    "currents of a feed-in": (
        INSTANTANEOUS_CURRENT,
        "FFBAFFB0",
        Currents(Decimal("-7.0"), Decimal("-8.0")),
    ),
    "single-phase two-wire": (
        INSTANTANEOUS_CURRENT,
        "001E7FFE",
        Currents(Decimal("3.0"), None),
    ),
    "overflow and underflow of currents": (
        INSTANTANEOUS_CURRENT,
        "7FFF8000",
        Currents(None, None),
    ),
    "capture 08: energy": (CUMULATIVE_ENERGY_NORMAL, "0000FE73", Decimal("6513.9")),
    "energy: no data": (CUMULATIVE_ENERGY_NORMAL, "FFFFFFFE", None),
    "capture 08: half-hour": (
        FIXED_TIME_ENERGY_NORMAL,
        "07EA05140E00000000FE68",
        FixedTimeEnergy(datetime(2026, 5, 20, 14, 0, tzinfo=JST), Decimal("6512.8")),
    ),
    "history day": (HISTORY1_DAY, "0B", 11),
    "history day never set": (HISTORY1_DAY, "FF", None),
    "day history before a day was set": (
        HISTORY1_NORMAL,
        "00FF" + "FFFFFFFE" * 48,
        DayHistory(None, (None,) * 48),
    ),
    "history 2 never set": (
        HISTORY2,
        "FFFFFFFFFFFF01FFFFFFFEFFFFFFFE",
        SlotHistory(None, (RegisterPair(None, None),)),
    ),
    "history 2 selector": (
        HISTORY2_SELECTOR,
        "07EA0B160C1E0C",
        HistorySelector(datetime(2026, 11, 22, 12, 30, tzinfo=JST), 12),
    ),
    "history 3": (
        HISTORY3,
        "07EA0B160C2C020001AB2500000016FFFFFFFEFFFFFFFE",
        SlotHistory(datetime(2026, 11, 22, 12, 44, tzinfo=JST), (_PAIR, RegisterPair(None, None))),
    ),
    "one-minute energy": (
        ONE_MINUTE_CUMULATIVE_ENERGY,
        "07EA0B160C2C000001AB2500000016",
        OneMinuteEnergy(datetime(2026, 11, 22, 12, 44, tzinfo=JST), _PAIR),
    ),
    "Route-B identification": (
        ROUTE_B_ID,
        "00000016" + "11" * 12,
        Identification(b"\x00\x00\x16", b"\x11" * 12),
    ),
}


@pytest.mark.parametrize(("row", "edt", "value"), GOLDEN.values(), ids=GOLDEN)
def test_bytes_become_this_value(row: MeterProperty[object], edt: str, value: object) -> None:
    assert row.decode(bytes.fromhex(edt), SCALE) == value


@pytest.mark.parametrize(
    ("row", "edt", "value"),
    [case for name, case in GOLDEN.items() if "flow" not in name],
    ids=[name for name in GOLDEN if "flow" not in name],
)
def test_value_becomes_these_bytes(row: MeterProperty[object], edt: str, value: object) -> None:
    assert row.encode(value, SCALE).hex().upper() == edt


@pytest.mark.parametrize(
    ("row", "edt"),
    [
        (CURRENT_TIME, "1800"),
        (CURRENT_DATE, "07EA0D14"),  # month 13
        (CURRENT_DATE, "FFFFFFFF"),
        (FIXED_TIME_ENERGY_NORMAL, "07EA02 1E0E00000000FE68".replace(" ", "")),  # 30 February
        (FIXED_TIME_ENERGY_NORMAL, "FFFFFFFFFFFFFF0000FE68"),
        (HISTORY1_DAY, "64"),
        (HISTORY2_SELECTOR, "07EA0B160C1E0D"),  # 13 slots
        (HISTORY2_SELECTOR, "07EA0B160C1E00"),
        (HISTORY2, "07EA0B160C1E020000000100000001"),  # one slot of two
        (STANDARD_VERSION, "00000000"),
        (SERIAL_NUMBER, "FF3234473336363530350000"),
        (INSTALLATION_LOCATION, "01"),
        (INSTALLATION_LOCATION, "61" + "00" * 16),
        (ROUTE_B_ID, "FE000016" + "11" * 12),
    ],
)
def test_impossible_bytes_are_a_decode_error(row: MeterProperty[object], edt: str) -> None:
    with pytest.raises(DecodeError):
        row.decode(bytes.fromhex(edt), SCALE)


@pytest.mark.parametrize("row", [row for row in PROPERTIES.values() if row.scaled])
def test_no_energy_without_a_unit(row: MeterProperty[object]) -> None:
    edt = {
        4: "0000FE73",
        11: "07EA05140E00000000FE68",
        15: "07EA0B160C2C000001AB2500000016",
        194: "0000" + "00000001" * 48,
    }
    sample = "07EA0B160C1E010001AB2500000016" if row.epc in (0xEC, 0xEE) else None
    for wire in (sample,) if sample else edt.values():
        try:
            row.decode(bytes.fromhex(wire))
        except ScaleUnknownError:
            return
        except DecodeError:
            continue
    pytest.fail("an energy was decoded without its unit")


@given(st.sampled_from(list(PROPERTIES)), st.binary(max_size=200))
def test_random_bytes_give_a_value_or_a_decode_error(epc: int, edt: bytes) -> None:
    try:
        value = PROPERTIES[epc].decode(edt, SCALE)
    except DecodeError:
        return
    for number in _numbers(value):
        assert number.is_finite()
        assert number <= Decimal("9999999.9")


def _numbers(value: object) -> list[Decimal]:
    match value:
        case Decimal():
            return [value]
        case RegisterPair(normal, reverse):
            return _numbers(normal) + _numbers(reverse)
        case DayHistory(registers=many) | SlotHistory(slots=many):
            return [number for one in many for number in _numbers(one)]
        case FixedTimeEnergy(energy=energy):
            return _numbers(energy)
        case OneMinuteEnergy(registers=pair):
            return _numbers(pair)
    return []


def test_a_whole_captured_day_of_history() -> None:
    counts = range(0xF766, 0xF766 + 48)
    edt = b"\x00\x0b" + b"".join(count.to_bytes(4) for count in counts)
    history = HISTORY1_NORMAL.decode(edt, SCALE)
    assert history.day == 11
    assert history.registers == tuple(count * Decimal("0.1") for count in counts)


def test_manufacturers_are_named_and_strangers_are_not() -> None:
    assert manufacturer_name(b"\x00\x00\x16") == "Toshiba"
    assert manufacturer_name(b"\x12\x34\x56") is None
