"""The dialog of the electricity tariff: what is on the bill, on two pages."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    DateSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from ..const import DOMAIN, TARIFF, TARIFF_CURRENCY
from ..history.prices import per_kwh_factor
from ..tariff import stored
from ..tariff.model import Days
from ..tariff.stored import FieldError

type Input = dict[str, Any] | None


def _number(unit: str, least: float | None = None) -> NumberSelector:
    """Return a number field; a required one is filled in with ``least`` at first, or with 0."""
    config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX, unit_of_measurement=unit)
    if least is not None:
        config["min"] = least
    return NumberSelector(config)


_YEN: Final = _number("JPY", least=0)
_ANY_YEN: Final = _number("JPY")
_ANY_PER_KWH: Final = _number("JPY/kWh")
_KWH: Final = _number(UnitOfEnergy.KILO_WATT_HOUR, least=0)
_MONTHS: Final = ObjectSelector(
    ObjectSelectorConfig(
        fields={
            stored.MONTH: {"selector": TextSelector(), "required": True},
            stored.PER_KWH: {"selector": _ANY_PER_KWH, "required": True},
        },
        multiple=True,
        label_field=stored.MONTH,
        description_field=stored.PER_KWH,
        translation_key="tariff_months",
    )
)


def _hour(least: int, most: int) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(min=least, max=most, step=1, mode=NumberSelectorMode.BOX)
    )


_BANDS: Final = ObjectSelector(
    ObjectSelectorConfig(
        fields={
            stored.BAND_DAYS: {
                "selector": SelectSelector(
                    SelectSelectorConfig(options=[*Days], translation_key="tariff_days")
                ),
                "required": True,
            },
            stored.BAND_START: {"selector": _hour(0, 23), "required": True},
            stored.BAND_END: {"selector": _hour(1, 24), "required": True},
            stored.PER_KWH: {"selector": _ANY_PER_KWH, "required": True},
        },
        multiple=True,
        label_field=stored.PER_KWH,
        description_field=stored.BAND_START,
        translation_key="tariff_bands",
    )
)

PRICES: Final = probatio.Schema(
    {
        probatio.Required(stored.READING_DAY): NumberSelector(
            NumberSelectorConfig(min=1, max=31, step=1, mode=NumberSelectorMode.BOX)
        ),
        probatio.Required(stored.BASIC): _YEN,
        probatio.Optional(stored.INCLUDED): _KWH,
        probatio.Required(stored.PRICE_1): _ANY_PER_KWH,
        probatio.Optional(stored.LIMIT_1): _KWH,
        probatio.Optional(stored.PRICE_2): _ANY_PER_KWH,
        probatio.Optional(stored.LIMIT_2): _KWH,
        probatio.Optional(stored.PRICE_3): _ANY_PER_KWH,
        probatio.Optional(stored.OTHER): _ANY_YEN,
        probatio.Optional(stored.VALID_FROM): DateSelector(),
    }
)
ADJUSTMENTS: Final = probatio.Schema(
    {
        probatio.Optional(stored.FUEL): _MONTHS,
        probatio.Optional(stored.LEVY): _MONTHS,
        probatio.Optional(stored.BANDS): _BANDS,
        probatio.Optional(stored.PRICE_ENTITY): EntitySelector(
            EntitySelectorConfig(domain=["sensor", "input_number", "number"])
        ),
    }
)


class TariffFlow(ConfigSubentryFlow):
    """Asks for the prices of one meter's contract; nothing is stored before the second page."""

    def __init__(self) -> None:
        """Start with nothing typed."""
        self._prices: dict[str, Any] = {}
        self._before: Mapping[str, Any] = {}

    async def async_step_user(self, user_input: Input = None) -> SubentryFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Add the tariff of a meter; it has one at most."""
        rows = self._get_entry().subentries.values()
        if any(row.subentry_type == TARIFF for row in rows):
            return self.async_abort(reason="already_configured")
        return await self.async_step_prices()

    async def async_step_reconfigure(self, user_input: Input = None) -> SubentryFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Change the prices, or add those of a new month."""
        self._before = self._get_reconfigure_subentry().data
        return await self.async_step_prices()

    async def async_step_prices(self, user_input: Input = None) -> SubentryFlowResult:
        """Ask for the contract: charges, steps and the day of the reading."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                stored.terms_of(user_input)
                stored.with_prices(self._rows, user_input)
            except FieldError as err:
                errors[err.field] = err.key
            else:
                self._prices = user_input
                return await self.async_step_adjustments()
        return self.async_show_form(
            step_id="prices",
            data_schema=self.add_suggested_values_to_schema(PRICES, user_input or self._shown),
            errors=errors,
            last_step=False,
        )

    async def async_step_adjustments(self, user_input: Input = None) -> SubentryFlowResult:
        """Ask for what changes by the month, time bands, and the price of a market."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                data = self._data(user_input)
            except FieldError as err:
                errors[err.field] = err.key
            else:
                return await self._finish(data)
        return self.async_show_form(
            step_id="adjustments",
            data_schema=self.add_suggested_values_to_schema(
                ADJUSTMENTS, user_input or self._shown_adjustments
            ),
            errors=errors,
            last_step=True,
        )

    # --- What is shown and stored ----------------------------------------------------------

    @property
    def _rows(self) -> list[Mapping[str, Any]]:
        """The stored prices; what is damaged of them is left out, and can be entered again."""
        return stored.usable_prices(self._before.get(stored.PRICES))

    @property
    def _shown(self) -> dict[str, Any]:
        newest = self._rows[-1] if self._rows else {}
        shown = {**newest, stored.READING_DAY: stored.usable_day(self._before)}
        return {key: value for key, value in shown.items() if value is not None}

    @property
    def _shown_adjustments(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key in (stored.FUEL, stored.LEVY):
            with suppress(FieldError):
                if stored.rates_of(key, self._before.get(key)):
                    shown[key] = self._before[key]
        shown[stored.BANDS] = self._rows[-1].get(stored.BANDS) if self._rows else None
        entity = self._before.get(stored.PRICE_ENTITY)
        if isinstance(entity, str):
            shown[stored.PRICE_ENTITY] = er.async_resolve_entity_id(er.async_get(self.hass), entity)
        return {key: value for key, value in shown.items() if value is not None}

    def _data(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is stored; raises FieldError."""
        row = {key: value for key, value in self._prices.items() if key != stored.READING_DAY}
        if answers.get(stored.BANDS):
            row[stored.BANDS] = answers[stored.BANDS]
        stored.terms_of(row)
        data: dict[str, Any] = {
            stored.READING_DAY: int(self._prices[stored.READING_DAY]),
            stored.PRICES: stored.with_prices(self._rows, row),
        }
        for key in (stored.FUEL, stored.LEVY):
            rates = stored.rates_of(key, answers.get(key))
            data[key] = [
                {stored.MONTH: f"{rate.since:%Y-%m}", stored.PER_KWH: float(rate.per_kwh)}
                for rate in rates
            ]
        if entity_id := answers.get(stored.PRICE_ENTITY):
            data[stored.PRICE_ENTITY] = _price_entity(self.hass, entity_id)
        return data

    async def _finish(self, data: dict[str, Any]) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_reload_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data
            )
        # Only when the manager has stored it: this returns to there first.
        self.hass.loop.call_soon(self._reload)
        return self.async_create_entry(title=await _title(self.hass), data=data)

    @callback
    def _reload(self) -> None:
        self.hass.config_entries.async_schedule_reload(self._entry_id)


def _price_entity(hass: HomeAssistant, entity_id: str) -> str:
    """Return what a price entity is remembered by: it may be renamed. Raises FieldError."""
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None and entry.platform == DOMAIN:
        raise FieldError(stored.PRICE_ENTITY, "price_entity_is_own")
    state = hass.states.get(entity_id)
    unit = None if state is None else state.attributes.get("unit_of_measurement")
    if state is not None and per_kwh_factor(unit, TARIFF_CURRENCY) is None:
        raise FieldError(stored.PRICE_ENTITY, "price_entity_unit")
    return entity_id if entry is None else entry.id


async def _title(hass: HomeAssistant) -> str:
    texts = await async_get_translations(hass, hass.config.language, "config_subentries", [DOMAIN])
    return texts.get(f"component.{DOMAIN}.config_subentries.{TARIFF}.entry_type", "Tariff")
