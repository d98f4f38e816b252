"""Simulated days in a storm of every fault the emulator knows: thirty with SKSTACK, four with J11."""

import asyncio
import gc
import logging
from pathlib import Path
import time

import pytest

from custom_components.wisun_route_b import stack
from tests.virtual_clock import run
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.j11.violations import Violations
from tools.emulator.products import DongleName
from tools.emulator.storm import ALL, ALL_J11

from .simulation import (
    MAX_RECOVERY_S,
    MAX_REFUSED_S,
    SecretWatch,
    Simulation,
    false_refusals,
    simulate,
)

#: Dongle, days, and mean seconds between two faults: some 900 of them in all, and 300.
_SOAKS: tuple[tuple[DongleName, float, float], ...] = (
    ("bp35c2", 30.0, 2400.0),
    ("bp35c0-j11", 4.0, 1200.0),
)
#: Seconds that a J11 dongle's answer about its session may be old when a datagram is sent.
_STALE = 1.5
#: Objects per fault that the storm's own history may take.
_OBJECTS_PER_FAULT = 4
#: Objects that come and go with whatever is going on at midnight.
_FLUCTUATION = 2000


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _count_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _secrets(seed: int) -> tuple[str, ...]:
    emulator = Emulator(EmulatorConfig(seed=seed))
    config, pan = emulator.config, emulator.air.pan
    keys = (config.route_b_id, config.password, pan.mac, pan.address)
    return (*keys, *(key.encode().hex().upper() for key in keys))


def _report(simulated: Simulation, days: float, seconds: float, lines: int) -> str:
    recoveries, statistics = simulated.recoveries, simulated.meter.statistics
    kinds = {incident.kind for incident in simulated.storm.history}
    return (
        f"\n{days:.0f} days in {seconds:.0f} s: {len(simulated.storm.history)} faults of "
        f"{len(kinds)} kinds, {len(simulated.storm.outages())} spells\n"
        f"recovery: longest {max(recoveries):.0f} s, mean {sum(recoveries) / len(recoveries):.0f} s"
        f" ({len(recoveries)} measured); after refusals longest {max(simulated.refused):.0f} s\n"
        f"requests {statistics.requests}, answers {statistics.answers}, retries "
        f"{statistics.retries}, lost {statistics.lost}, reconnects {statistics.reconnects}, "
        f"renewals {statistics.renewals}, strays {statistics.strays}\n"
        f"status changes {simulated.log.changes}, log lines {lines}\n"
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("dongle", "days", "mean_gap"), _SOAKS, ids=[row[0] for row in _SOAKS])
def test_link_survives_days_of_storm(
    dongle: DongleName, days: float, mean_gap: float, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = SecretWatch(*_secrets(seed=7))
    logger = logging.getLogger(stack.__name__)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(watch)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False  # a quarter of a million lines would be of no use
    files, begun = _open_files(), time.perf_counter()
    try:
        simulated = run(simulate(days, 7, mean_gap, _count_objects, dongle))
    finally:
        logger.removeHandler(watch)
        logger.setLevel(level)
        logger.propagate = propagates
    with capsys.disabled():
        print(_report(simulated, days, time.perf_counter() - begun, watch.lines))  # noqa: T201

    struck = {incident.kind for incident in simulated.storm.history}
    assert struck == set(ALL if simulated.violations is None else ALL_J11)
    assert len(simulated.recoveries) > len(simulated.storm.outages()) / 2
    assert max(simulated.recoveries) <= MAX_RECOVERY_S
    assert max(simulated.refused) <= MAX_REFUSED_S
    assert not false_refusals(simulated), "no radio trouble may look like wrong credentials"
    assert watch.lines > 3400 * days
    assert not watch.leaks
    assert not watch.complaints
    _assert_nothing_unsafe(simulated.violations)
    assert not simulated.left_over
    assert not simulated.pending
    assert _open_files() == files
    first, last = simulated.objects[0], simulated.objects[-1]
    assert last - first < _OBJECTS_PER_FAULT * len(simulated.storm.history) + _FLUCTUATION


def _assert_nothing_unsafe(violations: Violations | None) -> None:
    """Check that a J11 dongle was never asked for its key, and sent nothing in plain text."""
    if violations is not None:
        assert not violations.firmware_rewrites
        assert not violations.key_requests
        assert max(violations.plain_datagrams, default=0.0) < _STALE


def test_same_seed_same_simulation() -> None:
    one, two = (run(simulate(0.25, 3, 900.0, lambda: 0)) for _ in range(2))

    assert one.log.good == two.log.good
    assert one.recoveries == two.recoveries


def test_leak_would_be_seen() -> None:
    """The simulation's own checks are able to fail."""

    async def forget() -> None:
        await asyncio.sleep(3600.0)

    async def leaky() -> Simulation:
        forgotten: list[asyncio.Task[None]] = []

        def leak() -> int:
            forgotten.append(asyncio.create_task(forget()))
            return 0

        simulated = await simulate(0.25, 3, 900.0, leak)
        for task in forgotten:
            task.cancel()
        return simulated

    assert run(leaky()).left_over
