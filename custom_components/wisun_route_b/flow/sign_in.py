"""One attempt to sign in at the meter for a dialog: its progress and its result."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
import logging
from typing import Any, Final

from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_ROUTE_B_ID, CONF_USB
from ..entry_data import RouteBConfigEntry, StoredMeter, found_with, names_of_home, stored
from ..error_texts import failure_key
from ..orders import Orders
from ..serial_port.connector import port_connector
from ..serial_port.location import async_locate, async_usb_identity
from ..serial_port.release import FreePort, ReleasePort
from ..serial_port.users import async_is_in_use
from ..session_end import session_ended_at
from ..stack import Credentials, Network, Progress, RouteBError, SmartMeter, Stage, errors
from ..takeover.core_integration import CoreEntryBusyError

_LOGGER = logging.getLogger(__name__)


#: Stage -> text under ``config.progress``, and its share of the whole. Looking for the meter
#: takes 5 to 65 s, the sign-in 2 to 10 s; the rest is over in a second or two.
_PHASES: Final[dict[Stage, tuple[str, float, float]]] = {
    Stage.OPENING: ("identify", 0.0, 0.02),
    Stage.IDENTIFYING: ("identify", 0.02, 0.05),
    Stage.SCANNING: ("scan", 0.05, 0.65),
    Stage.JOINING: ("join", 0.65, 0.92),
    Stage.DESCRIBING: ("read", 0.92, 1.0),
}

PROGRESS_ACTIONS: Final = frozenset(action for action, _, _ in _PHASES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """A sign-in that a dialog requests.

    It holds the input of the user and nothing that is only stored: releasing the port can end a
    session, and an entry that is unloaded may have found the meter or its dongle elsewhere until
    then.
    """

    form: str
    """The step that asked for it, and is shown again if it fails."""
    credentials: Credentials = field(repr=False)
    device: str | None = field(default=None, repr=False)
    """The port; None for wherever the dongle of ``entry`` is."""
    entry: RouteBConfigEntry | None = field(default=None, repr=False)
    """The entry that is being changed."""
    reuse_session: bool = False
    """Whether a session begun with the same password is proof enough."""
    release_port: ReleasePort = field(default_factory=FreePort, repr=False)
    """Has others release the port."""
    orders: Orders = field(default_factory=Orders)
    """What a new entry is to do once."""

    @property
    def _stored(self) -> StoredMeter | None:
        return None if self.entry is None else stored(self.entry)

    @property
    def dongle_kind(self) -> str | None:
        """The protocol of the dongle that the entry has; another port may have another one."""
        return None if self.entry is None else stored(self.entry).dongle_kind

    async def async_port(self, hass: HomeAssistant) -> str:
        """Return the port as it is now.

        Raises PortNotFoundError if there is none any more, and OtherDeviceError if something else
        than the dongle of the entry is there.
        """
        if self.device is not None:
            return self.device
        if self.entry is None:
            raise errors.PortNotFoundError("There is no port")
        return await async_locate(hass, self.entry)

    def session_ended_at(self, hass: HomeAssistant) -> float | None:
        """Return when the last session with the meter ended, in seconds of the loop's clock.

        The identity of a home with a new Route-B ID is the hash of its first one.
        """
        names = set() if self.entry is None else names_of_home(self.entry)
        return session_ended_at(hass, self.credentials.fingerprint, *names)

    def network(self) -> Network | None:
        """Return where the entry has found the meter, if its Route-B ID is tried again."""
        if self.entry is None or self.entry.unique_id != self.credentials.fingerprint:
            return None
        return stored(self.entry).network

    def require_sign_in(self) -> bool:
        """Return whether only a sign-in can show that the credentials are right."""
        before = self._stored
        return (
            not self.reuse_session or before is None or before.password != self.credentials.password
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The result of an attempt."""

    request: SignInRequest
    device: str = field(repr=False)
    """The port on which the meter has answered."""
    meter: SmartMeter = field(repr=False)

    async def async_as_data(self, hass: HomeAssistant) -> dict[str, Any]:
        """Return what the entry is to store, but for its identity."""
        entry = self.request.entry
        usb = await async_usb_identity(hass, self.device)
        if usb is None and entry is not None and self.request.device is None:
            usb = stored(entry).usb  # it could not be read, but is the same
        return {
            CONF_DEVICE: self.device,
            CONF_ROUTE_B_ID: self.request.credentials.route_b_id,
            CONF_PASSWORD: self.request.credentials.password,
            CONF_USB: usb,
            **found_with(self.meter),
        }


