"""Carries over the history of the integration that read the meter before.

The order to do so is stored beside the entry (``takeover/store.py``). It is cleared when all of it is
on the disk: the statistics, the preferences of the Energy dashboard, and the costs that it counts.
After an interruption (a power cut, a database that fails, a reload) it is carried out again from the
beginning, and what was done already stays as it is.

A power cut can still revert the newest files. So what was migrated is stored, and at every start a
dashboard that shows a migrated sensor is corrected again.
"""

import asyncio
from collections.abc import Iterable, Mapping
import contextlib
from itertools import chain, repeat
import logging
from typing import Final

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import CONF_IDENTITY, DOMAIN
from ..energy_dashboard import async_add_grid_connection
from ..entry_data import RouteBConfigEntry
from ..history.identity_lock import identity_lock
from ..history.issues import HistoryIssues, HistoryProblem
from ..history.store import NotStoredError
from .core_integration import core_entries, fingerprint_of, sensors_of
from .energy_dashboard import async_replace_in_energy_dashboard
from .statistics_migration import async_carry_over_energy
from .store import TakeOverStore, take_over_store

_LOGGER = logging.getLogger(__name__)

_ENERGY: Final = "imported_energy"
#: Our sensors that a grid connection of the dashboard consists of.
SHOWN_IN_DASHBOARD: Final = (_ENERGY, "exported_energy", "power")
#: Seconds until what has failed is tried again; the last one is repeated.
_PAUSES_S: Final = (60.0, 300.0, 900.0, 3600.0)
#: Seconds to wait for a repair or an import of the same meter's history.
_LOCK_TIMEOUT_S: Final = 300.0


