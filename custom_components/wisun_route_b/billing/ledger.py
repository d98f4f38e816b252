"""The meter's imported register at the half-hours since the last meter reading, kept over restarts.

What cannot be read, or makes no sense, counts as never seen: the meter is asked again.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
import logging
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import CLOCK_TOLERANCE, DOMAIN
from ..stack import JST
from ..tariff.periods import midnight
from ..tariff.use import HALF_HOUR

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
_OF_A_DAY: Final = 48
#: The longest period has 31 days; the seven days before it say how the rest will go.
_MOST_DAYS: Final = 40
#: A register has at most eight digits, whose unit is at most 10,000 kWh.
_MOST: Final = Decimal(10) ** 12
#: Seconds until changes are on the disk: what is lost is read from the meter again.
_SAVE_AFTER: Final = 1800.0


def _store(hass: HomeAssistant, identity: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{identity}.billing", atomic_writes=True)


async def forget_ledger(hass: HomeAssistant, identity: str) -> None:
    """Remove what was remembered of a meter that is removed."""
    try:
        await _store(hass, identity).async_remove()
    except OSError as err:
        _LOGGER.warning("The notes on the use stay: %s", type(err).__name__)


class Ledger:
    """The registers of one meter, by moment (aware, on a full half-hour)."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Take the meter's identity."""
        self._store = _store(hass, identity)
        self._asked: dict[datetime, Decimal | None] = {}
        self.version = 0
        """Changes with every change."""

    @property
    def registers(self) -> dict[datetime, Decimal]:
        """What the meter showed, kWh; moments of which it knows nothing are left out."""
        return {at: value for at, value in self._asked.items() if value is not None}

    def missing(self, since: datetime, until: datetime) -> list[datetime]:
        """Return the half-hours of a time, both ends included, that the meter was not asked about."""
        return [at for at in half_hours_between(since, until) if at not in self._asked]

    def note(self, at: datetime, register: Decimal | None) -> None:
        """Take what the meter showed at a moment; None if it does not know."""
        if self._asked.get(at, at) == register:
            return
        self._asked[at] = register
        self.version += 1
        self._store.async_delay_save(self._as_dict, _SAVE_AFTER)

    def forget(self, before: datetime) -> None:
        """Drop what no bill needs any more."""
        self._asked = {at: value for at, value in self._asked.items() if at >= before}

    # --- The disk --------------------------------------------------------------------------

    async def async_load(self) -> None:
        """Read what an earlier run left. Raises nothing."""
        try:
            stored: object = await self._store.async_load()
        except Exception as err:  # noqa: BLE001 - a note is never worth a failed set-up
            _LOGGER.warning("The notes on the use cannot be read: %s", type(err).__name__)
            return
        days = stored.get("days") if isinstance(stored, dict) else None
        self._asked = dict(_slots(days)) if isinstance(days, dict) else {}

    async def async_save(self) -> None:
        """Write everything down. Raises nothing: what is lost is read from the meter again."""
        try:
            await self._store.async_save(self._as_dict())
        except Exception as err:  # noqa: BLE001 - as above
            _LOGGER.warning("The notes on the use: %s", type(err).__name__)

    def _as_dict(self) -> dict[str, Any]:
        days: dict[str, list[str | None]] = {}
        for at, value in self._asked.items():
            local = at.astimezone(JST)
            slots = days.setdefault(local.date().isoformat(), [None] * _OF_A_DAY)
            slots[local.hour * 2 + local.minute // 30] = "" if value is None else str(value)
        return {"days": days}


def half_hours_between(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the full half-hours of a time, both ends included."""
    while since <= until:
        yield since
        since += HALF_HOUR


def _slots(days: Mapping[str, Any]) -> Iterator[tuple[datetime, Decimal | None]]:
    now = dt_util.utcnow()
    for text, slots in days.items():
        day = dt_util.parse_date(text)
        if day is None or not isinstance(slots, list) or len(slots) != _OF_A_DAY:
            continue
        if not date(2000, 1, 1) < day or abs((now.date() - day).days) > _MOST_DAYS:
            continue
        for index, slot in enumerate(slots):
            at = midnight(day) + index * HALF_HOUR
            if isinstance(slot, str) and at <= now + CLOCK_TOLERANCE:
                value = _register(slot)
                if value is not None or not slot:
                    yield at, value


def _register(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < _MOST else None


def longest_ago(now: datetime) -> datetime:
    """Return before when nothing is kept."""
    return now - timedelta(days=_MOST_DAYS)
