"""The page of the device."""

import re

from homeassistant.components.sensor import SensorDeviceClass
from playwright.async_api import expect
import pytest

from custom_components.wisun_route_b.binary_sensor import BINARY_SENSORS
from custom_components.wisun_route_b.button import BUTTONS
from custom_components.wisun_route_b.entity import RouteBEntityDescription
from custom_components.wisun_route_b.link_state import LINK_STATES
from custom_components.wisun_route_b.sensor import ALL_SENSORS
from tools.demo.frontend import Frontend, words

_LANGUAGES = ("en", "ja")
_ENTITIES: dict[str, tuple[RouteBEntityDescription, ...]] = {
    "sensor": ALL_SENSORS,
    "binary_sensor": BINARY_SENSORS,
    "button": BUTTONS,
}
_READINGS = {
    "Power": r"-?[\d,]+\sW",
    "Current R": r"-?[\d.]+\sA",
    "Current T": r"-?[\d.]+\sA",
    "Imported energy": r"[\d,]+\.\d\skWh",
    "Exported energy": r"[\d,]+\.\d\skWh",
    words("entity.sensor.link_state.name"): words("entity.sensor.link_state.state.connected"),
}


@pytest.mark.usefixtures("meter")
async def test_the_page_of_the_device_shows_live_readings(frontend: Frontend) -> None:
    await frontend.open_device()

    for name, form in _READINGS.items():
        await expect(frontend.state(name)).to_contain_text(re.compile(form))
        assert re.fullmatch(form, await frontend.value(name)), name

    # The next reading comes by itself. The power of a household is never quite the same.
    before = await frontend.value("Power")
    await expect(frontend.state("Power")).not_to_contain_text(before)


# --- Names that fit ----------------------------------------------------------------------------

#: Widths of a window in CSS pixels: three columns, the narrowest of them, and a phone.
_WIDTHS = (1280, 390)
#: Writes names, and with them states, into a row of the page; returns those that do not fit.
_CUT = """\
(row, [names, states]) => {
  const textIn = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (walker.currentNode.data.trim()) return walker.currentNode;
  };
  const info = row.shadowRoot.querySelector('.info');
  const name = textIn(info), state = textIn(row);
  const before = [name.data, state.data];
  const cut = (element) => element.scrollWidth > element.clientWidth;
  const found = [];
  for (const text of names) {
    name.data = text;
    for (const shown of states) {
      state.data = shown;
      if (cut(info) || cut(state.parentElement)) found.push(`${text}: ${shown}`);
    }
  }
  [name.data, state.data] = before;
  return found;
}
"""


def _names(*, energies: bool) -> list[str]:
    """Return the names in all languages of all entities of one kind that there can be."""
    return [
        words(f"entity.{platform}.{row.translation_key}.name", language)
        for platform, rows in _ENTITIES.items()
        for row in rows
        if row.translation_key and (row.device_class is SensorDeviceClass.ENERGY) is energies
        for language in _LANGUAGES
    ]


@pytest.mark.usefixtures("meter")
@pytest.mark.parametrize("width", _WIDTHS)
async def test_no_name_of_an_entity_is_cut(frontend: Frontend, width: int) -> None:
    await frontend.open_device()
    await frontend.page.set_size(width, 2400)
    counter = frontend.state("Exported energy")
    await expect(counter).to_contain_text("kWh")

    assert await counter.evaluate(_CUT, [_names(energies=True), ["28,202.0\xa0kWh"]]) == []
    assert await counter.evaluate(_CUT, [_names(energies=False), ["Unavailable"]]) == []
    for language in _LANGUAGES:
        state = "entity.sensor.link_state"
        states = [words(f"{state}.state.{key}", language) for key in LINK_STATES]
        assert await counter.evaluate(_CUT, [[words(f"{state}.name", language)], states]) == []
