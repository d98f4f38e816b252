"""What can follow what: a difference of two readings is energy only if it is this meter's pace."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.history.corrections import (
    HOUR,
    History,
    Register,
    Row,
    Tail,
    plan_changes,
)
from tests.integration.history.test_corrections import SCALE, T0, after, bars, d

DAY = timedelta(days=1)


def steady(days: int, *, per_hour: float = 1) -> Register:
    """A meter that shows 30 000 kWh at T0 and remembers so many days from then on."""
    return Register(
        {T0 + hour * HOUR: d(30_000) + d(per_hour) * hour for hour in range(24 * days + 1)}, SCALE
    )


@pytest.mark.parametrize(
    ("energy", "span", "believed"),
    [
        pytest.param(99, HOUR, True, id="an hour at full power"),
        pytest.param(101, HOUR, False, id="more than a line can carry"),
        pytest.param(-0.1, HOUR, False, id="backwards"),
        pytest.param(230, DAY, True, id="a day of a cold winter"),
        pytest.param(250, DAY, False, id="a day of more than 10 kW"),
        pytest.param(500, 10 * DAY, True, id="twice the strongest day, for ten days"),
        pytest.param(600, 10 * DAY, False, id="more than that"),
        pytest.param(28_689, 130 * DAY, False, id="an old row of another counter"),
        pytest.param(17_654, 10 * DAY, False, id="an exchange after ten days of silence"),
    ],
)
def test_energy_is_believed_at_the_meters_own_pace(
    energy: float, span: timedelta, believed: bool
) -> None:
    meter = steady(3)  # a strongest day of 24 kWh
    newer = d(30_000)

    found = meter.energy(newer - d(energy), newer, span)

    assert found == (d(energy) if believed else None)


@pytest.mark.parametrize(
    ("hours", "state", "ours"),
    [
        pytest.param(5, 30_005, True, id="what it says itself"),
        pytest.param(5, 30_004.9, True, id="a poll of half a minute ago"),
        pytest.param(5, 30_004, False, id="not what it says itself"),
        pytest.param(-24 * 30, 29_000, True, id="beyond its memory, at its pace"),
        pytest.param(-24 * 30, 28_400, False, id="beyond its memory, too far below"),
        pytest.param(-24 * 30, 30_001, False, id="beyond its memory, above it"),
        pytest.param(-24 * 130, 1_311, False, id="an old row of another counter"),
        pytest.param(24 * 3 + 2, 30_073, True, id="after the last that is known"),
        pytest.param(24 * 3 + 2, 30_200, False, id="after it, too far above"),
        pytest.param(24 * 3 + 2, 29_000, False, id="after it, below"),
        pytest.param(5, None, False, id="no state"),
    ],
)
def test_a_state_is_ours_if_the_meter_can_have_shown_it(
    hours: int, state: float | None, ours: bool
) -> None:
    shown = None if state is None else d(state)

    assert steady(3).is_ours(shown, T0 + hours * HOUR) is ours


@pytest.mark.parametrize(
    ("silent", "state"), [(130 * DAY, 1_311), (10 * DAY, 12_346)], ids=["old row", "exchange"]
)
def test_a_row_of_another_counter_before_a_hole_makes_no_bar(
    silent: timedelta, state: float
) -> None:
    """Home Assistant has seen both: it takes the difference for energy."""
    meter, anchor = steady(1), T0 - silent
    jump = d(30_001) - d(state)
    stored = {anchor: Row(d(state), d(50))}
    stored |= {T0 + n * HOUR: Row(d(30_001 + n), d(50) + jump + n) for n in range(20)}
    newest = Tail(T0 + 20 * HOUR + timedelta(minutes=5), Row(d(30_020.5), d(69.5) + jump))
    history = History(stored, newest)

    def planned(history: History) -> tuple[History, object]:
        plan = plan_changes(history, meter, anchor, anchor + HOUR, T0 + 20 * HOUR)
        return after(history, plan), (plan.changes, plan.shift_from)

    result, _ = planned(history)

    # In the hour before T0 nothing is known but its end.
    assert bars(result.rows, result.tail) == [d(50), d(0), *[d(1)] * 20, d(0.5)]
    assert planned(result)[1] == ((), None)


def test_a_pause_at_the_meters_own_pace_is_one_bar() -> None:
    meter, anchor = steady(1), T0 - 10 * DAY
    stored: dict[datetime, Row] = {anchor: Row(d(29_800), d(50))}
    newest = Tail(T0 + 20 * HOUR + timedelta(minutes=5), Row(d(30_020.5), d(0)))

    plan = plan_changes(History(stored, newest), meter, anchor, anchor + HOUR, T0 + 20 * HOUR)
    result = after(History(stored, newest), plan)

    assert bars(result.rows)[:3] == [d(50), d(200), d(1)]
    assert Decimal(0) <= min(bars(result.rows, result.tail))
