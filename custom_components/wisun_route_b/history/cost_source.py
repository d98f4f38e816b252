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
class CostSource:
    """The cost sensor of an energy sensor."""

    entity_id: str
    currency: str
    price: FixedPrice | EntityPrice


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
        price = _price(hass, entity, number)
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


def _price(hass: HomeAssistant, entity: object, number: object) -> FixedPrice | EntityPrice | None:
    if isinstance(entity, str):
        state = hass.states.get(entity)
        unit = None if state is None else state.attributes.get("unit_of_measurement")
        return EntityPrice(entity, unit)
    if isinstance(number, int | float) and math.isfinite(number):
        return FixedPrice(Decimal(str(number)))
    return None


def _source(
    hass: HomeAssistant, energy_entity_id: str, price: FixedPrice | EntityPrice
) -> CostSource | CostObstacle:
    sensors: Mapping[str, str] = hass.data.get(_ENERGY, {}).get("cost_sensors", {})
    entity_id = sensors.get(energy_entity_id)
    if entity_id is None or not is_entity_recorded(hass, entity_id):
        return CostObstacle.NOT_RECORDED
    return CostSource(entity_id, hass.config.currency, price)
