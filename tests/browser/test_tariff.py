"""The electricity tariff: filled in from a worked example, and the price and the bill looked at."""

from playwright.async_api import expect
import pytest

from tools.demo.frontend import Frontend, words

#: The prices of kepco.jp/ryokin/menu/dento_a: a minimum charge, then three steps.
EXAMPLE = {
    "reading_day": "1",
    "basic_charge": "522.58",
    "included_energy": "15",
    "price_1": "20.21",
    "limit_1": "120",
    "price_2": "25.61",
    "limit_2": "300",
    "price_3": "28.59",
    "other_amount": "-55",
}
_PRICES = "config_subentries.tariff.step.prices"


@pytest.mark.usefixtures("meter")
async def test_tariff_is_filled_in_from_a_bill(frontend: Frontend) -> None:
    await frontend.open_integration()
    await frontend.add_tariff()
    await frontend.sees(words(f"{_PRICES}.title"))
    fields = frontend.dialog.locator("ha-selector-number input")
    await expect(fields).to_have_count(len(EXAMPLE))
    await frontend.fill_in_numbers(EXAMPLE.values())
    await frontend.number(3).fill("")
    await frontend.submit()
    await frontend.sees("Not all required fields are filled in")

    await frontend.number(3).fill(EXAMPLE["price_1"])
    await frontend.number(6).fill("100")
    await frontend.submit()
    await frontend.sees(words("config_subentries.tariff.error.limits_must_rise"))

    await frontend.number(6).fill(EXAMPLE["limit_2"])
    await frontend.submit()
    await frontend.sees(words("config_subentries.tariff.step.adjustments.title"))
    await frontend.add_month(0, "2026-05", "-1.5")
    await frontend.add_month(1, "2026-05", "3.98")
    await frontend.submit()
    await frontend.finish()

    await frontend.open_tariff()
    price = frontend.state(words("entity.sensor.electricity_price.name"))
    await expect(price).to_contain_text("JPY/kWh", timeout=600_000)
    bill = frontend.state(words("entity.sensor.bill_so_far.name"))
    await expect(bill).to_contain_text("¥", timeout=600_000)
