"""Bills that others have computed, figure by figure. Only facts and figures are quoted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.tariff.bill import Bill, Tally
from custom_components.wisun_route_b.tariff.model import MonthlyRate, Step, Tariff, Terms
from custom_components.wisun_route_b.tariff.periods import BillingPeriod, parts_of

PERIOD = BillingPeriod(date(2030, 4, 1), date(2030, 5, 1))


def steps(*pairs: tuple[str | None, str]) -> tuple[Step, ...]:
    """Return steps out of limits and prices."""
    return tuple(Step(None if up_to is None else Decimal(up_to), Decimal(p)) for up_to, p in pairs)


def rates(per_kwh: str | None) -> tuple[MonthlyRate, ...]:
    return () if per_kwh is None else (MonthlyRate(date(2030, 4, 1), Decimal(per_kwh)),)


def bill_of(tariff: Tariff, energy: Decimal, period: BillingPeriod = PERIOD) -> Bill:
    """Use as much in every half-hour of a period."""
    tally = Tally(tariff, period)
    count = period.days * 48
    for index in range(count):
        tally.add(period.start + index * timedelta(minutes=30), energy / count)
    bill = tally.bill()
    assert bill is not None
    return bill


#: Kansai's 従量電灯A: a minimum charge that includes 15 kWh.
KANSAI = steps(("15", "0"), ("120", "20.21"), ("300", "25.61"), (None, "28.59"))
KANSAI_2014 = steps(("15", "0"), ("120", "22.83"), ("300", "29.26"), (None, "33.32"))
TEPCO_2006 = steps(("120", "17.87"), ("300", "22.86"), (None, "24.13"))


@pytest.mark.parametrize(
    ("source", "terms", "energy", "use", "total"),
    [
        (
            "kepco.jp/ryokin/menu/dento_a: 260 kWh, direct debit",
            Terms(None, Decimal("522.58"), KANSAI, other=Decimal(-55)),
            "260",
            "5707.45",  # 2,122.05 + 3,585.40
            "6175",
        ),
        (
            "kepco.jp/ryokin/menu/dento_a, stored before 2016: 300 kWh",
            Terms(None, Decimal("373.73"), KANSAI_2014),
            "300",
            "7663.95",  # 2,397.15 + 5,266.80
            "8037",
        ),
        (
            "woman.excite.co.jp/article/lifestyle/rid_Limia_67951: 60 kWh",
            Terms(None, Decimal(0), steps(("120", "19.52"), ("300", "26.00"), (None, "30.02"))),
            "60",
            "1171.20",
            "1171",
        ),
        (
            "yoilife.com/kounetu/denryo.html: 320 kWh, each step rounded there (6,741)",
            Terms(None, Decimal(0), TEPCO_2006),
            "320",
            "6741.80",  # 2,144.40 + 4,114.80 + 482.60
            "6741",
        ),
    ],
)
def test_bill_is_that_of_the_example(
    source: str, terms: Terms, energy: str, use: str, total: str
) -> None:
    bill = bill_of(Tariff(1, (terms,)), Decimal(energy))

    assert round(bill.use, 6) == Decimal(use), source
    assert bill.total == Decimal(total), source


def test_step_limits_of_half_a_month_are_those_of_the_example() -> None:
    """www.faq.eneos.co.jp/faq/show/7094: 15 of 30 days."""
    change = date(2030, 4, 16)
    limits = []
    for row in (TEPCO_2006, KANSAI):
        tariff = Tariff(1, (Terms(None, Decimal(600), row), Terms(change, Decimal(900), row)))
        first, second = parts_of(tariff, PERIOD)
        assert first.share == second.share == Decimal("0.5")
        assert first.steps == second.steps
        limits.append([step.up_to for step in first.steps])

    # 60 and 90 kWh in Kanto; 8, 53 and 90 kWh in Kansai.
    assert limits == [[60, 150, None], [8, 61, 151, None]]


@pytest.mark.parametrize(
    ("energy", "fuel", "levy", "parts", "total"),
    [
        # 120 x 20 + 140 x 30 = 6,600 and 935.25; 3.49 x 260 = 907.4, of which 907 are added.
        ("260", None, "3.49", ("0", "907"), 8442),
        # -5.04 x 260 = -1,310.4; 935.25 + 6,600 - 1,310.4 + 907 = 7,131.85
        ("260", "-5.04", "3.49", ("-1310.4", "907"), 7131),
        ("0", "-5.04", "3.49", ("0", "0"), 935),
    ],
)
def test_levy_and_total_are_cut_off_to_whole_yen(
    energy: str, fuel: str | None, levy: str, parts: tuple[str, str], total: int
) -> None:
    """Rounding as kepco.jp/ryokin/menu/dento_a names it; figures of our own."""
    terms = Terms(None, Decimal("935.25"), steps(("120", "20"), (None, "30")))
    bill = bill_of(Tariff(1, (terms,), rates(fuel), rates(levy)), Decimal(energy))

    assert (round(bill.fuel, 6), bill.levy) == tuple(Decimal(part) for part in parts)
    assert bill.total == total


def test_moments_are_aware() -> None:
    assert PERIOD.start == datetime(2030, 3, 31, 15, tzinfo=UTC)
