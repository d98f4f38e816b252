"""Periods, steps, time bands and months: which price a kWh has, at every odd moment."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.stack import JST, Scale
from custom_components.wisun_route_b.tariff.bill import Tally
from custom_components.wisun_route_b.tariff.hours import HOUR, first_needed, hour_prices
from custom_components.wisun_route_b.tariff.model import (
    Days,
    MonthlyRate,
    Step,
    Tariff,
    Terms,
    TimeBand,
)
from custom_components.wisun_route_b.tariff.periods import BillingPeriod, period_of
from custom_components.wisun_route_b.tariff.stored import month_of
from custom_components.wisun_route_b.tariff.use import Use, UsualDay, count, uses

from .test_worked_examples import steps

THREE = steps(("120", "20"), ("300", "30"), (None, "40"))
ONE = steps((None, "25"))
APRIL = BillingPeriod(date(2030, 4, 1), date(2030, 5, 1))


def at(day: int, hour: int = 0, minute: int = 0, month: int = 4) -> datetime:
    return datetime(2030, month, day, hour, minute, tzinfo=JST)


def terms(rows: tuple[Step, ...] = THREE, since: date | None = None, *bands: TimeBand) -> Terms:
    return Terms(since, Decimal(600), rows, bands)


# --- Periods -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "moment", "first", "end", "month"),
    [
        (1, at(1), date(2030, 4, 1), date(2030, 5, 1), 4),
        (15, at(15), date(2030, 4, 15), date(2030, 5, 15), 5),
        (15, at(14, 23, 59), date(2030, 3, 15), date(2030, 4, 15), 4),
        # A reading day that a month lacks is its last one.
        (31, at(30), date(2030, 4, 30), date(2030, 5, 31), 5),
        (31, at(29), date(2030, 3, 31), date(2030, 4, 30), 4),
        (29, at(27, month=2), date(2030, 1, 29), date(2030, 2, 28), 2),
        (30, at(28, month=2), date(2030, 2, 28), date(2030, 3, 30), 3),
        (31, at(31, month=12), date(2030, 12, 31), date(2031, 1, 31), 1),
        # Midnight of Japan is 15:00 in UTC, and it has no summer time.
        (1, datetime(2030, 3, 31, 15, tzinfo=UTC), date(2030, 4, 1), date(2030, 5, 1), 4),
        (1, datetime(2030, 3, 31, 14, 59, tzinfo=UTC), date(2030, 3, 1), date(2030, 4, 1), 3),
    ],
)
def test_period_goes_from_reading_to_reading(
    day: int, moment: datetime, first: date, end: date, month: int
) -> None:
    period = period_of(day, moment)

    assert (period.first, period.end, period.month.month) == (first, end, month)
    assert period.start <= moment < period.stop


@pytest.mark.parametrize("day", [1, 15, 28, 29, 30, 31])
def test_periods_follow_each_other_without_a_hole(day: int) -> None:
    period = period_of(day, at(1, month=1))
    for _ in range(50):
        following = period_of(day, period.stop)
        assert following.first == period.end
        assert 28 <= following.days <= 31
        period = following


# --- Steps and bands -----------------------------------------------------------------------


def test_price_is_that_of_the_next_kwh() -> None:
    tally = Tally(Tariff(1, (terms(),)), APRIL)
    shown = []
    for index, energy in enumerate(["0", "119.9", "0.1", "179.9", "0.2", "50"]):
        tally.add(at(2, index), Decimal(energy))
        shown.append(tally.price(at(2, index)))

    assert shown == [20, 20, 30, 30, 40, 40]


def test_energy_that_crosses_a_step_has_both_prices() -> None:
    tally = Tally(Tariff(1, (terms(),)), APRIL)

    assert tally.add(at(2), Decimal(119)) == 119 * 20
    assert tally.add(at(3), Decimal(4)) == 1 * 20 + 3 * 30
    assert tally.add(at(4), Decimal(200)) == 177 * 30 + 23 * 40


def test_time_bands_have_their_own_price_and_count_in_no_step() -> None:
    night = TimeBand(Days.EVERY, 23, 7, Decimal(15))
    holiday = TimeBand(Days.WEEKEND, 7, 23, Decimal(18))
    tariff = Tariff(1, (terms(THREE, None, night, holiday),))
    tally = Tally(tariff, APRIL)

    assert tally.add(at(1, 22, 30), Decimal(119)) == 119 * 20  # a Monday
    assert tally.add(at(1, 23), Decimal(100)) == 1500
    assert tally.add(at(2, 6, 30), Decimal(100)) == 1500
    assert tally.add(at(6, 12), Decimal(100)) == 1800
    assert tally.price(at(8, 7)) == 20
    assert tally.price(at(8, 6, 59)) == 15
    assert tally.price(at(8, 6, 59).astimezone(UTC)) == 15


def test_bands_go_by_the_time_of_japan_whatever_the_zone() -> None:
    night = TimeBand(Days.EVERY, 1, 2, Decimal(15))
    tally = Tally(Tariff(1, (terms(ONE, None, night),)), APRIL)

    assert tally.price(datetime(2030, 4, 9, 16, 30, tzinfo=UTC)) == 15
    assert tally.price(datetime(2030, 4, 10, 1, 30, tzinfo=UTC)) == 25


@pytest.mark.parametrize(
    "rows",
    [(), steps(("120", "20")), steps(("300", "20"), ("120", "30"), (None, "1"))],
)
def test_steps_that_make_no_sense_are_refused(rows: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match="step"):
        terms(rows)


def test_bands_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="in common"):
        terms(
            ONE,
            None,
            TimeBand(Days.WEEKDAYS, 22, 8, Decimal(1)),
            TimeBand(Days.EVERY, 7, 9, Decimal(2)),
        )


# --- Months and changes --------------------------------------------------------------------


def rate(month: int, per_kwh: str) -> MonthlyRate:
    return MonthlyRate(date(2030, month, 1), Decimal(per_kwh))


def test_rates_hold_from_the_bill_of_their_month() -> None:
    tariff = Tariff(15, (terms(ONE),), (rate(4, "-8"), rate(5, "-6.5")), (rate(5, "3.5"),))

    # The bill of April is about the days to April 14.
    assert Tally(tariff, period_of(15, at(14))).price(at(14)) is None  # no levy is known
    assert Tally(tariff, period_of(15, at(15))).price(at(15)) == 25 - Decimal("6.5") + Decimal(
        "3.5"
    )
    assert Tally(tariff, period_of(15, at(15, month=9))).price(at(15, month=9)) == 22


def test_month_before_all_adjustments_has_no_price_and_no_bill() -> None:
    tally = Tally(Tariff(1, (terms(ONE),), (rate(5, "-8"),)), APRIL)

    assert tally.add(at(2), Decimal(3)) is None
    assert tally.price(at(2)) is None
    assert tally.bill() is None


def test_prices_that_change_within_a_month_go_by_the_days() -> None:
    """Ten of thirty days: a third of the basic charge, and of the steps."""
    new = Terms(date(2030, 4, 11), Decimal(900), steps(("120", "50"), (None, "60")))
    tally = Tally(Tariff(1, (terms(), new)), APRIL)

    assert tally.add(at(10, 23, 30), Decimal(50)) == 40 * 20 + 10 * 30
    assert tally.price(at(11)) == 50
    assert tally.add(at(11), Decimal(90)) == 80 * 50 + 10 * 60
    bill = tally.bill()
    assert bill is not None
    assert round(bill.basic, 6) == 200 + 600
    assert bill.use == 1100 + 4600


def test_days_before_all_prices_have_none() -> None:
    tally = Tally(Tariff(1, (terms(ONE, date(2030, 4, 16)),)), APRIL)

    assert tally.add(at(15), Decimal(3)) is None
    assert tally.add(at(16), Decimal(4)) == 100
    bill = tally.bill()
    assert bill is not None
    assert [bill.basic, bill.unpriced, bill.total] == [300, 3, 400]


def test_market_price_is_added_and_may_be_negative() -> None:
    tally = Tally(Tariff(1, (terms(ONE),), has_market_price=True), APRIL)

    assert tally.add(at(2), Decimal(2), Decimal(-30)) == -10
    assert tally.price(at(2), Decimal("0.5")) == Decimal("25.5")
    assert tally.price(at(2)) is None
    assert tally.add(at(3), Decimal(1)) is None
    bill = tally.bill()
    assert bill is not None
    assert [bill.energy, bill.unpriced, bill.use] == [3, 1, -10]


# --- The use -------------------------------------------------------------------------------


def test_bill_does_not_depend_on_how_often_the_register_was_read() -> None:
    """Lost half-hours are in equal parts in the time between."""
    scale, tariff = Scale(Decimal("0.1"), digits=6), Tariff(1, (terms(),))
    full = {at(1) + index * HOUR / 2: Decimal(index) / 2 for index in range(401)}
    bills = []
    for kept in (full, {moment: full[moment] for moment in (at(1), at(2, 3, 30), max(full))}):
        tally = Tally(tariff, APRIL)
        count(tally, uses(kept, scale), lambda _: None)
        bills.append(tally.bill())

    assert bills[0] is not None
    assert bills[1] is not None
    assert round(bills[0].use, 6) == round(bills[1].use, 6) == 120 * 20 + 80 * 30


def test_exchange_of_the_meter_loses_its_half_hour_only() -> None:
    scale = Scale(Decimal("0.1"), digits=6)
    rows = list(
        uses(
            {
                at(1): Decimal(5000),
                at(1, 1): Decimal(5003),
                at(1, 2): Decimal(0),
                at(1, 3): Decimal(2),
            },
            scale,
        )
    )

    assert [row.energy for row in rows] == [3, None, 2]
    tally = Tally(Tariff(1, (terms(),)), APRIL)
    count(tally, rows, lambda _: None)
    assert tally.energy == 5


def test_rest_of_the_period_goes_by_the_same_half_hours_of_the_last_days() -> None:
    night = TimeBand(Days.EVERY, 0, 12, Decimal(10))
    tally = Tally(Tariff(1, (terms(ONE, None, night),)), APRIL)
    recent = [
        Use(at(1) + n * HOUR / 2, at(1) + (n + 1) * HOUR / 2, Decimal(1 if n % 48 < 24 else 3))
        for n in range(96)
    ]
    count(tally, recent, lambda _: None)

    usual = UsualDay(recent, lambda _: None)
    assert usual.is_known
    usual.count_the_rest(tally, at(3, 0, 15))

    bill = tally.bill()
    assert bill is not None
    assert bill.energy == 30 * 24 + 30 * 72 - Decimal("0.5")
    assert bill.use == 30 * (24 * 10 + 72 * 25) - 5


def test_less_than_a_day_says_nothing_of_the_rest() -> None:
    recent = [Use(at(1) + n * HOUR / 2, at(1) + (n + 1) * HOUR / 2, Decimal(1)) for n in range(47)]

    assert not UsualDay(recent, lambda _: None).is_known


# --- Hours of the past ---------------------------------------------------------------------


def test_hour_has_the_price_that_makes_its_cost_right() -> None:
    energies = {at(1) + n * HOUR: Decimal(7) for n in range(60)}
    tariff = Tariff(1, (terms(),), (rate(4, "-5"),))

    prices = hour_prices(tariff, energies, energies.keys())

    assert prices.keys() == energies.keys()
    total = sum(price * 7 for price in prices.values())
    assert round(total, 9) == 120 * 20 + 180 * 30 + 120 * 40 - 5 * 420
    assert round(prices[at(1, 17)], 9) == round((Decimal(20) + 6 * 30) / 7 - 5, 9)


def test_hours_whose_place_in_the_steps_is_not_known_have_no_price() -> None:
    may = at(1, month=5)
    energies = {may + n * HOUR: Decimal(1) for n in range(-200, 10)}
    hours = [may - HOUR, may, may + HOUR]

    assert list(hour_prices(Tariff(1, (terms(),)), energies, hours)) == [may, may + HOUR]
    assert list(hour_prices(Tariff(1, (terms(ONE),)), energies, hours)) == hours
    assert first_needed(Tariff(1, (terms(),)), hours) == at(1)


def test_hour_without_energy_has_the_price_of_the_next_kwh() -> None:
    energies = {at(1): Decimal(300), at(1, 1): Decimal(0)}

    assert hour_prices(Tariff(1, (terms(),)), energies, [at(1, 1)]) == {at(1, 1): 40}


@pytest.mark.parametrize(("energy", "used"), [(Decimal(8), 24), (None, 16)])
def test_hours_after_a_gap_keep_their_step_as_the_bill_does(
    energy: Decimal | None, used: int
) -> None:
    """Four kWh in each hour; of two hours only the sum is known, or the meter was exchanged."""
    lost = {at(1, 2), at(1, 3)}
    energies = {at(1) + n * HOUR: Decimal(4) for n in range(40) if at(1) + n * HOUR not in lost}
    hours = [at(1) + n * HOUR for n in range(40)]
    gap = Use(at(1, 2), at(1, 4), energy)

    prices = hour_prices(Tariff(1, (terms(),)), energies, hours, gaps=[gap])

    assert prices.keys() == energies.keys()
    first_dear = next(hour for hour, price in prices.items() if price == 30)
    assert first_dear == at(1, 6) + (120 - used) // 4 * HOUR
    without = hour_prices(Tariff(1, (terms(),)), energies, hours)
    assert max(without) == at(1, 2)
    flat = hour_prices(Tariff(1, (terms(ONE),)), energies, hours, gaps=[gap])
    assert list(flat.values()) == [25] * 40


# --- What is typed in ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-10",
        "2026/10",
        "202610",
        "2026年10月",
        "2026年10月分",
        "２０２６年１０月分",
        "2026 年 10 月分",
        "令和8年10月分",
        "令和８年１０月分",
        "R8年10月",
    ],
)
def test_month_is_read_as_bills_print_it(text: str) -> None:
    assert month_of(text) == date(2026, 10, 1)


@pytest.mark.parametrize(
    "text", ["10月分", "10", "2026年13月分", "2026-10-01", "2026年10月分から", 10]
)
def test_what_is_no_month_with_its_year_is_refused(text: object) -> None:
    assert month_of(text) is None
