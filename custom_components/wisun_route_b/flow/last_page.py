"""The last page of the set-up: what was found and done, and what is left to do."""

from collections.abc import Mapping
from itertools import chain, count

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..energy_dashboard import async_has_grid_source, async_in_grid, has_dashboard
from ..orders import Orders
from ..stack import Signal, SmartMeter, properties


async def async_title(hass: HomeAssistant) -> str:
    """Name the entry and its device in the language of the house: "Smart meter", "Smart meter 2" ….

    The name gives no secret away.
    """
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    name = texts.get(f"component.{DOMAIN}.device.smart_meter.name", "Smart meter")
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    numbered = (f"{name} {number}" for number in count(2))
    return next(title for title in chain((name,), numbered) if title not in taken)


async def async_last_page(hass: HomeAssistant, meter: SmartMeter, orders: Orders) -> dict[str, str]:
    """Return the placeholders of the text, in the language of the house."""
    prefix = f"component.{DOMAIN}.config.create_entry."
    found = await async_get_translations(hass, hass.config.language, "config", [DOMAIN])
    texts = {
        key.removeprefix(prefix): text for key, text in found.items() if key.startswith(prefix)
    }
    energy = [
        texts.get(key, "")
        for key in await _energy(hass, orders)
        if key != "solar" or _counts_export(meter)
    ]
    if orders.import_days and has_dashboard(hass):
        energy.append(texts.get("days", ""))
    return {
        "reception": _reception(texts, meter.signal),
        "energy": "\n\n".join(filter(None, energy)),
    }


async def _energy(hass: HomeAssistant, orders: Orders) -> list[str]:
    """Return the keys of what there is to say about the Energy dashboard."""
    if not has_dashboard(hass):
        return []
    theirs = (orders.take_over or {}).values()
    if await async_in_grid(hass, theirs):
        return ["energy_switched", "solar"]
    if orders.dashboard:
        return ["energy_added", "solar"]
    return ["energy_left" if await async_has_grid_source(hass) else "energy_by_hand"]


def _counts_export(meter: SmartMeter) -> bool:
    description = meter.description
    return description is not None and description.offers(properties.CUMULATIVE_ENERGY_REVERSE)


def _reception(texts: Mapping[str, str], signal: Signal | None) -> str:
    if signal is None:
        return ""
    text = texts.get(f"reception_{signal.reception}", "")
    return text.replace("{dbm}", f"{signal.dbm:.0f}")
