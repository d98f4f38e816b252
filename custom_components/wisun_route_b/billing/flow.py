"""The dialog of the electricity tariff: what is on the bill, on two pages."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant, callback, split_entity_id, valid_entity_id
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, TARIFF, TARIFF_CURRENCY
from ..history.prices import per_kwh_factor
from ..stack import JST
from ..tariff import stored
from ..tariff.stored import FieldError
from .fields import ADJUSTMENTS, PRICE_DOMAINS, prices

type Input = dict[str, Any] | None


class TariffFlow(ConfigSubentryFlow):
    """Asks for the prices of one meter's contract; nothing is stored before the second page.

    What is stored is looked up at each page and at the end: another dialog may have changed it.
    """

    def __init__(self) -> None:
        """Start with nothing typed."""
        self._prices: dict[str, Any] = {}

    async def async_step_user(self, user_input: Input = None) -> SubentryFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Add the tariff of a meter; it has one at most."""
        return await self.async_step_prices()

    async def async_step_reconfigure(self, user_input: Input = None) -> SubentryFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Change the prices, or add those of a new month."""
        return await self.async_step_prices()

    async def async_step_prices(self, user_input: Input = None) -> SubentryFlowResult:
        """Ask for the contract: charges, steps and the day of the reading."""
        if obstacle := self._obstacle:
            return self.async_abort(reason=obstacle)
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                stored.reading_day_of(user_input.get(stored.READING_DAY))
                stored.check_day(user_input, dt_util.now(JST).date())
                self._with_prices(user_input)
            except FieldError as err:
                errors[err.field] = err.key
            else:
                self._prices = user_input
                return await self.async_step_adjustments()
        days = [str(day) for row in self._rows if (day := stored.day_of(row)) is not None]
        return self.async_show_form(
            step_id="prices",
            data_schema=self.add_suggested_values_to_schema(
                prices(days), user_input or self._shown
            ),
            errors=errors,
            last_step=False,
        )

    async def async_step_adjustments(self, user_input: Input = None) -> SubentryFlowResult:
        """Ask for what changes by the month, time bands, and the price of a market."""
        title = await _title(self.hass)
        # From here on nothing waits: another dialog cannot come between the look and the storing.
        if obstacle := self._obstacle:
            return self.async_abort(reason=obstacle)
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                data = self._data(user_input)
            except FieldError as err:
                errors[err.field] = err.key
            else:
                return self._finish(title, data)
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
    def _obstacle(self) -> str | None:
        """Why the dialog cannot go on with the entry as it is now."""
        rows = self._get_entry().subentries
        if self.source == SOURCE_RECONFIGURE:
            return None if self._reconfigure_subentry_id in rows else "removed"
        has_tariff = any(row.subentry_type == TARIFF for row in rows.values())
        return "already_configured" if has_tariff else None

    @property
    def _before(self) -> Mapping[str, Any]:
        """What is stored now; nothing for a new tariff."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        return self._get_reconfigure_subentry().data

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
        shown[stored.BANDS] = self._shown_bands
        entity = self._before.get(stored.PRICE_ENTITY)
        if isinstance(entity, str):
            shown[stored.PRICE_ENTITY] = er.async_resolve_entity_id(er.async_get(self.hass), entity)
        return {key: value for key, value in shown.items() if value is not None}

    @property
    def _shown_bands(self) -> object:
        """The time bands of the stored prices that are corrected, or of the newest."""
        day, rows = stored.day_of(self._prices), self._rows
        same = [row for row in rows if stored.day_of(row) == day]
        return next((row.get(stored.BANDS) for row in (*same, *rows[-1:])), None)

    def _with_prices(self, typed: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the stored prices with those that were typed; raises FieldError."""
        row = {
            key: value
            for key, value in typed.items()
            if key not in {stored.READING_DAY, stored.REMOVED}
        }
        stored.terms_of(row)
        return stored.with_prices(self._rows, row, typed.get(stored.REMOVED, ()))

    def _data(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is stored; raises FieldError."""
        bands = answers.get(stored.BANDS)
        data: dict[str, Any] = {
            stored.READING_DAY: stored.reading_day_of(self._prices[stored.READING_DAY]),
            stored.PRICES: self._with_prices(
                self._prices | ({stored.BANDS: bands} if bands else {})
            ),
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

    def _finish(self, title: str, data: dict[str, Any]) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_reload_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data
            )
        # Only when the manager has stored it: this returns to there first.
        self.hass.loop.call_soon(self._reload)
        return self.async_create_entry(title=title, data=data)

    @callback
    def _reload(self) -> None:
        self.hass.config_entries.async_schedule_reload(self._entry_id)


def _price_entity(hass: HomeAssistant, chosen: object) -> str:
    """Return what a price entity is remembered by: it may be renamed. Raises FieldError."""
    entry = er.async_get(hass).async_get(chosen) if isinstance(chosen, str) else None
    entity_id = str(chosen) if entry is None else entry.entity_id
    if entry is not None and entry.platform == DOMAIN:
        raise FieldError(stored.PRICE_ENTITY, "price_entity_is_own")
    if not valid_entity_id(entity_id) or split_entity_id(entity_id)[0] not in PRICE_DOMAINS:
        raise FieldError(stored.PRICE_ENTITY, "price_entity_unit")
    state = hass.states.get(entity_id)
    unit = None if state is None else state.attributes.get("unit_of_measurement")
    if state is not None and per_kwh_factor(unit, TARIFF_CURRENCY) is None:
        raise FieldError(stored.PRICE_ENTITY, "price_entity_unit")
    return entity_id if entry is None else entry.id


async def _title(hass: HomeAssistant) -> str:
    texts = await async_get_translations(hass, hass.config.language, "config_subentries", [DOMAIN])
    return texts.get(f"component.{DOMAIN}.config_subentries.{TARIFF}.entry_type", "Tariff")
