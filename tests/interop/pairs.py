"""Each reading of momonga's beside ours: what to call on either side, and in what form.

``ours`` is Python: the table in ``docs/momonga.md`` prints it, and the test evaluates it
with the public names of the stack, ``meter`` and the names of NAMES. ``like_momonga`` brings
what comes back into momonga's form, with Decimal where momonga has float. What momonga does
differently for reasons of its own stands beside the row where it does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from custom_components.wisun_route_b import stack
from custom_components.wisun_route_b.stack import JST, ReadReport, half_hours, properties, readings

#: What the expressions are evaluated with: the public names of the stack and of its modules.
PUBLIC: dict[str, Any] = {
    **vars(stack.errors),
    **vars(half_hours),
    **vars(readings),
    **vars(properties),
    **vars(stack),
}

#: What the meter's clock says, and stays at: an ordinary Sunday.
AT = datetime(2026, 11, 22, 12, 34, 56, tzinfo=JST)
NEWEST = datetime(2026, 11, 22, 12, 30, tzinfo=JST)
MINUTE = datetime(2026, 11, 22, 12, 34, tzinfo=JST)
#: What the examples of the documentation call ``newest`` and ``minute``.
NAMES = {"newest": NEWEST, "minute": MINUTE}

#: momonga takes the time zone of the host for granted.
_NEWEST, _MINUTE = (moment.replace(tzinfo=None).isoformat() for moment in (NEWEST, MINUTE))

type Form = Callable[[Any], object]
#: What momonga's getters of single properties gave, by property code.
type Singles = Mapping[int, object]


@dataclass(frozen=True, slots=True)
class Pair:
    """One call of momonga and ours."""

    call: str
    """A method or an attribute of momonga.Momonga."""
    ours: str
    like_momonga: Form
    arguments: dict[str, Any] = field(default_factory=dict)
    """Times are written in ISO form, sets of property codes as lists."""
    epc: int | None = None
    """The property, if it is a single one."""
    momonga_fails_on: Mapping[str, Callable[[Singles], object]] = field(default_factory=dict)
    """Meters where momonga raises MomongaResponseNotPossible, and what we have instead."""


# --- Forms -------------------------------------------------------------------------------


def as_it_is(value: object) -> object:
    return value


def _hex(value: bytes) -> str:
    return value.hex().upper()


def _iso(value: date | time | datetime) -> str:
    return value.isoformat()


def _naive(moment: datetime) -> str:
    """momonga's times have no zone."""
    return moment.replace(tzinfo=None).isoformat()


def _codes(value: frozenset[int]) -> list[int]:
    return sorted(value)


def _location(value: readings.InstallationLocation) -> str:
    assert value.place is not None
    assert value.place.name == "GARDEN"
    return f"garden/perimeter {value.number}"


def _version(value: readings.StandardVersion) -> str:
    return f"{value.release}.{value.revision}"


def _padded(value: str) -> str:
    """momonga leaves the NUL bytes in that fill the property."""
    return value.ljust(12, "\0")


def _is_on(value: properties.OperationStatus) -> bool:
    return value.name == "ON"


def _is_faulty(value: Any) -> bool:
    return bool(value.name == "FAULT")


def _identification(value: readings.Identification) -> object:
    return {
        "manufacturer code": _hex(value.manufacturer),
        "authentication id": _hex(value.number),
    }


def _pair(registers: readings.RegisterPair) -> object:
    return {"normal direction": registers.normal, "reverse direction": registers.reverse}


def _one_minute(value: readings.OneMinuteEnergy) -> object:
    return {"timestamp": _naive(value.measured_at), "cumulative energy": _pair(value.registers)}


def _currents(value: readings.Currents) -> object:
    return {"r phase current": value.r, "t phase current": value.t}


def fixed_time(value: readings.FixedTimeEnergy) -> object:
    return {"timestamp": _naive(value.measured_at), "cumulative energy": value.energy}


def _day(value: int | None) -> int:
    """momonga gives 255 where no day was ever chosen; we give None."""
    return 255 if value is None else value


def _selector(value: readings.HistorySelector) -> object:
    start = None if value.start is None else _naive(value.start)
    return {"timestamp": start, "number of data points": value.count}


