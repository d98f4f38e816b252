"""What still names the sensors of the other integration: automations, scripts, scenes, dashboards.

Their entity ids have the Route-B ID in them: neither these nor what was searched may be shown.
"""

from collections.abc import AsyncIterator, Iterable
import json
import re
from typing import Any

from homeassistant.components.homeassistant.scene import scenes_with_entity
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

#: Domains of entities that keep the configuration that they were made of.
_CONFIGURED = ("automation", "script")
#: The dashboard that has no path of its own.
_DEFAULT_DASHBOARD = "lovelace"


async def async_users_of(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the names of everything that names a sensor or the device of an entry, sorted."""
    sensors = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    if not sensors:
        return []
    ids = {sensor.entity_id for sensor in sensors} | {sensor.id for sensor in sensors}
    ids |= {sensor.device_id for sensor in sensors if sensor.device_id}
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, ids))})(?!\w)")
    found = {
        *_configured(hass, pattern),
        *_scenes(hass, [sensor.entity_id for sensor in sensors]),
        *[name async for name in _dashboards(hass, pattern)],
    }
    return sorted(found)


def _names(pattern: re.Pattern[str], config: object) -> bool:
    """Return whether a configuration names what is searched, also within a template."""
    return pattern.search(json.dumps(config, default=str, ensure_ascii=False)) is not None


@callback
def _configured(hass: HomeAssistant, pattern: re.Pattern[str]) -> Iterable[str]:
    for domain in _CONFIGURED:
        component: Any = hass.data.get(domain)
        for entity in getattr(component, "entities", ()):
            if _names(pattern, getattr(entity, "raw_config", None)):
                yield _name_of(hass, entity.entity_id)


@callback
def _scenes(hass: HomeAssistant, entity_ids: Iterable[str]) -> Iterable[str]:
    for entity_id in entity_ids:
        for scene in scenes_with_entity(hass, entity_id):
            yield _name_of(hass, scene)


def _name_of(hass: HomeAssistant, entity_id: str) -> str:
    state = hass.states.get(entity_id)
    return entity_id if state is None else f"{state.name} ({entity_id})"


async def _dashboards(hass: HomeAssistant, pattern: re.Pattern[str]) -> AsyncIterator[str]:
    data = hass.data.get(LOVELACE_DATA)
    for path, dashboard in tuple(data.dashboards.items()) if data else ():
        try:
            config = await dashboard.async_load(force=False)
        except HomeAssistantError:  # there is none: Home Assistant makes it up
            continue
        if _names(pattern, config):
            title = (dashboard.config or {}).get("title")
            shown = path or _DEFAULT_DASHBOARD
            yield f"{title} (/{shown})" if title else f"/{shown}"
