"""The electricity tariff: filled in from a worked example, and the price and the bill looked at."""

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.frontend import Frontend, words
from tools.demo.jsons import as_object, as_text

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
async def test_tariff_is_filled_in_from_a_bill(
    frontend: Frontend, client: HomeAssistantClient
) -> None:
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

    state = as_object(await client.get("/api/states/sensor.electricity_tariff_bill_so_far"))
    row = as_object(state["attributes"])
    energy = row["energy"]
    assert isinstance(energy, float)
    levy, use = int(energy * 3.98), _by_steps(energy)
    assert row["levy"] == levy
    assert row["charge_by_use"] == pytest.approx(use, abs=0.05)
    assert float(as_text(state["state"])) == pytest.approx(
        522.58 - 55 + use - 1.5 * energy + levy, abs=1.1
    )


def _by_steps(energy: float) -> float:
    """Return what the example makes of a month's energy, kWh."""
    widths = ((15, 0.0), (105, 20.21), (180, 25.61), (10**6, 28.59))
    charge = 0.0
    for width, price in widths:
        within = min(energy, width)
        charge, energy = charge + within * price, energy - within
    return charge