def _one_way(direction: str) -> Form:
    def form(slots: tuple[half_hours.Slot, ...]) -> object:
        return [
            {"timestamp": _naive(slot.at), "cumulative energy": getattr(slot.registers, direction)}
            for slot in slots
        ]

    return form


def _newest_first(slots: tuple[half_hours.Slot, ...]) -> object:
    """momonga keeps the order of the wire; our slots always begin with the oldest."""
    return [
        {"timestamp": _naive(slot.at), "cumulative energy": _pair(slot.registers)}
        for slot in reversed(slots)
    ]


def _of(epc: int, form: Form) -> Form:
    """Take the value of a property out of a report; None stays what it is."""

    def take(report: ReadReport) -> object:
        return form(report.values[epc])

    return take


def _mixed(forms: dict[int, Form]) -> Form:
    """Take what came of a mix of properties."""

    def take(report: ReadReport) -> object:
        assert report.values.keys() | report.refused == forms.keys()
        return {str(epc): forms[epc](value) for epc, value in report.values.items()}

    return take


def _singles(*epcs: int) -> Callable[[Singles], object]:
    """Return what a mix of properties holds: what each of them was when asked for alone."""
    return lambda singles: {str(epc): singles[epc] for epc in epcs}


def _no_reverse_day(days_ago: int) -> Callable[[Singles], object]:
    """Return the reverse history of a meter that has none: 48 slots without a value."""
    midnight = datetime(2026, 11, 22, tzinfo=JST) - timedelta(days=days_ago)
    moments = (midnight + timedelta(minutes=30) * slot for slot in range(48))
    slots = [{"timestamp": _naive(moment), "cumulative energy": None} for moment in moments]
    return lambda _: slots


# --- The table ---------------------------------------------------------------------------


def _read(call: str, name: str, epc: int, form: Form = as_it_is, **arguments: Any) -> Pair:
    return Pair(call, f"meter.read([{name}])", _of(epc, form), arguments, epc)


