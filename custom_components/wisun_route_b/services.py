"""Actions of a meter, besides its entities."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
import probatio

from .billing.past_costs import PastCosts, past_costs
from .const import DOMAIN
from .coordinator import RouteBCoordinator
from .entry_data import RouteBConfigEntry
from .error_texts import failure_key
from .history.meter_history import PAUSE_S
from .stack import JST, RouteBError, Scale, half_hours, properties, readings

GET_HISTORY: Final = "get_history"
IMPORT_HISTORY: Final = "import_history"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_COSTS: Final = "costs"
ATTR_MINUTES: Final = "minutes"

_MINUTE_HISTORY: Final = (properties.HISTORY3, properties.HISTORY3_SELECTOR)

_RANGE: Final = {
    probatio.Required(ATTR_CONFIG_ENTRY_ID): str,
    probatio.Required(ATTR_START): cv.datetime,
    probatio.Optional(ATTR_END): cv.datetime,
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, whether or not there is a meter yet."""
    hass.services.async_register(
        DOMAIN,
        GET_HISTORY,
        _get_history,
        schema=probatio.Schema(
            {
                **_RANGE,
                probatio.Optional(ATTR_COSTS, default=False): cv.boolean,
                probatio.Optional(ATTR_MINUTES, default=False): cv.boolean,
            }
        ),
        supports_response=SupportsResponse.ONLY,
    )
    service.async_register_admin_service(
        hass,
        DOMAIN,
        IMPORT_HISTORY,
        _import_history,
        schema=probatio.Schema(
            {
                **_RANGE,
                probatio.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
                probatio.Optional(ATTR_COSTS, default=True): cv.boolean,
            }
        ),
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _get_history(call: ServiceCall) -> ServiceResponse:
    """Return the half-hours of a range: both registers at the end, and the energy between.

    Energies are in kWh, times are those of the meter (JST), costs in yen.
    """
    coordinator = _coordinator(call)
    start, end = _range(call)
    costs = _costs(call, coordinator)
    try:
        minutes = await _minutes(call, coordinator) if call.data[ATTR_MINUTES] else None
        slots = await _slots(coordinator, start, end, costs)
    except RouteBError as err:
        raise _action_error(err) from err
    scale = coordinator.meter.scale
    rows = [] if scale is None else _half_hours(slots, scale, start)
    answer: dict[str, Any] = {"half_hours": [_row(row, slot) for row, slot in rows]}
    if costs is not None and scale is not None:
        registers = {
            slot.at: energy for slot in slots if (energy := slot.registers.normal) is not None
        }
        starts = [row.start for row, _ in rows]
        prices = await costs.async_prices(call.hass, registers, scale, starts)
        for (row, _), fields in zip(rows, answer["half_hours"], strict=True):
            fields.update(_cost(row.normal, prices.get(row.start)))
    if minutes is not None:
        answer["minutes"] = minutes
    return answer


async def _slots(
    coordinator: RouteBCoordinator, start: datetime, end: datetime, costs: PastCosts | None
) -> list[half_hours.Slot]:
    """Return the registers of a range, as far as the meter answers; for costs those before it too."""
    past = coordinator.backfill.past(PAUSE_S)
    since = start if costs is None else costs.first_needed(start).astimezone(UTC)
    moments = _moments(since, end)
    await past.fetch(moments, lambda _done, _days: None)
    if costs is not None and (since not in past or past[since].normal is None):
        # The energy since the reading follows from a register before it.
        before = _moments(since - timedelta(days=1), since - half_hours.HALF_HOUR)
        await past.fetch(before, lambda _done, _days: None)
        moments = before + moments
    return [
        half_hours.Slot(moment.astimezone(JST), past[moment])
        for moment in moments
        if moment in past
    ]


def _moments(start: datetime, end: datetime) -> list[datetime]:
    return [
        start + index * half_hours.HALF_HOUR
        for index in range((end - start) // half_hours.HALF_HOUR + 1)
    ]


def _half_hours(
    slots: list[half_hours.Slot], scale: Scale, start: datetime
) -> list[tuple[half_hours.Consumption, half_hours.Slot]]:
    """Return the half-hours since ``start`` that the meter knows, each with the slot at its end."""
    ends = {slot.at: slot for slot in slots}
    return [
        (row, ends[row.end])
        for row in half_hours.consumptions(slots, scale)
        if row.start >= start and row.end - row.start == half_hours.HALF_HOUR
    ]


def _costs(call: ServiceCall, coordinator: RouteBCoordinator) -> PastCosts | None:
    """Return what half-hours cost, if that is asked for."""
    if not call.data[ATTR_COSTS]:
        return None
    costs = past_costs(coordinator.config_entry)
    if costs is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_tariff")
    return costs


def _cost(energy: Decimal | None, price: Decimal | None) -> dict[str, float | None]:
    """Return what the imported energy of a half-hour costs, yen, and its price per kWh."""
    cost = None if energy is None or price is None else energy * price
    return {
        "price": None if price is None else round(float(price), 6),
        "cost": None if cost is None else round(float(cost), 6),
    }


async def _minutes(call: ServiceCall, coordinator: RouteBCoordinator) -> list[dict[str, Any]]:
    """Return the last minutes up to the end of the range (EE), at most nine; raises RouteBError."""
    if not coordinator.offers(_MINUTE_HISTORY):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_minutes")
    now = dt_util.utcnow()
    newest = min(_aware(call.data.get(ATTR_END, now)), now).replace(second=0, microsecond=0)
    slots = await coordinator.meter.minute_history(newest, readings.MINUTE_SLOTS)
    ends, scale = {slot.at: slot for slot in slots}, coordinator.meter.scale
    rows = [] if scale is None else half_hours.consumptions(slots, scale)
    return [_row(row, ends[row.end]) for row in rows]


async def _import_history(call: ServiceCall) -> ServiceResponse:
    """Write a range of the meter's history into the statistics; return what was changed."""
    coordinator = _coordinator(call)
    start, end = _range(call)
    try:
        report = await coordinator.backfill.async_import(
            start, end, dry_run=call.data[ATTR_DRY_RUN], costs=call.data[ATTR_COSTS]
        )
    except RouteBError as err:
        raise _action_error(err) from err
    return report.as_dict(with_hours=True)


def _action_error(error: RouteBError) -> HomeAssistantError:
    return HomeAssistantError(translation_domain=DOMAIN, translation_key=failure_key(error))


def _row(row: half_hours.Consumption, end: half_hours.Slot) -> dict[str, Any]:
    return {
        "start": row.start.isoformat(),
        "end": row.end.isoformat(),
        "imported": _number(row.normal),
        "exported": _number(row.reverse),
        "imported_register": _number(end.registers.normal),
        "exported_register": _number(end.registers.reverse),
        "gap": row.gap and row.gap.value,
    }


def _number(energy: Decimal | None) -> float | None:
    """Return kWh as JSON knows it; a register has at most eight digits, so nothing is lost."""
    return None if energy is None else float(energy)


def _coordinator(call: ServiceCall) -> RouteBCoordinator:
    entry: RouteBConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    return entry.runtime_data


def _range(call: ServiceCall) -> tuple[datetime, datetime]:
    """Return the range asked for, on full half-hours; times without a zone are in Home Assistant's."""
    now = dt_util.utcnow()
    start = _aware(call.data[ATTR_START])
    end = min(_aware(call.data.get(ATTR_END, now)), now)
    if start < min(end, now - timedelta(days=readings.HISTORY_DAYS + 1)):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="range_is_too_old",
            translation_placeholders={"days": str(readings.HISTORY_DAYS)},
        )
    # Only now: the first year and the last have no room for a change of the time zone.
    if start >= end or (start := _floor(start)) >= (end := _floor(end)):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="range_is_empty")
    return start, end


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt_util.get_default_time_zone())


def _floor(moment: datetime) -> datetime:
    utc = moment.astimezone(UTC)
    return utc - (utc - datetime.min.replace(tzinfo=UTC)) % half_hours.HALF_HOUR
