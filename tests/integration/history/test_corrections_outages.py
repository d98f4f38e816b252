"""After any mix of outages the energy history equals what the meter counted."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from hypothesis import given, strategies as st

from custom_components.wisun_route_b.history.corrections import (
    HOUR,
    History,
    Register,
    Row,
    Tail,
    plan_changes,
)
from tests.integration.history.test_corrections import T0, after, bars, d, register, repaired, tail

#: A bar that is higher is the register of another meter (kWh).
MOST_IN_AN_HOUR = d(100)


def seen_by_home_assistant(
    data: st.DataObject, counts: Sequence[int]
) -> tuple[dict[datetime, Row], Tail]:
    """What Home Assistant stores, which is off in some hours; the last reading it sees."""
    states = [d(count / 10) for count in counts[1:]]
    stored = {T0: Row(states[0], d(7))}
    state, total = states[0], d(7)

    def see(new: Decimal) -> None:
        # A fall below nine tenths is a new cycle from zero.
        nonlocal state, total
        total += new if new < state * d("0.9") else new - state
        state = new

    for number, new in enumerate(states[1:-1], 1):
        kind = data.draw(st.sampled_from(["live", "flat", "missing"]))
        if kind == "live":
            see(new)
        if kind != "missing":
            stored[T0 + number * HOUR] = Row(state, total)
    see(states[-1])
    return stored, tail(len(states) - 1, float(state), float(total))


def counted(first: int, used: Sequence[int]) -> list[int]:
    counts = [first]
    for count in used:
        counts.append((counts[-1] + count) % 10**6)
    return counts


@given(st.data())
def test_any_outages_are_repaired_to_the_last_digit_and_stay_so(data: st.DataObject) -> None:
    used = data.draw(st.lists(st.integers(0, 60), min_size=3, max_size=40))
    counts = counted(data.draw(st.sampled_from([100, 999_900])), used)
    meter = register(*(count / 10 for count in counts))
    stored, newest = seen_by_home_assistant(data, counts)
    until = len(used) - 1

    _, result = repaired(stored, newest, meter, until=until)

    expected = [d(7), *(d(count / 10) for count in used[1:])]
    assert bars(result.rows, result.tail) == expected
    again = plan_changes(result, meter, T0, T0 + HOUR, T0 + until * HOUR)
    assert (again.changes, again.shift_from) == ((), None)


@given(st.data())
def test_readings_that_are_lost_or_yet_to_come_cost_no_energy_and_make_no_negative_bar(
    data: st.DataObject,
) -> None:
    used = data.draw(st.lists(st.integers(0, 60), min_size=3, max_size=20))
    counts = counted(data.draw(st.sampled_from([100, 999_900])), used)
    until = len(used) - 1
    known = data.draw(st.sets(st.integers(1, data.draw(st.integers(1, until)))))
    meter = register(
        *(count / 10 if number in known else None for number, count in enumerate(counts))
    )
    stored, newest = seen_by_home_assistant(data, counts)

    plan, result = repaired(stored, newest, meter, until=until)

    assert plan.settled
    assert min(bars(result.rows, result.tail)) >= 0
    assert result.tail.row.sum - 7 == sum((d(count / 10) for count in used[1:]), Decimal())
    for number in range(1, until):
        hour = T0 + number * HOUR
        if {number, number + 1} <= known:
            shown = result.rows[hour].sum - result.rows[hour - HOUR].sum
            assert shown == d(used[number] / 10)
    again = plan_changes(result, meter, T0, T0 + HOUR, T0 + until * HOUR)
    assert (again.changes, again.shift_from) == ((), None)


@given(st.data())
def test_an_exchange_makes_no_negative_bar_whoever_saw_it(data: st.DataObject) -> None:
    old = data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=6))
    new = data.draw(st.lists(st.integers(0, 60), min_size=2, max_size=6))
    before = counted(50_000, old)
    counts = before + counted(data.draw(st.sampled_from([0, 5, 900_000])), new)
    meter = register(*(None for _ in before), *(count / 10 for count in counts[len(before) :]))
    stored, newest = seen_by_home_assistant(data, counts)
    until = len(counts) - 2
    spike = max(bars(stored, newest))

    plan, result = repaired(stored, newest, meter, until=until)

    if plan.settled:
        assert min(bars(result.rows, result.tail)) >= 0
        assert max(bars(result.rows, result.tail)) <= min(max(spike, d(7)), MOST_IN_AN_HOUR)
        settle_down(result, meter, until)


def settle_down(history: History, meter: Register, until: int) -> None:
    """What an exchange leaves open is decided in the next look, and no more after that."""
    for _ in range(2):
        plan = plan_changes(history, meter, T0, T0 + HOUR, T0 + until * HOUR)
        history = after(history, plan)
    again = plan_changes(history, meter, T0, T0 + HOUR, T0 + until * HOUR)
    assert (again.changes, again.shift_from) == ((), None)
