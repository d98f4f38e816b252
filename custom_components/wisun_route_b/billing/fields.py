"""The fields of the tariff's dialog, on two pages.

Home Assistant's fields refuse a value with a message that exists in English only ("Value -1.0 is too
small", "Field per_kwh is required"). Those in here refuse nothing: what was typed is checked by
``tariff.stored``, whose messages are translated. The frontend still gets their limits.
"""

from collections.abc import Iterable
from typing import Any, Final, override

from homeassistant.const import UnitOfEnergy
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
    SelectSelectorMode,
    TextSelector,
)
import probatio

from ..tariff import stored
from ..tariff.model import Days

#: Of the entity with the price of a market.
PRICE_DOMAINS: Final = ("sensor", "input_number", "number")


class _Unchecked:
    def __call__(self, data: Any) -> Any:  # noqa: ANN401 - Home Assistant's signature
        """Return what was typed as it is."""
        return data


class _RowsField(_Unchecked, ObjectSelector):
    """Rows of fields."""


class _DateField(_Unchecked, DateSelector):
    """A day."""


class _EntityField(_Unchecked, EntitySelector):
    """An entity."""


class _NumberField(NumberSelector):
    @override
    def __call__(self, data: Any) -> Any:
        """Return a number where it is one, and anything else as it is."""
        try:
            return float(data)
        except TypeError, ValueError, OverflowError:
            return data


def _number(unit: str, least: float | None = None) -> NumberSelector:
    """Return a number field; a required one is filled in with ``least`` at first, or with 0."""
    config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX, unit_of_measurement=unit)
    if least is not None:
        config["min"] = least
    return _NumberField(config)


def _whole(least: int, most: int) -> NumberSelector:
    return _NumberField(
        NumberSelectorConfig(min=least, max=most, step=1, mode=NumberSelectorMode.BOX)
    )


_YEN: Final = _number("JPY", least=0)
_ANY_YEN: Final = _number("JPY")
_ANY_PER_KWH: Final = _number("JPY/kWh")
_KWH: Final = _number(UnitOfEnergy.KILO_WATT_HOUR, least=0)
_MONTHS: Final = _RowsField(
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
_BANDS: Final = _RowsField(
    ObjectSelectorConfig(
        fields={
            stored.BAND_DAYS: {
                "selector": SelectSelector(
                    SelectSelectorConfig(options=[*Days], translation_key="tariff_days")
                ),
                "required": True,
            },
            stored.BAND_START: {"selector": _whole(0, 23), "required": True},
            stored.BAND_END: {"selector": _whole(1, 24), "required": True},
            stored.PER_KWH: {"selector": _ANY_PER_KWH, "required": True},
        },
        multiple=True,
        label_field=stored.PER_KWH,
        description_field=stored.BAND_START,
        translation_key="tariff_bands",
    )
)

ADJUSTMENTS: Final = probatio.Schema(
    {
        probatio.Optional(stored.FUEL): _MONTHS,
        probatio.Optional(stored.LEVY): _MONTHS,
        probatio.Optional(stored.BANDS): _BANDS,
        probatio.Optional(stored.PRICE_ENTITY): _EntityField(
            EntitySelectorConfig(domain=[*PRICE_DOMAINS])
        ),
    }
)


def prices(days: Iterable[str]) -> probatio.Schema:
    """Return the first page; ``days`` are those of stored rows of prices that can be removed."""
    options = list(days)
    return probatio.Schema(
        {
            probatio.Required(stored.READING_DAY): _whole(1, 31),
            probatio.Required(stored.BASIC): _YEN,
            probatio.Optional(stored.INCLUDED): _KWH,
            probatio.Required(stored.PRICE_1): _ANY_PER_KWH,
            probatio.Optional(stored.LIMIT_1): _KWH,
            probatio.Optional(stored.PRICE_2): _ANY_PER_KWH,
            probatio.Optional(stored.LIMIT_2): _KWH,
            probatio.Optional(stored.PRICE_3): _ANY_PER_KWH,
            probatio.Optional(stored.OTHER): _ANY_YEN,
            probatio.Optional(stored.VALID_FROM): _DateField(),
            **({probatio.Optional(stored.REMOVED): _removed(options)} if options else {}),
        }
    )


def _removed(days: list[str]) -> SelectSelector:
    config = SelectSelectorConfig(options=days, multiple=True, mode=SelectSelectorMode.LIST)
    return SelectSelector(config)
