"""One life of the link: a dongle, the requests over it, and why it ended."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from ..controller.counters import LinkStatistics
from ..controller.history_reader import HistoryReader
from ..controller.property_reader import PropertyReader
from ..controller.requester import Requester
from ..controller.sendings import Sendings
from ..controller.watchdog import Watchdog
from ..dongle.skstack import SkstackDongle
from ..echonet import Property
from ..errors import (
    CommandTimeoutError,
    DongleError,
    MeterSilentError,
    NotConnectedError,
    PortError,
    RouteBError,
    SendFailedError,
    SessionLostError,
)
from ..trace.trace import Trace


class Condition(StrEnum):
    """What a living session is able to do now."""

    UP = "up"
    #: Its lifetime is over and the dongle signs in again; requests wait.
    RENEWING = "renewing"
    #: The transmission time of this hour is used up (EVENT 32); requests fail at once.
    LIMITED = "limited"


class ConnectionOwner(Protocol):
    """Who wants to know what happens on a connection."""

    def condition_changed(self, condition: Condition) -> None:
        """Learn what the session is able to do from now on."""

    def session_was_renewed(self) -> None:
        """Learn that the dongle has renewed the session by itself."""

    def signal_heard(self, lqi: int | None) -> None:
        """Learn the link quality that came with a datagram, if any did."""

    def notified(self, properties: tuple[Property, ...]) -> None:
        """Take a notification of the meter."""

    def connection_lost(self, connection: Connection, error: RouteBError) -> None:
        """Learn that this connection is dead, once."""


class Connection:
    """Wires the parts of one connection together. Dies once, and remembers of what."""

    def __init__(
        self,
        owner: ConnectionOwner,
        trace: Trace,
        statistics: LinkStatistics,
        tids: Iterator[int],
        sendings: Sendings,
    ) -> None:
        """Prepare; nothing is open yet."""
        self.established = False
        """Whether the meter has been signed in to and described."""
        self._owner = owner
        self._death: RouteBError | None = None
        self.dongle = SkstackDongle(self, trace)
        self.watchdog = Watchdog(self._silent)
        self.requester = Requester(
            self._send,
            owner.notified,
            self.watchdog,
            statistics,
            tids,
            sendings=sendings,
        )
        self.reader = PropertyReader(self.requester)
        self.history = HistoryReader(self.requester, self.reader)

    @property
    def alive(self) -> bool:
        """Whether nothing has ended this connection yet."""
        return self._death is None

    def require_alive(self) -> None:
        """Raise what ended this connection, if anything did."""
        if self._death is not None:
            raise self._death.with_traceback(None)  # or it would grow with every raise

    def establish(self) -> None:
        """Say that the meter is signed in to, unless that is over already."""
        self.require_alive()
        self.watchdog.heard()
        self.established = True

    def revive(self) -> None:
        """Forget that a session was lost: a new one is to be made on the same port.

        Raises what the port or the dongle was lost of, if it was.
        """
        if isinstance(self._death, SessionLostError):
            self._death = None
        self.require_alive()
        self.established = False
        self.requester.start_over()
        self.reader.start_over()

    @property
    def condition(self) -> Condition:
        """What the session is able to do now."""
        if self.dongle.limited:
            return Condition.LIMITED
        return Condition.RENEWING if self.dongle.renewing else Condition.UP

    async def close(self) -> None:
        """Fail what is in flight and give the port back; bounded in time."""
        error = NotConnectedError("The link was closed")
        if self._death is None:
            self._death = error
        self.requester.fail(error)
        try:
            await self.requester.close()
        finally:
            await self.dongle.close()

    async def _send(self, payload: bytes) -> None:
        """Send; a dongle that no longer answers is a lost dongle."""
        self.require_alive()
        try:
            await self.dongle.send(payload)
        except CommandTimeoutError as err:
            if await self.dongle.responds():  # only its OK was lost
                raise SendFailedError("The dongle does not say whether it sent") from err
            self._die(err)
            raise
        except PortError as err:
            self._die(err)
            raise

    # --- DongleListener ---

    def datagram_received(self, payload: bytes, rssi: int | None) -> None:
        """Take a datagram of our meter."""
        self._owner.signal_heard(rssi)
        self.requester.receive(payload)

    def session_lost(self, reason: str) -> None:
        """Learn that the session is over."""
        self._die(SessionLostError(f"The session with the meter is gone: {reason}"))

    def session_renewing(self) -> None:
        """Learn that nothing can be sent until the session is renewed."""
        self._owner.condition_changed(self.condition)

    def session_renewed(self) -> None:
        """Learn that the session goes on."""
        self._owner.session_was_renewed()
        self._owner.condition_changed(self.condition)

    def transmit_limit_changed(self, active: bool) -> None:  # noqa: ARG002, FBT001 - see there
        """Learn that nothing may be transmitted any more, or that it may be again."""
        self._owner.condition_changed(self.condition)

    def dongle_lost(self, error: DongleError | PortError) -> None:
        """Learn that the dongle is gone."""
        self._die(error)

    def _silent(self) -> None:
        if self.established:
            self._die(MeterSilentError("The meter has stopped answering"))

    def _die(self, error: RouteBError) -> None:
        if self._death is None:
            self._death = error
            self.requester.fail(error)
            self._owner.connection_lost(self, error)
