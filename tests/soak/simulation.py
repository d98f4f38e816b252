"""Thirty days at sea: a keeper, a poller and a storm of faults, in virtual time.

The poller does what the coordinator does: it asks every 30 s, asks once more when an answer
was lost, and asks at once when the link is back. In quiet weather it asks every 300 s, the
longest interval there is, because nothing can be learned there.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
import logging
from math import ceil, inf
import random
from typing import override

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from tests.virtual_clock import now
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.j11.violations import Violations
from tools.emulator.products import DongleName
from tools.emulator.storm import Kind, Storm

DAY = 86_400.0
#: Seconds after the end of a fault within which the link is back and read, with a poll every
#: 30 s (docs/architecture.md, "Recovery without user action").
MAX_RECOVERY_S = 300.0
READING = (
    properties.INSTANTANEOUS_POWER,
    properties.INSTANTANEOUS_CURRENT,
    properties.CUMULATIVE_ENERGY_NORMAL,
    properties.CUMULATIVE_ENERGY_REVERSE,
)
#: Seconds after a meter has let us in again that had refused our credentials for a while: they are
#: tried at intervals of an hour at most.
MAX_REFUSED_S = 3600.0 + MAX_RECOVERY_S
#: Seconds between polls: while there is weather and for a while after, and else.
_WATCHFUL, _QUIET = 30.0, 300.0
_AFTERMATH = 420.0
_READ_TIMEOUT_S = 20.0
#: Faults that may overlap, so that one of them may still be going on.
_RECENT = 12


class SecretWatch(logging.Handler):
    """Reads every log line at debug level and keeps those with a secret in them."""

    def __init__(self, *secrets: str) -> None:
        super().__init__(logging.DEBUG)
        self._secrets = secrets
        self.lines = 0
        self.leaks: list[str] = []
        self.complaints: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        text = self.format(record)
        upper = text.upper()
        if any(secret in upper for secret in self._secrets):
            self.leaks.append(text)
        if record.levelno >= logging.WARNING:
            self.complaints.append(text)


@dataclass(slots=True)
class Log:
    """What was observed."""

    good: list[float] = field(default_factory=list)
    """When a full reading came, in seconds of the loop's clock."""
    refusals: list[float] = field(default_factory=list)
    """When the credentials were taken for wrong."""
    changes: int = 0
    """How often the link's status changed."""


class Poller:
    """Asks like the coordinator."""

    def __init__(self, keeper: LinkKeeper, storm: Storm) -> None:
        self._keeper = keeper
        self._storm = storm
        self._wake = asyncio.Event()
        self.log = Log()
        keeper.on_change(self._changed)

    def _changed(self, status: LinkStatus) -> None:
        self.log.changes += 1
        if status.state is LinkState.REFUSED:
            self.log.refusals.append(asyncio.get_running_loop().time())
        if status.state is LinkState.CONNECTED:
            self._wake.set()

    async def run(self) -> None:
        polled = 0.0
        while True:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCHFUL):
                    await self._wake.wait()
            now = asyncio.get_running_loop().time()
            if self._wake.is_set() or self._stormy(now) or now - polled >= _QUIET:
                polled = now
                await self._poll()

    def _stormy(self, now: float) -> bool:
        return any(
            incident.ended is None or now - incident.ended < _AFTERMATH
            for incident in self._storm.history[-_RECENT:]
        )

    async def _poll(self) -> None:
        meter = self._keeper.meter
        if not meter.connected:
            return
        try:
            try:
                report = await meter.read(READING, _READ_TIMEOUT_S)
            except errors.ResponseTimeoutError, errors.SendFailedError:
                report = await meter.read(READING, _READ_TIMEOUT_S)
        except RouteBError:
            return
        if report.has(*(row.epc for row in READING)):
            self.log.good.append(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Simulation:
    """A finished simulation."""

    storm: Storm
    log: Log
    meter: SmartMeter
    recoveries: list[float]
    """Seconds from the end of each spell of faults to the next full reading, but for those in
    which the meter refused right credentials."""
    refused: list[float]
    """The same for those."""
    left_over: list[str]
    """Tasks that were still there when all was closed."""
    pending: list[str]
    """Timers that were still to go off then."""
    objects: list[int]
    """How many objects the garbage collector knew at the end of each day."""
    violations: Violations | None
    """What must never be done to a J11 dongle, and was; None of another dongle."""


async def simulate(
    days: float,
    seed: int,
    mean_gap: float,
    count_objects: Callable[[], int],
    dongle: DongleName = "bp35c2",
) -> Simulation:
    """Sail for so many days; everything is closed at the end."""
    before = asyncio.all_tasks()
    async with Emulator(
        EmulatorConfig(clock=now, dongle=dongle, seed=seed, neighbours=2)
    ) as emulator:
        meter = SmartMeter(
            emulator.connector(missing=errors.PortNotFoundError),
            Credentials(emulator.config.route_b_id, emulator.config.password),
        )
        keeper = LinkKeeper(meter, random.Random(seed))
        storm = Storm(emulator, seed, mean_gap=mean_gap, overlapping=True)
        poller = Poller(keeper, storm)
        await keeper.open()
        polling = asyncio.create_task(poller.run())
        objects: list[int] = []
        weather = asyncio.create_task(storm.run(days * DAY))
        for _ in range(ceil(days)):
            await asyncio.sleep(min(days, 1.0) * DAY)
            objects.append(count_objects())
        await weather
        await asyncio.sleep(_AFTERMATH)
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
        await keeper.close()
    left_over = [repr(task) for task in asyncio.all_tasks() - before]
    await asyncio.sleep(0)
    # No public seam leads to what an event loop has still to do.
    scheduled = vars(asyncio.get_running_loop())["_scheduled"]
    pending = [repr(timer) for timer in scheduled if not timer.cancelled()]
    recoveries, refused = _recoveries(storm, poller.log)
    violations = None if emulator.config.j11 is None else emulator.j11.violations
    return Simulation(
        *(storm, poller.log, meter, recoveries, refused, left_over, pending, objects, violations)
    )


def false_refusals(simulated: Simulation) -> list[float]:
    """Return when credentials were taken for wrong that the meter had not refused."""
    return [
        at for at in simulated.log.refusals if not _refuses(simulated.storm, at - MAX_REFUSED_S, at)
    ]


def _refuses(storm: Storm, since: float, until: float) -> bool:
    """Return whether the meter refused right credentials at any time between these."""
    return any(
        incident.kind is Kind.METER_REFUSES
        and incident.began <= until
        and (incident.ended is None or incident.ended >= since)
        for incident in storm.history
    )


def _recoveries(storm: Storm, log: Log) -> tuple[list[float], list[float]]:
    """Return how long each spell of faults was felt after its end: usual ones, and refusals.

    A spell whose aftermath was cut short by the next one counts with that one.
    """
    outages = storm.outages()
    following = [*(began for began, _ in outages[1:]), inf]
    usual: list[float] = []
    refused: list[float] = []
    for (_, ended), again in zip(outages, following, strict=True):
        # An earlier refusal may still be waited for.
        after_refusal = _refuses(storm, ended - MAX_REFUSED_S, ended)
        found, limit = (refused, MAX_REFUSED_S) if after_refusal else (usual, MAX_RECOVERY_S)
        place = bisect_left(log.good, ended)
        back = log.good[place] if place < len(log.good) else inf
        if back <= again or again - ended > limit:
            found.append(back - ended)
    return usual, refused
