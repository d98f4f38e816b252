"""Stored state of a take-over and of the Energy dashboard: the orders, and their results.

All in one file, so that the order is cleared and the result noted at the same time. What is written
is read back: a store of Home Assistant logs a full disk and raises nothing.
"""

from collections.abc import Mapping
from datetime import datetime
import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..entry_data import texts
from ..history.report import Json
from ..history.store import async_save_surely

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
_STORES: Final[HassKey[dict[str, TakeOverStore]]] = HassKey(f"{DOMAIN}_take_over_stores")


class TakeOverStore:
    """The order for a take-over of one meter, and its outcome."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Start without any; :meth:`async_load` reads what is stored."""
        # Names of the other integration's sensors have the Route-B ID in them.
        self._store: Store[dict[str, Json]] = Store(
            hass,
            _VERSION,
            f"{DOMAIN}.{identity}.take_over",
            private=True,
            atomic_writes=True,
        )
        self.order: Mapping[str, str] | None = None
        """Sensors of the other integration whose past is still to be carried over, by our key."""
        self.migrated: Mapping[str, str] | None = None
        """Sensors of the other integration whose past ours have carried on, by our key."""
        self.dashboard = False
        """Whether the meter is still to be added to the Energy dashboard."""
        self.failing_since: datetime | None = None
        """Since when every attempt has failed."""

    async def async_load(self) -> None:
        """Read what is stored; what cannot be read counts as not there."""
        try:
            stored: Json = await self._store.async_load()
        except Exception as err:  # noqa: BLE001 - damaged, or of a newer version
            _LOGGER.warning("The state of the take-over cannot be read: %s", type(err).__name__)
            return
        found = stored if isinstance(stored, dict) else {}
        self.order, self.migrated = texts(found.get("order")), texts(found.get("migrated"))
        self.dashboard = found.get("dashboard") is True
        self.set_failing_since(found.get("failing_since"))

    async def async_place(
        self, order: Mapping[str, str] | None, *, dashboard: bool = False
    ) -> None:
        """Order a take-over of these sensors, and to add the meter to the Energy dashboard.

        Raises NotStoredError.
        """
        self.order, self.dashboard = order, dashboard
        await self.async_save()

    async def async_note_dashboard(self, *, to_be_added: bool) -> None:
        """Note whether the meter is still to be added to the dashboard; raises NotStoredError."""
        before, self.dashboard = self.dashboard, to_be_added
        try:
            await self.async_save()
        except BaseException:
            self.dashboard = before
            raise

    async def async_clear_order(self, migrated: Mapping[str, str]) -> None:
        """Note that the order is carried out; raises NotStoredError, and it stays then."""
        order, self.order, self.migrated = self.order, None, migrated
        try:
            await self.async_save()
        except BaseException:
            self.order = order
            raise

    @callback
    def set_failing_since(self, stored: object) -> None:
        """Take a stored moment; an invalid one counts as none."""
        self.failing_since = _past(stored)

    async def async_note_failure(self, since: datetime | None) -> None:
        """Note since when every attempt fails; None if the last one has not."""
        if since != self.failing_since:
            self.failing_since = since
            await self.async_save()

    async def async_save(self) -> None:
        """Write everything; raises NotStoredError."""
        since = self.failing_since
        data: dict[str, Json] = {
            "order": None if self.order is None else dict(self.order),
            "migrated": None if self.migrated is None else dict(self.migrated),
            "dashboard": self.dashboard,
            "failing_since": None if since is None else since.isoformat(),
        }
        await async_save_surely(self._store, data)

    async def async_remove(self) -> None:
        """Remove the file; raises OSError."""
        self.order = self.migrated = self.failing_since = None
        self.dashboard = False
        await self._store.async_remove()


@callback
def take_over_store(hass: HomeAssistant, identity: str) -> TakeOverStore:
    """Return the one store of a meter."""
    stores = hass.data.setdefault(_STORES, {})
    if identity not in stores:
        stores[identity] = TakeOverStore(hass, identity)
    return stores[identity]


def _past(stored: object) -> datetime | None:
    """Return a moment that is aware and not in the future."""
    moment = dt_util.parse_datetime(stored) if isinstance(stored, str) else None
    is_sound = moment is not None and moment.tzinfo is not None and moment <= dt_util.utcnow()
    return dt_util.as_utc(moment) if moment is not None and is_sound else None
