"""Runs the emulated dongle, and computes the true values of its meter."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
import sys
from typing import Final

from tools.emulator import FIRST_GENERATION
from tools.emulator.meter.meter import Meter

from .options import SEED, Options
from .process import ROOT, Program
from .waiting import wait_until

#: The letter of the demo's grid company. Credentials that are plainly no real ones.
ROUTE_B_ID: Final = "0123456789ABCDEF0123456789ABCDEF"
PASSWORD: Final = "ABCDEF012345"

#: The same seed makes the same meter, in this process as in the emulator's.
_METER: Final = Meter(SEED, FIRST_GENERATION)
#: One count of its currents is 0.1 A, one of its energies 0.1 kWh (code 01 of property E1).
_TENTH: Final = Decimal("0.1")

_HALF_HOUR: Final = timedelta(minutes=30)

STOP_TIMEOUT_S: Final = 5.0
_START_TIMEOUT_S: Final = 30.0


async def start_dongle(
    options: Options, path: Path, folder: Path, environment: Mapping[str, str]
) -> Program:
    """Start the emulator with its serial port at ``path``."""
    return await Program.start(
        "The emulated dongle",
        [
            *(sys.executable, "-m", "tools.emulator"),
            *("--pty", str(path)),
            *("--control", str(control_socket(path))),
            *("--dongle", options.dongle),
            *("--id", ROUTE_B_ID),
            *("--password", PASSWORD),
            *("--speed", str(options.speed)),
            *("--seed", str(options.seed)),
        ],
        folder=ROOT,
        output=folder / "emulator-output.txt",
        environment=environment,
    )


def control_socket(path: Path) -> Path:
    """Return the Unix socket beside the serial port that takes orders for faults."""
    return path.with_name(f"{path.name}.control")


async def wait_until_plugged_in(path: Path) -> None:
    """Wait until the serial port is there."""

    async def there() -> bool:
        return await asyncio.to_thread(path.exists)

    await wait_until(there, _START_TIMEOUT_S, "The emulator's start")


def true_values(moment: datetime) -> Mapping[str, Decimal | None]:
    """Return what the meter has at a moment: key of the sensor -> value in its unit."""
    counts = _METER.registers(moment)
    r, t = _METER.currents(moment)
    return {
        "power": Decimal(_METER.profile.power(moment)),
        "current_r": _TENTH * r,
        "current_t": None if t is None else _TENTH * t,
        "last_half_hour_imported": _last_half_hour(moment, 0),
        "last_half_hour_exported": _last_half_hour(moment, 1),
        "imported_energy": None if counts is None else _TENTH * counts[0],
        "exported_energy": None if counts is None else _TENTH * counts[1],
    }


def _last_half_hour(moment: datetime, direction: int) -> Decimal | None:
    """Return the energy of the last half-hour that had ended, 0 = imported, 1 = exported."""
    end = moment - (moment - datetime.min.replace(tzinfo=moment.tzinfo)) % _HALF_HOUR
    before, after = _METER.registers(end - _HALF_HOUR), _METER.registers(end)
    if before is None or after is None:
        return None
    return _TENTH * (after[direction] - before[direction])
