"""The repair issue of an Energy dashboard that shows the sensors of a meter that was removed."""

from typing import Final, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from ..const import DOMAIN
from ..energy_dashboard import async_in_grid, async_remove_from_grid
from ..entry_data import RouteBConfigEntry
from ..help_pages import repairs_url

_KEY: Final = "dashboard_shows_removed"
#: Key of the issue's data: the statistics that are shown, separated by commas.
STATISTICS: Final = "statistics"


async def async_report_removed(
    hass: HomeAssistant, entry: RouteBConfigEntry, identity: str
) -> None:
    """Offer to take the sensors of an entry that is being removed out of the dashboard.

    Not unasked: it also shows their past, which stays in the statistics.
    """
    sensors = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    shown = await async_in_grid(hass, [sensor.entity_id for sensor in sensors])
    if not shown:
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(identity),
        data={STATISTICS: ",".join(shown)},
        is_fixable=True,
        is_persistent=True,
        learn_more_url=repairs_url(hass),
        severity=ir.IssueSeverity.WARNING,
        translation_key=_KEY,
        translation_placeholders={"name": entry.title},
    )


@callback
def withdraw_removed(hass: HomeAssistant, identity: str | None) -> None:
    """Take the issue back: the home is set up again, and with it the sensors are."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(identity))


def _issue_id(identity: str | None) -> str:
    return f"{_KEY}_{identity}"


class RemoveFromDashboardFlow(ConfirmRepairFlow):
    """Takes statistics out of the grid connections of the dashboard."""

    def __init__(self, statistics: str) -> None:
        """Take the statistics, separated by commas."""
        self._statistics = statistics.split(",")

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Do it once it is confirmed."""
        if user_input is None:
            return await super().async_step_confirm()
        await async_remove_from_grid(self.hass, self._statistics)
        return self.async_create_entry(data={})
