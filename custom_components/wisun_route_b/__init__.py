"""Wi-SUN Route B: a Japanese smart electricity meter in Home Assistant."""

import contextlib
from datetime import datetime
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import RouteBCoordinator
from .entry_data import RouteBConfigEntry, check_entry, stored, stored_options
from .line_logs import forget_line_log
from .orders import async_forget, async_migrate
from .repairs.dashboard import async_report_removed, withdraw_removed
from .repairs.issues import async_setup_issue_monitors
from .repairs.old_sensors import async_watch_old_sensors, withdraw_old_sensors
from .serial_port.connector import entry_connector, port_connector
from .serial_port.watch import async_setup_port_watch
from .services import async_setup_services
from .session_end import note_session_end
from .stack import RouteBError, end_session
from .takeover.carry_over import async_carry_over

_LOGGER = logging.getLogger(__name__)

PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.BUTTON, Platform.SENSOR]

#: Seconds until a set-up that fails is tried again, at the latest; with the attempt itself the
#: meter is read again within 300 s after the fault has ended.
_LONGEST_RETRY_WAIT_S: Final = 200.0

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(
    hass: HomeAssistant,
    config: ConfigType,  # noqa: ARG001 - Home Assistant's signature
) -> bool:
    """Offer the actions, and watch for serial devices that are plugged in."""
    async_setup_services(hass)
    async_setup_issue_monitors(hass)
    async_setup_port_watch(hass)
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Bring an entry of an earlier version up to date."""
    return await async_migrate(hass, entry)


async def async_setup_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Connect to the meter and add its entities."""
    check_entry(hass, entry)
    coordinator = RouteBCoordinator(hass, entry)

    async def stop(_: Event) -> None:
        coordinator.backfill.async_stop()
        await coordinator.async_close()

    # Before the first refresh: a set-up that fails must release the port as well.
    entry.async_on_unload(coordinator.async_close)
    # Not "once": a listener that has gone off by itself cannot be removed on unload.
    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))
    try:
        await coordinator.async_start()
    except ConfigEntryNotReady:
        _retry_within_bound(hass, entry)
        raise
    entry.runtime_data = coordinator
    withdraw_removed(hass, stored(entry).identity)
    # Before there are entities: a failure after that would leave them behind.
    await coordinator.demand.async_start()
    await _start_backfill(entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    async_watch_old_sensors(hass, entry)
    for name, work in (
        ("first values", coordinator.async_read_rest()),
        ("describe", coordinator.async_describe()),
        ("take over", async_carry_over(hass, entry)),
    ):
        _ = entry.async_create_background_task(hass, work, f"{entry.title} - {name}")
    return True


@callback
def _retry_within_bound(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """Retry a failed set-up no later than after :data:`_LONGEST_RETRY_WAIT_S`.

    The waits of Home Assistant's own retries grow to ten minutes. One that comes first ends this.
    """

    @callback
    def due(_: datetime) -> None:
        if entry.state is ConfigEntryState.SETUP_RETRY:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    @callback
    def state_changed() -> None:
        if entry.state is not ConfigEntryState.SETUP_RETRY and stops:
            cancel()
            hass.loop.call_soon(stops.pop())  # Home Assistant iterates over the listeners now

    job = HassJob(due, f"{DOMAIN} retry of the set-up", cancel_on_shutdown=True)
    cancel = async_call_later(hass, _LONGEST_RETRY_WAIT_S, job)
    stops = [entry.async_on_state_change(state_changed)]


async def _start_backfill(entry: RouteBConfigEntry) -> None:
    """Start the backfill of the energy history."""
    repair = entry.runtime_data.backfill
    entry.async_on_unload(repair.async_stop)
    options = stored_options(entry)
    await repair.async_start(enabled=options.repair, costs=options.costs)


async def async_unload_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> bool:
    """Remove the entities; the port is closed after that."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


@callback
def _end_dialogs(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """End dialogs about an entry that is gone; Home Assistant does that for some only."""
    for flow in hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"entry_id": entry.entry_id}
    ):
        hass.config_entries.flow.async_abort(flow["flow_id"])


async def async_remove_entry(hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
    """End the session that unloading left alive, if that can be done quickly."""
    _end_dialogs(hass, entry)
    withdraw_old_sensors(hass, entry)
    gone = stored(entry)
    if gone.identity is None:
        return  # it was never set up
    await async_report_removed(hass, entry, gone.identity)
    await async_forget(hass, gone.identity)
    forget_line_log(hass, gone.identity)
    if entry.disabled_by is not None or gone.network is None or gone.device is None:
        return
    with contextlib.suppress(RouteBError, TimeoutError):
        if await end_session(
            entry_connector(hass, entry, port_connector), gone.network, gone.dongle_kind
        ):
            note_session_end(hass, gone.identity, hass.loop.time())
            _LOGGER.debug("The session with the meter has ended")
