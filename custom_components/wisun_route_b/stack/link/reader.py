"""Reads properties: bundles them, copes with meters that answer less, decodes what comes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
        self._refused: set[int] = set()

    @property
    def limit(self) -> int:
        """How many properties this meter answers in one Get, as far as known."""
        return self._limit

    def restrict(self, readable: frozenset[int]) -> None:
        """Never ask for what the meter's own Get property map lacks."""
        self._refused.update(PROPERTIES.keys() - readable)

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
        collected = _Collected(refused=wanted.keys() & self._refused)
        queue = [epc for epc in wanted if epc not in self._refused]
        asked_again: set[int] = set()
        heard = not queue
        while queue:
            bundle = queue[: self._limit]
            try:
                answer = await self._get(bundle, patience)
            except (ResponseTimeoutError, SendFailedError) as err:
                if len(bundle) > 1 and not self._bundles_work and self._falls_back(err):
                    continue
                if not heard:
                    raise
                collected.reasons.update(dict.fromkeys(queue, "the meter fell silent"))
                break
            heard = True
            queue = queue[len(bundle) :]
            left = self._sort(bundle, answer, wanted, scale, collected)
            queue += [epc for epc in left if epc not in asked_again]
            for epc in set(left) & asked_again:
                collected.reasons[epc] = "the meter leaves it out"
            asked_again.update(left)
        return collected.report()

    def _falls_back(self, error: LinkError) -> bool:
        """Ask for single properties from now on, if the silence may be about bundles."""
        if isinstance(error, ResponseTimeoutError):
            _LOGGER.debug("No answer to several properties at once: asking one by one")
            self._limit = 1
            return True
        return False

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
            self._limit = 1  # all refused at once: perhaps it is the number it refuses
            return bundle
        for epc in bundle:
            match edts.get(epc):
                case None:
                    self._limit = max(1, min(self._limit, len(edts)))
                case b"":
                    self._refused.add(epc)
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
