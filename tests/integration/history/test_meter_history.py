"""Whose day it is: around midnight the meter's today may not be ours."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from freezegun import freeze_time
import pytest

from custom_components.wisun_route_b.history.meter_history import HistoryCache
from custom_components.wisun_route_b.stack import JST, Scale, errors, half_hours, readings

#: Ten seconds before midnight in Japan, by our clock.
OURS = datetime(2026, 11, 22, 14, 59, 50, tzinfo=UTC)
WANTED = datetime(2026, 11, 21, 12, 0, tzinfo=JST).astimezone(UTC)


class FarMeter:
    """Has no history 2, and a clock of its own."""

    connected = True
    scale = Scale(Decimal("0.1"))

    def __init__(self, today: date, *, moves: bool = False) -> None:
        self._today = today
        self._moves = moves
        self.asked: list[int] = []

    async def day_history(self, days_ago: int) -> tuple[half_hours.Slot, ...]:
        self.asked.append(days_ago)
        day = self._today - timedelta(days=days_ago)
        if self._moves:
            self._today += timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=JST)
        register = readings.RegisterPair(Decimal(day.day), None)
        return tuple(
            half_hours.Slot(midnight + index * half_hours.HALF_HOUR, register)
            for index in range(48)
        )

    async def half_hour_history(self, newest: datetime, count: int) -> tuple[half_hours.Slot, ...]:
        raise NotImplementedError(newest, count)


def fetch(meter: FarMeter) -> HistoryCache:
    past = HistoryCache(meter, pause=0)
    # More than history 2 would return at once.
    moments = [WANTED + index * half_hours.HALF_HOUR for index in range(-12, 12)]
    with freeze_time(OURS):
        asyncio.run(past.fetch(moments, lambda _done, _days: None))
    return past


@pytest.mark.parametrize(
    ("today", "asked"),
    [
        pytest.param(date(2026, 11, 22), [1], id="the same day"),
        pytest.param(date(2026, 11, 23), [1, 2], id="the meter is ahead"),
        pytest.param(date(2026, 11, 21), [1, 0], id="the meter is behind"),
    ],
)
def test_day_is_the_one_that_was_wanted_whatever_the_meters_today(
    today: date, asked: list[int]
) -> None:
    meter = FarMeter(today)

    past = fetch(meter)

    assert past[WANTED].normal == Decimal(21)
    assert meter.asked == asked


def test_day_that_changes_under_our_hands_is_an_error_and_nothing_is_kept() -> None:
    with pytest.raises(errors.WrongDayError):
        fetch(FarMeter(date(2026, 11, 23), moves=True))


def test_days_that_no_meter_remembers_cost_no_time_and_are_no_progress() -> None:
    meter = FarMeter(date(2026, 11, 22))
    past = HistoryCache(meter, pause=3600)
    seen: list[tuple[int, int]] = []
    moments = [WANTED - timedelta(days=days) for days in range(100, 400)]

    async def fetch_them() -> None:
        async with asyncio.timeout(5):
            await past.fetch([WANTED, *moments], lambda done, days: seen.append((done, days)))

    with freeze_time(OURS, real_asyncio=True):
        asyncio.run(fetch_them())

    assert meter.asked == [1]
    assert seen == [(0, 1), (1, 1)]
    assert past[moments[-1]] == readings.RegisterPair(None, None)


@pytest.mark.parametrize("register", [Decimal(21), None], ids=["filled", "empty"])
def test_what_is_dated_later_than_now_is_not_kept(register: Decimal | None) -> None:
    past = HistoryCache(FarMeter(date(2026, 11, 22)), pause=0)
    later = OURS + timedelta(hours=26)
    wrong = half_hours.Slot(later.astimezone(JST), readings.RegisterPair(register, None))
    right = half_hours.Slot(WANTED.astimezone(JST), readings.RegisterPair(Decimal(1), None))

    with freeze_time(OURS):
        past.note((right, wrong))

    assert past.missing([WANTED, later]) == [later]
