"""What is due when, over the half-hours of a day."""

from datetime import datetime, timedelta

import pytest

from custom_components.wisun_route_b.stack import JST, properties, schedule

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=JST)
EA = properties.FIXED_TIME_ENERGY_NORMAL.epc


def test_everything_wanted_is_due_at_the_beginning() -> None:
    wanted = {properties.INSTANTANEOUS_POWER.epc, properties.FAULT_STATUS.epc, EA}
    assert {row.epc for row in schedule.due_properties(NOON, {}, wanted)} == wanted


def test_nothing_unwanted_is_ever_due() -> None:
    assert schedule.due_properties(NOON, {}, ()) == ()


def test_live_values_are_due_at_every_poll_and_states_once_an_hour() -> None:
    wanted = {properties.INSTANTANEOUS_POWER.epc, properties.FAULT_STATUS.epc}
    for minutes, states in ((1, False), (59, False), (60, True)):
        now = NOON + timedelta(minutes=minutes)
        due = schedule.due_properties(now, dict.fromkeys(wanted, NOON), wanted)
        assert properties.INSTANTANEOUS_POWER in due
        assert (properties.FAULT_STATUS in due) is states


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("12:01", "12:29:59", False),  # this half-hour has been heard
        ("12:01", "12:30", False),  # the push of 12:30 has five minutes
        ("12:01", "12:34:59", False),
        ("12:01", "12:35", True),  # it did not come
        ("12:31", "12:35", False),  # it did
        ("11:31", "12:05", True),
        ("23:59", "23:59:59", False),
    ],
)
def test_half_hour_values_are_asked_for_only_when_the_push_is_overdue(
    last: str, now: str, expected: bool
) -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-22T{clock}+09:00")

    assert bool(schedule.due_properties(at(now), {EA: at(last)}, {EA})) is expected


def test_a_day_of_polls_asks_at_most_once_a_half_hour_for_a_value_that_never_comes_by_push() -> (
    None
):
    last = {EA: NOON}
    asked = 0
    for poll in range(24 * 120):
        now = NOON + timedelta(seconds=30 * poll)
        if schedule.due_properties(now, last, {EA}):
            asked += 1
            last[EA] = now
    assert asked == 47


def test_the_plan_names_only_known_properties() -> None:
    for group in (schedule.FAST, schedule.SLOW):
        assert all(properties.PROPERTIES[row.epc] is row for row in group.properties)
