"""A new meter's entry carries on the past of the integration that read the meter before."""

from collections.abc import Mapping
import logging

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .adoption import async_adopt
from .const import CONF_ADOPT, CONF_IDENTITY, DOMAIN
from .energy_dashboard import async_replace_in_energy_dashboard
from .entry_data import RouteBConfigEntry

_LOGGER = logging.getLogger(__name__)

_ENERGY = "imported_energy"


async def async_inherit(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Do what the take-over has asked for, once; the entities must be there.

    Waits for the recorder, which begins its work when Home Assistant has started.
    """
    theirs: Mapping[str, str] | None = entry.options.get(CONF_ADOPT)
    if theirs is None:
        return
    registry, identity = er.async_get(hass), entry.data[CONF_IDENTITY]
    found = {
        key: registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, f"{identity}_{key}")
        for key in theirs
    }
    ours = {key: entity_id for key, entity_id in found.items() if entity_id is not None}
    if _ENERGY in ours and not await async_adopt(hass, theirs[_ENERGY], ours[_ENERGY]):
        _LOGGER.warning("The past of the other integration's energy sensor was not taken over")
        del ours[_ENERGY]  # the dashboard goes on showing where the past is
    await async_replace_in_energy_dashboard(
        hass, {theirs[key]: entity_id for key, entity_id in ours.items()}
    )
    options = {key: value for key, value in entry.options.items() if key != CONF_ADOPT}
    hass.config_entries.async_update_entry(entry, options=options)
