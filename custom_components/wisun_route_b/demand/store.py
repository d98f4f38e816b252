"""Stored peaks: the largest half-hours, which a meter stores for 99 days only.

What cannot be read, or is not plausible, counts as missing: the meter is asked again.
"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
import logging
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import CLOCK_TOLERANCE, DOMAIN
from ..stack import JST
from .peaks import Peak, Peaks

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1


def _store(hass: HomeAssistant, identity: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{identity}.demand", atomic_writes=True)


async def forget_demand(hass: HomeAssistant, identity: str) -> None:
    """Delete the stored peaks of a meter that is removed."""
    try:
        await _store(hass, identity).async_remove()
    except OSError as err:
        _LOGGER.warning("The stored peaks could not be deleted: %s", type(err).__name__)


class DemandStore:
    """Keeps the largest half-hours of one meter on the disk."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Take the meter's identity."""
        self._store = _store(hass, identity)

    async def async_load(self) -> Peaks:
        """Read what an earlier run left. Raises nothing."""
        try:
            stored: object = await self._store.async_load()
        except Exception as err:  # noqa: BLE001 - the set-up must not fail for this
            _LOGGER.warning("The stored peaks cannot be read: %s", type(err).__name__)
            stored = None
        return _peaks(stored if isinstance(stored, dict) else {})

    async def async_save(self, peaks: Peaks) -> None:
        """Write everything down. Raises nothing: what is lost is read from the meter again."""
        try:
            await self._store.async_save(_as_dict(peaks))
        except Exception as err:  # noqa: BLE001 - as above
            _LOGGER.warning("The peaks could not be stored: %s", type(err).__name__)


def _as_dict(peaks: Peaks) -> dict[str, Any]:
    return {
        "months": {
            month.isoformat(): {"start": peak.start.isoformat(), "power": str(peak.power)}
            for month, peak in peaks.months.items()
        },
        "since": peaks.since and peaks.since.isoformat(),
        "until": peaks.until and peaks.until.isoformat(),
    }


def _peaks(stored: dict[str, Any]) -> Peaks:
    months = stored.get("months")
    found = [_peak(row) for row in months.values()] if isinstance(months, dict) else []
    peaks = Peaks({peak.start.date().replace(day=1): peak for peak in found if peak})
    since, until = _moment(stored.get("since")), _moment(stored.get("until"))
    if since and until and since <= until:
        peaks.note_covered(since, until)
    peaks.forget(dt_util.utcnow())
    return peaks


def _peak(stored: object) -> Peak | None:
    if not isinstance(stored, dict):
        return None
    start, found = _moment(stored.get("start")), Peaks({})
    try:
        power = Decimal(str(stored.get("power")))
        if start is None or not power.is_finite():
            return None
    except InvalidOperation:
        return None
    found.note(start, power / 2)  # within the same bounds as values of the meter
    return next(iter(found.months.values()), None)


def _moment(stored: object) -> datetime | None:
    moment = dt_util.parse_datetime(stored) if isinstance(stored, str) else None
    if moment is None or moment.tzinfo is None or moment.year < date.min.year + 1:
        return None
    if moment > dt_util.utcnow() + CLOCK_TOLERANCE or moment.minute % 30 or moment.second:
        return None
    return moment.astimezone(JST)
