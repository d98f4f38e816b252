"""ECHONET Lite requests over a radio that loses things: ask, ask again, match, confirm."""

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
from .statistics import LinkStatistics
from .watchdog import Watchdog

_LOGGER = logging.getLogger(__name__)

#: Seconds a meter may take for one property, and for several or for a day of history
#: (application interface specification 1.01, 2.4.2, timers 1 and 2).
PATIENCE_ONE = 20.0
PATIENCE_SEVERAL = 60.0
#: Seconds after which a request is sent again; answers took 0.1 to 1.3 s (captures 06, 22),
#: and what is not there after 6 s seldom comes (field reports). Answers to the first sending
#: are still taken.
RESEND_AFTER = 6.0
#: Datagrams in a row that may fail on the air before the request does.
_SEND_ATTEMPTS = 3
#: Confirmations (INFC_Res) that may wait for their turn; a meter sends two an hour.
_CONFIRMATIONS = 4

#: A day of history counts as several properties, whatever the number.
_LONG_ANSWERS = frozenset((0xE2, 0xE4))

_ANSWERS: dict[ESV, frozenset[ESV]] = {
    ESV.GET: frozenset((ESV.GET_RES, ESV.GET_SNA)),
    ESV.SET_C: frozenset((ESV.SET_RES, ESV.SET_C_SNA)),
}


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that waits for its answer, under every TID it was sent with."""

    answers: frozenset[ESV]
    epcs: frozenset[int]
    answer: asyncio.Future[Frame]


class Ask(Protocol):
    """Makes one request; see Requester.ask."""

    async def __call__(
        self, service: ESV, properties: tuple[Property, ...], patience: float | None = None
    ) -> Frame:
        """Return the answer."""


class Requester:
    """Makes one request at a time to the meter object and routes everything that arrives."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        notify: Callable[[tuple[Property, ...]], None],
        watchdog: Watchdog,
        statistics: LinkStatistics,
        tids: Iterator[int],
    ) -> None:
        """Take the way out, and who hears of the meter's notifications.

        ``tids`` goes on from connection to connection: an answer that is late by a whole
        connection must not fit a new request.
        """
        self._send = send
        self._notify = notify
        self._watchdog = watchdog
        self._statistics = statistics
        self._tids = tids
        self._turn = asyncio.Lock()
        self._pending: dict[int, _Pending] = {}
        self._confirmations: set[asyncio.Task[None]] = set()

    async def ask(
        self, service: ESV, properties: tuple[Property, ...], patience: float | None = None
    ) -> Frame:
        """Send a request and return its answer, be it a Get_Res or a Get_SNA.

        ``patience`` in seconds replaces the specification's. Raises ResponseTimeoutError
        when no answer came, SendFailedError when nothing could be sent, and whatever ended
        the link meanwhile.
        """
        async with self._turn:
            return await self._ask(service, properties, patience)

    async def _ask(
        self, service: ESV, properties: tuple[Property, ...], patience: float | None = None
    ) -> Frame:
        if patience is None:
            patience = _patience(properties)
        self._statistics.requests += 1
        pending = _Pending(
            answers=_ANSWERS[service],
            epcs=frozenset(item.epc for item in properties),
            answer=asyncio.get_running_loop().create_future(),
        )
        try:
            async with asyncio.timeout(patience):
                answer = await self._ask_again_and_again(service, properties, pending)
        except SendFailedError:
            self._lose()
            raise
        except TimeoutError as err:
            if isinstance(err, RouteBError):
                raise
            self._lose()
            raise ResponseTimeoutError("The meter did not answer") from err
        finally:
            self._pending.clear()
        self._statistics.answers += 1
        self._watchdog.heard()
        return answer

    def _lose(self) -> None:
        self._statistics.lost += 1
        self._watchdog.unanswered()

    async def _ask_again_and_again(
        self, service: ESV, properties: tuple[Property, ...], pending: _Pending
    ) -> Frame:
        for attempt in itertools.count():
            if attempt:
                self._statistics.retries += 1
            tid = next(self._tids)
            self._pending[tid] = pending
            request = Frame(tid, CONTROLLER, METER, service, properties).encode()
            try:
                await self._transmit_until_answered(request, pending)
            except SendFailedError:
                if not attempt:
                    raise  # else the first sending may still be answered
            done, _ = await asyncio.wait((pending.answer,), timeout=RESEND_AFTER)
            if done:
                break
        return pending.answer.result()

    async def _transmit_until_answered(self, payload: bytes, pending: _Pending) -> None:
        """Send; stop caring about the dongle's OK once there is an answer, or a lost link."""
        sending = asyncio.create_task(self._transmit(payload))
        try:
            await asyncio.wait((sending, pending.answer), return_when=asyncio.FIRST_COMPLETED)
            if not pending.answer.done():
                await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _transmit(self, payload: bytes) -> None:
        for _ in range(_SEND_ATTEMPTS - 1):
            try:
                await self._send(payload)
            except SendFailedError:
                self._statistics.retries += 1
            else:
                return
        await self._send(payload)

    def receive(self, payload: bytes) -> None:
        """Take a datagram of the meter: an answer, a notification, or nothing of ours."""
        try:
            frame = Frame.decode(payload)
        except DecodeError as err:
            self._statistics.malformed += 1
            _LOGGER.debug("Dropped a datagram: %s", err)
            return
        if frame.seoj != METER:
            self._statistics.strays += 1
        elif frame.esv in (ESV.INF, ESV.INFC):
            self._statistics.notifications += 1
            self._watchdog.heard()
            if frame.esv is ESV.INFC:
                self._confirm(frame)
            self._notify(frame.properties)
        else:
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        pending = self._pending.get(frame.tid)
        if (
            pending is None
            or pending.answer.done()
            or frame.esv not in pending.answers
            or frame.deoj != CONTROLLER
            or not _is_about(frame, pending.epcs)
        ):
            self._statistics.strays += 1
        else:
            pending.answer.set_result(frame)

    def _confirm(self, frame: Frame) -> None:
        """Answer an INFC: same TID, same EPCs without data, EOJs swapped (part 2, 4.2.3.6)."""
        if len(self._confirmations) >= _CONFIRMATIONS:
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
        """Fail the request in flight: the link is gone, and ``error`` says why."""
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)
                pending.answer.exception()

    async def close(self) -> None:
        """Give up what is still to be sent."""
        for task in tuple(self._confirmations):
            task.cancel()
        await asyncio.gather(*self._confirmations, return_exceptions=True)


def transaction_ids() -> Iterator[int]:
    """Yield 1 to FFFF over and over, from a random one on: another program had some too."""
    tid = secrets.randbelow(0xFFFF)
    while True:
        tid = tid % 0xFFFF + 1
        yield tid


def _is_about(frame: Frame, epcs: frozenset[int]) -> bool:
    """Tell whether an answer holds what was asked for, or a part of it, and nothing else."""
    answered = {item.epc for item in frame.properties}
    return bool(answered) and answered <= epcs


def _patience(properties: tuple[Property, ...]) -> float:
    """Return how many seconds the specification gives the meter for this request."""
    short = len(properties) == 1 and properties[0].epc not in _LONG_ANSWERS
    return PATIENCE_ONE if short else PATIENCE_SEVERAL
