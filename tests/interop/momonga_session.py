"""Run in a process of its own: reads meters with momonga 0.7.0, unchanged.

Arguments: Route-B ID, password, ports. Each port has a thread. Prints JSON lines: ``{"port", "listening"}`` when a session waits for a notification,
and ``{"port", "results", "notification"}`` when it is over.
"""

from datetime import UTC, date, datetime, time
import json
import logging
import sys
from threading import Lock, Thread
from typing import Any

import momonga

from .awake import keep_awake
from .pairs import PAIRS, Pair

_NOTIFICATION_TIMEOUT = 20
_PRINTING = Lock()


def plain(value: Any) -> Any:
    """Turn a value of momonga's into JSON without losing anything of a float."""
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex().upper()
        case dict():
            return {
                str(int(key)) if isinstance(key, int) else key: plain(item)
                for key, item in value.items()
            }
        case set():
            return sorted(int(item) for item in value)
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def arguments_of(pair: Pair) -> dict[str, Any]:
    """Turn arguments from the table into what momonga takes."""
    arguments = dict(pair.arguments)
    if "timestamp" in arguments:
        arguments["timestamp"] = datetime.fromisoformat(arguments["timestamp"])
    if "properties" in arguments:
        arguments["properties"] = {
            momonga.EchonetPropertyCode(epc) for epc in arguments["properties"]
        }
    return arguments


def outcome_of(meter: momonga.Momonga, pair: Pair) -> dict[str, Any]:
    """Make one call; say what the host's date was before and after it."""
    today = date.today  # the host's own, which momonga puts to history 1
    began = today()
    try:
        found = getattr(meter, pair.call)
        outcome = {"value": plain(found(**arguments_of(pair)) if callable(found) else found)}
    except Exception as err:  # noqa: BLE001 - the name is the result
        outcome = {"error": type(err).__name__}
    return {**outcome, "host_dates": [began.isoformat(), today().isoformat()]}


def session(route_b_id: str, password: str, port: str) -> None:
    with momonga.Momonga(route_b_id, password, port) as meter:
        results = [outcome_of(meter, pair) for pair in PAIRS]
        say({"port": port, "listening": datetime.now(UTC).isoformat()})
        notification = plain(meter.get_notification(_NOTIFICATION_TIMEOUT))
        heard = {"lqi": meter.lqi, "rssi": meter.rssi}
    say({"port": port, "results": results, "notification": notification, **heard})


def say(line: dict[str, Any]) -> None:
    with _PRINTING:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    route_b_id, password, *ports = sys.argv[1:]
    keep_awake()
    logging.getLogger("momonga").setLevel(logging.ERROR)
    for port in ports:
        Thread(target=session, args=(route_b_id, password, port)).start()


if __name__ == "__main__":
    main()
