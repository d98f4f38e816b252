"""The repair issue of automations and dashboards that name sensors of the integration before."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry
from ..help_pages import repairs_url
from ..takeover.core_integration import core_entries, fingerprint_of
from ..takeover.references import async_users_of

_KEY: Final = "old_sensors_named"
#: How often it is looked whether they are still named.
_LOOK_AGAIN: Final = timedelta(hours=1)


@callback
def async_watch_old_sensors(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Report what names sensors that a take-over has put out of use, as long as anything does."""

    async def look(_: HomeAssistant | datetime) -> None:
        await _async_look(hass, entry)

    entry.async_on_unload(async_at_started(hass, look))
    entry.async_on_unload(async_track_time_interval(hass, look, _LOOK_AGAIN))


async def _async_look(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    users: set[str] = set()
    for other in core_entries(hass):
        if other.disabled_by is not None and fingerprint_of(other) == entry.unique_id:
            users.update(await async_users_of(hass, other))
    if not users:
        withdraw_old_sensors(hass, entry)
        return
    # It can be dismissed: who keeps the old entry for a while knows.
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry),
        is_fixable=False,
        learn_more_url=repairs_url(hass),
        severity=ir.IssueSeverity.WARNING,
        translation_key=_KEY,
        translation_placeholders={
            "name": entry.title,
            "users": "\n".join(f"- {user}" for user in sorted(users)),
        },
    )


@callback
def withdraw_old_sensors(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Take the issue back: nothing names them any more, or the entry is removed.

    Not when it is unloaded: one that was dismissed would come back.
    """
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry))


def _issue_id(entry: RouteBConfigEntry) -> str:
    return f"{_KEY}_{entry.entry_id}"
