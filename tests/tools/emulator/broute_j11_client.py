"""Run by test_broute_j11.py in a process of its own: reads a meter with broute-j11, unchanged.

Arguments: port, Route-B ID, password, number of readings. Prints one line of JSON: the readings,
what the client knows of the meter, and the name of the error that ended it, if one did.
"""

import asyncio
from dataclasses import asdict
from decimal import Decimal
import json
import sys
from typing import Any

import broute_j11


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


async def read(port: str, route_b_id: str, password: str, times: int) -> dict[str, Any]:
    config = broute_j11.SessionConfig(route_b_id, password, startup_timeout=3, pana_timeout=10)
    session = broute_j11.J11Session(broute_j11.SerialTransport(port), config)
    found: dict[str, Any] = {"readings": []}
    try:
        link = await session.async_connect()
        found["channel"], found["version"] = link.channel, link.firmware_version
        for _ in range(times):
            found["readings"].append(asdict(await session.async_read_meter()))
        found["profile"] = asdict(session.profile)
    except Exception as err:  # noqa: BLE001 - the name is the result
        found["error"] = type(err).__name__
    finally:
        await session.async_close()
    found["stats"] = asdict(session.stats)
    return found


def main() -> None:
    port, route_b_id, password, times = sys.argv[1:]
    found = asyncio.run(read(port, route_b_id, password, int(times)))
    json.dump(found, sys.stdout, default=plain)


if __name__ == "__main__":
    main()
