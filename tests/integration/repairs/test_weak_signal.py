"""When a radio is called too weak, and when that is over."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.wisun_route_b.repairs.weak_signal import WeakSignal

START = datetime(2026, 5, 20, 14, 2, tzinfo=UTC)
POLLS = 12


class RadioHistory:
    """A signal, and a clock."""

    def __init__(self) -> None:
        self.signal = WeakSignal()
        self.now = START

    def hours(self, count: int, *, dbm: float | None = None, lost: int = 0) -> bool:
        """Let hours pass, in each of which so many of twelve polls are lost."""
        for _ in range(count):
            for poll in range(POLLS):
                missed = poll < lost
                self.signal.note(self.now, None if missed else dbm, lost=missed)
                self.now += timedelta(hours=1) / POLLS
        self.signal.note(self.now, dbm, lost=False)  # an hour is judged when the next begins
        return self.signal.weak

    def pause(self, hours: int) -> None:
        self.now += timedelta(hours=hours)


@pytest.mark.parametrize(
    ("dbm", "lost", "weak"),
    [
        (-96.0, 0, True),
        (-94.0, 0, False),
        (None, 0, False),
        (None, 2, True),
        (-60.0, 2, True),
        (-60.0, 1, False),
        (None, POLLS, True),
    ],
)
def test_two_days_of_a_faint_meter_or_of_lost_answers_are_too_weak(
    dbm: float | None, lost: int, weak: bool
) -> None:
    radio = RadioHistory()

    assert not radio.hours(36, dbm=dbm, lost=lost)
    assert radio.hours(12, dbm=dbm, lost=lost) is weak


def test_outage_of_most_of_a_day_is_no_bad_radio() -> None:
    radio = RadioHistory()
    radio.hours(20, dbm=-70.0)
    radio.hours(20, lost=POLLS)
    assert not radio.hours(30, dbm=-70.0)


def test_bad_nights_and_good_days_raise_nothing() -> None:
    radio = RadioHistory()
    for _ in range(5):
        assert not radio.hours(14, dbm=-80.0)
        assert not radio.hours(10, dbm=-97.0, lost=3)


def test_hours_without_polls_say_nothing() -> None:
    radio = RadioHistory()
    radio.hours(20, lost=POLLS)
    radio.pause(24 * 7)
    assert not radio.hours(20, lost=POLLS)


def test_good_day_is_the_end_of_it() -> None:
    radio = RadioHistory()
    radio.hours(48, dbm=-97.0)
    assert radio.hours(17, dbm=-80.0)
    assert not radio.hours(8, dbm=-80.0)
    for _ in range(48):
        assert not radio.hours(1, dbm=-80.0)
    assert radio.hours(48, dbm=-97.0)


@pytest.mark.parametrize(("dbm", "lost"), [(-93.5, 0), (-80.0, 1)])
def test_what_is_neither_good_nor_bad_changes_nothing(dbm: float, lost: int) -> None:
    radio = RadioHistory()
    assert not radio.hours(72, dbm=dbm, lost=lost)
    radio.hours(60, dbm=-97.0)
    assert radio.hours(72, dbm=dbm, lost=lost)