async def async_carry_over(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Do what the take-over has asked for, and add the meter to the Energy dashboard, once.

    The entities must be there.

    Waits for Home Assistant's start, with which the recorder begins its work, and tries again
    what has failed, until it is done or cancelled. After a day of failures a repair issue appears.
    """
    store = take_over_store(hass, entry.data[CONF_IDENTITY])
    await store.async_load()
    if store.order is None and store.migrated is None and not store.dashboard:
        return
    await _wait_for_start(hass)
    try:
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            if await _attempt(hass, entry, store, pause):
                return
            await asyncio.sleep(pause)
    except asyncio.CancelledError:
        # The entry is unloaded, perhaps for good.
        HistoryIssues(hass, entry).clear(HistoryProblem.TAKE_OVER_FAILS)
        raise


async def async_order_dashboard(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Have the meter added to the Energy dashboard, now or at the next set-up of the entry.

    Raises NotStoredError.
    """
    store = take_over_store(hass, entry.data[CONF_IDENTITY])
    await store.async_load()
    await store.async_note_dashboard(to_be_added=True)
    if entry.state is ConfigEntryState.LOADED:
        _ = entry.async_create_background_task(
            hass, async_carry_over(hass, entry), f"{entry.title} - Energy dashboard"
        )


async def _attempt(
    hass: HomeAssistant, entry: RouteBConfigEntry, store: TakeOverStore, pause: float
) -> bool:
    """Try once; return whether nothing has to be tried again before the next start."""
    try:
        if store.order is not None:
            is_complete = await _carry_out(hass, entry, store)
        else:
            await _put_dashboard_right(hass, entry, store)
            is_complete = True
        if is_complete and store.dashboard:  # not before: the meter would be there twice
            await _add_to_dashboard(hass, entry, store)
        await _note_outcome(hass, entry, store, is_complete=is_complete)
    except Exception as err:  # noqa: BLE001 - its text may hold the older entity's id
        _LOGGER.warning(
            "The take-over of the older energy history has failed and will be tried again in "
            "%.0f minutes: %s",
            pause / 60,
            getattr(err, "translation_key", None) or type(err).__name__,
        )
        if store.order is None and store.migrated is None:
            return False  # only the dashboard is to be done, of which no past depends
        with contextlib.suppress(NotStoredError):  # then the day starts again after a restart
            await _note_outcome(hass, entry, store, is_complete=False)
        return False
    return True


async def _note_outcome(
    hass: HomeAssistant, entry: RouteBConfigEntry, store: TakeOverStore, *, is_complete: bool
) -> None:
    """Raise an issue if every attempt of a day has failed, over restarts; clear it if one succeeds.

    Raises NotStoredError.
    """
    issues, now = HistoryIssues(hass, entry), dt_util.utcnow()
    if is_complete:
        issues.clear(HistoryProblem.TAKE_OVER_FAILS)
        await store.async_note_failure(None)
    else:
        since = store.failing_since or now
        issues.failing(HistoryProblem.TAKE_OVER_FAILS, since, now)
        await store.async_note_failure(since)


async def _wait_for_start(hass: HomeAssistant) -> None:
    started = asyncio.Event()

    async def note(_: HomeAssistant) -> None:
        started.set()

    stop = async_at_started(hass, note)
    try:
        await started.wait()
    finally:
        stop()


async def _carry_out(hass: HomeAssistant, entry: RouteBConfigEntry, store: TakeOverStore) -> bool:
    """Carry out the order; clear it and return True if nothing of it is left.

    Raises RecorderError, HistoryBusyError, DashboardNotStoredError and NotStoredError.
    """
    theirs = _theirs(hass, entry, store.order or {})
    ours = _ours(hass, entry, theirs)
    pairs = {theirs[key]: ours[key] for key in theirs if key in ours}
    async with identity_lock(hass, entry.data[CONF_IDENTITY]).hold("take-over", _LOCK_TIMEOUT_S):
        is_complete = await _migrate_energy(hass, theirs, ours)
        if not is_complete:
            pairs.pop(theirs[_ENERGY], None)  # the dashboard goes on showing where the past is
        await async_replace_in_energy_dashboard(hass, pairs)
    if is_complete:
        await store.async_clear_order(theirs)
    return is_complete


async def _migrate_energy(
    hass: HomeAssistant, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> bool:
    """Let our energy sensor continue theirs; return whether nothing is missing."""
    if _ENERGY not in theirs:
        return True
    if _ENERGY in ours and await async_carry_over_energy(hass, theirs[_ENERGY], ours[_ENERGY]):
        return True
    _LOGGER.warning(
        "The past of the other integration's energy sensor was not taken over: there is no such "
        "sensor here, or the recorder leaves it out, or one of the two counts no energy. It will "
        "be tried again at the next start"
    )
    return False


async def _add_to_dashboard(
    hass: HomeAssistant, entry: RouteBConfigEntry, store: TakeOverStore
) -> None:
    """Have the dashboard show the meter; what cannot be done now is tried at the next start.

    Raises DashboardNotStoredError and NotStoredError.
    """
    ours = enabled_sensors(hass, entry)
    if _ENERGY not in ours:
        _LOGGER.warning("The Energy dashboard cannot show the meter: its sensor is disabled")
        return
    outcome = await async_add_grid_connection(
        hass, ours[_ENERGY], ours.get("exported_energy"), ours.get("power")
    )
    _LOGGER.debug("The meter was to be added to the Energy dashboard: %s", outcome.value)
    await store.async_note_dashboard(to_be_added=False)


async def _put_dashboard_right(
    hass: HomeAssistant, entry: RouteBConfigEntry, store: TakeOverStore
) -> None:
    """Let the dashboard show our sensor instead of a migrated one, unless that is in use again."""
    migrated = store.migrated or {}
    ours = _ours(hass, entry, migrated)
    pairs = {
        old: ours[key] for key, old in migrated.items() if key in ours and not _is_alive(hass, old)
    }
    if await async_replace_in_energy_dashboard(hass, pairs):
        _LOGGER.info("The Energy dashboard showed a migrated sensor; it has been corrected")


def _theirs(
    hass: HomeAssistant, entry: RouteBConfigEntry, asked: Mapping[str, str]
) -> dict[str, str]:
    """Return the other integration's sensors as they are called now, by the keys of ours."""
    for other in core_entries(hass):
        if fingerprint_of(other) == entry.data[CONF_IDENTITY]:
            now = sensors_of(hass, other)
            return {key: now.get(key, entity_id) for key, entity_id in asked.items()}
    return dict(asked)


def _ours(hass: HomeAssistant, entry: RouteBConfigEntry, keys: Iterable[str]) -> dict[str, str]:
    """Return our sensors that stand for others, by key."""
    registry, identity = er.async_get(hass), entry.data[CONF_IDENTITY]
    found = {
        key: registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, f"{identity}_{key}")
        for key in keys
    }
    return {key: entity_id for key, entity_id in found.items() if entity_id is not None}


def enabled_sensors(hass: HomeAssistant, entry: RouteBConfigEntry) -> dict[str, str]:
    """Return our enabled sensors that a grid connection of the dashboard shows, by key."""
    registry = er.async_get(hass)
    ours = _ours(hass, entry, SHOWN_IN_DASHBOARD)
    found = {key: registry.async_get(entity_id) for key, entity_id in ours.items()}
    return {
        key: row.entity_id for key, row in found.items() if row is not None and not row.disabled
    }


def _is_alive(hass: HomeAssistant, entity_id: str) -> bool:
    """Return whether a sensor is in use, as after a return to the other integration."""
    sensor = er.async_get(hass).async_get(entity_id)
    if sensor is None:
        return hass.states.get(entity_id) is not None
    entry_id = sensor.config_entry_id
    entry = hass.config_entries.async_get_entry(entry_id) if entry_id else None
    return not sensor.disabled and entry is not None and entry.disabled_by is None
