"""Source of a sensor's costs in the Energy dashboard: which statistics, and which price.

Runs in the event loop. The cost sensors are Home Assistant's own (``components/energy/sensor.py``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
import math
from typing import Any, Final

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.entity_options import is_entity_recorded
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN, ELECTRICITY_PRICE, TARIFF
from ..entry_data import RouteBConfigEntry
from ..tariff.model import Tariff
from ..tariff.stored import PRICE_ENTITY, tariff_of
from .costs import CostObstacle

_ENERGY: Final = "energy"
#: The keys of a grid source: energy, total, price entity, price. The last two rows are of the form that
#: Home Assistant had until 2026, whose flows are lists of their own.
_IMPORT: Final = ("stat_energy_from", "stat_cost", "entity_energy_price", "number_energy_price")
_EXPORT: Final = (
    "stat_energy_to",
    "stat_compensation",
    "entity_energy_price_export",
    "number_energy_price_export",
)
_OLD_EXPORT: Final = (
    "stat_energy_to",
    "stat_compensation",
    "entity_energy_price",
    "number_energy_price",
)


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """One price for all hours."""

    per_kwh: Decimal


@dataclass(frozen=True, slots=True)
class EntityPrice:
    """A price that an entity has shown."""

    entity_id: str
    unit: str | None
    """Its present unit; None if it is not there."""


@dataclass(frozen=True, slots=True)
class TariffPrice:
    """The price of this meter's own tariff: it can be computed for any hour."""

    tariff: Tariff
    market: EntityPrice | None
    """The price of a market that is a part of it; None if it has none, or none that is there."""
    shown: EntityPrice
    """The entity that shows it: what it has shown holds where nothing can be computed."""


type Price = FixedPrice | EntityPrice | TariffPrice


@dataclass(frozen=True, slots=True)
class CostSource:
    """The cost sensor of an energy sensor."""

    entity_id: str
    currency: str
    price: Price

    @property
    def changes_within_hours(self) -> bool:
        """Whether its half-hours may have different prices."""
        price = self.price
        return isinstance(price, EntityPrice) or (
            isinstance(price, TariffPrice) and price.market is not None
        )


async def async_cost_source(
    hass: HomeAssistant, energy_entity_id: str
) -> CostSource | CostObstacle:
    """Return the source of the costs (or the compensation) of an energy sensor."""
    if _ENERGY not in hass.config.components:
        return CostObstacle.NO_PRICE
    manager = await async_get_manager(hass)
    data: Mapping[str, Any] = manager.data or {}
    for flow, keys in _flows(data.get("energy_sources", [])):
        energy, total, entity, number = (flow.get(key) for key in keys)
        if energy != energy_entity_id:
            continue
        if total is not None:
            return CostObstacle.OWN_TOTAL
        price = _price(hass, entity, number, energy_entity_id)
        return CostObstacle.NO_PRICE if price is None else _source(hass, energy_entity_id, price)
    return CostObstacle.NO_PRICE


def _flows(sources: list[Any]) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    for source in sources:
        if source.get("type") != "grid":
            continue
        yield source, _IMPORT
        yield source, _EXPORT
        for flow in source.get("flow_from", ()):
            yield flow, _IMPORT
        for flow in source.get("flow_to", ()):
            yield flow, _OLD_EXPORT


def _price(hass: HomeAssistant, entity: object, number: object, energy: str) -> Price | None:
    if isinstance(entity, str):
        shown = _entity_price(hass, entity)
        return _own_tariff(hass, shown, energy) or shown
    if isinstance(number, int | float) and math.isfinite(number):
        return FixedPrice(Decimal(str(number)))
    return None


def _entity_price(hass: HomeAssistant, entity_id: str) -> EntityPrice:
    state = hass.states.get(entity_id)
    unit = None if state is None else state.attributes.get("unit_of_measurement")
    return EntityPrice(entity_id, unit)


def _own_tariff(hass: HomeAssistant, shown: EntityPrice, energy: str) -> TariffPrice | None:
    """Return the tariff that a price entity shows, if it is that of the same meter's import."""
    registry = er.async_get(hass)
    price, sensor = registry.async_get(shown.entity_id), registry.async_get(energy)
    if price is None or sensor is None or {price.platform, sensor.platform} != {DOMAIN}:
        return None
    identity = price.unique_id.removesuffix(f"_{ELECTRICITY_PRICE}")
    if sensor.unique_id != f"{identity}_imported_energy" or price.config_entry_id is None:
        return None
    entry: RouteBConfigEntry | None = hass.config_entries.async_get_entry(price.config_entry_id)
    data = None if entry is None else tariff_data(entry)
    tariff = None if data is None else tariff_of(data)
    if data is None or tariff is None:
        return None
    return TariffPrice(tariff, market_price_of(hass, data.get(PRICE_ENTITY)), shown)


def tariff_data(entry: RouteBConfigEntry) -> Mapping[str, Any] | None:
    """Return what the tariff of a meter stores; None if it has none."""
    rows = [row.data for row in entry.subentries.values() if row.subentry_type == TARIFF]
    return rows[0] if rows else None


def market_price_of(hass: HomeAssistant, remembered: object) -> EntityPrice | None:
    """Return a price entity by what it is remembered by; None if it was deleted."""
    if not isinstance(remembered, str):
        return None
    entity_id = er.async_resolve_entity_id(er.async_get(hass), remembered)
    return None if entity_id is None else _entity_price(hass, entity_id)


def _source(hass: HomeAssistant, energy_entity_id: str, price: Price) -> CostSource | CostObstacle:
    sensors: Mapping[str, str] = hass.data.get(_ENERGY, {}).get("cost_sensors", {})
    entity_id = sensors.get(energy_entity_id)
    if entity_id is None or not is_entity_recorded(hass, entity_id):
        return CostObstacle.NOT_RECORDED
    return CostSource(entity_id, hass.config.currency, price)
