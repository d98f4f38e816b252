"""Reads properties: several in one Get, fewer for meters that answer less; decodes the answers.

Theory of operation. The meter's Get property map (9F) lists what may be asked for. As many properties as
the meter takes go into one Get. An answer may leave properties out (it was cut: smaller bundles
from now on), refuse some (asked for once more, alone, if its list has them), or refuse all (then
each alone: perhaps it was the number). If no answer comes, a property that every meter has is
asked for. If that is not answered either, or if answers only come late, the link is at fault and
the read ends. Else one property of the bundle is, and each is asked for alone.

All of this is inferred from few answers. It is checked again after minutes, or after an hour at
most.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
import logging
from types import MappingProxyType

from ..echonet import ESV, Frame, Property
from ..errors import DecodeError, LinkError, ResponseTimeoutError, SendFailedError
from ..meter.properties import (
    FAULT_STATUS,
    GET_PROPERTY_MAP,
    OPERATION_STATUS,
    PROPERTIES,
    AnyProperty,
)
from ..meter.report import ReadReport
from ..meter.scale import Scale
from .paused_properties import PausedProperties
from .requester import TIMEOUT_ONE_S, Requester

_LOGGER = logging.getLogger(__name__)

#: Properties in one Get: what every meter must support (AIF 1.01, 2.4.4), and where one was
#: seen to cut off its answer (home-assistant issue of echonetlite_homeassistant, no. 150).
MAX_AT_ONCE = 6
#: Datagrams in a row that cannot be sent before a read gives up: that is the link's fault.
_MAX_SEND_FAILURES = 2
#: Bundles in a row that stay unanswered, while each of their properties is answered alone,
#: before the meter is taken to answer one property at a time.
_MAX_SILENT_BUNDLES = 2
#: Seconds for which the number of properties that a meter answers at once is remembered.
_LIMIT_LASTS_S = 3600.0
#: Reads in a row without an answer, although the meter answers something else, that end the session.
_MAX_FRUITLESS_READS = 6
#: Properties that every meter has (Appendix R, super class), one of which shows whether the meter
#: answers at all.
_MANDATORY = (OPERATION_STATUS.epc, FAULT_STATUS.epc, GET_PROPERTY_MAP.epc)
#: Seconds to wait for that, in which it is sent twice.
_PROBE_TIMEOUT_S = 8.0
#: Seconds to wait for a property that was not answered before; it is sent twice in that time.
_SUSPECT_TIMEOUT_S = 10.0


class PropertyReader:
    """Reads from one meter and keeps its limits: how much it answers at once, what it refuses."""

    def __init__(self, requester: Requester) -> None:
        """Start with the defaults: six properties at once, none refused."""
        self._requester = requester
        self._limit = MAX_AT_ONCE
        self._limited_at = 0.0
        self._silent_bundles = 0
        self._listed: frozenset[int] = frozenset()
        self._unlisted: frozenset[int] = frozenset()
        self._refused = PausedProperties()
        self._fruitless = 0
        self.silent = PausedProperties(chance=1)

    @property
    def limit(self) -> int:
        """How many properties this meter answers in one Get, as far as known."""
        if self._limit < MAX_AT_ONCE and _now() - self._limited_at >= _LIMIT_LASTS_S:
            self._limit = MAX_AT_ONCE
        return self._limit

    def lower_limit(self, limit: int) -> None:
        """Put at most so many properties, 1 to 6, into one Get for the next hour."""
        self._limit, self._limited_at = min(self._limit, limit), _now()

    def note_bundle(self, *, answered: bool) -> None:
        """Note an answered bundle, or one whose properties were answered only one by one."""
        self._silent_bundles = 0 if answered else self._silent_bundles + 1
        if self._silent_bundles >= _MAX_SILENT_BUNDLES:
            self.lower_limit(1)

    def note_refusal(self, epc: int) -> None:
        """Note that the meter has refused a property."""
        self._refused.note_failure(epc)

    def note_answer(self, epc: int) -> None:
        """Note that the meter has answered a request for this property."""
        self.silent.forget(epc)

    def note_value(self, epc: int) -> None:
        """Note that the meter has answered with this property."""
        self._refused.forget(epc)

    def note_read(self, *, fruitful: bool) -> None:
        """Note whether a read was answered at all; several that were not are a dead link.

        For a meter that answers probes only.
        """
        self._fruitless = 0 if fruitful else self._fruitless + 1
        if self._fruitless >= _MAX_FRUITLESS_READS:
            self._fruitless = 0
            self._requester.report_silence()

    def lists(self, epc: int) -> bool:
        """Return whether the meter's own Get property map has a property."""
        return epc in self._listed

    def refuses(self, row: AnyProperty) -> bool:
        """Return whether the meter is known not to offer a property."""
        return row.epc in self._not_offered()

    def start_over(self) -> None:
        """Forget what was refused, and how much at once was too much: it is a new session."""
        self._limit = MAX_AT_ONCE
        self._silent_bundles = 0
        self._refused.clear()

    def restrict(self, readable: frozenset[int]) -> None:
        """Never ask for what the meter's own Get property map lacks.

        What the map has and the meter refused before the map was known is asked for again.
        """
        for epc in readable - self._listed:
            self._refused.forget(epc)
        self._listed = readable
        self._unlisted = frozenset(PROPERTIES.keys() - readable)

    def _not_offered(self) -> frozenset[int]:
        """Return what need not be asked for now."""
        return self._unlisted | self._refused.paused()

    async def read(
        self,
        properties: Iterable[AnyProperty],
        scale: Scale | None,
        timeout_s: float | None = None,
        *,
        isolate: bool = True,
    ) -> ReadReport:
        """Read properties, in as few Gets as this meter allows.

        ``timeout_s`` in seconds for each answer replaces the specification's. Without
        ``isolate`` the first silence ends the read. Raises a LinkError only if nothing at all
        was answered, or if the link is gone.
        """
        wanted = {row.epc: row for row in properties}
        reading = _Read(self, self._requester, wanted, scale, timeout_s)
        return await reading.run(self._not_offered(), isolate=isolate)


