"""Repair issues for problems only the user can fix; cleared when resolved.

Refused credentials are not among them: Home Assistant itself raises an issue with the
dialog that asks for new ones, and clears it with that dialog.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_REAUTH,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry, stored
from ..help_pages import repairs_url
from ..serial_port.location import OtherDeviceError
from ..serial_port.users import (
    async_app_on,
    async_holders,
    async_integration_name,
    async_shares_port,
)
from ..stack import RouteBError, Signal, errors
from ..takeover.core_integration import CORE_DOMAIN
from .weak_signal import WeakSignal


class Problem(StrEnum):
    """A problem only the user can fix; the values are keys of texts and beginnings of issue ids."""

    DONGLE_MISSING = "dongle_missing"
    WRONG_DEVICE = "wrong_device"
    PORT_TAKEN = "port_taken"
    PORT_NOT_PERMITTED = "port_not_permitted"
    WEAK_SIGNAL = "weak_signal"
    CORE_ENTRY_ENABLED = "built_in_enabled"


#: Keys of an issue's data, for the fix flow.
ENTRY_ID: Final = "entry_id"
CORE_ENTRY_ID: Final = "built_in_entry_id"

#: The text about a port whose user is not known.
_PORT_TAKEN_BY_UNKNOWN: Final = "port_taken_by_somebody"
#: Failures at the port with a text of their own, more specific than that of their problem.
_TEXTS: Final[tuple[tuple[type[RouteBError], str], ...]] = (
    (OtherDeviceError, "other_device"),
    (errors.PortStuckError, "port_stuck"),
    (errors.TelnetPortError, "port_speaks_telnet"),
    (errors.HanInUseError, "dongle_in_han_use"),
    (errors.FirmwareNotDualError, "firmware_without_route_b"),
)

#: Seconds for which a problem must last: a dongle may be on its way from port to port, and
#: some programs try every new port and release it within seconds.
_GRACE: Final = {
    Problem.DONGLE_MISSING: 300.0,
    Problem.WRONG_DEVICE: 300.0,
    Problem.PORT_TAKEN: 60.0,
    Problem.PORT_NOT_PERMITTED: 300.0,
}
_LONGEST_GRACE: Final = max(_GRACE.values())
#: Seconds after which the user of the port is looked up again.
_RECHECK_S: Final = 600.0

#: Errors that show that another device is at the port.
_OTHER_DEVICE: Final = (
    errors.NotAWiSunDongleError,
    errors.HanInUseError,
    errors.FirmwareNotDualError,
    errors.NotASerialPortError,
    OtherDeviceError,
)
#: States in which an entry wants its port. In others it is unloaded for a while.
_AT_WORK: Final = (
    ConfigEntryState.LOADED,
    ConfigEntryState.SETUP_IN_PROGRESS,
    ConfigEntryState.SETUP_RETRY,
)

#: Id of an entry -> its problems. They outlive set-ups that fail and are tried again.
_PROBLEMS: Final[HassKey[dict[str, IssueMonitor]]] = HassKey(f"{DOMAIN}_problems")


class IssueMonitor:
    """Watches one entry, through all of its set-ups, and raises and clears its issues."""

    def __init__(self, hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
        """Start without any."""
        self._hass = hass
        self._entry = entry
        self._at_port: Problem | None = None
        self._text: str | None = None
        """The text about that, if it is not the usual one."""
        self._at_port_since = 0.0
        """When the port or the dongle began to fail, in seconds of the loop's clock."""
        self._timer: CALLBACK_TYPE | None = None
        self._signal = WeakSignal()
        self._refused = False

    # --- What the coordinator reports ------------------------------------------------------

    @callback
    def failed(self, error: RouteBError, now: datetime) -> None:
        """Note why a reading failed; ``now`` is aware."""
        if not isinstance(error, errors.NotConnectedError):  # it does not concern the port
            self._watch_port(_problem_at_port(error), _text_about(error))
        refused = isinstance(error, errors.CredentialsRefusedError)
        self._refused |= refused
        radio = isinstance(error, errors.LinkError) and not isinstance(
            error, errors.TransmitLimitError
        )
        if radio and not refused:
            self._watch_signal(now, None, lost=True)

    @callback
    def answered(self, signal: Signal | None, now: datetime) -> None:
        """Note that a reading succeeded, and with which signal strength."""
        self._watch_port(None)
        if self._refused:
            self._refused = False
            self._drop_question()
        self._watch_signal(now, signal.dbm if signal and signal.live else None, lost=False)

    @property
    def at_port(self) -> bool:
        """Whether the last attempt failed at the port or at the dongle."""
        return self._at_port is not None

    @callback
    def forget(self) -> None:
        """Clear every issue: the entry has been removed or disabled."""
        self._watch_port(None)
        for problem in Problem:
            self.clear(problem)

    def _drop_question(self) -> None:
        """End the dialog that asks for new credentials: the old ones are accepted after all."""
        flows = self._hass.config_entries.flow
        for flow in tuple(self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})):
            flows.async_abort(flow["flow_id"])

    # --- The port ------------------------------------------------------------------------

    def _watch_port(self, problem: Problem | None, text: str | None = None) -> None:
        if (problem, text) == (self._at_port, self._text):
            return
        if self._timer is not None:
            self._timer()
            self._timer = None
        if self._at_port is not None and problem is not self._at_port:
            self.clear(self._at_port)
        now = self._hass.loop.time()
        if self._at_port is None:
            self._at_port_since = now
        self._at_port, self._text = problem, text
        if problem is not None:
            # A failure that lasts so long, in changing ways, needs the user as well.
            left = self._at_port_since + _LONGEST_GRACE - now
            self._check_in(max(0.0, min(_GRACE[problem], left)))

    def _check_in(self, seconds: float) -> None:
        job = HassJob(self._async_check, f"{DOMAIN} problem", cancel_on_shutdown=True)
        self._timer = async_call_later(self._hass, seconds, job)

    async def _async_check(self, _: datetime) -> None:
        """Raise the issue of a problem at the port that has lasted."""
        self._timer = None
        if self._entry.state not in _AT_WORK:
            self._watch_port(None)
        elif self._at_port is Problem.PORT_TAKEN:
            await self._async_name_user()
        elif self._at_port is not None:
            self.create(self._at_port, text=self._text)

    async def _async_name_user(self) -> None:
        others = await async_holders(self._hass, self._entry)
        # Home Assistant's own integration for Route B has an issue of its own.
        rival = any(other.domain == CORE_DOMAIN for other in others)
        if others:
            name: str | None = await async_integration_name(self._hass, others[0].domain)
        else:
            name = await async_app_on(self._hass, stored(self._entry).device or "")
        if self._at_port is not Problem.PORT_TAKEN or self._timer is not None:
            return  # it has changed meanwhile
        if rival:
            self.clear(Problem.PORT_TAKEN)
        elif name is None:
            self.create(Problem.PORT_TAKEN, text=_PORT_TAKEN_BY_UNKNOWN)
        else:
            self.create(Problem.PORT_TAKEN, {"user": name})
        self._check_in(_RECHECK_S)

    # --- The radio -----------------------------------------------------------------------

    def _watch_signal(self, now: datetime, dbm: float | None, *, lost: bool) -> None:
        before = self._signal.weak
        self._signal.note(now, dbm, lost=lost)
        if self._signal.weak is before:
            return
        if self._signal.weak:
            self.create(Problem.WEAK_SIGNAL)
        else:
            self.clear(Problem.WEAK_SIGNAL)

    # --- Home Assistant's own integration ------------------------------------------------

    async def async_look_for_core_entry(self) -> None:
        """Raise or clear the issue of the other integration on our port."""
        entries = self._hass.config_entries
        candidates = entries.async_entries(CORE_DOMAIN, include_ignore=False)
        rivals = [
            other
            for other in candidates
            if not other.disabled_by and await async_shares_port(self._hass, self._entry, other)
        ]
        name = await async_integration_name(self._hass, CORE_DOMAIN) if rivals else ""
        # All of that took time, in which any of them may have been disabled or removed.
        rivals = [
            other
            for other in rivals
            if not other.disabled_by and entries.async_get_entry(other.entry_id)
        ]
        gone = self._entry.disabled_by or entries.async_get_entry(self._entry.entry_id) is None
        if gone or not rivals:
            self.clear(Problem.CORE_ENTRY_ENABLED)
        else:
            self.create(Problem.CORE_ENTRY_ENABLED, {"user": name}, rival=rivals[0].entry_id)
            self.clear(Problem.PORT_TAKEN)

    # --- Issues --------------------------------------------------------------------------

    @callback
    def create(
        self,
        problem: Problem,
        placeholders: dict[str, str] | None = None,
        *,
        text: str | None = None,
        rival: str | None = None,
    ) -> None:
        """Raise an issue, or bring it up to date; only that with another integration has a fix flow."""
        warning = problem is Problem.WEAK_SIGNAL
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(problem),
            data={ENTRY_ID: self._entry.entry_id, CORE_ENTRY_ID: rival},
            is_fixable=rival is not None,
            learn_more_url=repairs_url(self._hass),
            severity=ir.IssueSeverity.WARNING if warning else ir.IssueSeverity.ERROR,
            translation_key=text or problem.value,
            translation_placeholders={"name": self._entry.title, **(placeholders or {})},
        )

    @callback
    def clear(self, problem: Problem) -> None:
        """Clear an issue, if there is one."""
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(problem))

    def _issue_id(self, problem: Problem) -> str:
        return f"{problem.value}_{self._entry.entry_id}"


