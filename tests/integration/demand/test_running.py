"""The running half-hour: what power and register say together."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.demand.running import (
    PowerSamples,
    RunningDemand,
    running_demand,
)
from custom_components.wisun_route_b.stack import JST, Scale

START = datetime(2026, 11, 22, 12, 0, tzinfo=JST)
SCALE = Scale(Decimal("0.1"), digits=6)
SECOND = timedelta(seconds=1)


def _samples(*watts: tuple[int, float]) -> PowerSamples:
    samples = PowerSamples()
    for second, power in watts:
        samples.note(START + second * SECOND, Decimal(power))
    return samples


def _level(watts: int, until: int, since: int = 0) -> PowerSamples:
    return _samples(*((second, watts) for second in range(since, until + 1, 30)))


def test_nothing_was_read_yet() -> None:
    assert running_demand(PowerSamples(), Decimal(1), Decimal(2), SCALE) is None


def test_level_power_is_the_demand_and_the_projection() -> None:
    found = running_demand(_level(2000, 600), None, None, SCALE)

    assert found is not None
    assert found == RunningDemand(START, Decimal(2), Decimal(2))


def test_power_of_the_last_minutes_goes_on_in_the_projection() -> None:
    samples = _level(1000, 600)
    for second in range(600, 901, 30):
        samples.note(START + (second + 1) * SECOND, Decimal(4000))

    found = running_demand(samples, None, None, SCALE)

    assert found is not None
    # 10 minutes of 1 kW, 5 of 4 kW; then 15 more of 4 kW.
    assert float(found.average) == pytest.approx(2.0, abs=0.01)
    assert float(found.projected) == pytest.approx(3.0, abs=0.01)


def test_what_is_exported_is_no_demand() -> None:
    found = running_demand(_level(-3000, 600), None, None, SCALE)

    assert found is not None
    assert found == RunningDemand(START, Decimal(), Decimal())


def test_samples_before_the_half_hour_do_not_count() -> None:
    found = running_demand(
        _samples((-60, 6000), (-30, 6000), (0, 2000), (60, 2000)), None, None, SCALE
    )

    assert found is not None
    assert found.average == 2


@pytest.mark.parametrize(
    ("shown", "average"),
    [
        ("100.5", 2.0),  # 0.4 to 0.6 kWh in a quarter of an hour: so does the power
        ("101.5", 5.6),  # at least 1.4 kWh: the power missed something
        ("100.0", 0.4),  # at most 0.1 kWh
        ("99.0", 2.0),  # the register fell: another meter, which says nothing
    ],
)
def test_register_bounds_the_average(shown: str, average: float) -> None:
    found = running_demand(_level(2000, 900), Decimal(100), Decimal(shown), SCALE)

    assert found is not None
    assert float(found.average) == pytest.approx(average)


def test_register_counts_through_its_roll_over() -> None:
    found = running_demand(_level(2000, 900), Decimal("99999.9"), Decimal("1.4"), SCALE)

    assert found is not None
    assert float(found.average) == pytest.approx(5.6)


def test_gap_between_two_samples_is_not_filled_with_their_mean() -> None:
    samples = _level(1000, 300)
    samples.note(START + timedelta(minutes=20), Decimal(9000))

    found = running_demand(samples, None, None, SCALE)

    assert found is not None
    assert found.average == 1


@pytest.mark.parametrize("seconds", [-55, 0, 55])
def test_meters_clock_that_is_known_better_keeps_the_readings(seconds: int) -> None:
    samples = _level(3000, 900)
    samples.shift(timedelta(seconds=seconds))
    samples.note(START + timedelta(seconds=930 + seconds), Decimal(3000))

    found = running_demand(samples, None, None, SCALE)

    assert found is not None
    assert found.average == found.projected == 3


def test_clock_that_is_set_back_begins_again() -> None:
    samples = _level(1000, 900)
    samples.note(START, Decimal(5000))

    found = running_demand(samples, None, None, SCALE)

    assert found is not None
    assert found == RunningDemand(START, Decimal(5), Decimal(5))