@dataclass(slots=True)
class _Collected:
    """A report in the making."""

    values: dict[int, object] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)

    def report(self) -> ReadReport:
        return ReadReport(
            values=MappingProxyType(self.values),
            refused=frozenset(self.refused),
            absent=frozenset(self.reasons),
            reasons=MappingProxyType(self.reasons),
        )


class _Read:
    """One read: what is still to be asked for, and what has come."""

    def __init__(
        self,
        reader: PropertyReader,
        requester: Requester,
        wanted: Mapping[int, AnyProperty],
        scale: Scale | None,
        timeout_s: float | None,
    ) -> None:
        self._reader = reader
        self._silent = reader.silent
        self._requester = requester
        self._wanted = wanted
        self._scale = scale
        self._timeout_s = timeout_s
        self._collected = _Collected()
        self._queue: list[int] = []
        self._alone: set[int] = set()
        """What is not to be put into a bundle any more."""
        self._refused_together: set[int] = set()
        self._unanswered: list[int] = []
        """The last bundle that was not answered as a whole."""

    async def run(self, not_offered: frozenset[int], *, isolate: bool) -> ReadReport:
        """Ask until every property has been answered or given up."""
        self._line_up(not_offered)
        answered = self._wanted.keys() <= not_offered
        error: LinkError = ResponseTimeoutError("The meter is silent about these properties")
        send_failures = 0
        while self._queue:
            bundle = self._next_bundle()
            begun = _now()
            try:
                answer = await self._get(bundle)
            except SendFailedError as err:
                error = err
                send_failures += 1
                self._give_up(self._queue if send_failures == _MAX_SEND_FAILURES else bundle)
            except ResponseTimeoutError as err:
                error = err
                alive = isolate and await self._answers_others(bundle)
                late = self._requester.late_answer(frozenset(bundle), begun)
                if late is not None:
                    answered = True
                    self._take(bundle, late)
                elif alive and not self._requester.late_since(begun):
                    self._isolate(bundle)
                else:
                    # Nothing is answered, or all of it late: more questions make that worse.
                    self._give_up(self._queue)
            else:
                answered, send_failures = True, 0
                self._take(bundle, answer)
        self._reader.note_read(fruitful=answered)
        if not answered:
            raise error
        self._check_bundle()
        return self._collected.report()

    def _line_up(self, not_offered: frozenset[int]) -> None:
        """Sort what is asked for: properties that failed last time go last, so that others do not wait."""
        self._collected.refused |= self._wanted.keys() & not_offered
        asked = [epc for epc in self._wanted if epc not in not_offered]
        paused = [epc for epc in asked if self._silent.is_paused(epc)]
        suspects = [epc for epc in asked if epc in self._silent and epc not in paused]
        self._collected.reasons.update(dict.fromkeys(paused, "the meter is silent about it"))
        self._queue = [epc for epc in asked if epc not in self._silent] + suspects
        self._alone.update(suspects)

    def _next_bundle(self) -> list[int]:
        """Return what to ask for now: as much as the meter takes, or one left-over."""
        if self._queue[0] in self._alone:
            return self._queue[:1]
        together = self._queue[: self._reader.limit]
        return list(takewhile(lambda epc: epc not in self._alone, together))

    async def _get(self, bundle: list[int]) -> Frame:
        timeout_s = self._timeout_s
        if bundle[0] in self._silent:
            timeout_s = min(timeout_s or TIMEOUT_ONE_S, _SUSPECT_TIMEOUT_S)
        asked = tuple(Property(epc) for epc in bundle)
        return await self._requester.request(ESV.GET, asked, timeout_s)

    # --- No answer -------------------------------------------------------------------------

    def _give_up(self, epcs: list[int]) -> None:
        self._collected.reasons.update(dict.fromkeys(epcs, "the meter was silent"))
        self._queue = self._queue[len(epcs) :]

    async def _answers_others(self, asked: list[int]) -> bool:
        """Return whether the meter, silent about these, answers a Get for something else."""
        answered = self._requester.answered_last()
        other = next(epc for epc in (*answered, *_MANDATORY) if epc not in asked)
        return await self._requester.probe(other, _PROBE_TIMEOUT_S)

    def _isolate(self, bundle: list[int]) -> None:
        """Find out which property the meter is silent about; or it is this one."""
        if len(bundle) > 1:
            _LOGGER.debug("No answer to several properties at once: asking one by one")
            self._unanswered = bundle
            self._alone.update(bundle)
        else:
            self._silent.note_failure(bundle[0])
            self._give_up(bundle)

    def _check_bundle(self) -> None:
        """Lower the number of properties if each of them was answered alone."""
        answered = self._collected.values.keys() | self._collected.refused
        if self._unanswered and answered >= set(self._unanswered):
            self._reader.note_bundle(answered=False)

    # --- An answer -------------------------------------------------------------------------

    def _take(self, bundle: list[int], answer: Frame) -> None:
        """Store what an answer holds; ask again, one by one, for what is missing or doubtfully refused."""
        self._queue = self._queue[len(bundle) :]
        for epc in bundle:
            self._reader.note_answer(epc)
        edts = {item.epc: item.edt for item in reversed(answer.properties)}
        if len(bundle) > 1:
            self._reader.note_bundle(answered=True)
            again = self._take_together(bundle, edts)
            self._alone.update(again)
            self._queue += again
            return
        epc = bundle[0]
        if edts.get(epc) and epc in self._refused_together:
            self._reader.lower_limit(1)  # what it refuses in a bundle, it answers alone
        if edts and epc not in edts:
            self._collected.reasons[epc] = "the meter leaves it out"
        else:
            self._file(epc, edts.get(epc, b""))

    def _take_together(self, bundle: list[int], edts: Mapping[int, bytes]) -> list[int]:
        """Store the answer to a bundle; return what is to be asked for alone."""
        if not any(edts.values()):
            self._refused_together.update(bundle)
            return bundle
        left = [epc for epc in bundle if epc not in edts]
        if left:
            self._reader.lower_limit(len(edts))
        # A meter may be busy, or noise may have cut an answer: what its own list has, it must
        # refuse twice.
        doubtful = [epc for epc in bundle if edts.get(epc) == b"" and self._reader.lists(epc)]
        for epc in bundle:
            if epc in edts and epc not in doubtful:
                self._file(epc, edts[epc])
        return left + doubtful

    def _file(self, epc: int, edt: bytes) -> None:
        collected = self._collected
        if edt:
            self._reader.note_value(epc)
            decode_into(collected.values, collected.reasons, self._wanted[epc], edt, self._scale)
        else:
            self._reader.note_refusal(epc)
            collected.refused.add(epc)


def decode_into(
    values: dict[int, object],
    reasons: dict[int, str],
    row: AnyProperty,
    edt: bytes,
    scale: Scale | None,
) -> None:
    """Decode one property into ``values``, or give in ``reasons`` why it cannot be."""
    try:
        values[row.epc] = row.decode(edt, scale)
    except DecodeError as err:
        _LOGGER.debug("Dropped %s (%02X): %s", row.name, row.epc, err)
        reasons[row.epc] = str(err)


def _now() -> float:
    return asyncio.get_running_loop().time()
