"""The comparison of stored hours with the meter: read the meter, then compare and write in the recorder."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..stack import errors
from .attempts import Attempt
from .cost_source import CostSource, async_cost_source
from .costs import CostObstacle
from .meter_clock import MeterHistory
from .meter_history import HistoryCache
from .recorder_errors import Failure, RecorderError
from .recorder_task import run_in_recorder
from .sensor_hours import Comparison, Request, Since, Within, are_stored, compare
from .statistics import Obstacle, recorded_entity

#: How often the meter is asked for more in one comparison before the comparison is postponed.
_MAX_ROUNDS: Final = 5

type Orders = Mapping[str, Since | Within]


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """Progress of the reading of the meter's history."""

    days_done: int
    days: int


class HistoryComparison:
    """Compares the hours of one meter's sensors with its registers, and writes what is wrong."""

    def __init__(
        self,
        hass: HomeAssistant,
        identity: str,
        meter: MeterHistory,
        known: HistoryCache,
        inform: Callable[[], None],
    ) -> None:
        """Take the meter, the cache of its history, and the callback for progress."""
        self._hass, self._identity, self._meter = hass, identity, meter
        self._known, self._inform = known, inform
        self.progress: BackfillProgress | None = None
        """None while nothing is read."""

    async def run(
        self, orders: Orders, attempt: Attempt, *, dry_run: bool = False, costs: bool = True
    ) -> Comparison:
        """Read what is needed from the meter, then compare and write in one task of the recorder.

        With ``costs``, the costs of the hours are corrected together with their energy.
        """
        if "recorder" not in self._hass.config.components:
            return Comparison(obstacles=dict.fromkeys(orders, Obstacle.NO_RECORDER))
        if self._meter.connected:
            await self._known.check_clock()
        asked: set[datetime] = set()
        for _ in range(_MAX_ROUNDS):
            request = self._request(orders, asked, dry_run=dry_run)
            if costs:
                request = replace(request, costs=await self._costs(request))
            found = await run_in_recorder(
                self._hass,
                f"energy history: {attempt.purpose}",
                partial(compare, request),
                check=are_stored,
            )
            if not found.missing:
                break
            asked |= found.missing
            await self._fetch(found.missing)
        else:
            raise RecorderError(Failure.RECORDER_BUSY, "the rows changed again and again")
        if self._meter.scale is None and found.cases:
            raise errors.ScaleUnknownError("The meter did not answer its energy unit (E1)")
        attempt.hours += len({row.start for it in found.written for row in it.plan.changes})
        attempt.obstacles |= found.obstacles
        return found

    def _request(self, orders: Orders, asked: Collection[datetime], *, dry_run: bool) -> Request:
        # Looked up now, and not before the meter was read: a later renaming comes later in the
        # recorder's queue, too.
        entities = {key: recorded_entity(self._hass, f"{self._identity}_{key}") for key in orders}
        return Request(
            entities=entities,
            orders=orders,
            known=self._known.snapshot(),
            asked=frozenset(asked),
            scale=self._meter.scale,
            now=dt_util.utcnow(),
            exact=self._known.exact,
            dry_run=dry_run,
        )

    async def _costs(self, request: Request) -> dict[str, CostSource | CostObstacle]:
        return {
            key: await async_cost_source(self._hass, entity_id)
            for key, entity_id in request.entities.items()
            if not isinstance(entity_id, Obstacle)
        }

    async def _fetch(self, moments: Collection[datetime]) -> None:
        if not self._meter.connected:
            raise errors.NotConnectedError("There is no session with the meter")
        try:
            await self._known.fetch(moments, self._reading)
        finally:
            self.progress = None
            self._inform()

    @callback
    def _reading(self, done: int, days: int) -> None:
        self.progress = BackfillProgress(done, days)
        self._inform()
