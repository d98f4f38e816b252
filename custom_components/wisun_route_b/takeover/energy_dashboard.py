"""Replaces other sensors by ours in the preferences of the Energy dashboard."""

from collections.abc import Mapping
import logging
from typing import TYPE_CHECKING, Final, cast

from homeassistant.components.energy.data import EnergyManager, async_get_manager
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .statistics_migration import async_migrate_costs

if TYPE_CHECKING:
    from homeassistant.components.energy.data import EnergyPreferences, EnergyPreferencesUpdate

_LOGGER = logging.getLogger(__name__)

type _Json = Mapping[str, _Json] | list[_Json] | str | float | None

_ENERGY: Final = "energy"
_PARTS: Final = ("energy_sources", "device_consumption", "device_consumption_water")


class DashboardNotStoredError(HomeAssistantError):
    """The preferences of the Energy dashboard could not be written to the disk."""


async def async_replace_in_energy_dashboard(hass: HomeAssistant, pairs: Mapping[str, str]) -> bool:
    """Replace statistics (old id -> new id) wherever the dashboard uses them.

    Everything else stays as it is: prices, names, other sources. Where the dashboard counts
    the costs by itself, these go on as well. What is in the dashboard already is not put in
    a second time. Returns whether anything was replaced; False also if there is no dashboard.

    When this returns, no old id is on the disk where a new one is to be. Raises
    DashboardNotStoredError, and RecorderError if the costs could not be carried over; the same
    can be done again then.
    """
    if _ENERGY not in hass.config.components:
        return False
    manager = await async_get_manager(hass)
    if manager.data is None:
        return False
    before = _parts(manager)
    shown = _shown(before)
    wanted = {old: new for old, new in pairs.items() if new not in shown}
    after = _replaced(before, wanted)
    costs = dict(_cost_sensors(hass))
    if after != before:
        await manager.async_update(cast("EnergyPreferencesUpdate", after))
    await _store(hass, manager, pairs)
    await _migrate_costs(hass, pairs, costs)
    return after != before


async def _store(hass: HomeAssistant, manager: EnergyManager, pairs: Mapping[str, str]) -> None:
    """Ensure that no old id is on the disk that is not in memory."""
    gone = pairs.keys() - _shown(_parts(manager))
    if not gone & await _on_the_disk(hass):
        return
    # The manager writes a minute later: a power cut until then would leave the dashboard with
    # sensors that have no statistics any more. It has no public way to write now.
    await manager._store.async_save(cast("EnergyPreferences", manager.data))  # noqa: SLF001
    # A store logs its errors, and raises nothing.
    if gone & await _on_the_disk(hass):
        raise DashboardNotStoredError("The Energy dashboard is not on the disk")


async def _on_the_disk(hass: HomeAssistant) -> set[str]:
    """Return every statistic that the dashboard would use after a power cut."""
    stored = EnergyManager(hass)
    await stored.async_initialize()
    return _shown(_parts(stored))


def _parts(manager: EnergyManager) -> Mapping[str, _Json]:
    data = cast("Mapping[str, _Json]", manager.data or {})
    return {part: data[part] for part in _PARTS if part in data}


async def _migrate_costs(
    hass: HomeAssistant, pairs: Mapping[str, str], before: Mapping[str, str]
) -> None:
    """Let the dashboard's own cost sensors continue; does nothing if that is done already."""
    for old, new in pairs.items():
        cost = _cost_sensors(hass).get(new)
        if cost is None:
            continue
        # They are called after what they count; after a restart the old one is not there.
        theirs = before.get(old, old + cost.removeprefix(new) if cost.startswith(new) else "")
        if theirs and not await async_migrate_costs(hass, theirs, cost):
            _LOGGER.warning("The older costs of the Energy dashboard cannot be carried over")


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
