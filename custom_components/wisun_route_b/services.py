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

from .const import DOMAIN
from .coordinator import RouteBCoordinator
from .entry_data import RouteBConfigEntry
from .error_texts import failure_key
from .history.meter_history import PAUSE_S
from .stack import JST, RouteBError, half_hours, readings

GET_HISTORY: Final = "get_history"
IMPORT_HISTORY: Final = "import_history"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_COSTS: Final = "costs"

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
        schema=probatio.Schema(_RANGE),
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
    """Return the half-hours of a range: both registers at the end, and the energy between."""
    coordinator = _coordinator(call)
    start, end = _range(call)
    moments = [
        start + index * half_hours.HALF_HOUR
        for index in range((end - start) // half_hours.HALF_HOUR + 1)
    ]
    past = coordinator.backfill.past(PAUSE_S)
    try:
        await past.fetch(moments, lambda _done, _days: None)
    except RouteBError as err:
        raise _action_error(err) from err
    slots = [
        half_hours.Slot(moment.astimezone(JST), past[moment])
        for moment in moments
        if moment in past
    ]
    ends = {slot.at: slot for slot in slots}
    scale = coordinator.meter.scale
    rows = [] if scale is None else half_hours.consumptions(slots, scale)
    return {
        "half_hours": [
            _row(row, ends[row.end]) for row in rows if row.end - row.start == half_hours.HALF_HOUR
        ]
    }


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
