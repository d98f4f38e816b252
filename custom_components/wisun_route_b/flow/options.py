"""The options: how often to poll, and what to do about the past."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)
import probatio

from ..const import (
    CONF_ADOPT,
    CONF_IMPORT_DAYS,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    LONGEST_POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
)
from ..entry_data import StoredOptions, stored_options
from ..stack import HISTORY_DAYS

#: How many days of the meter's history to import; 0 for none.
DAYS: Final = NumberSelector(
    NumberSelectorConfig(
        min=0,
        max=HISTORY_DAYS,
        step=1,
        mode=NumberSelectorMode.BOX,
    )
)
_SECONDS: Final = NumberSelector(
    NumberSelectorConfig(
        min=SHORTEST_POLL_INTERVAL,
        max=LONGEST_POLL_INTERVAL,
        step=1,
        mode=NumberSelectorMode.BOX,
        unit_of_measurement=UnitOfTime.SECONDS,
    )
)


class RouteBOptionsFlow(OptionsFlowWithReload):
    """One form. Days to import are done once, so they are 0 unless they still wait."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask, and have the entry set up anew with what was answered."""
        if user_input is not None:
            return self.async_create_entry(data=self._pending() | _tidied(user_input))
        schema = options_schema(stored_options(self.config_entry))
        return self.async_show_form(step_id="init", data_schema=schema, last_step=True)

    def _pending(self) -> dict[str, Any]:
        """Return what the first set-up has still to do."""
        adopt = stored_options(self.config_entry).adopt
        return {} if adopt is None else {CONF_ADOPT: dict(adopt)}


def options_schema(options: StoredOptions) -> probatio.Schema:
    """Return the form, filled in with what holds today."""
    return probatio.Schema(
        {
            probatio.Required(CONF_POLL_INTERVAL, default=options.poll_interval): _SECONDS,
            probatio.Required(CONF_REPAIR, default=options.repair): BooleanSelector(),
            probatio.Required(CONF_IMPORT_DAYS, default=options.import_days or 0): DAYS,
        }
    )


def _tidied(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Make whole numbers of what a number field returns, and leave out what says nothing."""
    options = {
        CONF_POLL_INTERVAL: int(answers[CONF_POLL_INTERVAL]),
        CONF_REPAIR: answers[CONF_REPAIR],
    }
    if days := int(answers[CONF_IMPORT_DAYS]):
        options[CONF_IMPORT_DAYS] = days
    return options