def _problem_at_port(error: RouteBError) -> Problem | None:
    """Return the problem at the port: any lasting failure there needs the user."""
    if isinstance(error, errors.PortBusyError):
        return Problem.PORT_TAKEN
    if isinstance(error, errors.PortPermissionError):
        return Problem.PORT_NOT_PERMITTED
    if isinstance(error, _OTHER_DEVICE):
        return Problem.WRONG_DEVICE
    return (
        Problem.DONGLE_MISSING if isinstance(error, errors.PortError | errors.DongleError) else None
    )


def _text_about(error: RouteBError) -> str | None:
    return next((text for kind, text in _TEXTS if isinstance(error, kind)), None)


@callback
def issue_monitor_of(hass: HomeAssistant, entry: RouteBConfigEntry) -> IssueMonitor:
    """Return the monitor of an entry."""
    known = hass.data.setdefault(_PROBLEMS, {})
    if entry.entry_id not in known:
        known[entry.entry_id] = IssueMonitor(hass, entry)
    return known[entry.entry_id]


@callback
def async_setup_issue_monitors(hass: HomeAssistant) -> None:
    """Follow our entries, and those of Home Assistant's own integration."""
    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, partial(_entry_changed, hass))


@callback
def _entry_changed(hass: HomeAssistant, change: ConfigEntryChange, entry: ConfigEntry) -> None:
    if entry.domain not in (DOMAIN, CORE_DOMAIN):
        return
    if entry.domain == DOMAIN and (change is ConfigEntryChange.REMOVED or entry.disabled_by):
        issue_monitor_of(hass, entry).forget()
        hass.data[_PROBLEMS].pop(entry.entry_id, None)
    entries = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    for ours in entries:
        _ = hass.async_create_task(issue_monitor_of(hass, ours).async_look_for_core_entry())
