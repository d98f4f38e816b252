"""The largest half-hours: which one it is, of which month, and for how long it counts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.demand.peaks import Peak, Peaks
from custom_components.wisun_route_b.stack import JST

NOW = datetime(2026, 11, 22, 12, 15, tzinfo=JST)


def _at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=JST)  # type: ignore[misc, arg-type]


def test_demand_is_the_energy_of_half_an_hour_twice() -> None:
    peaks = Peaks({})
    peaks.note(_at(2026, 11, 3, 18, 30), Decimal("2.3"))

    assert peaks.of_month(NOW) == Peak(_at(2026, 11, 3, 18, 30), Decimal("4.6"))


@pytest.mark.parametrize("reverse", [False, True])
def test_last_of_equal_half_hours_counts(*, reverse: bool) -> None:
    peaks = Peaks({})
    rows = [(3, "1.0"), (4, "2.5"), (5, "2.5"), (6, "0.1")]
    for day, energy in reversed(rows) if reverse else rows:
        peaks.note(_at(2026, 11, day, 8, 0), Decimal(energy))

    assert peaks.of_month(NOW) == Peak(_at(2026, 11, 5, 8, 0), Decimal(5))


def test_months_are_those_of_japan() -> None:
    peaks = Peaks({})
    peaks.note(datetime(2026, 10, 31, 14, 30, tzinfo=UTC), Decimal(1))  # 23:30 in Japan
    peaks.note(datetime(2026, 10, 31, 15, 0, tzinfo=UTC), Decimal("0.5"))  # midnight

    assert peaks.of_month(datetime(2026, 10, 31, 14, 59, tzinfo=UTC)) == Peak(
        _at(2026, 10, 31, 23, 30), Decimal(2)
    )
    assert peaks.of_month(datetime(2026, 10, 31, 15, 0, tzinfo=UTC)) == Peak(
        _at(2026, 11, 1, 0, 0), Decimal(1)
    )


def test_twelve_months_are_this_one_and_eleven_before() -> None:
    peaks = Peaks({})
    peaks.note(_at(2025, 11, 30, 23, 30), Decimal(5))
    peaks.note(_at(2025, 12, 1, 0, 0), Decimal(4))
    peaks.note(_at(2026, 11, 1, 0, 0), Decimal(1))

    assert peaks.of_twelve_months(NOW) == Peak(_at(2025, 12, 1, 0, 0), Decimal(8))
    peaks.forget(NOW)
    assert set(peaks.months) == {date(2025, 12, 1), date(2026, 11, 1)}


@pytest.mark.parametrize("energy", ["-0.1", "50.1", "99999"])
def test_difference_of_two_meters_is_no_demand(energy: str) -> None:
    peaks = Peaks({})
    peaks.note(_at(2026, 11, 3, 18, 30), Decimal(energy))

    assert peaks.of_month(NOW) is None


def test_time_that_was_looked_at_has_no_hole() -> None:
    peaks = Peaks({})
    peaks.note_covered(_at(2026, 11, 1, 0, 0), _at(2026, 11, 2, 0, 0))
    peaks.note_covered(_at(2026, 11, 2, 0, 0), _at(2026, 11, 3, 0, 0))
    assert (peaks.since, peaks.until) == (_at(2026, 11, 1, 0, 0), _at(2026, 11, 3, 0, 0))

    peaks.note_covered(_at(2026, 11, 5, 0, 0), _at(2026, 11, 6, 0, 0))
    assert (peaks.since, peaks.until) == (_at(2026, 11, 5, 0, 0), _at(2026, 11, 6, 0, 0))
