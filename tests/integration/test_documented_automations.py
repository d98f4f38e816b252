"""What docs/automations*.md offers for copying: it is loaded, and does what is said of it."""

from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
)

from tests.stack.scripted import ScriptedDongle

from .conftest import Wait, entry_for, live_session

DOCS = Path(__file__).parents[2] / "docs"

type Block = dict[str, Any]


def _yaml(name: str) -> list[str]:
    """Return the YAML blocks of a document."""
    text = (DOCS / name).read_text("utf-8")
    return [str(block[1]) for block in re.finditer(r"(?ms)^```yaml\n(.*?)^```$", text)]


@pytest.fixture(params=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def meter(language: str) -> str:
    """How the entity ids of the first meter begin, by the language of Home Assistant."""
    return {"en": "smart_meter", "ja": "sumatometa"}[language]


@pytest.fixture
def blocks(language: str) -> list[Block]:
    name = {"en": "automations.md", "ja": "automations.ja.md"}[language]
    return [block for text in _yaml(name) if isinstance(block := parse_yaml(text), dict)]


async def _configure(hass: HomeAssistant, block: Block) -> None:
    for domain in block:
        assert await async_setup_component(hass, domain, block)
    await hass.async_block_till_done()


def _show(hass: HomeAssistant, entity_id: str, value: object, **attributes: object) -> None:
    hass.states.async_set(entity_id, str(value), attributes)


async def test_all_entities_are_those_of_a_meter_that_is_set_up(
    hass: HomeAssistant, dongle: ScriptedDongle, language: str, meter: str
) -> None:
    hass.config.language = language
    live_session(dongle)
    entry = entry_for()
    entry.add_to_hass(hass)
    title = {"en": "Smart meter", "ja": "スマートメーター"}[language]  # as the dialog names it
    hass.config_entries.async_update_entry(entry, title=title)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    text = "".join(
        path.read_text("utf-8")
        for path in DOCS.glob("*.md")
        if (".ja." in path.name) == (language == "ja")
    )
    named = set(re.findall(rf"\b(?:sensor|binary_sensor|button)\.{meter}_[a-z_]+", text))

    # The Energy dashboard makes sensors of its own beside those of the energies.
    priced = re.compile(r"_(?:cost|compensation)$")
    assert any(priced.search(name) for name in named)
    named = {priced.sub("", name) for name in named}
    assert named <= set(er.async_get(hass).entities)


def test_both_languages_offer_the_same() -> None:
    def frame(name: str) -> list[str]:
        return [
            re.sub(r"smart_meter|sumatometa", "meter", line).split("#")[0].strip()
            for block in _yaml(name)
            for line in block.splitlines()
            if re.search(
                r"\b(trigger|action|entity_id|value_template|for|below|cycle|unique_id):", line
            )
        ]

    assert frame("automations.md") == frame("automations.ja.md")


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_monthly_bill_adds_up_the_steps(
    hass: HomeAssistant, blocks: list[Block], meter: str
) -> None:
    energy = {"unit_of_measurement": "kWh", "device_class": "energy"}
    register = f"sensor.{meter}_imported_energy"
    await _configure(hass, blocks[0])
    for count in (1000.0, 1010.0, "unavailable", 1310.0):  # the link was down for a while
        _show(hass, register, count, state_class="total_increasing", **energy)
        await hass.async_block_till_done()

    (bill,) = (
        s for s in hass.states.async_all("sensor") if s.attributes.get("device_class") == "monetary"
    )
    assert float(bill.state) == 1200 + 120 * 30 + 180 * 37 + 10 * 41 + 310 * 4


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_market_bill_counts_each_half_hour_once_at_the_price_it_had(
    hass: HomeAssistant,
    blocks: list[Block],
    meter: str,
    freezer: FrozenDateTimeFactory,
    wait: Wait,
) -> None:
    announced = f"sensor.{meter}_half_hour_import"
    freezer.move_to("2026-11-22 09:20:00+09:00")
    start = dt_util.parse_datetime("2026-11-22 08:30:00+09:00", raise_on_error=True)
    _show(hass, announced, 0.4, last_reset=start.isoformat())
    await _configure(hass, blocks[1])

    async def half_hour(slot: int, price: float, energy: float) -> None:
        begin = start + timedelta(minutes=30 * slot)
        _show(hass, "sensor.market_price", price)
        freezer.move_to(begin + timedelta(minutes=28, seconds=30))
        async_fire_time_changed(hass)
        await wait(timedelta(seconds=31))
        _show(hass, "sensor.market_price", 99)  # the next half-hour's
        await wait(timedelta(minutes=4))
        _show(hass, announced, energy, last_reset=begin.isoformat())
        await hass.async_block_till_done()

    await half_hour(1, price=10.0, energy=0.5)
    await half_hour(2, price=20.0, energy=0.5)  # the same energy again is another half-hour
    _show(hass, announced, "unavailable")
    await hass.async_block_till_done()
    _show(hass, announced, 0.5, last_reset=(start + timedelta(minutes=60)).isoformat())
    await hass.async_block_till_done()

    (bill,) = (
        s for s in hass.states.async_all("sensor") if s.attributes.get("device_class") == "monetary"
    )
    assert float(bill.state) == pytest.approx(0.5 * 10 + 0.5 * 20)