class SignInAttempt:
    """Signs in and releases the port; the session stays up for the entry to use."""

    def __init__(
        self,
        hass: HomeAssistant,
        request: SignInRequest,
        on_fraction: Callable[[float], None],
    ) -> None:
        """Begin at once, by releasing the port.

        ``on_fraction`` is called with how much is done, 0 to 1, never less.
        """
        self._hass = hass
        self._on_fraction = on_fraction
        self._stage, self._fraction = Stage.OPENING, 0.0
        self._phase: asyncio.Task[None] | None = None
        self._phase_over = asyncio.Event()
        self._task = hass.async_create_task(self._connect(request), eager_start=False)
        self._task.add_done_callback(lambda _: self._phase_over.set())

    async def _connect(self, request: SignInRequest) -> SignedIn:
        await self._undisturbed(request.release_port.async_release())
        # Only now is it known when the last session ended, and where dongle and meter are.
        device = await request.async_port(self._hass)
        if await async_is_in_use(self._hass, device):
            raise errors.PortBusyError("Another integration or app is set to the port")
        meter = SmartMeter(
            port_connector(device),
            request.credentials,
            network=request.network(),
            session_ended_at=request.session_ended_at(self._hass),
            require_sign_in=request.require_sign_in(),
            dongle_kind=request.dongle_kind,
        )
        try:
            await meter.connect(self._on_progress)
        finally:
            await meter.close()
        return SignedIn(request, device, meter)

    async def _undisturbed(self, release: Coroutine[Any, Any, None]) -> None:
        """Wait until the end, even if cancelled: an entry must not stay half unloaded."""
        task = self._hass.async_create_task(release, eager_start=False)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    @property
    def done(self) -> bool:
        """Whether it is over, and the port free."""
        return self._task.done()

    @property
    def action(self) -> str:
        """The key of the text for what is being done."""
        return _progress_action(self._stage)

    @property
    def result(self) -> SignedIn:
        """What was found; only after :attr:`done`, and if there is no :meth:`failure`."""
        return self._task.result()

    def failure(self) -> str | None:
        """Return the key of what went wrong, once it is over; None if nothing did."""
        try:
            self._task.result()
        except RouteBError as err:
            _LOGGER.debug("The sign-in failed: %s", err)
            return failure_key(err)
        except CoreEntryBusyError:
            return "built_in_busy"
        except Exception:
            _LOGGER.exception("Unexpected error while signing in")
            return "unknown"
        return None

    @callback
    def cancel(self, then: Callable[[], None]) -> None:
        """Stop, and call back when the port is free."""
        self._task.add_done_callback(lambda _: then())
        self._task.cancel()

    @callback
    def phase(self) -> asyncio.Task[None]:
        """Return the task whose end makes Home Assistant show the next progress text.

        One task a phase, and not one for the whole attempt: the end of each is what redraws
        the dialog, exactly once.
        """
        if self._phase is None or self._phase.done():
            over = self._phase_over = asyncio.Event()

            async def until_over() -> None:
                await over.wait()

            self._phase = self._hass.async_create_task(until_over(), eager_start=False)
        return self._phase

    @callback
    def _on_progress(self, progress: Progress) -> None:
        action = self.action
        self._stage = progress.stage
        if self.action != action:
            self._phase_over.set()
        fraction = _overall_fraction(progress)
        if fraction > self._fraction:
            self._fraction = fraction
            self._on_fraction(fraction)


def _progress_action(stage: Stage) -> str:
    """Return the key of the text to show during a stage."""
    return _PHASES[stage][0]


def _overall_fraction(progress: Progress) -> float:
    """Return how much of the whole attempt is done, 0 to 1, in steps of a hundredth."""
    _, start, end = _PHASES[progress.stage]
    return round(start + (end - start) * progress.fraction, 2)
