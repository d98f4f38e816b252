"""PROVISIONAL (lead, so that the tree imports): T replaces this file; keep these four names."""

from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant

BUILT_IN_DOMAIN = "route_b_smart_meter"


def built_in_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    return hass.config_entries.async_entries(BUILT_IN_DOMAIN, include_ignore=False)


def sensors_of(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Ours (key of our sensor: imported_energy, power) -> entity id of the other one's sensor."""
    return {}


async def async_disable(hass: HomeAssistant, entry_id: str) -> None:
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


async def async_restore(hass: HomeAssistant, entry_id: str) -> None:
    await hass.config_entries.async_set_disabled_by(entry_id, None)
