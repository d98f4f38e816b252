"""Cut off anywhere, the energy history ends as the meter counted it.

A sample of the places is tried in every run; ``scripts/test-history-sweep`` tries them all.
"""

from itertools import pairwise

import pytest

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
from tests.integration.history.entry_fixture import HOUR, WATER, HistoryHarness
from tests.integration.history.scenario import BOTH, at

SCENARIOS: dict[Scenario, int] = {
    import_by_the_action: 40,
    days_to_import: 100,
    hourly_repair: 69,
    repair_with_a_shift: 74,
}
"""Each with the number of its places; a test compares that with what is passed."""


#: No divisor of anything, so that every fault and every scenario comes.
SAMPLE = slice(17, None, 127)


async def all_is_right(harness: HistoryHarness, scenario: Scenario) -> None:
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        hours = sorted(bars)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        # Of the hour of the installation Home Assistant knows only a part, unless it was imported.
        compared = [hour for hour in hours if hour >= at(1) or hours[0] < at(0)]
        assert {hour: bars[hour] for hour in compared} == harness.expected(entity_id, compared)
        sums = await harness.stored(entity_id, "sum")
        assert all(older <= newer for older, newer in pairwise(sums[hour] for hour in hours))
        if scenario is days_to_import:
            assert hours[0] < at(-40)
        if scenario is import_by_the_action:
            assert hours[0] in (at(0), at(-28), at(-48))
    assert await harness.stored(WATER, "sum") == untouched_water(harness)


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_task, "_PAUSE_S", 0)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_place_is_known(
    harness: HistoryHarness, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    places = Places(harness)
    since = await scenario(harness, places, monkeypatch)
    await go_on(harness, places, since, order=scenario is days_to_import)

    await all_is_right(harness, scenario)
    assert len(places.passed) == SCENARIOS[scenario]


@pytest.mark.parametrize(("scenario", "fault", "place"), chosen(SCENARIOS, SAMPLE))
async def test_whatever_happens_anywhere_all_hours_are_right_in_the_end(
    harness: HistoryHarness,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Scenario,
    fault: Fault,
    place: int,
) -> None:
    places = Places(harness, fault, place)
    since = await scenario(harness, places, monkeypatch)
    assert places.happened
    await go_on(harness, places, since, order=scenario is days_to_import)

    await all_is_right(harness, scenario)
