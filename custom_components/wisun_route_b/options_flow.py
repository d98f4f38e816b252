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

from .const import (
    CONF_ADOPT,
    CONF_IMPORT_DAYS,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    LONGEST_POLL_INTERVAL,
    POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
)
from .meter_past import MOST_DAYS

#: How many days of the meter's history to import; 0 for none.
DAYS: Final = NumberSelector(
    NumberSelectorConfig(
        min=0,
        max=MOST_DAYS,
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
        return self.async_show_form(
            step_id="init", data_schema=options_schema(self.config_entry.options), last_step=True
        )

    def _pending(self) -> dict[str, Any]:
        """Return what the first set-up has still to do."""
        return {key: value for key, value in self.config_entry.options.items() if key == CONF_ADOPT}


def options_schema(options: Mapping[str, Any]) -> probatio.Schema:
    """Return the form, filled in with what holds today."""
    interval = options.get(CONF_POLL_INTERVAL, POLL_INTERVAL)
    repair = options.get(CONF_REPAIR, True)
    return probatio.Schema(
        {
            probatio.Required(CONF_POLL_INTERVAL, default=interval): _SECONDS,
            probatio.Required(CONF_REPAIR, default=repair): BooleanSelector(),
            probatio.Required(CONF_IMPORT_DAYS, default=options.get(CONF_IMPORT_DAYS, 0)): DAYS,
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
