"""ECHONET Lite requests over a radio that loses datagrams: request, resend, match, confirm.

Theory of operation. One request waits at a time. It is sent again, under a new transaction ID (TID),
whenever the measured response time has passed without an answer, until its timeout is over. Every
sending is remembered by its TID (:mod:`.sent_requests`), so an answer can arrive

- in time, to any sending of the request that waits: it ends the request;
- late, to a request that was given up: it shows that the meter is alive and slow, which extends the
  timeout of the request that waits, and it answers that one if both ask for the same; else its
  values are reported like a notification, unless they are too old or hold for one moment only;
- from an earlier session: it shows that the meter is alive, and nothing else.

Notifications (INF, INFC) can arrive at any moment, also between a request and its answer; INFC is
confirmed by a task of its own, so that a reading does not wait for it. Two requests in a row that are
never answered end the session (:mod:`.watchdog`).

All that is needed of the link below is a coroutine function that sends a datagram, and a call of
:meth:`Requester.receive` for each datagram that has come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
import itertools
import logging
import secrets
from typing import Protocol

from ..echonet import CONTROLLER, ESV, METER, Frame, Property
from ..errors import (
    DecodeError,
    ResponseTimeoutError,
    RouteBError,
    SendFailedError,
)
from .counters import LinkStatistics
from .sent_requests import PendingRequest, SentRequest, SentRequests
from .watchdog import Watchdog

_LOGGER = logging.getLogger(__name__)

#: Seconds a meter may take for one property, and for several or for a day of history
#: (application interface specification 1.01, 2.4.2, timers 1 and 2).
TIMEOUT_ONE_S = 20.0
TIMEOUT_SEVERAL_S = 60.0
#: Sendings in which the next request must be answered after one that was not: what is not answered twice
#: seldom is later, and a meter that has been without power answers nothing before a new sign-in.
_SENDINGS_IN_DOUBT = 2
#: Datagrams in a row that may fail on the air before the request does.
_TRANSMIT_ATTEMPTS = 3
#: Confirmations (INFC_Res) that may wait for their turn; a meter sends two an hour.
_MAX_CONFIRMATIONS = 4

#: Seconds after its sending in which an answer may be used although the request was given up.
_LATE_IS_USABLE = 60.0
#: Seconds that a request is waited for at most while late answers to earlier ones come: four sendings
#: that a slow meter serves one after the other, 20 s each (timer 1), and some more.
_LONGEST_TIMEOUT_S = 90.0
#: Properties whose answer holds for the moment or the selection of one request only: the clock, and
#: the histories and what selects them.
_BOUND_TO_REQUEST = frozenset((0x97, 0x98, 0xE2, 0xE4, 0xE5, 0xEC, 0xED, 0xEE, 0xEF))

#: A day of history counts as several properties, whatever the number.
_LONG_ANSWERS = frozenset((0xE2, 0xE4))


@dataclass(frozen=True, slots=True)
class _Late:
    """The last answer that came after its request was given up."""

    at: float
    epcs: frozenset[int]
    frame: Frame


@dataclass(frozen=True, slots=True)
class _Extension:
    """The timeout of the request that waits, which grows while answers to earlier requests arrive."""

    deadline: asyncio.Timeout
    begun: float
    timeout_s: float

    def extend(self, now: float) -> None:
        """Start the timeout again: the meter has just served an earlier request."""
        if not self.deadline.expired():
            latest = self.begun + max(self.timeout_s, _LONGEST_TIMEOUT_S)
            self.deadline.reschedule(min(now + self.timeout_s, latest))


class Request(Protocol):
    """Makes one request; see Requester.request."""

    async def __call__(
        self, service: ESV, properties: tuple[Property, ...], timeout_s: float | None = None
    ) -> Frame:
        """Return the answer."""


class Requester:
    """Makes one request at a time to the meter object and routes everything that arrives."""

    def __init__(  # noqa: PLR0913 - what outlives a connection is handed in
        self,
        send: Callable[[bytes], Awaitable[None]],
        notify: Callable[[tuple[Property, ...]], None],
        watchdog: Watchdog,
        statistics: LinkStatistics,
        tids: Iterator[int],
        *,
        sent_requests: SentRequests,
    ) -> None:
        """Take what sends a datagram, and what gets the meter's notifications.

        ``send`` raises SendFailedError if a datagram did not get through; what comes is passed to
        :meth:`receive`. Nothing else is needed of whatever carries the datagrams.

        ``tids`` goes on from connection to connection: an answer that is late by a whole
        connection must not fit a new request. So does what was sent, and how long the answers took.
        """
        self._send = send
        self._notify = notify
        self._watchdog = watchdog
        self._statistics = statistics
        self._tids = tids
        self._turn = asyncio.Lock()
        self._response_time = sent_requests.response_time
        self._current: PendingRequest | None = None
        self._sent_requests = sent_requests
        self._sent_requests.start_over()
        self._answered: dict[int, float] = {}
        """When the sending was made that a property was answered to last, the newest one last."""
        self._extension: _Extension | None = None
        self._late: _Late | None = None
        self._lost: RouteBError | None = None
        self._confirmations: set[asyncio.Task[None]] = set()

    async def request(
        self, service: ESV, properties: tuple[Property, ...], timeout_s: float | None = None
    ) -> Frame:
        """Send a request and return its answer, be it a Get_Res or a Get_SNA.

        ``timeout_s`` in seconds replaces the specification's, which is shortened for a request that
        follows one without an answer. Raises ResponseTimeoutError when no answer came,
        SendFailedError when nothing could be sent, and whatever ended the link meanwhile.
        """
        async with self._turn:
            try:
                answer = await self._request(
                    service, properties, timeout_s or self._timeout_s(properties)
                )
            except SendFailedError, ResponseTimeoutError:
                self._statistics.lost += 1
                self._watchdog.note_unanswered()
                raise
        self._statistics.answers += 1
        return answer

    async def probe(self, epc: int, timeout_s: float) -> bool:
        """Return whether the meter answers a Get for this property within ``timeout_s`` seconds.

        A late answer to something else will do. Silence is the answer to a question here, and
        does not count against the link. Raises whatever has ended the link.
        """
        async with self._turn:
            if self._lost is not None:
                raise self._lost.with_traceback(None)
            try:
                await self._request(ESV.GET, (Property(epc),), timeout_s, probing=True)
            except SendFailedError, ResponseTimeoutError:
                return False
        self._statistics.answers += 1
        return True

    def _timeout_s(self, properties: tuple[Property, ...]) -> float:
        """Return for how many seconds an answer is waited for.

        The specification gives the meter more time than it needs. If the last request was not
        answered either, the session is more likely to be gone, and only a new sign-in helps.
        """
        if properties[0].epc in _LONG_ANSWERS:
            return TIMEOUT_SEVERAL_S
        allowed = TIMEOUT_ONE_S if len(properties) == 1 else TIMEOUT_SEVERAL_S
        if self._watchdog.in_doubt:
            return min(allowed, _SENDINGS_IN_DOUBT * self._response_time.resend_after)
        return allowed

    async def _request(
        self,
        service: ESV,
        properties: tuple[Property, ...],
        timeout_s: float,
        *,
        probing: bool = False,
    ) -> Frame:
        self._statistics.requests += 1
        timeout_s = max(timeout_s, self._response_time.needed_s)
        pending = PendingRequest(
            service=service,
            epcs=frozenset(item.epc for item in properties),
            answer=asyncio.get_running_loop().create_future(),
            probing=probing,
        )
        self._current = pending
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                self._extension = _Extension(deadline, asyncio.get_running_loop().time(), timeout_s)
                return await self._request_with_resends(service, properties, pending)
        except TimeoutError as err:
            if isinstance(err, RouteBError):
                raise
            raise ResponseTimeoutError("The meter did not answer") from err
        finally:
            self._current = self._extension = None

    async def _request_with_resends(
        self, service: ESV, properties: tuple[Property, ...], pending: PendingRequest
    ) -> Frame:
        for attempt in itertools.count():
            if attempt:
                self._statistics.retries += 1
            tid = next(self._tids)
            self._sent_requests.add(tid, pending)
            request = Frame(tid, CONTROLLER, METER, service, properties).encode()
            try:
                await self._transmit_until_answered(request, pending)
            except SendFailedError:
                if not attempt:
                    raise  # else the first sending may still be answered
            resend_after = self._response_time.resend_after
            done, _ = await asyncio.wait((pending.answer,), timeout=resend_after)
            if done:
                break
        return pending.answer.result()

    async def _transmit_until_answered(self, payload: bytes, pending: PendingRequest) -> None:
        """Send; do not wait for the dongle's OK once there is an answer, or the link is lost."""
        sending = asyncio.create_task(self._transmit(payload))
        try:
            await asyncio.wait((sending, pending.answer), return_when=asyncio.FIRST_COMPLETED)
            if not pending.answer.done():
                await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _transmit(self, payload: bytes) -> None:
        for _ in range(_TRANSMIT_ATTEMPTS - 1):
            try:
                await self._send(payload)
            except SendFailedError:
                self._statistics.retries += 1
            else:
                return
        await self._send(payload)

    def receive(self, payload: bytes) -> None:
        """Take a datagram of the meter: an answer, a notification, or something else."""
        try:
            frame = Frame.decode(payload)
        except DecodeError as err:
            self._statistics.malformed += 1
            _LOGGER.debug("Dropped a datagram: %s", err)
            return
        if frame.seoj != METER:
            self._statistics.strays += 1
        elif frame.esv in (ESV.INF, ESV.INFC):
            # Does not reset the watchdog: a session may carry notifications and no answers.
            self._statistics.notifications += 1
            if frame.esv is ESV.INFC:
                self._confirm(frame)
            self._notify(frame.properties)
        else:
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        """Take an answer: to the request that waits, or a late one to an earlier request.

        A late one is a sign of life, and its values are seconds old: they answer the request
        that waits if that asks for the same, else they are reported like a notification.
        """
        sending = self._sent_requests.take(frame)
        if sending is None:
            self._statistics.strays += 1
            return
        now = asyncio.get_running_loop().time()
        age = now - sending.at
        self._response_time.note(age, now)
        self._watchdog.note_answer()
        pending = sending.pending
        if pending.answer.done():
            self._statistics.strays += 1  # an earlier sending of the same request was answered
        elif pending is self._current:
            self._note_answered(sending)
            pending.answer.set_result(frame)
        else:
            self._late = _Late(now, pending.epcs, frame)
            self._statistics.late += 1
            if self._extension is not None:
                self._extension.extend(now)
            usable = (
                self._sent_requests.is_of_now(sending)
                and pending.service is ESV.GET
                and age <= _LATE_IS_USABLE
                and not pending.epcs & _BOUND_TO_REQUEST
                and self._note_answered(sending)
            )
            self._take_late(frame, pending, usable=usable)

    def _note_answered(self, sending: SentRequest) -> bool:
        """Note what has been answered; False if a newer sending for any of it has been before."""
        epcs = sending.pending.epcs
        if any(self._answered.get(epc, sending.at) > sending.at for epc in epcs):
            return False
        for epc in epcs:
            self._answered.pop(epc, None)
            self._answered[epc] = sending.at
        return True

    def answered_last(self) -> tuple[int, ...]:
        """Return the properties that the meter has answered in this session, the last one first."""
        return tuple(epc for epc in reversed(self._answered) if epc not in _BOUND_TO_REQUEST)

    def report_silence(self) -> None:
        """End the session: its answers are of no use."""
        self._watchdog.give_up()

    def _take_late(self, frame: Frame, pending: PendingRequest, *, usable: bool) -> None:
        current = self._current
        if usable:
            pending.answer.set_result(frame)  # further answers to it are repetitions
        if current is not None and not current.answer.done():
            same = (current.service, current.epcs) == (pending.service, pending.epcs)
            if current.probing or (same and usable):
                current.answer.set_result(frame)
                return
        if usable and frame.esv is ESV.GET_RES:
            self._notify(frame.properties)

    def late_since(self, moment: float) -> bool:
        """Return whether a late answer has come since then (seconds of the running loop's clock).

        If so, the meter is slow, and silence is no reason to ask for something else.
        """
        return self._late is not None and self._late.at >= moment

    def late_answer(self, epcs: frozenset[int], moment: float) -> Frame | None:
        """Return the late answer since ``moment`` (seconds of the loop's clock), if it is about these EPCs."""
        late = self._late
        if late is None or late.at < moment or late.epcs != epcs or epcs & _BOUND_TO_REQUEST:
            return None
        return late.frame

    def start_over(self) -> None:
        """Forget what was sent: it was in a session that is over."""
        self._sent_requests.start_over()
        self._answered.clear()
        self._late = None
        self._lost = None

    def _confirm(self, frame: Frame) -> None:
        """Answer an INFC: same TID, same EPCs without data, EOJs swapped (part 2, 4.2.3.6)."""
        if len(self._confirmations) >= _MAX_CONFIRMATIONS:
            return
        listed = tuple(Property(item.epc) for item in frame.properties)
        answer = Frame(frame.tid, frame.deoj, frame.seoj, ESV.INFC_RES, listed)
        task = asyncio.create_task(self._send_confirmation(answer.encode()))
        self._confirmations.add(task)
        task.add_done_callback(self._confirmations.discard)

    async def _send_confirmation(self, payload: bytes) -> None:
        try:
            await self._send(payload)
        except RouteBError as err:
            _LOGGER.debug("A notification could not be confirmed: %s", err)

    def fail(self, error: RouteBError) -> None:
        """Fail the request in flight: the link is gone because of ``error``."""
        self._lost = error
        pending = self._current
        if pending is not None and not pending.answer.done():
            pending.answer.set_exception(error)
            pending.answer.exception()

    async def close(self) -> None:
        """Give up what is still to be sent."""
        for task in tuple(self._confirmations):
            task.cancel()
        await asyncio.gather(*self._confirmations, return_exceptions=True)


def transaction_ids() -> Iterator[int]:
    """Yield 1 to FFFF in a cycle, from a random start: an earlier program has used some."""
    tid = secrets.randbelow(0xFFFF)
    while True:
        tid = tid % 0xFFFF + 1
        yield tid
