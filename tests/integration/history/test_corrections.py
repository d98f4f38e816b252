"""The arithmetic of the energy history, hour by hour.

Every case is drawn the same way: what the meter showed at each full hour, what Home Assistant
has stored, and what each hour must show in the end.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from custom_components.wisun_route_b.history.corrections import (
    HOUR,
    History,
    Plan,
    Reason,
    Register,
    Row,
    Tail,
    plan_changes,
)
from custom_components.wisun_route_b.stack import Scale

#: The register at T0 + n hours stands at the end of hour n - 1.
T0 = datetime(2026, 11, 22, 3, tzinfo=UTC)
SCALE = Scale(Decimal("0.1"), digits=6)


def d(number: float | str) -> Decimal:
    return Decimal(str(number))


def register(*readings: float | None, scale: Scale = SCALE, start: int = 0) -> Register:
    """What the meter showed at T0, T0 + 1 h and so on."""
    return Register(
        {
            T0 + (start + number) * HOUR: None if reading is None else d(reading)
            for number, reading in enumerate(readings)
        },
        scale,
    )


def rows(*stored: tuple[float, float] | None, start: int = 0) -> dict[datetime, Row]:
    """State and sum of the hours from T0 on; None where there is no row."""
    return {
        T0 + (start + number) * HOUR: Row(d(pair[0]), d(pair[1]))
        for number, pair in enumerate(stored)
        if pair is not None
    }


def tail(hour: int, state: float, total: float) -> Tail:
    """The newest five minutes, early in an hour."""
    return Tail(T0 + hour * HOUR + timedelta(minutes=5), Row(d(state), d(total)))


def after(history: History, plan: Plan) -> History:
    """What the recorder makes of a plan: shift first, then write."""
    shifted = {
        start: Row(row.state, row.sum + plan.shift)
        if plan.shift_from is not None and start >= plan.shift_from
        else row
        for start, row in history.rows.items()
    }
    written = {change.start: change.row for change in plan.changes}
    newest = history.tail
    if plan.shift_from is not None and newest.start >= plan.shift_from:
        newest = Tail(newest.start, Row(newest.row.state, newest.row.sum + plan.shift))
    return History(shifted | written, newest)


def bars(history: Mapping[datetime, Row], tail_: Tail | None = None) -> list[Decimal]:
    """What people see: the difference of the sums, and of the running hour as well."""
    sums = [history[hour].sum for hour in sorted(history)]
    if tail_ is not None:
        sums.append(tail_.row.sum)
    return [newer - older for older, newer in pairwise([Decimal(), *sums])]


def repaired(
    stored: dict[datetime, Row],
    newest: Tail,
    meter: Register,
    *,
    anchor: int | None = 0,
    since: int = 1,
    until: int,
) -> tuple[Plan, History]:
    history = History(stored, newest)
    hour = None if anchor is None else T0 + anchor * HOUR
    plan = plan_changes(history, meter, hour, T0 + since * HOUR, T0 + until * HOUR)
    return plan, after(history, plan)


METER = (100.0, 101.0, 102.5, 102.6, 105.0, 106.0)
RIGHT = [d("1.0"), d("1.5"), d("0.1"), d("2.4"), d("1.0"), d("0.3")]
TAIL = tail(5, 106.3, 6.3)


@pytest.mark.parametrize(
    ("stored", "newest"),
    [
        pytest.param(
            rows((101, 1), (102.5, 2.5), (102.6, 2.6), (105, 5), (106, 6)), TAIL, id="nothing wrong"
        ),
        pytest.param(
            rows((101, 1), (101, 1), (101, 1), (105, 5), (106, 6)), TAIL, id="off: flat rows"
        ),
        pytest.param(rows((101, 1), None, None, (105, 5), (106, 6)), TAIL, id="no rows"),
        pytest.param(
            rows((101, 1), (102.4, 2.4), (102.4, 2.4), (104.9, 4.9), (106, 6)),
            TAIL,
            id="a poll too early",
        ),
        pytest.param(
            rows((101, 1), (101, 1), (101, 1), (101, 1), (101, 1)),
            TAIL,
            id="off until this very hour",
        ),
        pytest.param(
            rows((101, 1), None, None, (105, 0), (106, 1)),
            tail(5, 106.3, 1.3),
            id="purged: the sum has begun again",
        ),
        pytest.param(
            rows((101, 1), (101, 1), (101, 1), (105, 12), (106, 13)),
            tail(5, 106.3, 13.3),
            id="a jump that never was",
        ),
        pytest.param(
            rows((101, 1), (102.5, 2.5), (9000, 8900), (105, 5), (106, 6)), TAIL, id="a spike"
        ),
        pytest.param(rows((101, 1)), tail(5, 106.3, 0), id="purged, and no hour since"),
    ],
)
def test_every_hour_shows_what_the_meter_counted(stored: dict[datetime, Row], newest: Tail) -> None:
    _, result = repaired(stored, newest, register(*METER), until=5)

    assert bars(result.rows, result.tail) == RIGHT
    again = plan_changes(result, register(*METER), T0, T0 + HOUR, T0 + 5 * HOUR)
    assert (again.changes, again.shift, again.shift_from) == ((), Decimal(), None)


def test_what_is_right_is_left_alone() -> None:
    plan, _ = repaired(
        rows((101, 1), (101, 1), (102.6, 2.6), (105, 5), (106, 6)), TAIL, register(*METER), until=5
    )

    assert [change.start for change in plan.changes] == [T0 + HOUR]
    assert plan.changes[0].energy == d("1.5")
    assert plan.changes[0].before == 0
    assert plan.energy == d("1.5")


def test_rows_that_are_wrong_by_one_difference_are_shifted_and_not_rewritten() -> None:
    plan, _ = repaired(
        rows((101, 1), None, (102.6, 0), (105, 2.4), (106, 3.4)),
        tail(5, 106.3, 3.7),
        register(*METER),
        until=5,
    )

    assert (plan.shift_from, plan.shift) == (T0 + 2 * HOUR, d("2.6"))
    assert [change.start for change in plan.changes] == [T0 + HOUR]


def test_the_shift_takes_the_newest_five_minutes_along_even_if_they_are_of_a_finished_hour() -> (
    None
):
    newest = Tail(T0 + 5 * HOUR - timedelta(minutes=5), Row(d(106), d(1)))
    stored = rows((101, 1), None, None, (105, 0), (106, 1))

    _, result = repaired(stored, newest, register(*METER), until=5)

    assert bars(result.rows) == RIGHT[:5]
    assert result.tail.row.sum == 6


def test_an_hour_that_is_shifted_but_was_right_is_written_back() -> None:
    # Only the five minutes were purged; they belong to the last finished hour.
    newest = Tail(T0 + 2 * HOUR - timedelta(minutes=5), Row(d("102.5"), d(0)))

    _, result = repaired(rows((101, 1), (102.5, 2.5)), newest, register(*METER), until=2)

    assert bars(result.rows) == RIGHT[:2]
    assert result.tail.row.sum == d("2.5")


def test_a_roll_over_costs_nothing() -> None:
    meter = register(99999.0, 99999.8, 0.4, 1.0)
    # Home Assistant counts a new cycle from zero and loses what was left of the old one.
    stored = rows((99999.8, 0.8), (0.4, 1.2), (1.0, 1.8))

    plan, result = repaired(stored, tail(3, 1.1, 1.9), meter, until=3)

    assert bars(result.rows, result.tail) == [d("0.8"), d("0.6"), d("0.6"), d("0.1")]
    assert (plan.changes, plan.shift_from, plan.shift) == ((), T0 + HOUR, d("0.2"))


def test_an_exchange_that_home_assistant_lived_through_stays_as_it_saw_it() -> None:
    meter = register(None, None, None, 0.7, 1.9)
    stored = rows((5000.0, 1), (5001.0, 2), (0.7, 3.1), (1.9, 4.3))

    plan, result = repaired(stored, tail(4, 2.0, 4.4), meter, until=4)

    assert (plan.changes, plan.shift_from) == ((), None)
    assert plan.skipped == {T0 + HOUR: Reason.NO_READING, T0 + 2 * HOUR: Reason.METER_EXCHANGED}
    assert bars(result.rows)[2] == d("1.1")


@pytest.mark.parametrize("last_seen", [5000.7, 5000.3], ids=["to the last poll", "not to the end"])
@pytest.mark.parametrize(
    ("half_past", "shown"), [(None, 0), (5000.2, 0.5)], ids=["unknown", "meter knows a half"]
)
def test_an_exchange_to_a_higher_register_is_no_energy_though_home_assistant_counted_it(
    last_seen: float, half_past: float | None, shown: float
) -> None:
    readings = register(None, None, None, 5000.7, 5001.9)
    half = None if half_past is None else d(half_past)
    meter = Register({**readings.readings, T0 + 2.5 * HOUR: half}, SCALE)
    jump = last_seen - 1001
    stored = rows((1000, 1), (1001, 2), (last_seen, 2 + jump), (5001.9, 4002.9))

    plan, result = repaired(stored, tail(4, 5002.0, 4003.0), meter, until=4)

    assert bars(result.rows, result.tail) == [d(n) for n in (1, 1, shown, 1.2, 0.1)]
    assert plan.skipped[T0 + 2 * HOUR] is Reason.METER_EXCHANGED
    again = plan_changes(result, meter, T0, T0 + HOUR, T0 + 4 * HOUR)
    assert (again.changes, again.shift_from) == ((), None)


def test_an_exchange_while_home_assistant_was_off_is_recognized_as_far_as_the_data_allow() -> None:
    # The new meter came in hour 2 and began with 300 kWh; the last hour of the old one was not seen.
    readings = register(None, None, None, 300.7, 301.9, 303.0)
    meter = Register({**readings.readings, T0 + 2.5 * HOUR: d("300.2")}, SCALE)
    stored = rows((5000.0, 1), (5000.0, 1), (5000.0, 1), (5000.0, 1), (303.0, 304))

    plan, result = repaired(stored, tail(5, 303.1, 304.1), meter, until=5)

    assert bars(result.rows, result.tail) == [d(n) for n in (1, 0, 0.5, 1.2, 1.1, 0.1)]
    assert plan.skipped[T0 + 2 * HOUR] is Reason.METER_EXCHANGED


def test_the_old_meters_hours_survive_a_new_meter_that_says_zero_for_the_time_before() -> None:
    meter = register(0, 0, 0, 0, 0.7, 1.9)
    stored = rows((5000, 1), (5000, 1), (5001, 2), (0.7, 3.1), (1.9, 4.3))

    _, result = repaired(stored, tail(5, 2.0, 4.4), meter, until=5)

    assert bars(result.rows, result.tail) == [d(n) for n in (1, 0, 1, 1.1, 1.2, 0.1)]


def test_a_reading_that_the_meter_has_lost_is_taken_from_what_home_assistant_saw() -> None:
    meter = register(100, 101, None, 102.6, 105, 106)
    stored = rows((101, 1), (102.4, 2.4), (102.4, 2.4), (105, 5), (106, 6))

    plan, result = repaired(stored, TAIL, meter, until=5)

    assert bars(result.rows)[1:3] == [d("1.4"), d("0.2")]
    assert plan.skipped == {T0 + HOUR: Reason.NO_READING}


def test_an_unseen_hour_shows_nothing_and_never_less() -> None:
    meter = register(100, 101, 102.5, None, 105, 106)
    stored = rows((101, 1), (101, 1), (101, 1), (105, 5), (106, 6))

    _, result = repaired(stored, TAIL, meter, until=5)

    assert bars(result.rows)[1:4] == [d("1.5"), d(0), d("2.5")]


def test_nothing_is_decided_before_home_assistant_has_compiled_a_new_reading() -> None:
    stored = rows((101, 1), (101, 1), (101, 1), (101, 1), (101, 1))

    plan, _ = repaired(stored, tail(5, 101, 1), register(*METER), until=5)

    assert not plan.settled
    assert plan.changes == ()


def test_days_before_the_installation_begin_with_zero_and_meet_the_live_hours_without_a_bar() -> (
    None
):
    stored = rows(None, None, (102.6, 0.05), (105, 2.45), (106, 3.45))

    _, result = repaired(
        stored, tail(5, 106.3, 3.75), register(*METER), anchor=None, since=0, until=5
    )

    assert bars(result.rows, result.tail) == RIGHT


def test_days_before_the_first_full_hour_only_shift_the_five_minutes() -> None:
    plan, result = repaired(
        {}, tail(5, 106.3, 0.2), register(*METER), anchor=None, since=0, until=5
    )

    assert plan.shift_from == T0 + 5 * HOUR
    assert bars(result.rows, result.tail) == RIGHT


def test_what_lies_behind_a_range_keeps_its_energy() -> None:
    # Only the first hours are asked about; the later ones are as Home Assistant has them.
    stored = rows(None, None, (102.6, 0.1), (105, 2.5), (106, 3.5))

    _, result = repaired(
        stored,
        tail(5, 106.3, 3.8),
        register(*METER[:4]),
        anchor=None,
        since=0,
        until=5,
    )

    assert bars(result.rows, result.tail) == RIGHT


def test_a_reading_that_is_a_poll_ahead_of_the_meters_clock_is_no_exchange() -> None:
    stored = rows((101.1, 1.1), (102.5, 2.5), (102.6, 2.6), (105.1, 5.1), (106, 6))

    plan, result = repaired(stored, TAIL, register(*METER), until=5)

    assert plan.skipped == {}
    assert bars(result.rows, result.tail) == RIGHT
