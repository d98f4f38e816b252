"""From counts to kWh, and around the end of the register."""

from decimal import Decimal

import pytest

from custom_components.wisun_route_b.stack import Scale, errors


@pytest.mark.parametrize(
    ("count", "coefficient", "unit", "energy"),
    [
        (109349, 1, "0.1", "10934.9"),  # node-wisunrb README, a real meter
        (75313, 1, "0.01", "753.13"),
        (65139, 1, "0.1", "6513.9"),  # capture 08
        (12, 60, "1", "720"),  # a meter behind a current transformer
        (1, 1, "10000", "10000"),
    ],
)
def test_energy_is_count_times_coefficient_times_unit(
    count: int, coefficient: int, unit: str, energy: str
) -> None:
    scale = Scale(Decimal(unit), coefficient)
    assert str(scale.kwh(count)) == energy
    assert scale.count(Decimal(energy)) == count


def test_a_coefficient_of_zero_is_refused() -> None:
    with pytest.raises(errors.DecodeError):
        Scale(Decimal(1), 0)


def test_an_energy_between_two_steps_has_no_count() -> None:
    with pytest.raises(errors.EncodeError):
        Scale(Decimal("0.1")).count(Decimal("0.05"))


def test_consumption_across_the_roll_over_of_six_digits() -> None:
    scale = Scale(Decimal("0.1"), 1, 6)
    assert scale.modulus == Decimal("100000.0")
    assert scale.consumed(Decimal("99999.8"), Decimal("0.3")) == Decimal("0.5")
    assert scale.consumed(Decimal("5.0"), Decimal("5.0")) == 0


def test_a_fall_is_no_number_when_the_digits_are_unknown() -> None:
    assert Scale(Decimal("0.1")).consumed(Decimal("2.0"), Decimal("1.0")) is None


def test_an_exchanged_meter_is_no_roll_over() -> None:
    scale = Scale(Decimal("0.1"), 1, 6)
    assert scale.consumed(Decimal("12345.6"), Decimal("0.3")) is None
    assert scale.consumed(Decimal("6500.0"), Decimal("6499.9")) is None
