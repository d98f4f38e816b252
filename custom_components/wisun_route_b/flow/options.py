"""The options: interval of polls, repair and import of the history, and the contract."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import probatio

from ..const import (
    CONF_CONTRACT,
    CONF_CONTRACT_SIZE,
    CONF_COSTS,
    CONF_DASHBOARD,
    CONF_IMPORT_DAYS,
    CONF_POLL_INTERVAL,
    CONF_REPAIR,
    LONGEST_POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
)
from ..contract.load import ContractKind, contract_of
from ..energy_dashboard import async_shown_statistics, has_dashboard
from ..entry_data import RouteBConfigEntry, StoredOptions, stored, stored_options
from ..history.sensor_hours import REGISTERS
from ..history.store import async_order_import, async_waiting_days
from ..takeover.carry_over import async_order_dashboard, enabled_sensors
from .dashboard import switch
from .import_days import SELECTOR, ImportChoice, choice_of, days_of

# No number field has a smallest and a largest value: Home Assistant would refuse others with a message
# that exists in English only ("Value 120.0 is too large"). They are compared in _errors().
_SECONDS: Final = NumberSelector(
    NumberSelectorConfig(
        step=1,
        mode=NumberSelectorMode.BOX,
        unit_of_measurement=UnitOfTime.SECONDS,
    )
)
#: Value of the options if there is no contract to compare with.
NO_CONTRACT: Final = "none"
_CONTRACT: Final = SelectSelector(
    SelectSelectorConfig(
        options=[NO_CONTRACT, *ContractKind],
        mode=SelectSelectorMode.DROPDOWN,
        translation_key=CONF_CONTRACT,
    )
)
_CONTRACT_SIZE: Final = NumberSelector(NumberSelectorConfig(step=0.5, mode=NumberSelectorMode.BOX))


class RouteBOptionsFlow(OptionsFlowWithReload):
    """One form. Days to import are done once, so there are none unless the set-up still waits."""

    config_entry: RouteBConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask, store what is to be done once, and have the entry set up with changed settings."""
        errors = {} if user_input is None else _errors(user_input)
        if user_input is not None and not errors:
            await self._order(ImportChoice(user_input[CONF_IMPORT_DAYS]))
            if user_input.get(CONF_DASHBOARD):
                await async_order_dashboard(self.hass, self.config_entry)
            return self.async_create_entry(data=_settings(user_input))
        schema = options_schema(
            stored_options(self.config_entry),
            choice_of(await self._waiting_days()),
            dashboard=await self._can_be_added(),
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            last_step=True,
        )

    @property
    def _is_loaded(self) -> bool:
        return self.config_entry.state is ConfigEntryState.LOADED

    async def _can_be_added(self) -> bool:
        """Return whether the Energy dashboard lacks something of the meter."""
        if not has_dashboard(self.hass) or stored(self.config_entry).identity is None:
            return False
        ours = set(enabled_sensors(self.hass, self.config_entry).values())
        return bool(ours - await async_shown_statistics(self.hass))

    async def _waiting_days(self) -> int:
        """Return the days that wait for the entry to be set up."""
        identity = stored(self.config_entry).identity
        if self._is_loaded or identity is None:
            return 0
        return await async_waiting_days(self.hass, identity)

    async def _order(self, choice: ImportChoice) -> None:
        """Have days imported; none takes back only what the set-up has not come to yet."""
        days, identity = days_of(choice), stored(self.config_entry).identity
        if self._is_loaded:
            if days:
                await self.config_entry.runtime_data.backfill.async_order_import(days)
        elif identity is not None and choice is not choice_of(await self._waiting_days()):
            await async_order_import(self.hass, identity, days, REGISTERS)


def options_schema(
    options: StoredOptions,
    days: ImportChoice = ImportChoice.NONE,
    *,
    dashboard: bool = False,
) -> probatio.Schema:
    """Return the form, filled in with what holds today and the days that are to be imported.

    ``dashboard`` is whether it offers to add the meter to the Energy dashboard.
    """
    contract = options.contract
    return probatio.Schema(
        {
            probatio.Required(CONF_POLL_INTERVAL, default=options.poll_interval): _SECONDS,
            probatio.Required(CONF_REPAIR, default=options.repair): BooleanSelector(),
            probatio.Required(CONF_COSTS, default=options.costs): BooleanSelector(),
            probatio.Required(CONF_IMPORT_DAYS, default=days.value): SELECTOR,
            **switch(suggestion=False if dashboard else None),
            probatio.Required(
                CONF_CONTRACT, default=contract.kind.value if contract else NO_CONTRACT
            ): _CONTRACT,
            probatio.Required(
                CONF_CONTRACT_SIZE, default=float(contract.size) if contract else 0
            ): _CONTRACT_SIZE,
        }
    )


def _settings(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept: whole numbers of what a number field returns."""
    settings = {
        CONF_POLL_INTERVAL: int(answers[CONF_POLL_INTERVAL]),
        CONF_REPAIR: answers[CONF_REPAIR],
        CONF_COSTS: answers[CONF_COSTS],
    }
    if answers[CONF_CONTRACT] != NO_CONTRACT:
        settings |= {key: answers[key] for key in (CONF_CONTRACT, CONF_CONTRACT_SIZE)}
    return settings


def _errors(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the answers, by the field."""
    errors: dict[str, str] = {}
    if not SHORTEST_POLL_INTERVAL <= answers[CONF_POLL_INTERVAL] <= LONGEST_POLL_INTERVAL:
        errors[CONF_POLL_INTERVAL] = "poll_interval_out_of_range"
    kind = answers[CONF_CONTRACT]
    if kind != NO_CONTRACT and contract_of(kind, answers[CONF_CONTRACT_SIZE]) is None:
        errors[CONF_CONTRACT_SIZE] = "contract_size_missing"
    return errors
