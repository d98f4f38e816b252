"""Days that were ordered come one by one, the newest first, and end as one write would have them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.persistent_notification import (
    DOMAIN as NOTIFICATIONS,
    Notification,
)
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_load_integrations
import pytest
from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.day_import import ImportProgress
from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from custom_components.wisun_route_b.stack import RouteBError, errors
from tests.integration.history.entry_fixture import (
    EXPORTED,
    HALF_HOUR,
    HOUR,
    IMPORTED,
    HistoryHarness,
)
from tests.integration.history.priced_harness import COST, FIXED, PricedHarness, source
from tests.integration.history.scenario import BOTH, START, all_is_right, at, off

_DAY = timedelta(days=1)
#: The beginning of yesterday in Japan; the scenario begins at ten o'clock.
YESTERDAY = at(-34)
_TABLES = cast("tuple[Table, ...]", (Statistics.__table__, StatisticsShortTerm.__table__))
#: Statistics are binary fractions.
_BINARY = 1e-6

type Rows = dict[str, list[dict[str, Any]]]


# --- As they come ----------------------------------------------------------------------------


async def is_right_so_far(harness: HistoryHarness) -> datetime | None:
    """Check every hour that is there; return the first one."""
    earliest = None
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        hours = sorted(bars)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        # Of the hour of the installation Home Assistant knows only a part.
        compared = hours[hours[0] == at(0) :]
        assert {hour: bars[hour] for hour in compared} == harness.expected(entity_id, compared)
        earliest = hours[0] if hours else earliest
    return earliest


async def test_yesterday_comes_first_and_what_is_there_is_right_at_any_time(
    harness: HistoryHarness,
) -> None:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    backfill = await harness.start()
    await harness.live(at(2.2))
    seen: list[tuple[datetime | None, ImportProgress | None]] = []

    async def look() -> None:
        seen.append((await is_right_so_far(harness), backfill.import_progress))
        harness.meter.meanwhile = look

    harness.meter.meanwhile = look
    await backfill.async_order_import(5)
    await harness.live(at(3.2))

    assert await is_right_so_far(harness) == at(3) - 5 * _DAY
    begun = [hour for hour, _ in seen]
    # The first step reads two days; before each other one the day before is there.
    steps = [at(0), at(0), *(YESTERDAY - number * _DAY for number in range(4))]
    assert begun[:6] == steps
    assert [progress for _, progress in seen][:6] == [
        ImportProgress(done, 5) for done in (0, 0, 1, 2, 3, 4)
    ]
    assert (backfill.import_progress, backfill.to_import) == (None, None)


async def test_restart_goes_on_with_the_next_day_and_reads_none_again(
    harness: HistoryHarness,
) -> None:
    harness.meter.set_counts(at(0), (203_273, 50_000))
    Answering(harness, 4)
    await harness.start(import_days=6, enabled=False)
    await harness.live(at(1.04))
    there = await is_right_so_far(harness)
    assert there == YESTERDAY - 2 * _DAY
    harness.meter.asked.clear()
    harness.meter.failing = lambda: None
    await off(harness, at(1.06), enabled=False)
    assert harness.repair is not None
    assert harness.repair.import_progress == ImportProgress(3, 6)
    await harness.live(at(1.2))

    # The day before what is there, with the moment at which that begins, and no day after it.
    assert harness.meter.asked == ["day 4", "day 3", "day 5", "day 6"]
    await all_is_right(harness, from_hour=at(0) - 6 * _DAY)


class Answering:
    """Has the meter answer so many requests, and then no more."""

    def __init__(self, harness: HistoryHarness, requests: int) -> None:
        self.left = requests
        harness.meter.failing = self

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise errors.ResponseTimeoutError("no answer")


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> PricedHarness:
    """A Home Assistant whose Energy dashboard computes costs."""
    hass.loop.set_debug(False)
    built = PricedHarness(hass, freezer, START)
    await built.set_up()
    return built


# --- As one write would have them ------------------------------------------------------------


async def saved(harness: HistoryHarness) -> Rows:
    """Return both tables of statistics, to the last column."""
    await harness.recorded()

    def read(_: Recorder, session: Session) -> Rows:
        return {
            table.name: [dict(row._mapping) for row in session.execute(select(table))]
            for table in _TABLES
        }

    return await run_in_recorder(harness.hass, "save", read)


async def restore(harness: HistoryHarness, rows: Rows) -> None:
    def write(_: Recorder, session: Session) -> None:
        for table in _TABLES:
            session.execute(delete(table))
            session.execute(insert(table), rows[table.name])

    await run_in_recorder(harness.hass, "restore", write)


def shown(rows: Rows) -> dict[tuple[str, int, float], tuple[float | None, float | None]]:
    return {
        (name, row["metadata_id"], row["start_ts"]): (row["state"], row["sum"])
        for name, table in rows.items()
        for row in table
    }


async def plain(harness: HistoryHarness) -> None:
    await harness.live(at(2.2))


async def roll_over(harness: HistoryHarness) -> None:
    harness.meter.set_counts(at(-60.3), (0, 0))
    await harness.live(at(2.2))


async def lost_readings(harness: HistoryHarness) -> None:
    """At the ends of two steps, in the middle of one, and a whole day."""
    lost = [YESTERDAY, YESTERDAY - _DAY, at(-20), at(-21), YESTERDAY - _DAY + HOUR]
    first = YESTERDAY - 3 * _DAY
    harness.meter.lost = {*lost, *(first + number * HALF_HOUR for number in range(48))}
    await harness.live(at(2.2))


async def new_meter(harness: HistoryHarness) -> None:
    """The grid company has installed it the day before yesterday: it knows nothing before."""
    harness.meter.install(at(-50.4), 11, (0, 0))
    await harness.live(at(2.2))


async def exchange_while_running(harness: HistoryHarness) -> None:
    await harness.live(at(4.2))
    harness.meter.install(at(4.4), 11, (13, 5))
    await harness.live(at(6.2))
    await off(harness, at(37.4), enabled=False)
    await harness.live(at(38.2))


async def exchange_at_midnight(harness: HistoryHarness) -> None:
    await harness.live(at(1.2))
    await off(harness, at(12.9), enabled=False)
    await harness.live(at(14) - timedelta(seconds=40))
    harness.meter.install(at(14), 11, (13, 5))
    await harness.live(at(15.2))
    await off(harness, at(61.4), enabled=False)
    await harness.live(at(62.2))


async def outages(harness: HistoryHarness) -> None:
    """Nothing of them was put right yet; one is across midnight in Japan."""
    await harness.live(at(2.2))
    await off(harness, at(9.4), enabled=False)
    await harness.live(at(13.1))
    await off(harness, at(16.6), enabled=False)
    await harness.live(at(18.2))
    await off(harness, at(39.6), enabled=False)
    await harness.live(at(40.2))


SITUATIONS = (
    plain,
    roll_over,
    lost_readings,
    new_meter,
    exchange_while_running,
    exchange_at_midnight,
    outages,
)


@pytest.mark.parametrize("answers", [2, 3, 1000], ids="{0} answers at a time".format)
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_all_days_end_as_one_write_would_have_them(
    harness: HistoryHarness,
    situation: Callable[[HistoryHarness], Awaitable[None]],
    answers: int,
) -> None:
    await _end_as_one_write_would(harness, situation, answers)


@pytest.mark.parametrize("answers", [2, 1000], ids="{0} answers at a time".format)
@pytest.mark.parametrize("situation", [plain, outages])
async def test_their_costs_end_as_one_write_would_have_them(
    house: PricedHarness,
    situation: Callable[[HistoryHarness], Awaitable[None]],
    answers: int,
) -> None:
    await house.show_costs(source())

    await _end_as_one_write_would(house, situation, answers)

    costs = await house.money(COST)
    imported = await house.stored(IMPORTED)
    hours = [hour for hour in costs if hour < at(0)]
    assert len(hours) > 100
    assert {hour: costs[hour] for hour in hours} == pytest.approx(
        {hour: imported[hour] * FIXED for hour in hours}, abs=Decimal("0.01")
    )


async def _end_as_one_write_would(
    harness: HistoryHarness,
    situation: Callable[[HistoryHarness], Awaitable[None]],
    answers: int,
) -> None:
    """Import six days at once, undo it, import them day by day with restarts, and compare."""
    harness.meter.set_counts(at(0), (203_273, 50_000))
    await harness.start(enabled=False)
    await situation(harness)
    days, now = 6, harness.now.replace(minute=0, second=0, microsecond=0)
    before = await saved(harness)
    assert harness.repair is not None
    await harness.repair.async_import(now - days * _DAY)
    at_once = shown(await saved(harness))
    await restore(harness, before)
    await harness.stop()

    runs = 0
    while (backfill := await _start(harness, days if not runs else 0)).to_import is not None:
        # Each is a start of Home Assistant: nothing of the meter is remembered.
        Answering(harness, answers + runs // 8)
        with suppress(RouteBError):
            await backfill.async_repair()
        backfill.async_stop()
        runs += 1
        assert runs < 200

    assert runs > 1 or answers == 1000
    day_by_day = shown(await saved(harness))
    assert day_by_day.keys() == at_once.keys()
    wrong = {
        key: (day_by_day[key], right)
        for key, right in at_once.items()
        if day_by_day[key] != pytest.approx(right, abs=_BINARY)
    }
    assert wrong == {}


async def _start(harness: HistoryHarness, days: int) -> HistoryBackfill:
    backfill = HistoryBackfill(
        harness.hass, harness.entry, harness.identity, harness.meter, pause=0
    )
    await backfill.async_start(enabled=False)
    if days:
        await backfill.async_order_import(days)
    return backfill


# --- The end ---------------------------------------------------------------------------------


def notifications(harness: HistoryHarness) -> list[Notification]:
    return [*harness.hass.data.get(NOTIFICATIONS, {}).values()]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("{hours} hours", "(6 days)")), ("ja", ("{hours}時間分", "6日分"))],
)
async def test_end_is_notified_once_with_hours_and_energy(
    harness: HistoryHarness, language: str, words: tuple[str, ...]
) -> None:
    harness.hass.config.language = language
    harness.hass.config.components.add(DOMAIN)
    await async_load_integrations(harness.hass, {DOMAIN})
    harness.meter.set_counts(at(0), (203_273, 50_000))
    backfill = await harness.start()
    await harness.live(at(1.04))
    assert notifications(harness) == []

    await backfill.async_order_import(6)
    await harness.live(at(2.2))
    await harness.live(at(4.2))

    (notification,) = notifications(harness)
    text = notification["message"]
    assert backfill.imported is not None
    assert 6 * 24 - 2 <= backfill.imported.hours <= 6 * 24 + 2
    assert all(word.format(hours=backfill.imported.hours) in text for word in words)
    for entity_id in BOTH:
        hours = [at(1) - 6 * _DAY + number * HOUR for number in range(6 * 24)]
        counted = sum(harness.expected(entity_id, hours).values())
        key = f"{entity_id.removeprefix('sensor.')}_energy"
        assert Decimal(backfill.imported.energy[key]) == pytest.approx(counted, abs=3)
        assert f"{backfill.imported.energy[key]:.1f} kWh" in text


async def test_what_came_of_it_is_known_after_a_restart(harness: HistoryHarness) -> None:
    await harness.start(import_days=2)
    await harness.live(at(1.2))
    assert harness.repair is not None
    imported = harness.repair.imported
    assert imported is not None
    await off(harness, at(2.2))

    assert harness.repair.imported == imported
    assert len(notifications(harness)) == 1


async def test_sensor_that_is_enabled_later_gets_its_days_then(harness: HistoryHarness) -> None:
    registry = er.async_get(harness.hass)
    registry.async_update_entity(EXPORTED, disabled_by=er.RegistryEntryDisabler.USER)
    backfill = await harness.start(import_days=3)
    await harness.live(at(1.2))
    assert len(await harness.stored(IMPORTED)) >= 72
    assert backfill.imported is not None
    assert backfill.import_progress is None
    assert left(backfill) == ["exported_energy"]

    registry.async_update_entity(EXPORTED, disabled_by=None)
    await harness.live(at(3.2))

    assert min(await harness.stored(EXPORTED)) == min(await harness.stored(IMPORTED))
    assert left(backfill) == []
    await all_is_right(harness, from_hour=at(0) - 2 * _DAY)


def left(backfill: HistoryBackfill) -> object:
    """Return the sensors that still are to get their days."""
    order = backfill.to_import
    return [] if order is None else order["sensors"]
