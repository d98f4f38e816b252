"""Units of prices per kWh, as sensors in Japan write them."""

from decimal import Decimal

import pytest

from custom_components.wisun_route_b.history.prices import per_kwh_factor


@pytest.mark.parametrize(
    "unit",
    [
        None,
        "円",
        "JPY/kWh",
        "JPY / kWh",
        "jpy/KWH",
        "円/kWh",
        "円/kwh",
        "円\uff0f\uff4b\uff37\uff48",
        "円/㎾h",
        "¥/kWh",
        "￥/kWh",
        "yen/kWh",
        "Yen / kWh",
    ],
)
def test_yen_per_kwh_is_known_however_it_is_written(unit: str | None) -> None:
    assert per_kwh_factor(unit, "JPY") == 1


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("円/Wh", "1000"),
        ("円 / wh", "1000"),
        ("円/MWh", "0.001"),
        ("円/mWh", "1000000"),
        ("￥\uff0f\uff2d\uff37\uff48", "0.001"),
    ],
)
def test_other_amounts_of_energy_are_told_apart(unit: str, factor: str) -> None:
    assert per_kwh_factor(unit, "JPY") == Decimal(factor)


@pytest.mark.parametrize(
    ("unit", "currency"),
    [
        ("USD/kWh", "JPY"),
        ("$/kWh", "JPY"),
        ("銭/kWh", "JPY"),
        ("￥/kWh", "EUR"),
        ("yen/kWh", "USD"),
        ("円/mwh", "JPY"),
        ("円/MWH", "JPY"),
        ("円/月", "JPY"),
        ("円/m³", "JPY"),
        ("円/kWh/h", "JPY"),
    ],
)
def test_what_is_another_currency_or_not_clear_is_refused(unit: str, currency: str) -> None:
    assert per_kwh_factor(unit, currency) is None
