"""Cut off anywhere, energy and yen of all hours are the old ones or the right ones, and right in the end.

A sample of the places is tried in every run; ``scripts/test-history-sweep`` tries them all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    Statistics,
    StatisticsMeta,
    StatisticsShortTerm,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance
import pytest
from sqlalchemy import select

from custom_components.wisun_route_b.history import recorder_task
from tests.integration.history.crash_points import Fault, Places
from tests.integration.history.crash_scenarios import (
    Scenario,
    chosen,
    days_to_import,
    go_on,
    hourly_repair,
    import_by_the_action,
    repair_with_a_shift,
    untouched_water,
)
from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, WATER
from tests.integration.history.priced_harness import (
    COMPENSATION,
    COST,
    FIXED,
    PRICE,
    PricedHarness,
    source,
)
from tests.integration.history.scenario import START, at

SCENARIOS: dict[Scenario, int] = {
    import_by_the_action: 66,
    days_to_import: 218,
    hourly_repair: 127,
    repair_with_a_shift: 132,
}
"""Each with the number of its places; a test compares that with what is passed."""
#: No divisor of anything, so that every fault and every scenario comes.
SAMPLE = slice(29, None, 331)
YEN = Decimal("0.01")
SIDES = {IMPORTED: COST, EXPORTED: COMPENSATION}
OURS = frozenset({*SIDES, *SIDES.values()})

type Row = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """All rows of both tables, by statistic and beginning."""

    hours: Mapping[str, Mapping[datetime, Row]]
    five_minutes: Mapping[str, Mapping[datetime, Row]]

    @classmethod
    def read(cls, recorder: Recorder) -> Stored:
        with recorder.get_session() as session:
            tables: list[dict[str, dict[datetime, Row]]] = []
            for table in (Statistics, StatisticsShortTerm):
                columns = (table.sum, table.state, table.mean, table.min, table.max)
                rows = session.execute(
                    select(StatisticsMeta.statistic_id, table.start_ts, *columns).join_from(
                        table, StatisticsMeta, table.metadata_id == StatisticsMeta.id
                    )
                )
                found: dict[str, dict[datetime, Row]] = {}
                for statistic_id, start, *values in rows:
                    moment = datetime.fromtimestamp(start, UTC)
                    found.setdefault(statistic_id, {})[moment] = tuple(values)
                tables.append(found)
        return cls(*tables)

    def others(self) -> list[dict[str, Mapping[datetime, Row]]]:
        """Return what is not of the meter and its costs."""
        return [
            {key: rows for key, rows in table.items() if key not in OURS}
            for table in (self.hours, self.five_minutes)
        ]

    def bars(self, statistic_id: str) -> dict[datetime, Decimal]:
        rows = self.hours.get(statistic_id, {})
        sums = {hour: Decimal(row[0] or 0) for hour, row in sorted(rows.items())}
        return {hour: sums[hour] - sums[before] for before, hour in pairwise(sums)}


class PricedPlaces(Places):
    """Looks at all that is stored before and after each of our tasks."""

    written = 0

    def __init__(
        self, harness: PricedHarness, fault: Fault | None = None, number: int = -1
    ) -> None:
        super().__init__(harness, fault, number)
        self.house = harness
        self.broken: list[str] = []
        self.around_task = self._around_task

    @contextmanager
    def _around_task(self, recorder: Recorder) -> Iterator[None]:
        before = Stored.read(recorder)
        try:
            yield
        finally:
            self._compare(before, Stored.read(recorder))

    def _compare(self, before: Stored, after: Stored) -> None:
        """Note what is neither as it was nor right."""
        if after == before:
            return
        self.written += 1
        if before.others() != after.others():
            self.broken.append("Rows of others are not what they were")
        for energy_id, cost_id in SIDES.items():
            for statistic_id in (energy_id, cost_id):
                self._follows(after, statistic_id)
            earlier = [before.bars(each) for each in (energy_id, cost_id)]
            bars = [after.bars(each) for each in (energy_id, cost_id)]
            changed = [
                hour
                for old, new in zip(earlier, bars, strict=True)
                for hour, bar in new.items()
                if abs(bar - old.get(hour, Decimal("Infinity"))) > Decimal("0.0001")
            ]
            since = min(changed, default=None)
            # The newest hour may be compared later: when the meter has stored its end.
            hours = [hour for hour in sorted(bars[0])[:-1] if since is not None and hour >= since]
            compared = [hour for hour in hours if self._is_compared(after, energy_id, hour)]
            self.broken += wrong(self.house, energy_id, compared, *bars)
            self.broken += [
                f"{cost_id} {hour}: the energy is not compared yet, the cost has changed"
                for hour in set(hours) - set(compared)
                if abs(bars[1].get(hour, Decimal()) - earlier[1].get(hour, Decimal())) > YEN
            ]

    def _is_compared(self, stored: Stored, energy_id: str, hour: datetime) -> bool:
        """Return whether an hour ends with what the meter showed: an outage repeats what was seen last."""
        pair = self.harness.meter.registers(hour + HOUR)
        state = stored.hours[energy_id][hour][1]
        assert pair is not None
        shown = pair.normal if energy_id == IMPORTED else pair.reverse
        return shown is not None and state is not None and abs(state - float(shown)) < 0.0001

    def _follows(self, after: Stored, statistic_id: str) -> None:
        """The recorder goes on from the newest five minutes: they must be where the hours end."""
        hours, five = after.hours[statistic_id], after.five_minutes.get(statistic_id, {})
        last = max(hours)
        total, newest = hours[last][0], five.get(last + HOUR - timedelta(minutes=5), (None,))[0]
        if total is not None and newest is not None and abs(total - newest) > 0.001:
            self.broken.append(f"{statistic_id} ends with {total} and goes on from {newest}")


def wrong(
    house: PricedHarness,
    energy_id: str,
    hours: list[datetime],
    energies: Mapping[datetime, Decimal],
    costs: Mapping[datetime, Decimal],
) -> list[str]:
    """Return the hours that do not show what the meter counted and what that is worth."""
    found: list[str] = []
    for hour in hours:
        counted = house.expected(energy_id, [hour])[hour]
        worth = counted * FIXED if energy_id == EXPORTED else worth_by_entity(house, hour)
        shown = energies.get(hour), costs.get(hour)
        if shown[0] is None or abs(shown[0] - counted) > Decimal("0.0001"):
            found.append(f"{energy_id} {hour}: {shown[0]} kWh instead of {counted}")
        if worth is not None and (shown[1] is None or abs(shown[1] - worth) > YEN):
            found.append(f"{energy_id} {hour}: {shown[1]} JPY instead of {worth}")
    return found


def worth_by_entity(house: PricedHarness, hour: datetime) -> Decimal | None:
    if hour >= at(1):
        return house.worth("normal", hour)
    if hour < at(0):
        return house.meter.counted("normal", hour, hour + HOUR) * Decimal(house.price_of(hour))
    return None  # the entity was seen for the first time within this hour


@pytest.fixture
async def house(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> PricedHarness:
    hass.loop.set_debug(False)
    built = PricedHarness(hass, freezer, START)
    built.price_of = lambda moment: str((moment.hour * 5 + moment.minute // 30 * 7) % 41 - 3)
    await built.set_up()
    await built.remember_prices(at(-72))
    await built.show_costs(
        source(
            entity_energy_price=PRICE,
            number_energy_price=None,
            entity_energy_price_export=None,
            number_energy_price_export=float(FIXED),
        )
    )
    return built


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_task, "_PAUSE_S", 0)


async def all_is_right(house: PricedHarness, scenario: Scenario) -> None:
    stored = await get_instance(house.hass).async_add_executor_job(
        Stored.read, get_instance(house.hass)
    )
    for energy_id, cost_id in SIDES.items():
        energies, costs = stored.bars(energy_id), stored.bars(cost_id)
        hours = sorted(energies)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        # Of the hour of the installation Home Assistant knows only a part, unless it was imported.
        compared = [hour for hour in hours if hour >= at(1) or hours[0] < at(0)]
        assert wrong(house, energy_id, compared, energies, costs) == []
        if scenario is days_to_import:
            assert hours[0] < at(-40)
    assert any(stored.bars(COMPENSATION).values())
    assert await house.stored(WATER, "sum") == untouched_water(house)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_place_is_known(
    house: PricedHarness, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    places = PricedPlaces(house)
    since = await scenario(house, places, monkeypatch)
    assert places.written
    assert places.broken == []
    await go_on(house, places, since, order=scenario is days_to_import)

    await all_is_right(house, scenario)
    assert len(places.passed) == SCENARIOS[scenario]


@pytest.mark.parametrize(("scenario", "fault", "place"), chosen(SCENARIOS, SAMPLE))
async def test_whatever_happens_anywhere_energy_and_costs_are_right_in_the_end(
    house: PricedHarness,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Scenario,
    fault: Fault,
    place: int,
) -> None:
    places = PricedPlaces(house, fault, place)
    since = await scenario(house, places, monkeypatch)
    assert places.happened
    assert places.broken == []
    await go_on(house, places, since, order=scenario is days_to_import)

    await all_is_right(house, scenario)
