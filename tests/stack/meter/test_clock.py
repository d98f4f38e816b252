"""The meter's clock beside ours: the smallest offset that explains what it shows."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from custom_components.wisun_route_b.stack import clock_offset

_NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 12:00 in Japan


@pytest.mark.parametrize(
    ("now", "offset"),
    [
        (_NOON, 0),
        (_NOON + timedelta(seconds=59), 0),
        (_NOON - timedelta(seconds=20), 20),
        (_NOON + timedelta(seconds=90), -30),
        (_NOON - timedelta(minutes=5), 300),
        (_NOON + timedelta(hours=1), -3540),
    ],
)
def test_clock_that_shows_noon(now: datetime, offset: int) -> None:
    assert clock_offset(date(2026, 11, 23), time(12, 0), now) == timedelta(seconds=offset)


def test_clock_may_be_on_another_day() -> None:
    now = datetime(2026, 11, 23, 15, 0, 10, tzinfo=UTC)  # 00:00:10 of the 24th in Japan

    assert clock_offset(date(2026, 11, 23), time(23, 59), now) == timedelta(seconds=-10)
