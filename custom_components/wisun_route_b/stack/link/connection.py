"""One connection: a dongle, the requests over it, and why it ended.

What the dongle reports arrives as events in :meth:`Connection._handle`, the one place that decides
what they mean for the link. Events for the owner are passed to one callable, as values.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from ..controller.counters import LinkStatistics
from ..controller.history_reader import HistoryReader
from ..controller.property_reader import PropertyReader
from ..controller.requester import Requester
from ..controller.sent_requests import SentRequests
from ..controller.watchdog import Watchdog
from ..dongle.detect import Detector
from ..dongle.dongle import (
    DatagramReceived,
    Dongle,
    DongleEvent,
    DongleLost,
    SessionLost,
    SessionRenewed,
    SessionRenewing,
    TransmitLimit,
)
from ..dongle.port import Connector
from ..echonet import Property
from ..errors import (
    CommandTimeoutError,
    MeterSilentError,
    NotConnectedError,
    PortError,
    PortLostError,
    RouteBError,
    SendFailedError,
    SessionLostError,
)
from ..trace.trace import Trace
from .cache import LinkCache, Signal


class Condition(StrEnum):
    """What an established session can do now."""

    UP = "up"
    #: Its lifetime is over and the dongle signs in again; requests wait.
    RENEWING = "renewing"
    #: The transmission time of this hour is used up; requests fail at once.
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Notified:
    """The meter has sent a notification."""

    properties: tuple[Property, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """What the session is able to do has changed."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A connection that was established has ended without having been closed."""

    error: RouteBError


type ConnectionEvent = Notified | ConditionChanged | ConnectionLost


class Connection:
    """Wires the parts of one connection together. Fails once and keeps the first error."""

    def __init__(  # noqa: PLR0913 - what outlives a connection is handed in
        self,
        report: Callable[[ConnectionEvent], None],
        trace: Trace,
        cache: LinkCache,
        statistics: LinkStatistics,
        tids: Iterator[int],
        *,
        sent_requests: SentRequests,
    ) -> None:
        """Prepare; nothing is open before :meth:`open`. Events go to ``report``."""
        self.established = False
        """Whether the meter has been signed in to and described."""
        self._report = report
        self._trace = trace
        self._cache = cache
        self._statistics = statistics
        self._error: RouteBError | None = None
        """Why the connection has ended."""
        self._dongle: Dongle | None = None
        self._detection: asyncio.Task[None] | None = None
        self.watchdog = Watchdog(self._meter_is_silent)
        self.requester = Requester(
            self._send,
            lambda properties: report(Notified(properties)),
            self.watchdog,
            statistics,
            tids,
            sent_requests=sent_requests,
        )
        self.reader = PropertyReader(self.requester)
        self.history = HistoryReader(self.requester, self.reader)

    @property
    def dongle(self) -> Dongle:
        """The dongle; raises NotConnectedError before :meth:`open` has found one."""
        if self._dongle is None:
            raise NotConnectedError("No dongle has been found yet")
        return self._dongle

    @property
    def line_statistics(self) -> Mapping[str, int]:
        """Counters of what was received over the serial line; empty before a dongle was found."""
        return {} if self._dongle is None else self._dongle.line_statistics

    @property
    def alive(self) -> bool:
        """Whether nothing has ended this connection yet."""
        return self._error is None

    def require_alive(self) -> None:
        """Raise what ended this connection, if anything did."""
        if self._error is not None:
            raise self._error.with_traceback(None)  # or it would grow with every raise

    # --- Opening and closing -------------------------------------------------------------

    async def open(
        self,
        detect: Detector,
        connector: Connector,
        timeout_s: float,
        opened: Callable[[], None],
    ) -> None:
        """Open the port and find out which dongle is there; raise as ``detect``.

        ``opened`` is called when the port is open.
        """

        async def find() -> None:
            self._dongle = await detect(
                connector,
                self._handle,
                self._trace,
                timeout_s=timeout_s,
                remembered=self._cache.kind,
                opened=opened,
            )

        # A task of its own, for close() to end, which then owns what it has found.
        self._detection = asyncio.create_task(find())
        try:
            await self._detection
        except asyncio.CancelledError:
            if isinstance(self._error, NotConnectedError) and not _is_cancelled():
                raise PortLostError("The port was closed") from None
            raise
        self._cache.kind = self.dongle.kind

    async def close(self) -> None:
        """Fail what is in flight and give the port back; bounded in time."""
        error = NotConnectedError("The link was closed")
        if self._error is None:
            self._error = error
        self.requester.fail(error)
        try:
            await self.requester.close()
        finally:
            await self._close_dongle()

    async def _close_dongle(self) -> None:
        if self._detection is not None:
            self._detection.cancel()
            await asyncio.wait((self._detection,))
        if self._dongle is not None:
            await self._dongle.close()

    # --- The session ---------------------------------------------------------------------

    def establish(self) -> None:
        """Mark the session as established, unless it is lost already."""
        self.require_alive()
        self.watchdog.note_answer()
        self.established = True

    def revive(self) -> None:
        """Forget that a session was lost: a new one is to be made on the same port.

        Raises the error of the port or the dongle if that was lost.
        """
        if isinstance(self._error, SessionLostError):
            self._error = None
        self.require_alive()
        self.established = False
        self.requester.start_over()
        self.reader.start_over()

    @property
    def condition(self) -> Condition:
        """What the session is able to do now."""
        if self._dongle is None:
            return Condition.UP
        if self._dongle.transmit_limited:
            return Condition.LIMITED
        return Condition.RENEWING if self._dongle.is_renewing else Condition.UP

    async def end_session(self) -> bool:
        """End the session with the meter; False if there is none."""
        if self._dongle is None or not await self._dongle.disconnect():
            return False
        self._cache.session_ended_at = asyncio.get_running_loop().time()
        return True

    def give_up_session(self, reason: str) -> None:
        """Take the session for lost."""
        self._fail(SessionLostError(f"The session with the meter is gone: {reason}"))

    async def _send(self, payload: bytes) -> None:
        """Send; a dongle that no longer answers is a lost dongle."""
        self.require_alive()
        dongle = self.dongle
        try:
            await dongle.send(payload)
        except CommandTimeoutError as err:
            if await dongle.ping():  # only its OK was lost
                raise SendFailedError("The dongle does not say whether it sent") from err
            self._fail(err)
            raise
        except PortError as err:
            self._fail(err)
            raise

    # --- Events --------------------------------------------------------------------------

    def _handle(self, event: DongleEvent) -> None:
        """Take what the dongle reports."""
        match event:
            case DatagramReceived(payload, dbm, lqi):
                if dbm is not None:
                    self._cache.signal = Signal(dbm, lqi, live=True)
                self.requester.receive(payload)
            case SessionLost(reason):
                self.give_up_session(reason)
            case TransmitLimit(active):
                now = asyncio.get_running_loop().time()
                self._cache.limited_at = now if active else None
                self._report_condition()
            case SessionRenewing():
                self._report_condition()
            case SessionRenewed():
                self._statistics.renewals += 1
                self._report_condition()
            case DongleLost(error):
                self._fail(error)
            case _:
                assert_never(event)

    def _report_condition(self) -> None:
        if self._dongle is not None:
            self._report(ConditionChanged(self.condition))

    def _meter_is_silent(self) -> None:
        if self.established:
            self._fail(MeterSilentError("The meter has stopped answering"))

    def _fail(self, error: RouteBError) -> None:
        if self._error is not None:
            return
        self._error = error
        self.requester.fail(error)
        if self.established:
            self._statistics.disconnects += 1
            self._report(ConnectionLost(error))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
