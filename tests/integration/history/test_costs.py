"""The costs of hours: which are compared, what they come to, and what must stay."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.history.costs import (
    CostChange,
    CostPlan,
    CostRow,
    EnergyBar,
    HourPrice,
    hours_to_compare,
    plan_costs,
)

HOUR = timedelta(hours=1)
START = datetime(2030, 5, 20, 1, 0, tzinfo=UTC)


def _at(hour: int) -> datetime:
    return START + hour * HOUR


def _rows(**sums: str) -> dict[datetime, CostRow]:
    return {_at(int(key[1:])): CostRow(Decimal(total)) for key, total in sums.items()}


def _bar(energy: str, before: str | None) -> EnergyBar:
    return EnergyBar(Decimal(energy), None if before is None else Decimal(before), None)


def _prices(price: str, *hours: int) -> dict[datetime, HourPrice]:
    return {_at(hour): HourPrice(Decimal(price)) for hour in hours}


def test_missing_hours_get_their_cost_and_what_follows_keeps_its_own() -> None:
    rows = _rows(h0="100", h3="130", h4="150")
    bars = {_at(1): _bar("2", None), _at(2): _bar("1", None), _at(3): _bar("1", "4")}

    plan = plan_costs(rows, bars, frozenset(bars), _prices("10", 1, 2, 3))

    assert plan.sums == {_at(1): 120, _at(2): 130, _at(3): 140, _at(4): 160}
    assert plan.shift == 10
    assert plan.changes == (
        CostChange(_at(1), Decimal(20), None),
        CostChange(_at(2), Decimal(10), None),
        CostChange(_at(3), Decimal(10), Decimal(30)),
    )
    assert plan.amount == 10


def test_half_hours_have_prices_of_their_own() -> None:
    bar = EnergyBar(Decimal("1.5"), None, (Decimal("0.5"), Decimal(1)))
    price = HourPrice(Decimal(20), (Decimal(-10), Decimal(30)))

    assert bar.cost(price) == 25
    assert bar.cost(HourPrice(Decimal(20))) == 30


def test_hours_before_the_first_row_begin_with_zero() -> None:
    rows = _rows(h2="5", h3="15")
    bars = {_at(0): _bar("2", None), _at(1): _bar("3", None)}

    plan = plan_costs(rows, bars, frozenset(bars), _prices("10", 0, 1))

    assert plan.sums == {_at(0): 20, _at(1): 50, _at(2): 55, _at(3): 65}
    assert plan.shift == 50


def test_cost_that_is_right_is_not_written() -> None:
    rows = _rows(h0="100", h1="120.004")
    bars = {_at(1): _bar("2", "2")}

    plan = plan_costs(rows, bars, frozenset(bars), _prices("10", 1))

    assert plan == CostPlan()


def test_hour_without_a_price_keeps_what_it_has() -> None:
    rows = _rows(h0="100", h2="115")
    bars = {_at(1): _bar("2", None), _at(2): _bar("1", "1.5")}

    plan = plan_costs(rows, bars, frozenset(bars), _prices("10", 2))

    assert plan.unpriced == {_at(1)}
    assert plan.sums == {_at(2): 110}


def test_cost_that_cannot_be_taken_from_the_hour_of_the_return_is_not_given_to_others() -> None:
    rows = _rows(h0="100", h1="100", h2="140")
    bars = {_at(1): _bar("3", "0"), _at(2): _bar("1", "4")}

    plan = plan_costs(rows, bars, frozenset(bars), _prices("10", 1))

    assert plan.changes == ()
    assert plan.unpriced == {_at(1), _at(2)}


@pytest.mark.parametrize(
    ("priced", "expected"),
    [
        (None, {1, 2, 3}),
        ((_at(4), _at(5)), {1, 2, 4}),
        ((_at(-9), _at(9)), {-1, 0, 1, 2, 3, 4, 5}),
    ],
    ids=["nothing was compared yet", "one hour is new", "all are asked for"],
)
def test_old_hours_are_compared_only_if_something_went_wrong(
    priced: tuple[datetime, datetime] | None, expected: set[int]
) -> None:
    rows = _rows(h0="1", h1="2", h3="3", h4="4", h5="5")
    rows[_at(3)] = CostRow(Decimal(3), _at(3) + HOUR / 2)
    bars = {_at(hour): _bar("1", "1") for hour in range(-1, 6)}
    bars[_at(1)] = _bar("1", "2")

    found = hours_to_compare(bars, rows, priced)

    assert found == {_at(hour) for hour in expected}
