"""What was sent to one meter: which answer belongs to which request, in time or late."""

import asyncio
from dataclasses import dataclass

from ..echonet import CONTROLLER, ESV, Frame
from .response_time import ResponseTime

#: Sendings whose late answers are still recognised: 20 minutes of one that is sent four times
#: every 30 s would be 160, and a meter with such a queue has been given up before.
_MAX_SENDINGS = 64

_ANSWERS: dict[ESV, frozenset[ESV]] = {
    ESV.GET: frozenset((ESV.GET_RES, ESV.GET_SNA)),
    ESV.SET_C: frozenset((ESV.SET_RES, ESV.SET_C_SNA)),
}
_REFUSALS = frozenset((ESV.GET_SNA, ESV.SET_C_SNA))


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits for its answer, under every TID it was sent with."""

    service: ESV
    epcs: frozenset[int]
    answer: asyncio.Future[Frame]
    probing: bool = False
    """Whether any answer will do."""

    def accepts(self, frame: Frame) -> bool:
        """Return whether a frame with one of our TIDs answers this request."""
        return (
            frame.esv in _ANSWERS[self.service]
            and frame.deoj == CONTROLLER
            and _is_about(frame, self.epcs)
        )


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One datagram of a request."""

    pending: PendingRequest
    at: float
    """When it was handed to the dongle, in seconds of the running loop's clock."""
    session: int
    """In which session; an answer in a later one is a sign of life and nothing else."""


class SentRequests:
    """What was sent to one meter, by TID, over all sessions and connections."""

    def __init__(self) -> None:
        """Start without any."""
        self.response_time = ResponseTime()
        self._sent_requests: dict[int, SentRequest] = {}
        self._session = 0

    def start_over(self) -> None:
        """Begin a new session."""
        self._session += 1

    def add(self, tid: int, pending: PendingRequest) -> None:
        """Note a sending; the oldest one is forgotten for it."""
        self._sent_requests[tid] = SentRequest(
            pending, asyncio.get_running_loop().time(), self._session
        )
        if len(self._sent_requests) > _MAX_SENDINGS:
            del self._sent_requests[next(iter(self._sent_requests))]

    def take(self, frame: Frame) -> SentRequest | None:
        """Return the sending that a frame answers, and forget it; None if there is none."""
        sending = self._sent_requests.get(frame.tid)
        if sending is None or not sending.pending.accepts(frame):
            return None
        return self._sent_requests.pop(frame.tid)

    def is_of_now(self, sending: SentRequest) -> bool:
        """Return whether it was sent in the session that goes on."""
        return sending.session == self._session


def _is_about(frame: Frame, epcs: frozenset[int]) -> bool:
    """Return whether an answer holds what was asked for, or a part of it, and nothing else.

    A refusal may list nothing at all.
    """
    answered = {item.epc for item in frame.properties}
    return answered <= epcs and (bool(answered) or frame.esv in _REFUSALS)
