"""State of the backfill that survives a restart.

All of it is dispensable: hours whose state is lost are compared again. So a file that is damaged,
cannot be read, or is of a newer version counts as empty. Values that are read have bounds, and
those out of bounds count as missing.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import CLOCK_TOLERANCE, DOMAIN
from ..stack import JST, readings
from .report import REPORT_KEYS, Json

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
#: How far back a stored moment may lie: no meter stores older ones.
_OLDEST: Final = timedelta(days=readings.HISTORY_DAYS + 2)
#: More than any report can hold, of hours as well as of energy (kWh).
_MAX_NUMBER: Final = 1e9


def _store(hass: HomeAssistant, identity: str) -> Store[dict[str, Json]]:
    # Atomic: an order to import must still be there after a power cut.
    return Store(hass, _VERSION, f"{DOMAIN}.{identity}.history", atomic_writes=True)


async def forget_backfill(hass: HomeAssistant, identity: str) -> None:
    """Delete the stored state of a meter that is removed."""
    try:
        await _store(hass, identity).async_remove()
    except OSError as err:
        _LOGGER.warning(
            "The state of the energy history could not be deleted: %s", type(err).__name__
        )


class NotStoredError(HomeAssistantError):
    """Something that must not be lost could not be written to the disk."""


async def async_save_surely(store: Store[dict[str, Json]], data: dict[str, Json]) -> None:
    """Write a file of Home Assistant's storage, and read it back; raises NotStoredError.

    A store logs what goes wrong with its file, and raises nothing.
    """
    try:
        await store.async_save(data)
        on_disk: Store[dict[str, Json]] = Store(store.hass, store.version, store.key)
        is_stored = await on_disk.async_load() == data
    except Exception as err:
        raise NotStoredError(type(err).__name__) from err
    if not is_stored:
        raise NotStoredError("What was written is not on the disk")


async def async_order_import(
    hass: HomeAssistant, identity: str, days: int, keys: Collection[str]
) -> None:
    """Order the next set-up to import so many days (1 to 99) for each of the sensors.

    Raises NotStoredError.
    """
    memory = BackfillStore(hass, identity)
    await memory.async_load(keys)
    memory.order_import(days, keys)
    await memory.async_save_surely()


async def async_waiting_days(hass: HomeAssistant, identity: str) -> int:
    """Return the days that were ordered and of which none has been imported yet; 0 for none."""
    memory = BackfillStore(hass, identity)
    await memory.async_load(())
    return 0 if memory.import_since is not None else memory.import_days or 0


class BackfillStore:
    """How far each sensor's history is known to be right, and what was done last."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Start empty."""
        self._store = _store(hass, identity)
        self._saved_on: object = None
        self.verified: dict[str, datetime] = {}
        """By the sensor's key: the start of the last hour that was compared."""
        self.last_repair: dict[str, Json] | None = None
        """The last report that changed something, as :meth:`BackfillReport.as_dict`."""
        self.import_days: int | None = None
        """Days of history that were asked for and are still to be imported, back from when the
        first sensor gets them."""
        self.import_since: datetime | None = None
        """Since when that is, once one of the sensors has got its days."""
        self.import_left: tuple[str, ...] = ()
        """The keys of the sensors for which it is still to be done."""
        self.failing_since: datetime | None = None
        """Since when the recorder's database has failed every time."""

    def order_import(self, days: int, keys: Collection[str]) -> None:
        """Order the import of so many days (1 to 99) for each of the sensors; 0 for none."""
        self.import_days = days or None
        self.import_since, self.import_left = None, tuple(keys) if days else ()

    @property
    def import_order(self) -> tuple[int | None, datetime | None]:
        """What distinguishes an order to import from a later one."""
        return self.import_days, self.import_since

    async def async_load(self, keys: Collection[str]) -> None:
        """Read what an earlier run left of these sensors."""
        try:
            stored: Json = await self._store.async_load()
            self._take(stored if isinstance(stored, dict) else {}, keys)
        except Exception as err:  # noqa: BLE001 - the set-up must not fail for this
            _LOGGER.warning(
                "The state of the energy history cannot be read (%s): it is compared again",
                type(err).__name__,
            )

    def _take(self, stored: dict[str, Json], keys: Collection[str]) -> None:
        found = stored.get("verified")
        verified = found if isinstance(found, dict) else {}
        moments = {key: _moment(verified.get(key)) for key in keys}
        self.verified = {key: moment for key, moment in moments.items() if moment}
        self.last_repair = _report(stored.get("last_repair"))
        self.failing_since = _moment(stored.get("failing_since"))
        self._take_order(stored, keys)

    def _take_order(self, stored: dict[str, Json], keys: Collection[str]) -> None:
        days, left = valid_days(stored.get("import_days")), stored.get("import_left")
        if days is None:
            return
        self.order_import(days, keys)
        self.import_since = _moment(stored.get("import_since"))
        if isinstance(left, list):
            self.import_left = tuple(key for key in keys if key in left)

    async def async_save(self) -> None:
        """Write everything down; hours whose state is not written are compared again after a restart."""
        self._saved_on = _day()
        try:
            await self._store.async_save(self._as_dict())
        except Exception as err:  # noqa: BLE001 - as above
            self._saved_on = None
            _LOGGER.warning(
                "The state of the energy history could not be stored: %s", type(err).__name__
            )

    async def async_save_surely(self) -> None:
        """Write everything down, and make sure that it is; raises NotStoredError."""
        await async_save_surely(self._store, self._as_dict())

    def _as_dict(self) -> dict[str, Json]:
        return {
            "verified": {key: moment.isoformat() for key, moment in self.verified.items()},
            "last_repair": self.last_repair,
            "import_days": self.import_days,
            "import_since": _text(self.import_since),
            "import_left": list(self.import_left),
            "failing_since": _text(self.failing_since),
        }

    async def async_advance(self, verified: Mapping[str, datetime]) -> None:
        """Note how far the history is right; on the disk once a day, which is often enough.

        Hours whose state is lost are compared again.
        """
        self.verified.update(verified)
        if self._saved_on != _day():
            await self.async_save()

    async def async_imported(self, keys: Collection[str], since: datetime) -> None:
        """Clear the order for the sensors whose import is stored."""
        self.import_left = tuple(key for key in self.import_left if key not in keys)
        self.import_since = since
        if not self.import_left:
            self.import_days = self.import_since = None
        await self.async_save()


