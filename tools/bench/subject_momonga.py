"""The measured program with momonga 0.7.0: ``python -m tools.bench.subject_momonga PATTERN MODE PORT...``.

The pattern is "momonga" (all four properties in one Get) or "core" (as Home Assistant's own
route_b_smart_meter 2026.11.0 does it: current, power and imported energy one after the other,
the name plate at the start). The modes are those of bench.ours.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
import logging
import os
import sys
import time
from typing import Any, override

import momonga

from tools.emulator.config import DUMMY_ID, DUMMY_PASSWORD

from .lines import EPCS, POLL, say, usage

#: What Home Assistant's integration asks for: scan and join attempts, pauses before a reopen.
_CORE_RETRIES = 10
_REOPEN_DELAYS = (10,)
_PROPERTIES = {momonga.EchonetPropertyCode(epc) for epc in EPCS}


class Reader:
    """One meter, read with one request."""

    retries = 3

    def __init__(self, port: str) -> None:
        """Prepare."""
        self.meter = momonga.Momonga(
            DUMMY_ID,
            DUMMY_PASSWORD,
            port,
            reopen_delays=_REOPEN_DELAYS,
            scan_retries=self.retries,
            join_retries=self.retries,
        )

    def open(self) -> None:
        """Sign in."""
        self.meter.open()

    def read(self) -> dict[str, str]:
        """Read everything that counts."""
        found = self.meter.request_to_get(_PROPERTIES)
        return {f"{int(epc):02X}": str(value) for epc, value in found.items()}


class CoreReader(Reader):
    """One meter, read as Home Assistant's own integration does."""

    retries = _CORE_RETRIES

    @override
    def open(self) -> None:
        """Sign in and read the name plate, with that integration's pauses."""
        self.meter.open()
        self.meter.get_serial_number()
        time.sleep(self.meter.internal_xmit_interval)
        self.meter.get_manufacturer_code()
        time.sleep(self.meter.internal_xmit_interval)
        self.meter.get_standard_version()

    @override
    def read(self) -> dict[str, str]:
        """Read three properties in three requests; exported energy is not among them."""
        return {
            "E8": str(self.meter.get_instantaneous_current()),
            "E7": str(self.meter.get_instantaneous_power()),
            "E0": str(self.meter.get_measured_cumulative_energy()),
        }


def start(make: type[Reader], port: str) -> None:
    """Print when the first reading was there, and exit without ending the session."""
    reader = make(port)
    say(begins=True)
    try:
        reader.open()
    except momonga.MomongaError as err:
        say(verdict=type(err).__name__)
        return
    say(reading=reader.read(), **usage())
    os._exit(0)  # momonga's threads would wait for its close(), which ends the session


def spin(make: type[Reader], *ports: str) -> None:
    """Read as often as each line of the input asks, and print the cost."""
    readers = [make(port) for port in ports]
    with ThreadPoolExecutor(len(readers)) as pool:
        each(pool, (reader.open for reader in readers))
        say(ready=len(readers))
        for line in sys.stdin:
            count, every = line.split()
            before, began = usage()["cpu"], time.monotonic()
            each(
                pool,
                (
                    _often(reader, int(count), float(every), number / len(readers))
                    for number, reader in enumerate(readers)
                ),
            )
            now = usage()
            spent = now["cpu"] - before
            seconds = time.monotonic() - began
            say(**now | {"cpu": spent}, readings=int(count) * len(readers), seconds=seconds)
        each(pool, (reader.meter.close for reader in readers))


def each(pool: ThreadPoolExecutor, jobs: Iterable[Callable[[], Any]]) -> None:
    """Do jobs at the same time; a single one without a thread more."""
    waiting = list(jobs)
    if len(waiting) == 1:
        waiting[0]()
        return
    for done in [pool.submit(job) for job in waiting]:
        done.result()


def _often(reader: Reader, count: int, every: float, phase: float) -> Callable[[], None]:
    def read() -> None:
        due = time.monotonic() + phase * every
        for _ in range(count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += every
            reader.read()

    return read


def watch(make: type[Reader], port: str) -> None:
    """Read every 30 s until killed; after an error, read again at the next turn."""
    reader = make(port)
    reader.open()
    due = time.monotonic()
    while True:
        say(poll=True)
        try:
            if not reader.meter.is_open:
                # The session is left closed when momonga gives up recovering it.
                reader.meter.reopen()
            say(reading=reader.read())
        except (momonga.MomongaError, OSError) as err:
            say(error=type(err).__name__)
        due = max(due + POLL, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


_PATTERNS: dict[str, type[Reader]] = {"momonga": Reader, "core": CoreReader}
_MODES: dict[str, Callable[..., None]] = {"start": start, "spin": spin, "watch": watch}


if __name__ == "__main__":
    logging.getLogger("momonga").setLevel(logging.CRITICAL)
    _MODES[sys.argv[2]](_PATTERNS[sys.argv[1]], *sys.argv[3:])
