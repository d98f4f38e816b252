"""The last page of the set-up: what was found and done, and what is left to do.

The frontend translates a text that an integration names by its key; it knows the language of the
person before the screen, which may be another one than that of the house. What is said depends on
two things, and a text cannot be put together from others there: each combination has a key.
"""

from itertools import chain, count
from typing import Final, Literal, NamedTuple, get_args

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..energy_dashboard import async_has_grid_source, async_in_grid, has_dashboard
from ..orders import Orders
from ..stack import Signal

#: How well the meter is received.
type Reception = Literal["good", "fair", "weak", "unknown"]
#: What became of the Energy dashboard: there is none; the meter was added; it has taken the place
#: of other sensors; another connection was left as it was; nothing, with none to be left.
type Dashboard = Literal["plain", "added", "switched", "left", "by_hand"]

#: The keys of all texts.
LAST_PAGES: Final = frozenset(
    f"{reception}_{dashboard}"
    for reception in get_args(Reception.__value__)
    for dashboard in get_args(Dashboard.__value__)
)


class LastPage(NamedTuple):
    """A text, as Home Assistant takes it for the end of a dialog."""

    description: str
    """One of LAST_PAGES."""
    description_placeholders: dict[str, str]


async def async_title(hass: HomeAssistant) -> str:
    """Name the entry and its device in the language of the house: "Smart meter", "Smart meter 2" ….

    The name gives no secret away.
    """
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    name = texts.get(f"component.{DOMAIN}.device.smart_meter.name", "Smart meter")
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    numbered = (f"{name} {number}" for number in count(2))
    return next(title for title in chain((name,), numbered) if title not in taken)


async def async_last_page(hass: HomeAssistant, signal: Signal | None, orders: Orders) -> LastPage:
    """Choose the text for what was found and will be done."""
    dashboard = await _dashboard(hass, orders)
    if signal is None:
        return LastPage(_key("unknown", dashboard), {})
    return LastPage(_key(signal.reception, dashboard), {"dbm": f"{signal.dbm:.0f}"})


def _key(reception: Reception, dashboard: Dashboard) -> str:
    return f"{reception}_{dashboard}"


async def _dashboard(hass: HomeAssistant, orders: Orders) -> Dashboard:
    if not has_dashboard(hass):
        return "plain"
    theirs = (orders.take_over or {}).values()
    if await async_in_grid(hass, theirs):
        return "switched"
    if orders.dashboard:
        return "added"
    return "left" if await async_has_grid_source(hass) else "by_hand"
