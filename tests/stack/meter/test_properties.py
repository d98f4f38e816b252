"""Typed values out of captured bytes, and nothing out of impossible ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import JST, Scale, errors, properties, readings
from custom_components.wisun_route_b.stack.meter.manufacturers import manufacturer_name

SCALE = Scale(Decimal("0.1"), 1, 6)
_PAIR = readings.RegisterPair(Decimal("10934.9"), Decimal("2.2"))


@dataclass(frozen=True)
class Case:
    """A value and its bytes, and the two ways between them."""

    edt: str
    value: object
    decode: Callable[[], object]
    encode: Callable[[], bytes]


def case[T](row: properties.MeterProperty[T], edt: str, value: T) -> Case:
    return Case(
        edt,
        value,
        lambda: row.decode(bytes.fromhex(edt), SCALE),
        lambda: row.encode(value, SCALE),
    )


GOLDEN: dict[str, Case] = {
    "capture 08: location": case(
        properties.INSTALLATION_LOCATION,
        "61",
        readings.InstallationLocation(0x61, readings.Place.GARDEN, 1),
    ),
    "location with a position": case(
        properties.INSTALLATION_LOCATION,
        "01" + "AB" * 16,
        readings.InstallationLocation(1, position=b"\xab" * 16),
    ),
    "location not set": case(
        properties.INSTALLATION_LOCATION, "00", readings.InstallationLocation(0)
    ),
    "capture 08: version": case(
        properties.STANDARD_VERSION, "00004600", readings.StandardVersion("F", 0)
    ),
    "capture 08: maker": case(properties.MANUFACTURER_CODE, "000016", b"\x00\x00\x16"),
    "capture 08: serial number": case(
        properties.SERIAL_NUMBER, "463234473336363530350000", "F24G366505"
    ),
    "capture 08: time": case(properties.CURRENT_TIME, "0E1A", time(14, 26)),
    "capture 08: date": case(properties.CURRENT_DATE, "07EA0514", date(2026, 5, 20)),
    "capture 08: power": case(properties.INSTANTANEOUS_POWER, "00000278", 632),
    "capture 06: feed-in": case(properties.INSTANTANEOUS_POWER, "FFFFF856", -1962),
    "power: no data": case(properties.INSTANTANEOUS_POWER, "7FFFFFFE", None),
    "power: overflow": case(properties.INSTANTANEOUS_POWER, "7FFFFFFF", None),
    "power: underflow": case(properties.INSTANTANEOUS_POWER, "80000000", None),
    "capture 08: currents": case(
        properties.INSTANTANEOUS_CURRENT,
        "001E0032",
        readings.Currents(Decimal("3.0"), Decimal("5.0")),
    ),
    "currents of a feed-in": case(
        properties.INSTANTANEOUS_CURRENT,
        "FFBAFFB0",
        readings.Currents(Decimal("-7.0"), Decimal("-8.0")),
    ),
    "single-phase two-wire": case(
        properties.INSTANTANEOUS_CURRENT,
        "001E7FFE",
        readings.Currents(Decimal("3.0"), None),
    ),
    "overflow and underflow of currents": case(
        properties.INSTANTANEOUS_CURRENT,
        "7FFF8000",
        readings.Currents(None, None),
    ),
    "capture 08: energy": case(properties.CUMULATIVE_ENERGY_NORMAL, "0000FE73", Decimal("6513.9")),
    "energy: no data": case(properties.CUMULATIVE_ENERGY_NORMAL, "FFFFFFFE", None),
    "capture 08: half-hour": case(
        properties.FIXED_TIME_ENERGY_NORMAL,
        "07EA05140E00000000FE68",
        readings.FixedTimeEnergy(datetime(2026, 5, 20, 14, 0, tzinfo=JST), Decimal("6512.8")),
    ),
    "history day": case(properties.HISTORY1_DAY, "0B", 11),
    "history day never set": case(properties.HISTORY1_DAY, "FF", None),
    "day history before a day was set": case(
        properties.HISTORY1_NORMAL,
        "00FF" + "FFFFFFFE" * 48,
        readings.DayHistory(None, (None,) * 48),
    ),
    "history 2 never set": case(
        properties.HISTORY2,
        "FFFFFFFFFFFF01FFFFFFFEFFFFFFFE",
        readings.SlotHistory(None, (readings.RegisterPair(None, None),)),
    ),
    "history 2 selector": case(
        properties.HISTORY2_SELECTOR,
        "07EA0B160C1E0C",
        readings.HistorySelector(datetime(2026, 11, 22, 12, 30, tzinfo=JST), 12),
    ),
    "history 3": case(
        properties.HISTORY3,
        "07EA0B160C2C020001AB2500000016FFFFFFFEFFFFFFFE",
        readings.SlotHistory(
            datetime(2026, 11, 22, 12, 44, tzinfo=JST), (_PAIR, readings.RegisterPair(None, None))
        ),
    ),
    "one-minute energy": case(
        properties.ONE_MINUTE_CUMULATIVE_ENERGY,
        "07EA0B160C2C000001AB2500000016",
        readings.OneMinuteEnergy(datetime(2026, 11, 22, 12, 44, tzinfo=JST), _PAIR),
    ),
    "Route-B identification": case(
        properties.ROUTE_B_ID,
        "00000016" + "11" * 12,
        readings.Identification(b"\x00\x00\x16", b"\x11" * 12),
    ),
}


@pytest.mark.parametrize("example", GOLDEN.values(), ids=GOLDEN)
def test_bytes_become_this_value(example: Case) -> None:
    assert example.decode() == example.value


@pytest.mark.parametrize(
    "example",
    [example for name, example in GOLDEN.items() if "flow" not in name],
    ids=[name for name in GOLDEN if "flow" not in name],
)
def test_value_becomes_these_bytes(example: Case) -> None:
    assert example.encode().hex().upper() == example.edt


@pytest.mark.parametrize(
    ("row", "edt"),
    [
        (properties.CURRENT_TIME, "1800"),
        (properties.CURRENT_DATE, "07EA0D14"),  # month 13
        (properties.CURRENT_DATE, "FFFFFFFF"),
        (
            properties.FIXED_TIME_ENERGY_NORMAL,
            "07EA02 1E0E00000000FE68".replace(" ", ""),
        ),  # 30 February
        (properties.FIXED_TIME_ENERGY_NORMAL, "FFFFFFFFFFFFFF0000FE68"),
        (properties.HISTORY1_DAY, "64"),
        (properties.HISTORY2_SELECTOR, "07EA0B160C1E0D"),  # 13 slots
        (properties.HISTORY2_SELECTOR, "07EA0B160C1E00"),
        (properties.HISTORY2, "07EA0B160C1E020000000100000001"),  # one slot of two
        (properties.STANDARD_VERSION, "00000000"),
        (properties.SERIAL_NUMBER, "FF3234473336363530350000"),
        (properties.INSTALLATION_LOCATION, "01"),
        (properties.INSTALLATION_LOCATION, "61" + "00" * 16),
        (properties.ROUTE_B_ID, "FE000016" + "11" * 12),
    ],
)
def test_impossible_bytes_are_a_decode_error(row: properties.AnyProperty, edt: str) -> None:
    with pytest.raises(errors.DecodeError):
        row.decode(bytes.fromhex(edt), SCALE)


#: Valid bytes of each property that holds an energy.
_ENERGIES = {
    0xD0: "07EA0B160C2C000001AB2500000016",
    0xE0: "0000FE73",
    0xE2: "0000" + "00000001" * 48,
    0xE3: "0000FE73",
    0xE4: "0000" + "00000001" * 48,
    0xEA: "07EA05140E00000000FE68",
    0xEB: "07EA05140E00000000FE68",
    0xEC: "07EA0B160C1E010001AB2500000016",
    0xEE: "07EA0B160C1E010001AB2500000016",
}


def test_exactly_these_properties_need_the_unit() -> None:
    assert {epc for epc, row in properties.PROPERTIES.items() if row.scaled} == _ENERGIES.keys()


@pytest.mark.parametrize("epc", _ENERGIES, ids=lambda epc: f"{epc:02X}")
def test_there_is_no_energy_without_a_unit(epc: int) -> None:
    edt = bytes.fromhex(_ENERGIES[epc])
    assert properties.PROPERTIES[epc].decode(edt, SCALE) is not None
    with pytest.raises(errors.ScaleUnknownError):
        properties.PROPERTIES[epc].decode(edt)


@given(st.sampled_from(list(properties.PROPERTIES)), st.binary(max_size=200))
def test_random_bytes_give_a_value_or_a_decode_error(epc: int, edt: bytes) -> None:
    try:
        value = properties.PROPERTIES[epc].decode(edt, SCALE)
    except errors.DecodeError:
        return
    for number in _numbers(value):
        assert number.is_finite()
        assert number <= Decimal("9999999.9")


def _numbers(value: object) -> list[Decimal]:
    match value:
        case Decimal():
            return [value]
        case readings.RegisterPair(normal, reverse):
            return _numbers(normal) + _numbers(reverse)
        case readings.DayHistory(registers=many) | readings.SlotHistory(slots=many):
            return [number for one in many for number in _numbers(one)]
        case readings.FixedTimeEnergy(energy=energy):
            return _numbers(energy)
        case readings.OneMinuteEnergy(registers=pair):
            return _numbers(pair)
        case _:
            return []


def test_a_whole_captured_day_of_history() -> None:
    counts = range(0xF766, 0xF766 + 48)
    edt = b"\x00\x0b" + b"".join(count.to_bytes(4) for count in counts)
    history = properties.HISTORY1_NORMAL.decode(edt, SCALE)
    assert history.day == 11
    assert history.registers == tuple(count * Decimal("0.1") for count in counts)


def test_known_manufacturers_are_named_and_others_are_not() -> None:
    assert manufacturer_name(b"\x00\x00\x16") == "Toshiba"
    assert manufacturer_name(b"\x12\x34\x56") is None
