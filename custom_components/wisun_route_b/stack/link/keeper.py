"""Supervises the link to a meter: recovers what is lost, step by step, and never gives up.

Theory of operation. One task waits until something is lost, then tries the steps one by one
and waits between rounds, until the meter has answered. A session that is lost within a minute
belongs to the same outage: the waits go on growing, and the next round starts with the step
behind the one that brought that session. Only the user can correct refused credentials, but
meters have refused right ones for a while: they are tried again at long intervals.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
import logging
import math
import random
from typing import Final

from ..errors import (
    CommandTimeoutError,
    CredentialsRefusedError,
    DongleError,
    JoinFailedError,
    MeterNotFoundError,
    NotConnectedError,
    PortError,
    RouteBError,
    SessionLostError,
    TransmitLimitError,
)
from ..meter.properties import AnyProperty
from ..meter.report import ReadReport
from .backoff import (
    FIRST_REFUSED_WAIT_S,
    LONGEST_PORT_WAIT_S,
    LONGEST_REFUSED_WAIT_S,
    LONGEST_WAIT_S,
    Backoff,
)
from .client import SmartMeter
from .connection import Condition
from .link_status import LinkState, LinkStatus, RecoveryStep
from .progress import Progress, ProgressCallback, Stage
from .status_log import StatusLog

_LOGGER = logging.getLogger(__name__)

#: A session that is lost within this many seconds belongs to the same outage: keep backing off and
#: going on with the next step instead of starting over.
_SAME_OUTAGE_S: Final = 60.0
#: Seconds for which a session must have carried answers before its step counts as the right one,
#: and the next outage begins with the cheapest again.
_HEALTHY_S: Final = 600.0
#: Attempts in a row in which the meter must refuse credentials that it accepted before, until they
#: count as wrong; each attempt tries twice.
_MIN_REFUSALS: Final = 2

_CONDITIONS: Final[dict[Condition, LinkState]] = {
    Condition.UP: LinkState.CONNECTED,
    Condition.RENEWING: LinkState.RENEWING,
    Condition.LIMITED: LinkState.LIMITED,
}

#: States in which the next attempt is waited for; further attempts are no new state.
_WAITING: Final = (LinkState.WAITING, LinkState.LIMITED, LinkState.REFUSED)

_STEP_TEXTS: Final[dict[RecoveryStep, str]] = {
    RecoveryStep.REJOIN: "signing in again",
    RecoveryStep.RESCAN: "looking for the meter on all channels",
    RecoveryStep.RESET: "resetting the dongle",
    RecoveryStep.REOPEN: "opening the port again",
}


class LinkKeeper:
    """Keeps one meter connected from :meth:`open` to :meth:`close`.

    Recovery takes place in a task of its own; a read that fails meanwhile raises the cause. After a
    fault ends, the link is back within five minutes at the latest, and usually in seconds.
    """

    def __init__(self, meter: SmartMeter, source: random.Random | None = None) -> None:
        """Take the meter; ``source`` is the source of the jitter."""
        self.meter = meter
        self._backoff = Backoff(source or random.Random())  # noqa: S311 - not for secrets
        self._log = StatusLog()
        self._task: asyncio.Task[None] | None = None
        self._lost: RouteBError | None = None
        self._wake = asyncio.Event()
        self._connected_at = -math.inf
        self._refusals = 0
        self._refused_wait = FIRST_REFUSED_WAIT_S
        self._first: tuple[AnyProperty, ...] = ()
        self._failed_step: RecoveryStep | None = None
        """The step whose session did not last."""
        self._logged_steps: set[RecoveryStep] = set()
        self._requested: RecoveryStep | None = None
        """The step that the user has asked for, until it is tried."""
        self._stops = (meter.on_lost(self._session_lost), meter.on_condition(self._condition))

    @property
    def status(self) -> LinkStatus:
        """State, cause and next attempt of the link."""
        return self._log.status

    @property
    def state(self) -> LinkState:
        """State of the link."""
        return self._log.status.state

    @property
    def journal(self) -> Sequence[LinkStatus]:
        """The last changes of state or cause, oldest first; each cause once in an outage."""
        return self._log.journal

    @property
    def connected_at(self) -> float | None:
        """When the session began, in seconds of the running loop's clock."""
        return self._connected_at if self.meter.connected else None

    def on_change(self, callback: Callable[[LinkStatus], None]) -> Callable[[], None]:
        """Have every change of state reported, and each cause once in an outage.

        Returns how to stop that.
        """
        return self._log.changed.add(callback)

    def on_status(self, callback: Callable[[LinkStatus], None]) -> Callable[[], None]:
        """Have every change of state or cause reported, for whoever shows what is the case now.

        Causes that alternate are reported each time. Returns how to stop that.
        """
        return self._log.updated.add(callback)

    async def open(
        self, progress: ProgressCallback | None = None, first: Iterable[AnyProperty] = ()
    ) -> ReadReport:
        """Connect for the first time and keep the link from then on.

        Returns the values of ``first``; raises as SmartMeter.connect().
        """
        self._log.set(LinkState.CONNECTING)
        self._first = wanted = tuple(first)
        try:
            reading = await self._connect(progress, wanted)
        except BaseException:
            self._log.set(LinkState.CLOSED)
            raise
        self._connected()
        self._task = asyncio.create_task(self._keep())
        return reading

    def start(self, first: Iterable[AnyProperty] = ()) -> None:
        """Keep the link from now on, without waiting for the first session.

        For a meter that has been read before: its network must be known. The values of
        ``first`` in the first session are reported to the subscribers of the meter.
        """
        self._first = tuple(first)
        self._lost = NotConnectedError("There has been no session yet")
        self._log.set(LinkState.CONNECTING)
        self._wake.set()
        self._task = asyncio.create_task(self._keep())

    async def _connect(
        self, progress: ProgressCallback | None, first: tuple[AnyProperty, ...]
    ) -> ReadReport:
        """Connect; a meter that accepted the credentials before must refuse two whole attempts."""
        try:
            return await self.meter.connect(progress, first)
        except CredentialsRefusedError:
            if self.meter.network is None:
                raise
        return await self.meter.connect(progress, first)

    async def close(self, *, end_session: bool = False) -> None:
        """Stop keeping the link and free the port, in two seconds at most."""
        for stop in self._stops:
            stop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        await self.meter.close(end_session=end_session)
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self._log.set(LinkState.CLOSED)

    def retry_now(self) -> None:
        """End the wait for the next attempt: the port may be there again.

        In the middle of an attempt, the next one will not be waited for.
        """
        if self.state in _WAITING:
            self._wake.set()

    async def reconnect(self) -> None:
        """End the session and sign in again, from any state; returns when that has begun.

        An attempt that is due later takes place now, and one that goes on is left alone, so
        asking twice does no harm. Raises TransmitLimitError while nothing may be sent, and
        NotConnectedError after :meth:`close`.
        """
        await self._renew(RecoveryStep.REJOIN)

    async def rescan(self) -> None:
        """Do as :meth:`reconnect`, but look for the meter on all channels first.

        A network that the scan finds replaces the remembered one; if it finds none, the
        remembered one is tried after that.
        """
        await self._renew(RecoveryStep.RESCAN)

    async def _renew(self, step: RecoveryStep) -> None:
        if self._task is None:
            raise NotConnectedError("The link is not kept")
        self._requested = step
        if self.meter.connected:
            await self._give_up_session()
        else:
            self.retry_now()
            if self.state is LinkState.REFUSED:
                self._log.set(LinkState.CONNECTING, self.status.error)
            if isinstance(self.status.error, TransmitLimitError):
                raise self.status.error.with_traceback(None)

    async def _give_up_session(self) -> None:
        try:
            await self.meter.end_session()
        except TransmitLimitError:
            self._requested = None
            raise
        except RouteBError:
            _LOGGER.debug("The session was lost before it could be ended")

    # --- What the meter reports ------------------------------------------------------------

    def _session_lost(self, error: RouteBError) -> None:
        self._lost = error
        self._log.set(LinkState.CONNECTING, error)
        self._wake.set()

    def _condition(self, condition: Condition) -> None:
        if self.meter.connected:
            self._log.set(_CONDITIONS[condition])
        elif condition is Condition.UP:
            self.retry_now()  # the limit has ended while we waited for that

    # --- The task --------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            lost, self._lost = self._lost, None
            if lost is not None:
                await self._restore(lost)

    async def _restore(self, error: RouteBError) -> None:
        """Bring the link back, however long it takes."""
        is_start = isinstance(error, NotConnectedError)
        if is_start:
            _LOGGER.info("Connecting to the meter")
        else:
            _LOGGER.info("The link to the meter is lost: %s", error)
        lost_at = asyncio.get_running_loop().time()
        self._logged_steps.clear()
        self._refusals = 0
        self._refused_wait = FIRST_REFUSED_WAIT_S
        answered = (self.meter.answered_at or self._connected_at) - self._connected_at
        if self._requested is not None or answered >= _HEALTHY_S:
            self._failed_step = None
        if self._requested is not None or lost_at - self._connected_at >= _SAME_OUTAGE_S:
            self._backoff.reset()
        else:
            await self._wait(error)
        while (failure := await self._try_steps(error)) is not None:
            self._count_refusal(failure)
            if self._refusals >= _MIN_REFUSALS:
                error = failure
                await self._wait_refused(failure)
            else:
                error = self._error_to_report(failure)
                await self._wait(error)
        self._connected()
        up = "up" if is_start else "back"
        _LOGGER.info("The link is %s after %.0f s", up, self._connected_at - lost_at)

    async def _try_steps(self, error: RouteBError) -> RouteBError | None:
        """Try one step after the other; return why the last one failed, or None."""
        failure: RouteBError | None = None
        for step in self._steps(error):
            if isinstance(failure, TransmitLimitError):
                break  # the regulatory limit cannot be worked around
            if step is not RecoveryStep.REOPEN and isinstance(
                failure, PortError | CommandTimeoutError
            ):
                continue
            self._announce(step, self._error_to_report(failure or error))
            if step is self._requested:
                self._requested = None
            try:
                await self.meter.recover(step, self._first, self._progressed)
            except RouteBError as err:
                failure = err
            except Exception as err:
                # An unexpected error must not end the supervision.
                _LOGGER.exception("An attempt to connect failed in an unexpected way")
                failure = DongleError("An unexpected failure")
                failure.__cause__ = err
            else:
                self._failed_step = step
                return None
        return failure

    def _steps(self, error: RouteBError) -> tuple[RecoveryStep, ...]:
        """Return the steps to try.

        REOPEN alone if port or dongle are lost; else all, or those from the requested step on, or
        those behind the step whose session did not last.
        """
        gone = not isinstance(error, SessionLostError | TransmitLimitError)
        if gone or not self.meter.has_port:
            return (RecoveryStep.REOPEN,)
        steps = tuple(RecoveryStep)
        if self._requested is not None:
            return steps[steps.index(self._requested) :]
        if self._failed_step is not None:
            return steps[steps.index(self._failed_step) + 1 :] or (RecoveryStep.REOPEN,)
        return steps

    def _announce(self, step: RecoveryStep, error: RouteBError) -> None:
        """Report a step. A round of them is over before what it found at the radio is reported.

        The first steps of a round fail of the same cause in their own ways.
        """
        first = self.state not in _WAITING
        refused = self.state is LinkState.REFUSED
        at_port = isinstance(error, PortError | DongleError)
        if self.status.error is not None and (refused or not (first or at_port)):
            error = self.status.error
        is_start = isinstance(error, NotConnectedError)
        self._log.set(
            LinkState.CONNECTING if first else self.state, None if is_start else error, step
        )
        level = logging.DEBUG if is_start or step in self._logged_steps else logging.INFO
        if not is_start:
            self._logged_steps.add(step)
        _LOGGER.log(level, "%s: %s", error, _STEP_TEXTS[step])

    def _progressed(self, progress: Progress) -> None:
        """Report that the port and the dongle are there again, as soon as the dongle has answered."""
        waits_for_dongle = isinstance(self.status.error, PortError | DongleError)
        if waits_for_dongle and progress.stage not in (Stage.OPENING, Stage.IDENTIFYING):
            error = NotConnectedError("The dongle is there again")
            self._log.set(LinkState.CONNECTING, error, self.status.step)

    def _error_to_report(self, error: RouteBError) -> RouteBError:
        """Return the error to report.

        A refusal counts only once it is repeated. A meter cannot be reached while nothing may be sent.
        """
        if isinstance(error, CredentialsRefusedError):
            return JoinFailedError("The meter refused the sign-in, perhaps by mistake")
        if isinstance(error, JoinFailedError | MeterNotFoundError) and self.meter.is_limited:
            return TransmitLimitError("The transmission time of this hour is used up")
        return error

    def _count_refusal(self, failure: RouteBError) -> None:
        refused = isinstance(failure, CredentialsRefusedError)
        self._refusals = self._refusals + 1 if refused else 0

    async def _wait(self, error: RouteBError) -> None:
        """Wait for the next attempt, or until an event makes it worth while now."""
        away = isinstance(error, PortError | DongleError)
        seconds = self._backoff.next(LONGEST_PORT_WAIT_S if away else LONGEST_WAIT_S)
        limited = isinstance(error, TransmitLimitError)
        await self._wait_in(LinkState.LIMITED if limited else LinkState.WAITING, error, seconds)

    async def _wait_refused(self, error: RouteBError) -> None:
        """Report refused credentials, and try them again all the same."""
        if self.state is not LinkState.REFUSED:
            _LOGGER.info("The meter does not accept the credentials any more")
        seconds = self._refused_wait
        self._refused_wait = min(LONGEST_REFUSED_WAIT_S, 2.0 * seconds)
        await self._wait_in(LinkState.REFUSED, error, seconds)

    async def _wait_in(self, state: LinkState, error: RouteBError, seconds: float) -> None:
        self._log.set(state, error, retry_at=asyncio.get_running_loop().time() + seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _connected(self) -> None:
        self._requested = None
        self._log.end_outage()
        self._connected_at = asyncio.get_running_loop().time()
        self._log.set(_CONDITIONS[self.meter.condition])
