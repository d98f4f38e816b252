"""Puts our sensors in the place of others in the preferences of the Energy dashboard."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from homeassistant.components.energy.data import async_get_manager
from homeassistant.core import HomeAssistant

from .adoption import async_adopt_costs

if TYPE_CHECKING:
    from homeassistant.components.energy.data import EnergyPreferencesUpdate

type _Json = Mapping[str, _Json] | list[_Json] | str | float | None

_ENERGY: Final = "energy"
_PARTS: Final = ("energy_sources", "device_consumption", "device_consumption_water")


async def async_replace_in_energy_dashboard(hass: HomeAssistant, pairs: Mapping[str, str]) -> bool:
    """Replace statistics (old id -> new id) wherever the dashboard uses them.

    Everything else stays as it is: prices, names, other sources. Where the dashboard counts
    the costs by itself, these go on as well. What is in the dashboard already is not put in
    a second time. Returns whether anything was replaced; False also if there is no dashboard.
    """
    if _ENERGY not in hass.config.components:
        return False
    manager = await async_get_manager(hass)
    if manager.data is None:
        return False
    data = cast("Mapping[str, _Json]", manager.data)
    before = {part: data[part] for part in _PARTS if part in data}
    shown = _shown(before)
    wanted = {old: new for old, new in pairs.items() if new not in shown}
    after = _replaced(before, wanted)
    if after == before:
        return False
    costs = dict(_cost_sensors(hass))
    await manager.async_update(cast("EnergyPreferencesUpdate", after))
    for old, new in wanted.items():
        if old in costs and (cost := _cost_sensors(hass).get(new)) is not None:
            await async_adopt_costs(hass, costs[old], cost)
    return True


def _cost_sensors(hass: HomeAssistant) -> Mapping[str, str]:
    """Return the sensors that the dashboard has made to count costs, by what they count."""
    return cast("Mapping[str, str]", hass.data[_ENERGY]["cost_sensors"])


def _is_statistic(key: str) -> bool:
    return key.startswith("stat_") or key == "included_in_stat"


def _shown(part: _Json, key: str = "") -> set[str]:
    """Return every statistic that is used somewhere."""
    if isinstance(part, Mapping):
        return {found for name, value in part.items() for found in _shown(value, name)}
    if isinstance(part, list):
        return {found for value in part for found in _shown(value)}
    return {part} if isinstance(part, str) and _is_statistic(key) else set()


def _replaced(part: _Json, pairs: Mapping[str, str], key: str = "") -> _Json:
    """Return a copy with other statistics."""
    if isinstance(part, Mapping):
        return {name: _replaced(value, pairs, name) for name, value in part.items()}
    if isinstance(part, list):
        return [_replaced(value, pairs) for value in part]
    return pairs.get(part, part) if isinstance(part, str) and _is_statistic(key) else part
