"""Replaces other sensors by ours in the preferences of the Energy dashboard."""

from collections.abc import Mapping
import logging
from typing import cast

from homeassistant.components.energy.data import EnergyManager, async_get_manager
from homeassistant.core import HomeAssistant

from ..energy_dashboard import (
    ENERGY,
    DashboardNotStoredError,
    Json,
    async_on_the_disk,
    async_store_now,
    async_update,
    has_dashboard,
    is_statistic,
    parts,
    shown,
)
from .statistics_migration import async_migrate_costs

_LOGGER = logging.getLogger(__name__)


async def async_replace_in_energy_dashboard(hass: HomeAssistant, pairs: Mapping[str, str]) -> bool:
    """Replace statistics (old id -> new id) wherever the dashboard uses them.

    Everything else stays as it is: prices, names, other sources. Where the dashboard counts
    the costs by itself, these go on as well. What is in the dashboard already is not put in
    a second time. Returns whether anything was replaced; False also if there is no dashboard.

    When this returns, no old id is on the disk where a new one is to be. Raises
    DashboardNotStoredError, and RecorderError if the costs could not be carried over; the same
    can be done again then.
    """
    if not has_dashboard(hass):
        return False
    manager = await async_get_manager(hass)
    if manager.data is None:
        return False
    before = parts(manager)
    in_use = shown(before)
    wanted = {old: new for old, new in pairs.items() if new not in in_use}
    after = cast("Mapping[str, Json]", _replaced(before, wanted))
    costs = dict(_cost_sensors(hass))
    if after != before:
        await async_update(manager, after)
    await _store(hass, manager, pairs)
    await _migrate_costs(hass, pairs, costs)
    return after != before


async def _store(hass: HomeAssistant, manager: EnergyManager, pairs: Mapping[str, str]) -> None:
    """See to it that no old id is on the disk that is not in the memory."""
    gone = pairs.keys() - shown(parts(manager))
    if not gone & await async_on_the_disk(hass):
        return
    # The manager writes a minute later: a power cut until then would leave the dashboard with
    # sensors that have no statistics any more.
    await async_store_now(manager)
    if gone & await async_on_the_disk(hass):
        raise DashboardNotStoredError("The Energy dashboard is not on the disk")


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
    return cast("Mapping[str, str]", hass.data[ENERGY]["cost_sensors"])


def _replaced(part: Json, pairs: Mapping[str, str], key: str = "") -> Json:
    """Return a copy with other statistics."""
    if isinstance(part, Mapping):
        return {name: _replaced(value, pairs, name) for name, value in part.items()}
    if isinstance(part, list):
        return [_replaced(value, pairs) for value in part]
    return pairs.get(part, part) if isinstance(part, str) and is_statistic(key) else part