def valid_days(stored: object) -> int | None:
    """Return a number of days to import, None if that is none."""
    if (
        isinstance(stored, bool)
        or not isinstance(stored, int | float)
        or not 1 <= stored < _MAX_NUMBER
    ):
        return None
    return min(int(stored), readings.HISTORY_DAYS)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(stored: Json) -> datetime | None:
    """Return a moment that is aware, and neither too old nor of the future."""
    moment = dt_util.parse_datetime(stored) if isinstance(stored, str) else None
    now = dt_util.utcnow()
    if moment is None or not moment.tzinfo or not now - _OLDEST <= moment <= now + CLOCK_TOLERANCE:
        return None
    return dt_util.as_utc(moment)


def _report(stored: Json) -> dict[str, Json] | None:
    """Return a report that can be shown."""
    if not isinstance(stored, dict) or not stored.keys() >= REPORT_KEYS:
        return None
    at, hours, sensors = stored["at"], stored["hours"], stored["sensors"]
    moment = dt_util.parse_datetime(at) if isinstance(at, str) else None
    is_sound = (
        moment is not None
        and moment.tzinfo is not None
        and _is_number(hours)
        and all(isinstance(stored[key], str | None) for key in ("from", "to"))
        and isinstance(sensors, dict)
        and all(isinstance(row, dict) and _is_number(row.get("energy")) for row in sensors.values())
    )
    return stored if is_sound else None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and abs(value) < _MAX_NUMBER


def _day() -> object:
    return dt_util.utcnow().astimezone(JST).date()
