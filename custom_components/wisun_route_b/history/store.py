"""State of the backfill that survives a restart.

All of it is dispensable: hours whose state is lost are compared again. So a file that is damaged,
cannot be read, or is of a newer version counts as empty. Values that are read have bounds, and
those out of bounds count as missing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
from typing import Final, cast

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


@dataclass(frozen=True, slots=True)
class ImportTotals:
    """What an ordered import has written."""

    days: int
    hours: int = 0
    """Of the sensor of which most was written."""
    energy: Mapping[str, float] = field(default_factory=dict[str, float])
    """kWh that came into hours where they were missing, by the sensor's key."""

    def as_dict(self) -> dict[str, Json]:
        """Return it for the disk."""
        return {"days": self.days, "hours": self.hours, "energy": dict(self.energy)}


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
        self.import_reached: dict[str, datetime] = {}
        """By the sensor's key: the moment since when all is imported; it goes backwards."""
        self.import_joins: dict[str, datetime] = {}
        """By the sensor's key: where the next step has to join, which is later than that where the
        meter has lost its readings."""
        self.import_written: dict[str, tuple[int, float]] = {}
        """By the sensor's key: hours and kWh that the import has written so far."""
        self.imported: ImportTotals | None = None
        """What the last import came to, once nothing is left of it that could be done."""
        self.failing_since: datetime | None = None
        """Since when the recorder's database has failed every time."""

    def order_import(self, days: int, keys: Collection[str]) -> None:
        """Order the import of so many days (1 to 99) for each of the sensors; 0 for none."""
        self.import_days = days or None
        self.import_since, self.import_left = None, tuple(keys) if days else ()
        self.import_reached, self.import_joins, self.import_written = {}, {}, {}
        if days:
            self.imported = None

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
        self.imported = _totals(stored.get("imported"))

    def _take_order(self, stored: dict[str, Json], keys: Collection[str]) -> None:
        days, left = valid_days(stored.get("import_days")), stored.get("import_left")
        if days is None:
            return
        self.order_import(days, keys)
        self.import_since = _moment(stored.get("import_since"))
        if isinstance(left, list):
            self.import_left = tuple(key for key in keys if key in left)
        if self.import_since is None:
            return
        self.import_reached = _full_hours(stored.get("import_reached"), self.import_left)
        self.import_joins = _full_hours(stored.get("import_joins"), self.import_left)
        written = stored.get("import_written")
        for key in keys:
            pair = written.get(key) if isinstance(written, dict) else None
            if isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)):  # noqa: PLR2004 - a pair
                hours, energy = (float(cast("float", value)) for value in pair)
                self.import_written[key] = (int(hours), energy)

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
            "import_reached": {key: at.isoformat() for key, at in self.import_reached.items()},
            "import_joins": {key: at.isoformat() for key, at in self.import_joins.items()},
            "import_written": {key: [*pair] for key, pair in self.import_written.items()},
            "imported": None if self.imported is None else self.imported.as_dict(),
            "failing_since": _text(self.failing_since),
        }

    async def async_advance(self, verified: Mapping[str, datetime]) -> None:
        """Note how far the history is right; on the disk once a day, which is often enough.

        Hours whose state is lost are compared again.
        """
        self.verified.update(verified)
        if self._saved_on != _day():
            await self.async_save()

    def note_imported(
        self,
        since: datetime,
        reached: Mapping[str, datetime],
        joins: Mapping[str, datetime],
        done: Collection[str],
        written: Mapping[str, tuple[int, float]],
    ) -> None:
        """Note what a step of the import has stored, by the sensor's key; the caller saves.

        ``done`` are the sensors for which nothing is left, ``written`` hours and kWh.
        """
        self.import_since = since
        self.import_reached |= reached
        self.import_joins |= joins
        for key, (hours, energy) in written.items():
            before = self.import_written.get(key, (0, 0.0))
            self.import_written[key] = (before[0] + hours, before[1] + energy)
        self.import_left = tuple(key for key in self.import_left if key not in done)

    def finish_import(self) -> ImportTotals | None:
        """Note that what can be imported now is; return what came of it, None if nothing was done.

        The caller saves.
        """
        written, self.import_written = self.import_written, {}
        if written:
            hours = max(hours for hours, _ in written.values())
            energy = {key: kwh for key, (_, kwh) in written.items()}
            self.imported = ImportTotals(self.import_days or 0, hours, energy)
        left = self.import_left
        self.import_reached = {key: at for key, at in self.import_reached.items() if key in left}
        self.import_joins = {key: at for key, at in self.import_joins.items() if key in left}
        if not left:
            self.import_days = self.import_since = None
        return self.imported if written else None


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


def _full_hours(stored: Json, keys: Collection[str]) -> dict[str, datetime]:
    """Return those of the moments by key that are full hours."""
    found = {key: _moment(stored.get(key)) for key in keys} if isinstance(stored, dict) else {}
    return {
        key: at
        for key, at in found.items()
        if at is not None and not (at.minute or at.second or at.microsecond)
    }


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


def _totals(stored: Json) -> ImportTotals | None:
    """Return totals that can be shown."""
    if not isinstance(stored, dict):
        return None
    days, hours, energy = valid_days(stored.get("days")), stored.get("hours"), stored.get("energy")
    if days is None or not _is_number(hours) or not isinstance(energy, dict):
        return None
    if not all(map(_is_number, energy.values())):
        return None
    found = {key: float(cast("float", kwh)) for key, kwh in energy.items()}
    return ImportTotals(days, int(cast("float", hours)), found)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and abs(value) < _MAX_NUMBER


def _day() -> object:
    return dt_util.utcnow().astimezone(JST).date()
