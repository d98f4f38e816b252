"""The only component that reads the meter: polls what entities show, takes what is pushed."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
import logging
from typing import Final, override

from homeassistant.const import CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import (
    CONF_IDENTITY,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_ROUTE_B_ID,
    DOMAIN,
)
from .demand.tracker import DemandTracker
from .entry_data import RouteBConfigEntry, remember_meter, stored, stored_options
from .error_texts import failure_key
from .freshness import Freshness, hold_time
from .half_hours import HalfHourLookup, HalfHours, fixed_time_slot
from .history.backfill import HistoryBackfill
from .history.meter_clock import clock_offset_in
from .history.meter_history import PAUSE_S
from .line_logs import line_log_of
from .repairs.issues import issue_monitor_of
from .serial_port.connector import entry_connector, port_connector
from .serial_port.location import async_store_usb_identity
from .session_end import note_session_end, session_ended_at
from .stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    MeterDescription,
    Network,
    ReadReport,
    RouteBError,
    SmartMeter,
    errors,
    properties as meter_properties,
    schedule,
)

_LOGGER = logging.getLogger(__name__)

#: What the first reading asks for, before there are entities to want anything.
_FIRST_READING = frozenset(
    row.epc
    for row in (
        meter_properties.INSTANTANEOUS_POWER,
        meter_properties.INSTANTANEOUS_CURRENT,
        meter_properties.CUMULATIVE_ENERGY_NORMAL,
        meter_properties.CUMULATIVE_ENERGY_REVERSE,
    )
)
#: Seconds for one poll's answer, in which the request is sent four times. Answers take 0.1 to
#: 4 s (captures 06 and 22, and field reports); the specification's 60 s would hide a dead
#: link for minutes.
_READ_TIMEOUT_S: Final = 20.0
#: Seconds in which several changes of the link are shown as one: a broken dongle may report
#: hundreds a second.
_LINK_SETTLES: Final = 1.0
#: Seconds that the set-up of a meter known from memory waits for its first reading. A living
#: session answers within one; the start of Home Assistant must not wait for the radio.
_FIRST_READING_WAIT: Final = 4.0

#: States of the link in which a reading succeeds, or its failure shows what is wrong.
_SETTLED: Final = (LinkState.CONNECTED, LinkState.WAITING, LinkState.REFUSED)


class RouteBCoordinator(DataUpdateCoordinator[ReadReport]):
    """Keeps the newest report of one meter.

    Entities pass the EPCs they show as their context; what no enabled entity shows is not
    asked for, and costs no time on the air.
    """

    config_entry: RouteBConfigEntry

    def __init__(self, hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
        """Prepare; :meth:`async_start` opens the port."""
        interval = stored_options(entry).poll_interval
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=timedelta(seconds=interval),
        )
        self.data = ReadReport()
        self.meter = SmartMeter(
            entry_connector(hass, entry, port_connector),
            Credentials(entry.data[CONF_ROUTE_B_ID], entry.data[CONF_PASSWORD]),
            network=Network.from_dict(entry.data.get(CONF_NETWORK) or {}),
            description=MeterDescription.from_dict(entry.data.get(CONF_KNOWN) or {}),
            session_ended_at=session_ended_at(hass, entry.data[CONF_IDENTITY]),
            line_log=line_log_of(hass, entry.data[CONF_IDENTITY]),
            dongle_kind=stored(entry).dongle_kind,
        )
        self._from_memory = self.meter.description is not None
        self.keeper = LinkKeeper(self.meter)
        self.backfill = HistoryBackfill(
            hass, entry, entry.data[CONF_IDENTITY], self.meter, read_clock=self._read_clock
        )
        self._issues = issue_monitor_of(hass, entry)
        self.clock_offset: timedelta | None = None
        """How far the meter's clock is ahead of ours; zero if they agree to the minute."""
        self.half_hours = HalfHours()
        self._half_hour_lookup = HalfHourLookup(self.meter, self.half_hours)
        self.demand = DemandTracker(
            hass,
            entry,
            entry.data[CONF_IDENTITY],
            self.meter,
            self.half_hours,
            self.backfill.past(PAUSE_S),
        )
        self.session_start: datetime | None = None
        """When the session with the meter began; None while there is none."""
        self.down_since: datetime | None = dt_util.utcnow()
        """Since when there has been no session; None while there is one."""
        self._last_read: dict[int, datetime] = {}
        self._freshness = Freshness(hold_time(interval))
        self._expiry: asyncio.TimerHandle | None = None
        self._showing: asyncio.TimerHandle | None = None
        self._shown_at = -_LINK_SETTLES
        self._has_started = False
        self._settled = asyncio.Event()
        """Set once the first attempt to connect has succeeded or failed."""
        self._stops: tuple[Callable[[], None], ...] = (
            self.meter.subscribe(self._pushed),
            self.keeper.on_status(self._link_changed),
            self.backfill.async_add_listener(self.async_update_listeners),
        )

    async def async_start(self) -> None:
        """Start the supervision of the link; the entities of the meter are known when this returns.

        A meter that has never described itself must be read first: raises ConfigEntryNotReady or
        ConfigEntryAuthFailed if it cannot be. One that is known from memory is waited for
        during 4 s at most. If it has not answered then, its entities are unavailable until it does.
        """
        if self.meter.description is None:
            await self.async_config_entry_first_refresh()
            return
        self._has_started = True
        self.keeper.start(schedule.due_properties(dt_util.utcnow(), {}, _FIRST_READING))
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_READING_WAIT):
                await self._settled.wait()
        if not self.meter.connected:
            await self.async_refresh()  # which raises the cause, if the attempt has failed

    async def async_close(self) -> None:
        """Release the port. Only a disabled entry ends its session with the meter.

        Closing changes the link, and what was waiting for it fails: callbacks end first, timers
        last, so that nothing is scheduled afterwards.
        """
        stops, self._stops = self._stops, ()
        for stop in stops:
            stop()
        await self.async_shutdown()
        await self.keeper.close(end_session=self.config_entry.disabled_by is not None)
        for timer in (self._expiry, self._showing):
            if timer is not None:
                timer.cancel()
        if self.meter.session_ended_at is not None:
            note_session_end(
                self.hass, self.config_entry.data[CONF_IDENTITY], self.meter.session_ended_at
            )

    def offers(self, properties: Iterable[meter_properties.AnyProperty]) -> bool:
        """Return whether the meter has these properties, by its own list or by its answers."""
        description = self.meter.description
        if description is not None and description.readable:
            return description.offers(*properties)
        return self.data.has(*(row.epc for row in properties))

    # --- Availability ----------------------------------------------------------------------

    def shows(self, epcs: frozenset[int]) -> bool:
        """Return whether all of these properties have a value that is not too old.

        One lost answer makes no value unavailable (see :mod:`.freshness`).
        """
        now = self.hass.loop.time()
        return self.data.has(*epcs) and all(self._freshness.is_fresh(epc, now) for epc in epcs)

    def age(self, epc: int, now: float) -> int | None:
        """Return how many seconds ago a property was answered; ``now`` is the loop's clock."""
        age = self._freshness.age(epc, now)
        return None if age is None else round(age)

    @property
    def last_answer(self) -> datetime | None:
        """When the meter answered or announced anything last; None before the first."""
        return max(self._last_read.values(), default=None)

    def _note(self, report: ReadReport, now: datetime) -> None:
        """Note when what was answered; update the entities when it expires."""
        answered = report.values.keys() | report.refused
        if not answered:
            return
        self._freshness.note(answered, self.hass.loop.time())
        self._last_read.update(dict.fromkeys(answered, now))
        self._expect_expiry()
        self._note_half_hours(report)
        self._note_clock(report, now)
        self.demand.note(report, now, self.clock_offset)

    def _note_clock(self, report: ReadReport, now: datetime) -> timedelta | None:
        """Note how far the meter's clock is ahead; return that, None if it did not show its clock."""
        if (offset := clock_offset_in(report, now)) is not None:
            self.clock_offset = offset
        return offset

    async def _read_clock(self) -> timedelta | None:
        """Ask the meter for its clock; None if it does not show it. Raises RouteBError."""
        if not self.offers((meter_properties.CURRENT_DATE, meter_properties.CURRENT_TIME)):
            return None
        try:
            report = await self.meter.read(
                (meter_properties.CURRENT_DATE, meter_properties.CURRENT_TIME), _READ_TIMEOUT_S
            )
        except errors.ResponseTimeoutError:
            return None  # silent about its clock; a meter that is silent altogether fails next
        return self._note_clock(report, dt_util.utcnow())

    @callback
    def _expect_expiry(self) -> None:
        """Update the entities when the next value expires."""
        if self._expiry is not None:
            self._expiry.cancel()
        due = self._freshness.next_expiry(self.hass.loop.time())
        self._expiry = None if due is None else self.hass.loop.call_at(due + 1.0, self._expire)

    @callback
    def _expire(self) -> None:
        self._expect_expiry()
        self.async_update_listeners()

    # --- Half-hours ------------------------------------------------------------------------

    @callback
    def _note_half_hours(self, report: ReadReport) -> None:
        """Keep the fixed-time readings; look up, once, the start of a half-hour that began before us."""
        self.half_hours.note(report, dt_util.utcnow())
        slot = fixed_time_slot(report)
        one_way = not self.offers((meter_properties.FIXED_TIME_ENERGY_REVERSE,))
        if slot is not None and (one_way or slot.registers.reverse is not None):
            self.backfill.async_note(slot)
        if (end := self._half_hour_lookup.next()) is not None:
            _ = self.config_entry.async_create_background_task(
                self.hass, self._look_up(end), f"{self.name} - half-hour", eager_start=False
            )

    async def _look_up(self, end: datetime) -> None:
        """Complete a half-hour from the meter's history."""
        try:
            await self._half_hour_lookup.read(
                end, dt_util.utcnow(), by_slot=self.offers((meter_properties.HISTORY2,))
            )
        except RouteBError as err:
            _LOGGER.debug("The last half-hour could not be looked up: %s", err)
            return
        self.async_update_listeners()

    # --- Polling ---------------------------------------------------------------------------

    @override
    async def _async_update_data(self) -> ReadReport:
        now = dt_util.utcnow()
        if self._has_started and self._is_connecting():
            return self.data  # the entities are unavailable, and nothing has failed
        try:
            report = await (self._poll(now) if self._has_started else self._open(now))
        except errors.CredentialsRefusedError as err:
            self._issues.failed(err, now)
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key=failure_key(err)
            ) from err
        except RouteBError as err:
            self._issues.failed(err, now)
            if self._freshness.is_alive(self.hass.loop.time()):
                return self.data  # still held: the keeper is recovering the link
            raise UpdateFailed(translation_domain=DOMAIN, translation_key=failure_key(err)) from err
        self._issues.answered(self.meter.signal, now)
        self._note(report, now)
        self._has_started = True
        # Not what `data` was when the read began: a push may have come since.
        return self.data.merged(report)

    async def _open(self, now: datetime) -> ReadReport:
        # A task of the entry: unloading cancels it, which frees the port, whatever asked for
        # this refresh.
        first = schedule.due_properties(now, {}, _FIRST_READING)
        report = await self.config_entry.async_create_background_task(
            self.hass, self.keeper.open(first=first), f"{self.name} - connect"
        )
        self._note_session()
        self._remember()
        return report

    async def _poll(self, now: datetime) -> ReadReport:
        """Read what is due; an answer that was lost is asked for once more, at once."""
        if not self.meter.connected:
            raise self.keeper.status.error or errors.NotConnectedError("There is no session")
        due = schedule.due_properties(now, self._last_read, self._wanted())
        try:
            return await self.meter.read(due, _READ_TIMEOUT_S)
        except errors.ResponseTimeoutError, errors.SendFailedError:
            return await self.meter.read(due, _READ_TIMEOUT_S)

    async def async_read_rest(self) -> None:
        """Read at once what entities show and the first reading has not asked for.

        Entities would be unavailable until the next poll. Without a session nothing is read:
        the next one begins with a poll.
        """
        wanted = self._wanted() - self._last_read.keys()
        due = schedule.due_properties(dt_util.utcnow(), self._last_read, wanted)
        if not due or not self.meter.connected:
            return
        try:
            report = await self.meter.read(due, _READ_TIMEOUT_S)
        except RouteBError as err:
            _LOGGER.debug("The rest of the first reading could not be read: %s", err)
        else:
            self._pushed(report)

    def _is_connecting(self) -> bool:
        """Return whether the first attempt to connect goes on."""
        status = self.keeper.status
        return status.state is LinkState.CONNECTING and status.error is None

    def _wanted(self) -> frozenset[int]:
        """Return the EPCs that enabled entities show."""
        contexts: set[frozenset[int]] = set(self.async_contexts())
        return frozenset().union(*contexts)

    @callback
    def _pushed(self, report: ReadReport) -> None:
        """Take what came between two polls, without disturbing their timer."""
        self._note(report, dt_util.utcnow())
        self.data = self.data.merged(report)
        self.async_update_listeners()

    # --- The link --------------------------------------------------------------------------

    @callback
    def _link_changed(self, _: LinkStatus) -> None:
        """Show the state of the link: at once, but not more often than once a second."""
        if self.keeper.state is not LinkState.CONNECTING:
            self._settled.set()
        if not self._has_started or self._showing is not None:
            return
        due = self._shown_at + _LINK_SETTLES
        if self.hass.loop.time() >= due:
            self._show_link()
        else:
            self._showing = self.hass.loop.call_at(due, self._show_link)

    @callback
    def _show_link(self) -> None:
        """Update the entities, and read at once, or get the cause why that is not possible."""
        self._showing = None
        self._shown_at = self.hass.loop.time()
        self._note_session()
        self.async_update_listeners()
        if self.keeper.state not in _SETTLED:
            return
        self._remember()
        _ = self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{self.name} - link changed"
        )

    @callback
    def _note_session(self) -> None:
        """Note when the session began, by the wall clock; the loop's clock is another."""
        if not self.meter.connected:
            self.session_start = None
            self.down_since = self.down_since or dt_util.utcnow()
        elif self.session_start is None:
            self.session_start = dt_util.utcnow()
            self.down_since = None

    async def async_describe(self) -> None:
        """Read the meter's description, if it is only stored or not complete."""
        description = self.meter.description
        if not self._from_memory and description is not None and description.complete:
            return
        try:
            await self.meter.describe()
        except RouteBError as err:
            _LOGGER.debug("The meter's description could not be read: %s", err)
        else:
            self._remember()
            self.async_update_listeners()
            if description is None or description.scale is None:
                await self.async_refresh()  # now its energies can be decoded

    @callback
    def _remember(self) -> None:
        """Store the network and the description of the meter for the next start."""
        remember_meter(self.hass, self.config_entry, self.meter)
        if self.meter.connected and stored(self.config_entry).usb is None:
            _ = self.config_entry.async_create_background_task(
                self.hass,
                async_store_usb_identity(self.hass, self.config_entry),
                f"{self.name} - USB number",
            )
