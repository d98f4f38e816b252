"""The notification at the end of an ordered import, and its progress as a text, in Home Assistant's language."""

from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry
from .day_import import ImportProgress
from .store import ImportTotals

_IMPORTED = "imported_energy"
_EXPORTED = "exported_energy"


@callback
def notify_imported(hass: HomeAssistant, entry: RouteBConfigEntry, totals: ImportTotals) -> None:
    """Create a notification with the days, hours and kWh of an import that is over."""
    energy = totals.energy
    key = "history_imported_both" if energy.get(_EXPORTED) else "history_imported"
    message = _text(hass, key).format(
        days=totals.days,
        hours=totals.hours,
        imported=f"{energy.get(_IMPORTED, 0.0):.1f}",
        exported=f"{energy.get(_EXPORTED, 0.0):.1f}",
    )
    persistent_notification.async_create(
        hass, message, entry.title, f"{DOMAIN}_import_{entry.entry_id}"
    )


@callback
def progress_text(hass: HomeAssistant, progress: ImportProgress) -> str:
    """Return how far an import is, as the state of a sensor."""
    days = _text(hass, "history_import_days")
    return days.format(done=progress.days_done, days=progress.days)


def _text(hass: HomeAssistant, key: str) -> str:
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    return texts.get(f"component.{DOMAIN}.common.{key}", "")
