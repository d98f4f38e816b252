"""Run by test_momonga.py in a process of its own: reads a meter with momonga, unchanged.

Arguments: port, Route-B ID, password. Prints one line of JSON: for each call its name, its
arguments, when it began and ended, and its value or the name of its error.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
import json
import sys
from typing import Any

import momonga

from tests.interop.awake import keep_awake

#: The name of each getter without "get_", and its arguments.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("operation_status", {}),
    ("installation_location", {}),
    ("standard_version", {}),
    ("fault_status", {}),
    ("manufacturer_code", {}),
    ("serial_number", {}),
    ("current_time_setting", {}),
    ("current_date_setting", {}),
    ("properties_for_status_notification", {}),
    ("properties_to_set_values", {}),
    ("properties_to_get_values", {}),
    ("route_b_id", {}),
    ("one_minute_measured_cumulative_energy", {}),
    ("coefficient_for_cumulative_energy", {}),
    ("number_of_effective_digits_for_cumulative_energy", {}),
    ("measured_cumulative_energy", {"reverse": False}),
    ("measured_cumulative_energy", {"reverse": True}),
    ("unit_for_cumulative_energy", {}),
    ("historical_cumulative_energy_1", {"day": 0, "reverse": False}),
    ("historical_cumulative_energy_1", {"day": 0, "reverse": True}),
    ("historical_cumulative_energy_1", {"day": 1, "reverse": False}),
    ("historical_cumulative_energy_1", {"day": 99, "reverse": True}),
    ("day_for_historical_data_1", {}),
    ("instantaneous_power", {}),
    ("instantaneous_current", {}),
    ("cumulative_energy_measured_at_fixed_time", {"reverse": False}),
    ("cumulative_energy_measured_at_fixed_time", {"reverse": True}),
    ("historical_cumulative_energy_2", {"num_of_data_points": 12}),
    ("time_for_historical_data_2", {}),
    ("historical_cumulative_energy_3", {"num_of_data_points": 10}),
    ("time_for_historical_data_3", {}),
]


def plain(value: Any) -> Any:
    """Turn a value of momonga's into JSON; times without a zone, floats to a tenth."""
    match value:
        case float():
            value = round(value, 1)
        case datetime() | date() | time():
            value = value.isoformat()
        case bytes():
            value = value.hex().upper()
        case dict():
            value = {key: plain(item) for key, item in value.items()}
        case set():
            value = sorted(int(item) for item in value)
        case list():
            value = [plain(item) for item in value]
        case _:
            pass
    return value


def timed(getter: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    began = datetime.now(UTC)
    try:
        outcome = {"value": plain(getter(**arguments))}
    except Exception as err:  # noqa: BLE001 - the name is the result
        outcome = {"error": type(err).__name__}
    return {"began": began.isoformat(), "ended": datetime.now(UTC).isoformat(), **outcome}


def main() -> None:
    port, route_b_id, password = sys.argv[1:]
    keep_awake()
    with momonga.Momonga(route_b_id, password, port) as meter:
        results = [
            {"call": name, "arguments": arguments} | timed(getattr(meter, f"get_{name}"), arguments)
            for name, arguments in CALLS
        ]
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
