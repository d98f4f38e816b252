"""Fix flows: the repair issues that can be fixed by a click."""

from typing import override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant

from ..takeover.core_integration import CoreEntryBusyError, async_disable
from .dashboard import STATISTICS, RemoveFromDashboardFlow
from .issues import CORE_ENTRY_ID, ENTRY_ID


class DisableCoreEntryFlow(ConfirmRepairFlow):
    """Disables Home Assistant's own integration on our port, and sets ours up again."""

    def __init__(self, entry_id: str, core_entry_id: str) -> None:
        """Take the ids of both entries."""
        self._entry_id = entry_id
        self._core_entry_id = core_entry_id

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Apply the fix once it is confirmed; either entry may have been removed meanwhile."""
        if user_input is None:
            return await super().async_step_confirm()
        entries = self.hass.config_entries
        if entries.async_get_entry(self._core_entry_id) is not None:
            try:
                await async_disable(self.hass, self._core_entry_id)
            except CoreEntryBusyError:
                return self.async_abort(reason="built_in_busy")
        if entries.async_get_entry(self._entry_id) is not None:
            entries.async_schedule_reload(self._entry_id)
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    issue_id: str,  # noqa: ARG001 - the data are enough
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow of an issue."""
    entry_id, core_entry_id = (data or {}).get(ENTRY_ID), (data or {}).get(CORE_ENTRY_ID)
    if isinstance(statistics := (data or {}).get(STATISTICS), str):
        return RemoveFromDashboardFlow(statistics)
    if isinstance(entry_id, str) and isinstance(core_entry_id, str):
        return DisableCoreEntryFlow(entry_id, core_entry_id)
    return ConfirmRepairFlow()
