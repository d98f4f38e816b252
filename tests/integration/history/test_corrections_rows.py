"""Rows that are not this meter's, newest rows that lag behind it, five-minute rows; and the effort."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
import sys
from types import CodeType

import pytest

from custom_components.wisun_route_b.history.corrections import (
    HOUR,
    History,
    Reason,
    Register,
    Row,
    plan_changes,
)
from custom_components.wisun_route_b.history.five_minutes import PERIOD, FiveMinutes, in_step
from tests.integration.history.test_corrections import (
    METER,
    RIGHT,
    SCALE,
    T0,
    TAIL,
    bars,
    d,
    register,
    repaired,
    rows,
    tail,
)

# --- Rows of another home --------------------------------------------------------------------


def test_rows_of_another_home_stay_as_they_are_and_make_no_bar() -> None:
    meter = register(*(100 + number for number in range(12)))
    theirs = [(9000 + 2 * number, 1 + 2 * number) for number in range(6)]
    ours = [(107 + number, 11 + (9107 if number else 0) + number) for number in range(5)]
    # Home Assistant has made a bar of the difference between the two.
    stored = rows(*theirs, *((state, total) for state, total in ours))

    plan, result = repaired(stored, tail(11, 111.5, float(ours[-1][1]) + 0.5), meter, until=11)

    shown = bars(result.rows, result.tail)
    assert shown[:6] == [d(n) for n in (1, 2, 2, 2, 2, 2)]
    assert shown[7:] == [d(n) for n in (1, 1, 1, 1, 0.5)]
    assert 0 <= shown[6] <= 1
    assert {hour for hour, why in plan.skipped.items() if why is Reason.OTHER_METER} == {
        T0 + number * HOUR for number in range(1, 6)
    }
    again = plan_changes(result, meter, T0, T0 + HOUR, T0 + 11 * HOUR)
    assert (again.changes, again.shift_from) == ((), None)


def test_two_other_counters_under_one_name_stay_and_make_no_bar_between_them() -> None:
    meter = register(*(100 + number for number in range(12)))
    one = [(9000 + 2 * number, 1 + 2 * number) for number in range(5)]
    other = [(28_000 + 2 * number, 19_001 + 2 * number) for number in range(6)]

    plan, result = repaired(rows(*one, *other), tail(11, 28_011, 19_012), meter, until=11)

    assert bars(result.rows, result.tail) == [d(n) for n in (1, 2, 2, 2, 2, 0, 2, 2, 2, 2, 2, 1)]
    assert set(plan.skipped.values()) == {Reason.OTHER_METER}


def test_an_anchor_of_another_home_is_no_beginning_of_a_bar() -> None:
    meter = register(*(100 + number for number in range(6)))
    stored = rows((27_754, 500), (102, 500), (103, 501), (104, 502), (105, 503))

    _, result = repaired(stored, tail(5, 105.2, 503.2), meter, until=5)

    assert max(bars(result.rows, result.tail)[1:]) <= 1
    assert min(bars(result.rows, result.tail)) >= 0


@pytest.mark.parametrize("state", [9000, 0], ids=["too high", "nothing"])
def test_a_single_wrong_reading_is_not_taken_for_another_home(state: float) -> None:
    stored = rows((101, 1), (102.5, 2.5), (state, 3), (105, 5), (106, 6))

    plan, result = repaired(stored, TAIL, register(*METER), until=5)

    assert bars(result.rows, result.tail) == RIGHT
    assert plan.skipped == {}


# --- A newest row that lags behind the meter ---------------------------------------------------


@pytest.mark.parametrize("minutes", [55, 85, 115])
def test_hours_before_the_last_reading_are_settled_and_no_later_ones(minutes: int) -> None:
    # The recorder stood still after hour 2; its newest row is of a reading of then.
    stored = rows((101, 1), (101, 1), (102.6, 2.6))
    newest = tail(2, 102.6, 2.6)
    newest = type(newest)(T0 + 2 * HOUR + timedelta(minutes=minutes), newest.row)

    plan, result = repaired(stored, newest, register(*METER), until=5)

    assert not plan.settled
    assert plan.last == T0 + 2 * HOUR
    assert bars(result.rows) == RIGHT[:3]
    assert [change.start for change in plan.changes] == [T0 + HOUR]


# --- Five-minute rows --------------------------------------------------------------------------


def five(first: datetime, *stored: tuple[float, float]) -> list[FiveMinutes]:
    return [
        FiveMinutes(number, first + number * PERIOD, d(state), d(total))
        for number, (state, total) in enumerate(stored)
    ]


def sums_of(table: list[FiveMinutes], changed: dict[int, Decimal]) -> list[Decimal]:
    return [changed.get(row.id, row.sum) for row in table]


def test_a_jump_is_taken_out_of_the_five_minutes_where_it_is_and_not_at_the_full_hour() -> None:
    # Home Assistant counted 8900 kWh that never were, at a quarter past, and took them back.
    stored = rows((101, 1), (102.5, 8902.5), (102.6, 8902.6))
    history = History(stored, tail(3, 103, 8903))
    meter = register(*METER[:4])
    table = five(
        T0 + HOUR,
        *((101.1, 1.1), (101.2, 1.2)),
        *((101.2 + number / 10, 8901.2 + number / 10) for number in range(1, 11)),
        *((102.5, 8902.5) for _ in range(6)),
        *((102.6, 8902.6) for _ in range(6)),
        (103, 8903),
    )

    plan = plan_changes(history, meter, T0, T0 + HOUR, T0 + 3 * HOUR)
    sums = sums_of(table, in_step(table, plan, history, meter))

    assert sums[:2] == [d(1.1), d(1.2)]
    assert sums[11] == d(2.2)
    assert sums[23] == d(2.6)
    assert sums[24] == d(3)
    assert all(0 <= newer - older < 1 for older, newer in pairwise(sums))


def test_five_minutes_of_an_outage_lie_between_their_neighbours() -> None:
    stored = rows((101, 1), (101, 1), (102.6, 2.6))
    history = History(stored, tail(3, 103, 3))
    meter = register(*METER[:4])
    table = five(
        T0 + HOUR,
        *((101, 1) for _ in range(12)),
        *((101, 1) for _ in range(4)),
        *((102.55, 2.55) for _ in range(4)),
        *((102.6, 2.6) for _ in range(4)),
        (103, 3),
    )

    plan = plan_changes(history, meter, T0, T0 + HOUR, T0 + 3 * HOUR)
    sums = sums_of(table, in_step(table, plan, history, meter))

    assert all(newer >= older for older, newer in pairwise(sums))
    assert sums[11] <= d(2.5) <= sums[12] + d(0.1)
    assert sums[16:] == [d(2.55)] * 4 + [d(2.6)] * 4 + [d(3)]


def test_five_minutes_that_are_right_stay() -> None:
    stored = rows((101, 1), (102.5, 2.5), (102.6, 2.6))
    history = History(stored, tail(3, 103, 3))
    table = five(T0 + HOUR, *((101 + number / 8, 1 + number / 8) for number in range(1, 13)))

    plan = plan_changes(history, register(*METER[:4]), T0, T0 + HOUR, T0 + 3 * HOUR)

    assert in_step(table, plan, history, register(*METER[:4])) == {}


# --- The effort --------------------------------------------------------------------------------


def effort(work: Callable[[], object]) -> int:
    """Count the lines and jumps of Python that some work takes, whatever the machine."""
    monitoring, tool, count = sys.monitoring, 4, [0]
    events = monitoring.events.LINE | monitoring.events.JUMP | monitoring.events.PY_RESUME

    def line(_code: CodeType, _line: int) -> None:
        count[0] += 1

    def jump(_code: CodeType, _begin: int, _end: int) -> None:
        count[0] += 1

    def resume(_code: CodeType, _offset: int) -> None:
        count[0] += 1

    monitoring.use_tool_id(tool, "effort")
    try:
        monitoring.register_callback(tool, monitoring.events.LINE, line)
        monitoring.register_callback(tool, monitoring.events.JUMP, jump)
        monitoring.register_callback(tool, monitoring.events.PY_RESUME, resume)
        monitoring.set_events(tool, events)
        work()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    return count[0]


def remembers_all(number: int, _hours: int) -> float | None:
    return 100 + number / 2


def remembers_the_end(number: int, hours: int) -> float | None:
    return 100 + number / 2 if number > hours - 5 else None


def remembers_ends(number: int, hours: int) -> float | None:
    return 100 + number / 2 if not 2 < number < hours - 2 else None


def remembers_every_second(number: int, _hours: int) -> float | None:
    return 100 + number / 2 if number % 2 else None


def is_exchanged_daily(number: int, _hours: int) -> float | None:
    return 1000 * (number // 24 % 7) + number / 2


def seen(number: int) -> Row:
    return Row(d(100.5) + d(number) / 2, d(1) + d(number) / 2)


def stood_still(number: int) -> Row:
    return Row(d(100.5), d(1)) if number else seen(0)


@pytest.mark.parametrize("row", [seen, stood_still])
@pytest.mark.parametrize(
    "reading",
    [
        remembers_all,
        remembers_the_end,
        remembers_ends,
        remembers_every_second,
        is_exchanged_daily,
    ],
)
def test_the_effort_of_planning_grows_with_the_hours_and_not_with_their_square(
    reading: Callable[[int, int], float | None], row: Callable[[int], Row]
) -> None:
    def planned(hours: int) -> int:
        readings = (reading(number, hours) for number in range(hours + 1))
        shown = {
            T0 + number * HOUR: None if at is None else d(at) for number, at in enumerate(readings)
        }
        history = History(
            {T0 + number * HOUR: row(number) for number in range(hours)},
            tail(hours, 100 + hours / 2, 1 + hours / 2),
        )

        def work() -> None:
            meter = Register(shown, SCALE)
            plan = plan_changes(history, meter, T0, T0 + HOUR, T0 + hours * HOUR)
            first = T0 + (hours - hours // 12) * HOUR
            table = [FiveMinutes(n, first + n * PERIOD, d(1), d(1)) for n in range(hours)]
            in_step(table, plan, history, meter)

        return effort(work)

    assert planned(1200) < 6 * planned(300)
