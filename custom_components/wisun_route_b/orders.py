"""Orders, which are carried out once for a meter: an import of past days, and a take-over.

Orders are kept in files of their own, those of the history and of the take-over, until all of it is
done; the options of an entry hold settings only. Entries of version 1.1 held the orders: there they
stay until they are stored in these files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging

from homeassistant.core import HomeAssistant

from .billing.ledger import forget_ledger
from .demand.store import forget_demand
from .entry_data import RouteBConfigEntry, forget_old_orders, old_orders, stored
from .history.sensor_hours import REGISTERS
from .history.store import NotStoredError, async_order_import, forget_backfill, valid_days
from .takeover.store import take_over_store

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a new entry is to do once."""

    import_days: int = 0
    """Past days to import, 0 to 99."""
    take_over: Mapping[str, str] | None = field(default=None, repr=False)
    """Sensors of the other integration whose past is to be carried over, by the keys of ours."""
    dashboard: bool = False
    """Whether the meter is to be added to the Energy dashboard."""


async def async_place(hass: HomeAssistant, identity: str, orders: Orders) -> None:
    """Store the orders for a meter that is being set up, in place of older ones.

    Raises NotStoredError.
    """
    await async_forget(hass, identity)
    if orders.import_days:
        await async_order_import(hass, identity, orders.import_days, REGISTERS)
    if orders.take_over or orders.dashboard:
        store = take_over_store(hass, identity)
        await store.async_place(orders.take_over, dashboard=orders.dashboard)


async def async_forget(hass: HomeAssistant, identity: str) -> None:
    """Remove what is stored of a meter's history, demand, use and take-over."""
    await forget_backfill(hass, identity)
    await forget_demand(hass, identity)
    await forget_ledger(hass, identity)
    try:
        await take_over_store(hass, identity).async_remove()
    except OSError as err:
        _LOGGER.warning("The state of the take-over could not be deleted: %s", type(err).__name__)


async def async_migrate(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Bring an entry of an earlier version up to date; return whether this version can use it.

    An order that cannot be stored now stays where it is, and is moved at a later set-up.
    """
    if entry.version > 1:
        return False
    identity = stored(entry).identity
    if entry.minor_version > 1 or identity is None:
        return True
    try:
        await _move_orders(hass, entry, identity)
    except NotStoredError:
        _LOGGER.warning("The pending orders of %s cannot be stored yet", entry.title)
        return True
    forget_old_orders(hass, entry, minor_version=2)
    return True


async def _move_orders(hass: HomeAssistant, entry: RouteBConfigEntry, identity: str) -> None:
    """Copy the orders of version 1.1 to their files; raises NotStoredError."""
    old = old_orders(entry)
    if (days := valid_days(old.import_days)) is not None:
        await async_order_import(hass, identity, days, REGISTERS)
    if old.take_over is not None or old.migrated is not None:
        store = take_over_store(hass, identity)
        await store.async_load()
        store.order, store.migrated = old.take_over, old.migrated
        store.set_failing_since(old.failing_since)
        await store.async_save()
