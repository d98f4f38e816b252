"""Works on the energy history that are cut off somewhere, and how things go on after that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
import os
from typing import Any

from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.exceptions import HomeAssistantError
import pytest
from sqlalchemy import delete

from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from custom_components.wisun_route_b.history.report import BackfillReport
from custom_components.wisun_route_b.stack import RouteBError
from tests.integration.history.crash_points import Fault, KilledError, Places
from tests.integration.history.entry_fixture import HOUR, IMPORTED, HistoryHarness
from tests.integration.history.scenario import BOTH, at, off

#: Which of how many parts of all places are to be tried, as "1/1"; a sample if it is not set.
PART = os.environ.get("HISTORY_SWEEP", "")

type Scenario = Callable[[HistoryHarness, Places, pytest.MonkeyPatch], Awaitable[datetime]]


async def import_by_the_action(
    harness: HistoryHarness, places: Places, monkeypatch: pytest.MonkeyPatch
) -> datetime:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    await harness.start()
    await harness.live(at(2.2))
    assert harness.repair is not None
    with places.armed(monkeypatch):
        await finish(harness, places, harness.repair.async_import(at(-48)))
    return at(2.2)


async def days_to_import(
    harness: HistoryHarness, places: Places, monkeypatch: pytest.MonkeyPatch
) -> datetime:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    with places.armed(monkeypatch):
        await harness.start(import_days=2)
        await harness.live(at(1.2))
    return at(1.2)


async def hourly_repair(
    harness: HistoryHarness, places: Places, monkeypatch: pytest.MonkeyPatch
) -> datetime:
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(12.5))
    with places.armed(monkeypatch):
        await harness.start()
        await harness.live(at(13.2))
    return at(13.2)


async def repair_with_a_shift(
    harness: HistoryHarness, places: Places, monkeypatch: pytest.MonkeyPatch
) -> datetime:
    """The five-minute rows are gone, so the sums start again."""
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(12.5))

    def purge(instance: Any, session: Any) -> None:
        known = instance.statistics_meta_manager.get_many(session, set(BOTH))
        numbers = [number for number, _ in known.values()]
        session.execute(
            delete(StatisticsShortTerm).where(StatisticsShortTerm.metadata_id.in_(numbers))
        )

    purging = asyncio.ensure_future(run_in_recorder(harness.hass, "purge", purge))
    await harness.recorded()
    await purging
    with places.armed(monkeypatch):
        await harness.start()
        await harness.live(at(13.2))
    return at(13.2)


async def finish(harness: HistoryHarness, places: Places, work: Any) -> None:
    """Await an action as far as there is anybody to answer; what it says must be so."""
    task = asyncio.ensure_future(work)
    for _ in range(3000):
        await harness.let_pass(1)
        if task.done() or places.dead:
            break
    # A task that the recorder has dropped would be waited for until the time is over.
    task.cancel()
    try:
        report = await task
    except asyncio.CancelledError, KilledError, RouteBError, HomeAssistantError:
        return
    if not places.dead:
        await is_so(harness, report)


async def is_so(harness: HistoryHarness, report: BackfillReport) -> None:
    bars = await harness.stored(IMPORTED)
    reported = {row.start: row.energy for row in report.sensors["imported_energy"].changes}
    assert reported
    assert {hour: bars[hour] for hour in reported} == reported


async def go_on(harness: HistoryHarness, places: Places, since: datetime, *, order: bool) -> None:
    """Home Assistant starts again; at the next hours all must be right."""
    places.dead = False
    for task in places.seconds:
        for _ in range(2000):
            if task.done():
                break
            await harness.let_pass(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    # The entry's options keep an order until it is noted.
    options: dict[str, Any] = {"import_days": 2} if order and not places.noted else {}
    if places.fault is Fault.RELOADED:
        await harness.start(**options)
        await harness.live(since + timedelta(hours=1))
        options = {}
    await off(harness, harness.now + timedelta(hours=2.3), **options)
    await harness.live(harness.now.replace(minute=12) + 2 * HOUR)


def untouched_water(harness: HistoryHarness) -> dict[datetime, Decimal]:
    """Return what the recorder alone has made of the sensor that is none of ours."""
    expected, state, hour = {}, Decimal(), at(0)
    while hour < harness.now.replace(minute=0, second=0, microsecond=0):
        state = harness.water.get(hour, state)
        expected[hour] = state
        hour += HOUR
    return expected


def chosen(scenarios: Mapping[Scenario, int], sample: slice) -> list[Any]:
    """Return the places and faults to be tried: a sample, or a part of all."""
    everything = [
        pytest.param(scenario, fault, place, id=f"{scenario.__name__}-{fault}-{place}")
        for scenario, places in scenarios.items()
        for place in range(places)
        for fault in Fault
    ]
    if not PART:
        return everything[sample]
    part, parts = map(int, PART.split("/"))
    return everything[part - 1 :: parts]
