"""Other people's software reads the emulator: momonga 0.7.0, unchanged, over a real pty.

The emulators and the readers of all dongles run side by side, each in a process of its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from tools.emulator import DUMMY_ID, DUMMY_PASSWORD, FIRST_GENERATION, JST
from tools.emulator.meter.clock import HALF_HOUR, half_hour_before
from tools.emulator.meter.meter import Meter

from .momonga_getters import CALLS

#: One process starts them all.
pytestmark = pytest.mark.xdist_group("momonga reads alone")

ROOT = Path(__file__).parents[3]

#: Both dialects, and both forms of output as the factory delivers them.
DONGLES = {
    "bp35c2 binary": ("--dongle", "bp35c2", "--output", "binary"),
    "bp35c2 ascii": ("--dongle", "bp35c2", "--output", "ascii"),
    "bp35a1": ("--dongle", "bp35a1", "--push", "infc"),
    "rl7023-dss": ("--dongle", "rl7023-dss"),
    "rl7023-ips": ("--dongle", "rl7023-ips"),
}

type Results = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What momonga read from each dongle."""
    folder = tmp_path_factory.mktemp("momonga")
    with ExitStack() as stack:
        readers = {
            name: _start_reader(stack, folder / f"tty{number}", seed=number, options=options)
            for number, (name, options) in enumerate(DONGLES.items())
        }
        yield {
            name: json.loads(reader.communicate(timeout=55)[0]) for name, reader in readers.items()
        }


def _start_reader(
    stack: ExitStack, port: Path, *, seed: int, options: tuple[str, ...]
) -> subprocess.Popen[str]:
    emulator = stack.enter_context(
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tools.emulator", "--pty", str(port)),
                *("--speed", "500", "--seed", str(seed), *options),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(emulator.terminate)
    assert emulator.stdout is not None
    assert emulator.stdout.readline().startswith("ready: ")
    reader = stack.enter_context(
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.tools.emulator.momonga_getters"),
                *(str(port), DUMMY_ID, DUMMY_PASSWORD),
            ],
            cwd=ROOT,
            # momonga puts the host's date to the meter's history.
            env={**os.environ, "TZ": "JST-9"},
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(reader.kill)
    return reader


@pytest.mark.timeout(90)
@pytest.mark.parametrize("number", range(len(CALLS)), ids=lambda number: CALLS[number][0])
@pytest.mark.parametrize("name", DONGLES)
def test_momonga_reads_the_truth(results: Results, name: str, number: int) -> None:
    result = results[name][number]
    arguments = result["arguments"]
    assert (result["call"], arguments) == CALLS[number]
    outcome = {key: result[key] for key in ("value", "error") if key in result}

    seed = list(DONGLES).index(name)
    began, ended = (
        datetime.fromisoformat(result[key]).astimezone(JST) for key in ("began", "ended")
    )
    possible = [
        _expected(Truth(Meter(seed, FIRST_GENERATION), moment), result["call"], arguments)
        for moment in _seconds(began, ended)
    ]
    assert outcome in possible


def _seconds(began: datetime, ended: datetime) -> Iterator[datetime]:
    """Yield every whole second in which the meter may have answered.

    One second more in front: some getters read what the call before them had chosen.
    """
    moment = began.replace(microsecond=0) - timedelta(seconds=1)
    while moment <= ended:
        yield moment
        moment += timedelta(seconds=1)


def _expected(truth: Truth, call: str, arguments: dict[str, Any]) -> dict[str, Any]:
    value = getattr(truth, call, None)
    if value is None:
        return {"error": "MomongaResponseNotPossible"}
    return {"value": value(**arguments)}


@dataclass(frozen=True)
class Truth:
    """What each getter of momonga should return for this meter at this moment."""

    meter: Meter
    now: datetime

    def operation_status(self) -> bool:
        return True

    def installation_location(self) -> str:
        return "garden/perimeter 1"

    def standard_version(self) -> str:
        return "F.0"

    def fault_status(self) -> bool:
        return False

    def manufacturer_code(self) -> str:
        return "000016"

    def serial_number(self) -> str:
        return self.meter.serial + "\0\0"

    def current_time_setting(self) -> str:
        return f"{self.now:%H:%M}:00"

    def current_date_setting(self) -> str:
        return self.now.date().isoformat()

    def properties_for_status_notification(self) -> list[int]:
        return [0x80, 0x81, 0x88]

    def properties_to_set_values(self) -> list[int]:
        return [0x81, 0xE5, 0xED]

    def properties_to_get_values(self) -> list[int]:
        return sorted(FIRST_GENERATION.readable)

    def coefficient_for_cumulative_energy(self) -> int:
        return 1

    def number_of_effective_digits_for_cumulative_energy(self) -> int:
        return 6

    def unit_for_cumulative_energy(self) -> float:
        return 0.1

    def measured_cumulative_energy(self, *, reverse: bool) -> float | None:
        return self._register(self.now, reverse=reverse)

    def instantaneous_power(self) -> int:
        return self.meter.profile.power(self.now)

    def instantaneous_current(self) -> dict[str, float | None]:
        r, t = self.meter.currents(self.now)
        assert t is not None
        return {"r phase current": round(r / 10, 1), "t phase current": round(t / 10, 1)}

    def cumulative_energy_measured_at_fixed_time(self, *, reverse: bool) -> dict[str, Any]:
        return self._slot(half_hour_before(self.now), reverse=reverse)

    def historical_cumulative_energy_1(self, *, day: int, reverse: bool) -> list[Any]:
        midnight = self.now.replace(hour=0, minute=0, second=0) - timedelta(days=day)
        return [self._slot(midnight + HALF_HOUR * slot, reverse=reverse) for slot in range(48)]

    def day_for_historical_data_1(self) -> int:
        return 99  # the last that was asked for

    def historical_cumulative_energy_2(self, *, num_of_data_points: int) -> list[Any]:
        newest = half_hour_before(self.now)
        return [self._pair(newest - HALF_HOUR * slot) for slot in range(num_of_data_points)]

    def time_for_historical_data_2(self) -> dict[str, Any]:
        return {
            "timestamp": _plain(half_hour_before(self.now)),
            "number of data points": 12,
        }

    def _slot(self, moment: datetime, *, reverse: bool) -> dict[str, Any]:
        energy = self._register(moment, reverse=reverse)
        return {"timestamp": _plain(moment), "cumulative energy": energy}

    def _pair(self, moment: datetime) -> dict[str, Any]:
        energy = {
            "normal direction": self._register(moment, reverse=False),
            "reverse direction": self._register(moment, reverse=True),
        }
        return {"timestamp": _plain(moment), "cumulative energy": energy}

    def _register(self, moment: datetime, *, reverse: bool) -> float | None:
        counts = None if moment > self.now else self.meter.registers(moment)
        return None if counts is None else round(counts[reverse] / 10, 1)


def _plain(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat()
