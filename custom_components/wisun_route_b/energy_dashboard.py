"""The preferences of Home Assistant's Energy dashboard: what they show, and how they are stored."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, cast

from homeassistant.components.energy.data import EnergyManager, async_get_manager
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

if TYPE_CHECKING:
    from homeassistant.components.energy.data import EnergyPreferences, EnergyPreferencesUpdate

type Json = Mapping[str, Json] | list[Json] | str | float | None

ENERGY: Final = "energy"
_PARTS: Final = ("energy_sources", "device_consumption", "device_consumption_water")
_SOURCES: Final = "energy_sources"
_FROM: Final = "stat_energy_from"
_TO: Final = "stat_energy_to"
_RATE: Final = "stat_rate"
_POWER: Final = "power_config"


class DashboardNotStoredError(HomeAssistantError):
    """The preferences of the Energy dashboard could not be written to the disk."""


class Addition(StrEnum):
    """What came of adding a meter."""

    ADDED = "added"
    """It is a grid connection of its own."""
    COMPLETED = "completed"
    """The connection that showed its imported energy has got what was missing."""
    UNCHANGED = "unchanged"
    """Everything was there already."""
    NO_DASHBOARD = "no_dashboard"
    """Home Assistant runs without one."""


@callback
def has_dashboard(hass: HomeAssistant) -> bool:
    """Return whether Home Assistant runs with an Energy dashboard."""
    return ENERGY in hass.config.components


async def async_has_grid_source(hass: HomeAssistant) -> bool:
    """Return whether the dashboard has a grid connection."""
    return has_dashboard(hass) and bool(_grid_sources(await async_get_manager(hass)))


async def async_shown_statistics(hass: HomeAssistant) -> set[str]:
    """Return every statistic that the dashboard uses somewhere."""
    return shown(parts(await async_get_manager(hass))) if has_dashboard(hass) else set()


async def async_add_grid_connection(
    hass: HomeAssistant, imported: str, exported: str | None = None, power: str | None = None
) -> Addition:
    """Have the dashboard show a meter, by its statistics; nothing is put in a second time.

    A grid connection that shows the imported energy gets what is missing there; all others stay as
    they are. When this returns it is on the disk; raises DashboardNotStoredError.
    """
    if not has_dashboard(hass):
        return Addition.NO_DASHBOARD
    manager = await async_get_manager(hass)
    sources = list(_sources(manager))
    in_use = shown(parts(manager))
    if imported not in in_use:
        outcome = Addition.ADDED
        free = [None if id_ in in_use else id_ for id_ in (exported, power)]
        sources.append(_connection(imported, *free))
    else:
        completed = [_completed(source, imported, exported, power, in_use) for source in sources]
        outcome = Addition.UNCHANGED if completed == sources else Addition.COMPLETED
        sources = completed
    if outcome is not Addition.UNCHANGED:
        await async_update(manager, {_SOURCES: cast("Json", sources)})
    ours = {id_ for id_ in (imported, exported, power) if id_ is not None}
    await _store_shown(hass, manager, ours)
    return outcome


async def async_remove_from_grid(hass: HomeAssistant, gone: Iterable[str]) -> bool:
    """Take statistics out of the grid connections; return whether there were any.

    A connection that shows nothing after that is removed.
    """
    if not has_dashboard(hass):
        return False
    manager, removed = await async_get_manager(hass), set(gone)
    before = list(_sources(manager))
    after = [left for source in before if (left := _without(source, removed)) is not None]
    if after == before:
        return False
    await async_update(manager, {_SOURCES: cast("Json", after)})
    return True


async def async_in_grid(hass: HomeAssistant, statistics: Iterable[str]) -> list[str]:
    """Return which of these statistics a grid connection shows."""
    if not has_dashboard(hass):
        return []
    in_use = shown(cast("Json", _grid_sources(await async_get_manager(hass))))
    return [statistic for statistic in statistics if statistic in in_use]


# --- Grid connections ------------------------------------------------------------------------


def _sources(manager: EnergyManager) -> list[dict[str, Any]]:
    data = cast("Mapping[str, Any]", manager.data or {})
    return cast("list[dict[str, Any]]", data.get(_SOURCES, []))


def _grid_sources(manager: EnergyManager) -> list[dict[str, Any]]:
    return [source for source in _sources(manager) if source.get("type") == "grid"]


def _connection(imported: str, exported: str | None, power: str | None) -> dict[str, Any]:
    """Return a grid connection as the dashboard's own dialog makes it."""
    connection: dict[str, Any] = {
        "type": "grid",
        _FROM: imported,
        _TO: exported,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0.0,
    }
    return connection if power is None else connection | {_RATE: power, _POWER: {_RATE: power}}