#: In this order, because what is chosen in one row is read in the next.
PAIRS: tuple[Pair, ...] = (
    _read("get_operation_status", "OPERATION_STATUS", 0x80, _is_on),
    _read("get_installation_location", "INSTALLATION_LOCATION", 0x81, _location),
    _read("get_standard_version", "STANDARD_VERSION", 0x82, _version),
    _read("get_fault_status", "FAULT_STATUS", 0x88, _is_faulty),
    _read("get_manufacturer_code", "MANUFACTURER_CODE", 0x8A, _hex),
    _read("get_serial_number", "SERIAL_NUMBER", 0x8D, _padded),
    _read("get_current_time_setting", "CURRENT_TIME", 0x97, _iso),
    _read("get_current_date_setting", "CURRENT_DATE", 0x98, _iso),
    _read("get_properties_for_status_notification", "ANNO_PROPERTY_MAP", 0x9D, _codes),
    _read("get_properties_to_set_values", "SET_PROPERTY_MAP", 0x9E, _codes),
    _read("get_properties_to_get_values", "GET_PROPERTY_MAP", 0x9F, _codes),
    _read("get_route_b_id", "ROUTE_B_ID", 0xC0, _identification),
    _read(
        "get_one_minute_measured_cumulative_energy",
        "ONE_MINUTE_CUMULATIVE_ENERGY",
        0xD0,
        _one_minute,
    ),
    _read("get_coefficient_for_cumulative_energy", "COEFFICIENT", 0xD3),
    _read("get_number_of_effective_digits_for_cumulative_energy", "EFFECTIVE_DIGITS", 0xD7),
    _read("get_unit_for_cumulative_energy", "CUMULATIVE_ENERGY_UNIT", 0xE1),
    _read("get_measured_cumulative_energy", "CUMULATIVE_ENERGY_NORMAL", 0xE0, reverse=False),
    _read("get_measured_cumulative_energy", "CUMULATIVE_ENERGY_REVERSE", 0xE3, reverse=True),
    _read("get_instantaneous_power", "INSTANTANEOUS_POWER", 0xE7),
    _read("get_instantaneous_current", "INSTANTANEOUS_CURRENT", 0xE8, _currents),
    _read(
        "get_cumulative_energy_measured_at_fixed_time",
        "FIXED_TIME_ENERGY_NORMAL",
        0xEA,
        fixed_time,
        reverse=False,
    ),
    _read(
        "get_cumulative_energy_measured_at_fixed_time",
        "FIXED_TIME_ENERGY_REVERSE",
        0xEB,
        fixed_time,
        reverse=True,
    ),
    # History 1
    _read("get_day_for_historical_data_1", "HISTORY1_DAY", 0xE5, _day),
    Pair("set_day_for_historical_data_1", "meter.write(HISTORY1_DAY, 7)", as_it_is, {"day": 7}),
    _read("get_day_for_historical_data_1", "HISTORY1_DAY", 0xE5, _day),
    *(
        Pair(
            "get_historical_cumulative_energy_1",
            f"meter.day_history({day})",
            _one_way("reverse" if reverse else "normal"),
            {"day": day, "reverse": reverse},
            momonga_fails_on={"minimal": _no_reverse_day(day)} if reverse else {},
        )
        for day in (0, 1, 99)
        for reverse in (False, True)
    ),
    _read("get_day_for_historical_data_1", "HISTORY1_DAY", 0xE5, _day),
    # History 2
    _read("get_time_for_historical_data_2", "HISTORY2_SELECTOR", 0xED, _selector),
    Pair(
        "set_time_for_historical_data_2",
        "meter.write(HISTORY2_SELECTOR, HistorySelector(newest, 5))",
        as_it_is,
        {"timestamp": _NEWEST, "num_of_data_points": 5},
    ),
    _read("get_time_for_historical_data_2", "HISTORY2_SELECTOR", 0xED, _selector),
    Pair(
        "get_historical_cumulative_energy_2",
        "meter.half_hour_history(newest, 12)",
        _newest_first,
        {"timestamp": _NEWEST, "num_of_data_points": 12},
    ),
    # History 3
    _read("get_time_for_historical_data_3", "HISTORY3_SELECTOR", 0xEF, _selector),
    Pair(
        "set_time_for_historical_data_3",
        "meter.write(HISTORY3_SELECTOR, HistorySelector(minute, 3))",
        as_it_is,
        {"timestamp": _MINUTE, "num_of_data_points": 3},
    ),
    _read("get_time_for_historical_data_3", "HISTORY3_SELECTOR", 0xEF, _selector),
    Pair(
        "get_historical_cumulative_energy_3",
        "meter.minute_history(minute, 10)",
        _newest_first,
        {"timestamp": _MINUTE, "num_of_data_points": 10},
    ),
    # Several at once
    Pair(
        "request_to_set",
        "meter.write(HISTORY1_DAY, 5)",
        as_it_is,
        {"day_for_historical_data_1": {"day": 5}},
    ),
    _read("get_day_for_historical_data_1", "HISTORY1_DAY", 0xE5, _day),
    Pair(
        "request_to_get",
        "meter.read([INSTANTANEOUS_POWER, INSTANTANEOUS_CURRENT, CUMULATIVE_ENERGY_NORMAL])",
        _mixed({0xE7: as_it_is, 0xE8: _currents, 0xE0: as_it_is}),
        {"properties": [0xE7, 0xE8, 0xE0]},
        # An answer to fewer properties than were asked for is a failure to momonga.
        momonga_fails_on={"minimal": _singles(0xE7, 0xE8, 0xE0)},
    ),
    Pair(
        "request_to_get",
        "meter.read([INSTANTANEOUS_POWER, CUMULATIVE_ENERGY_REVERSE, ONE_MINUTE_CUMULATIVE_ENERGY])",
        _mixed({0xE7: as_it_is, 0xE3: as_it_is, 0xD0: _one_minute}),
        {"properties": [0xE7, 0xE3, 0xD0]},
        # momonga fails for all of them where the meter refuses one.
        momonga_fails_on={
            "gen1": _singles(0xE7, 0xE3),
            "odd": _singles(0xE7, 0xE3),
            "minimal": _singles(0xE7),
        },
    ),
    # What is known without asking
    Pair("energy_unit", "meter.scale.unit", as_it_is),
    Pair("energy_coefficient", "meter.scale.coefficient", as_it_is),
    Pair("is_open", "meter.connected", as_it_is),
)
