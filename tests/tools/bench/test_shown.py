"""Arithmetic on what Home Assistant has shown."""

from datetime import UTC, datetime, timedelta

import pytest

from tools.bench.in_home_assistant.shown import (
    Sample,
    first_value,
    oldest,
    per_hour,
    share_off,
    share_off_if_held,
)

_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def _at(seconds: float) -> datetime:
    return _NOON + seconds * _SECOND


def _sample(at: float, value: float | None, reported: float) -> Sample:
    return Sample(_at(at), value, _at(reported))


def _steps(moment: datetime) -> float:
    """A power that is 100 W more in each ten seconds."""
    return (moment - _NOON) // (10 * _SECOND) * 100


def test_share_off_is_weighted_with_time_and_counts_what_is_not_shown() -> None:
    samples = [
        _sample(0, 0.0, 0),  # right for 30 s: 0 to 200 W
        _sample(10, 0.0, 0),
        _sample(20, 0.0, 0),
        _sample(30, 0.0, 0),  # 300 W by now
        _sample(40, None, 40),
        _sample(50, 500.0, 50),
        _sample(80, 500.0, 50),
    ]

    assert share_off(samples, _steps) == pytest.approx(20 / 80)


def test_a_share_needs_time() -> None:
    with pytest.raises(ValueError, match="no time"):
        share_off([_sample(0, 1.0, 0)], _steps)


def test_a_value_that_the_meter_had_before_the_event_is_not_the_first_one() -> None:
    samples = [
        _sample(26, 100.0, 19),  # of before, reported before
        _sample(27, None, 26),
        _sample(35, 100.0, 34),  # of before, reported again
        _sample(44, 400.0, 43),
    ]

    assert first_value(samples, _at(25), _steps) == _at(43)
    assert first_value(samples[:3], _at(25), _steps) is None


def test_a_value_that_was_read_seconds_before_its_report_counts() -> None:
    assert first_value([_sample(33, 200.0, 32)], _at(25), _steps) == _at(32)
    assert first_value([_sample(33, 200.0, 32)], _at(31), _steps) is None


def test_age_counts_from_the_first_report_and_ends_where_nothing_is_shown() -> None:
    samples = [
        _sample(0, 100.0, -20),
        _sample(10, 100.0, 9),  # reported again: no younger
        _sample(20, None, 20),
        _sample(90, None, 20),
        _sample(95, 300.0, 94),
        _sample(100, 300.0, 94),
    ]

    assert oldest(samples, _at(0), _at(100)) == 30 * _SECOND
    assert oldest(samples, _at(20), _at(96)) == _SECOND
    assert oldest([], _at(0), _at(100)) == timedelta()


def test_figures_of_some_minutes_are_extrapolated_to_an_hour() -> None:
    assert per_hour(6, timedelta(minutes=10)) == 36


def test_a_power_that_is_read_less_often_is_off_for_longer() -> None:
    often, seldom = (
        share_off_if_held(_steps, _at(0), _at(300), hold * _SECOND) for hold in (30, 100)
    )

    assert often == 0
    # 300 W and more from the thirtieth second of each hundred.
    assert seldom == pytest.approx(0.7)