def _completed(
    source: dict[str, Any],
    imported: str,
    exported: str | None,
    power: str | None,
    in_use: set[str],
) -> dict[str, Any]:
    if source.get("type") != "grid" or source.get(_FROM) != imported:
        return source
    more: dict[str, Any] = {}
    if exported is not None and exported not in in_use and source.get(_TO) is None:
        more[_TO] = exported
    if power is not None and power not in in_use and not source.keys() & {_RATE, _POWER}:
        more |= {_RATE: power, _POWER: {_RATE: power}}
    return source | more


def _without(source: dict[str, Any], removed: set[str]) -> dict[str, Any] | None:
    """Return a source without some statistics; None if it shows nothing else."""
    if source.get("type") != "grid" or not shown(source) & removed:
        return source
    left = {
        key: value
        for key, value in source.items()
        if key not in (_RATE, _POWER) or not shown({key: value}) & removed
    }
    left |= {key: None for key in (_FROM, _TO) if source.get(key) in removed}
    return left if any(left.get(key) for key in (_FROM, _TO, _RATE, _POWER)) else None


# --- What is stored --------------------------------------------------------------------------


async def async_update(manager: EnergyManager, changed: Mapping[str, Json]) -> None:
    """Change some parts of the preferences; the manager writes them a minute later."""
    await manager.async_update(cast("EnergyPreferencesUpdate", changed))


async def async_store_now(manager: EnergyManager) -> None:
    """Write the preferences at once. A store logs what goes wrong, and raises nothing."""
    # The manager has no public way to write now.
    await manager._store.async_save(cast("EnergyPreferences", manager.data))  # noqa: SLF001


async def async_on_the_disk(hass: HomeAssistant) -> set[str]:
    """Return every statistic that the dashboard would use after a power cut."""
    stored = EnergyManager(hass)
    await stored.async_initialize()
    return shown(parts(stored))


async def _store_shown(hass: HomeAssistant, manager: EnergyManager, statistics: set[str]) -> None:
    """See to it that those of these statistics are on the disk that are shown."""
    wanted = statistics & shown(parts(manager))
    if wanted <= await async_on_the_disk(hass):
        return
    await async_store_now(manager)
    if not wanted <= await async_on_the_disk(hass):
        raise DashboardNotStoredError("The Energy dashboard is not on the disk")


def parts(manager: EnergyManager) -> Mapping[str, Json]:
    """Return what the preferences consist of."""
    data = cast("Mapping[str, Json]", manager.data or {})
    return {part: data[part] for part in _PARTS if part in data}


def is_statistic(key: str) -> bool:
    """Return whether the value of a key names a statistic."""
    return key.startswith("stat_") or key == "included_in_stat"


def shown(part: Json, key: str = "") -> set[str]:
    """Return every statistic that is used somewhere in a part of the preferences."""
    if isinstance(part, Mapping):
        return {found for name, value in part.items() for found in shown(value, name)}
    if isinstance(part, list):
        return {found for value in part for found in shown(value)}
    return {part} if isinstance(part, str) and is_statistic(key) else set()
