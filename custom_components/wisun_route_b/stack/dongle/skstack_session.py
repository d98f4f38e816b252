"""The PANA session between dongle and meter, as a table of states.

It turns the EVENT numbers of the dongle into states and outcomes: signed in, refused, renewed, lost.
Numbers and meanings are those of the BP35A1 and BP35C2 manuals, 4.8 and pages 65-66.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from types import MappingProxyType
from typing import Final

from ..errors import (
    CredentialsRefusedError,
    JoinFailedError,
    NotConnectedError,
    PortLostError,
    SessionLostError,
)
from ..skstack import EventNumber
from ..skstack.pana import sequence_of, turns_down
from .dongle import EventHandler, SessionLost, SessionRenewed, SessionRenewing
from .futures import settle

#: Different packets of the meter in a sign-in that was refused without an answer: the second
#: one is its challenge, and the third one comes only after a correct response to it.
_CHALLENGE_PACKETS = 2
#: Packets that are counted; a sign-in has four.
_MAX_PACKETS = 8
#: Seconds after EVENT 29 in which the dongle must have begun to sign in again by itself
#: (register S17); a meter's first packet comes within a second or two (captures 01, 09).
_RENEWAL_BEGINS_S = 10.0
#: Seconds for the rest of it. One that fails ends with EVENT 24 after 38 to 41 s.
_RENEWAL_ENDS = 45.0


class SessionState(Enum):
    """Where the session stands."""

    NONE = "none"
    JOINING = "joining"
    UP = "up"
    #: Its lifetime is over and the dongle signs in again: nothing may be sent until it has.
    RENEWING = "renewing"


_ENDINGS: Final = (
    EventNumber.PANA_FAILED,
    EventNumber.TERMINATION_REQUESTED,
    EventNumber.TERMINATED,
    EventNumber.TERMINATION_TIMED_OUT,
)

#: State -> event -> next state. What is not listed changes nothing: an EVENT 27 in a sign-in
#: is the end of the session before.
_NEXT: Final[MappingProxyType[SessionState, dict[int, SessionState]]] = MappingProxyType(
    {
        SessionState.NONE: {},
        SessionState.JOINING: {
            EventNumber.PANA_CONNECTED: SessionState.UP,
            EventNumber.PANA_FAILED: SessionState.NONE,
        },
        SessionState.UP: {
            **dict.fromkeys(_ENDINGS, SessionState.NONE),
            EventNumber.PANA_CONNECTED: SessionState.UP,
            EventNumber.SESSION_EXPIRED: SessionState.RENEWING,
        },
        SessionState.RENEWING: {
            **dict.fromkeys(_ENDINGS, SessionState.NONE),
            EventNumber.PANA_CONNECTED: SessionState.UP,
        },
    }
)

_REASONS: Final[MappingProxyType[int, str]] = MappingProxyType(
    {
        EventNumber.PANA_FAILED: "the sign-in was not renewed (EVENT 24)",
        EventNumber.TERMINATION_REQUESTED: "the meter ended it (EVENT 26)",
        EventNumber.TERMINATED: "it was ended (EVENT 27)",
        EventNumber.TERMINATION_TIMED_OUT: "it was ended (EVENT 28)",
        EventNumber.SESSION_EXPIRED: "its lifetime is over (EVENT 29)",
    }
)


class PanaSession:
    """One session after another, over one dongle."""

    def __init__(self, on_event: EventHandler) -> None:
        """Begin without a session."""
        self._on_event = on_event
        self._state = SessionState.NONE
        self._decided: asyncio.Future[None] | None = None
        """Ends with the sign-in, or with the renewal, that is going on."""
        self._timer: asyncio.TimerHandle | None = None
        self._packets: set[bytes] = set()
        self._turned_down = False
        self._unacknowledged = False
        self._signs = False
        """Whether anything has come from the meter in the sign-in that was begun last."""

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._state

    @property
    def has_packets(self) -> bool:
        """Whether the meter has sent a packet in the sign-in that was begun last."""
        return bool(self._packets)

    # --- What the host does --------------------------------------------------------------

    def take_over(self) -> None:
        """Use the session of an earlier program."""
        self._set(SessionState.UP)

    def begin(self) -> asyncio.Future[None]:
        """Start a sign-in; the future ends with it.

        It raises CredentialsRefusedError, JoinFailedError or the error of the lost dongle.
        """
        self._packets.clear()
        self._turned_down = self._unacknowledged = self._signs = False
        self._set(SessionState.JOINING)
        self._decided = asyncio.get_running_loop().create_future()
        return self._decided

    def expect_sign(self, seconds: float | None) -> None:
        """Fail the sign-in after these seconds, if there is no sign of the meter by then.

        After the first message of the meter the dongle decides.
        """
        if seconds is not None and self._state is SessionState.JOINING and not self._signs:
            self._wait_at_most(seconds, self._no_sign)

    def drop(self, error: PortLostError | None = None) -> None:
        """Forget the session without an event; fail whatever waits for it."""
        self._set(SessionState.NONE)
        self._decide(error or NotConnectedError("The session was given up"))

    async def ready(self) -> None:
        """Wait out a renewal; raise a LinkError or PortError if there is no session then."""
        decided = self._decided
        if self._state is SessionState.RENEWING and decided is not None:
            await asyncio.wait((decided,))
            decided.result()
        if self._state is not SessionState.UP:
            raise NotConnectedError("There is no session with the meter")

    # --- What the dongle reports -----------------------------------------------------------

    def packet_received(self, packet: bytes) -> None:
        """Note a PANA packet of the meter."""
        self.sign_received()
        if self._state is SessionState.RENEWING and not self._packets:
            self._wait_at_most(_RENEWAL_ENDS, self._not_renewed)
        self._turned_down |= turns_down(packet)
        if len(self._packets) < _MAX_PACKETS:
            self._packets.add(sequence_of(packet))

    def transmission_failed(self) -> None:
        """Note that the meter did not acknowledge something (EVENT 21 with 01)."""
        self._unacknowledged = True

    def sign_received(self) -> None:
        """Note that the meter is there: it has sent, or acknowledged, something."""
        self._signs = True
        if self._state is SessionState.JOINING:
            self._stop_waiting()

    def event(self, number: int) -> None:
        """Take an EVENT; numbers that do not concern the session are ignored."""
        before = self._state
        after = _NEXT[before].get(number)
        if after is None:
            return
        self._set(after)
        match before, after:
            case SessionState.JOINING, SessionState.UP:
                self._decide(None)
            case SessionState.JOINING, _:
                self._decide(self._refusal())
            case _, SessionState.UP:
                self._decide(None)
                self._on_event(SessionRenewed())
            case _, SessionState.RENEWING:
                self._expect_renewal()
            case _:
                self._lose(_REASONS[number])

    def _expect_renewal(self) -> None:
        self._packets.clear()
        self._decided = asyncio.get_running_loop().create_future()
        self._wait_at_most(_RENEWAL_BEGINS_S, self._not_renewed)
        self._on_event(SessionRenewing())

    def _wait_at_most(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(seconds, otherwise)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _no_sign(self) -> None:
        self._set(SessionState.NONE)
        self._decide(JoinFailedError("There was no sign of the meter"))

    def _not_renewed(self) -> None:
        self._set(SessionState.NONE)
        self._lose(_REASONS[EventNumber.SESSION_EXPIRED])

    def _lose(self, reason: str) -> None:
        self._decide(SessionLostError(f"The session with the meter is gone: {reason}"))
        self._on_event(SessionLost(reason))

    def _set(self, state: SessionState) -> None:
        self._stop_waiting()
        self._state = state

    def _decide(self, error: Exception | None) -> None:
        decided, self._decided = self._decided, None
        settle(decided, error)

    def _refusal(self) -> JoinFailedError | CredentialsRefusedError:
        """Return the error for a failed sign-in.

        CredentialsRefusedError if the meter has reported a refusal, or has sent its challenge,
        acknowledged all that we answered, and then sent no more. Else the radio may be at fault.
        """
        unanswered = len(self._packets) == _CHALLENGE_PACKETS and not self._unacknowledged
        if self._turned_down or unanswered:
            return CredentialsRefusedError("The meter refused the sign-in")
        return JoinFailedError("The meter did not finish the sign-in")
