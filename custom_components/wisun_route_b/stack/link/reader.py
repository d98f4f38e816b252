"""Reads properties: bundles them, copes with meters that answer less, decodes what comes."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
import logging
from types import MappingProxyType

from ..echonet import ESV, Frame, Property
from ..errors import DecodeError, LinkError, ResponseTimeoutError, SendFailedError
from ..meter.properties import PROPERTIES, AnyProperty
from ..meter.scale import Scale
from .report import ReadReport
from .requester import Requester

_LOGGER = logging.getLogger(__name__)

#: Properties in one Get: what every meter must support (AIF 1.01, 2.4.4), and where one was
#: seen to cut off its answer (home-assistant issue of echonetlite_homeassistant, no. 150).
MOST_AT_ONCE = 6
#: Requests in a row without an answer after which a read gives up: one may be the property's
#: fault, two are the link's.
_MOST_SILENCES = 2
#: Seconds after which a refused property is asked for again, if the meter's own list has it:
#: a meter was busy, perhaps.
_REFUSAL_LASTS = 3600.0


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


class PropertyReader:
    """Reads from one meter over one session and remembers what it is like."""

    def __init__(self, requester: Requester) -> None:
        """Start without prejudice: six at once, nothing refused."""
        self._requester = requester
        self._limit = MOST_AT_ONCE
        self._bundles_work = False
        self._silent_bundles = 0
        self._unlisted: frozenset[int] = frozenset()
        self._refused: dict[int, float] = {}
        """When a property was refused, in seconds of the running loop's clock."""

    @property
    def limit(self) -> int:
        """How many properties this meter answers in one Get, as far as known."""
        return self._limit

    def refuses(self, row: AnyProperty) -> bool:
        """Tell whether the meter is known not to offer a property."""
        return row.epc in self._not_offered()

    def start_over(self) -> None:
        """Forget what was refused, and how much at once was too much: it is a new session."""
        self._limit = MOST_AT_ONCE
        self._bundles_work = False
        self._silent_bundles = 0
        self._refused.clear()

    def restrict(self, readable: frozenset[int]) -> None:
        """Never ask for what the meter's own Get property map lacks."""
        self._unlisted = frozenset(PROPERTIES.keys() - readable)

    def _not_offered(self) -> frozenset[int]:
        """Return what need not be asked for; a refusal is believed for an hour."""
        now = asyncio.get_running_loop().time()
        believed = {epc for epc, at in self._refused.items() if now - at < _REFUSAL_LASTS}
        return self._unlisted | believed

    async def read(
        self,
        properties: Iterable[AnyProperty],
        scale: Scale | None,
        patience: float | None = None,
    ) -> ReadReport:
        """Read properties, in as few Gets as this meter allows.

        Raises a LinkError only if nothing at all was answered, or if the link is gone.
        """
        wanted = {row.epc: row for row in properties}
        not_offered = self._not_offered()
        collected = _Collected(refused=set(wanted.keys() & not_offered))
        queue = [epc for epc in wanted if epc not in not_offered]
        alone: set[int] = set()
        heard = not queue
        one_by_one = False
        silences = 0
        while queue:
            bundle = self._bundle(queue, alone, 1 if one_by_one else self._limit)
            try:
                answer = await self._get(bundle, patience)
            except (ResponseTimeoutError, SendFailedError) as err:
                if self._falls_back(bundle, err):
                    one_by_one = True
                    continue
                silences += 1
                given_up = queue if silences == _MOST_SILENCES else bundle
                collected.reasons.update(dict.fromkeys(given_up, "the meter was silent"))
                queue = queue[len(given_up) :]
                if not queue and not heard:
                    raise
                continue
            heard, silences = True, 0
            queue = queue[len(bundle) :]
            left = self._sort(bundle, answer, wanted, scale, collected)
            if bundle[0] in alone and bundle[0] in collected.values:
                self._limit = 1  # what it refused in company it answers alone
            queue += [epc for epc in left if epc not in alone]
            for epc in set(left) & alone:
                collected.reasons[epc] = "the meter leaves it out"
            alone.update(left)
        return collected.report()

    def _bundle(self, queue: list[int], alone: set[int], limit: int) -> list[int]:
        """Return what to ask for now: as much as the meter takes, or one left-over."""
        if queue[0] in alone:
            return queue[:1]
        return list(takewhile(lambda epc: epc not in alone, queue[:limit]))

    def _falls_back(self, bundle: list[int], error: LinkError) -> bool:
        """Ask one by one in this read, if the silence may be about bundles; twice: always."""
        if len(bundle) == 1 or self._bundles_work or not isinstance(error, ResponseTimeoutError):
            return False
        _LOGGER.debug("No answer to several properties at once: asking one by one")
        self._silent_bundles += 1
        if self._silent_bundles == _MOST_SILENCES:
            self._limit = 1
        return True

    async def _get(self, epcs: list[int], patience: float | None) -> Frame:
        bundle = tuple(Property(epc) for epc in epcs)
        answer = await self._requester.ask(ESV.GET, bundle, patience)
        if len(epcs) > 1:
            self._bundles_work = True
        return answer

    def _sort(
        self,
        bundle: list[int],
        answer: Frame,
        wanted: Mapping[int, AnyProperty],
        scale: Scale | None,
        collected: _Collected,
    ) -> list[int]:
        """File what an answer holds; return what it leaves out."""
        edts = {item.epc: item.edt for item in reversed(answer.properties)}
        if len(bundle) > 1 and not any(edts.get(epc) for epc in bundle):
            return bundle  # all refused at once: perhaps it is the number that it refuses
        for epc in bundle:
            match edts.get(epc):
                case None:
                    self._limit = max(1, min(self._limit, len(edts)))
                case b"":
                    self._refused[epc] = asyncio.get_running_loop().time()
                    collected.refused.add(epc)
                case edt:
                    decode_into(collected.values, collected.reasons, wanted[epc], edt, scale)
        return [epc for epc in bundle if epc not in edts]


def decode_into(
    values: dict[int, object],
    reasons: dict[int, str],
    row: AnyProperty,
    edt: bytes,
    scale: Scale | None,
) -> None:
    """Decode one property into ``values``, or say in ``reasons`` why it cannot be."""
    try:
        values[row.epc] = row.decode(edt, scale)
    except DecodeError as err:
        _LOGGER.debug("Dropped %s (%02X): %s", row.name, row.epc, err)
        reasons[row.epc] = str(err)
