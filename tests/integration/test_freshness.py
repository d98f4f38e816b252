"""How long values are shown: a table of what was answered when, and what is fresh when."""

import pytest

from custom_components.wisun_route_b.freshness import Freshness
from custom_components.wisun_route_b.stack import properties

POWER, ENERGY = properties.INSTANTANEOUS_POWER.epc, properties.CUMULATIVE_ENERGY_NORMAL.epc
#: Changes hardly ever.
STATUS = properties.OPERATION_STATUS.epc
HOLD = 90.0


def noted(*answers: tuple[float, set[int]]) -> Freshness:
    freshness = Freshness(HOLD)
    for at, epcs in answers:
        freshness.note(epcs, at)
    return freshness


@pytest.mark.parametrize(
    ("answers", "now", "fresh", "expiry"),
    [
        ([], 0.0, set(), None),
        ([(100.0, set())], 100.0, set(), None),
        ([(100.0, {POWER})], 100.0, {POWER, STATUS}, 190.0),
        ([(100.0, {POWER})], 190.0, {POWER, STATUS}, 190.0),
        ([(100.0, {POWER})], 190.1, set(), None),
        # What is slow lives as long as the link, even if it was read long ago, or never.
        ([(0.0, {STATUS}), (1000.0, {POWER})], 1000.0, {POWER, STATUS}, 1090.0),
        # What is live must have been confirmed itself.
        ([(100.0, {POWER}), (150.0, {ENERGY})], 191.0, {ENERGY, STATUS}, 240.0),
        ([(100.0, {POWER}), (150.0, {STATUS})], 191.0, {STATUS}, 240.0),
        ([(100.0, {POWER}), (150.0, {ENERGY})], 160.0, {POWER, ENERGY, STATUS}, 190.0),
        # An answer in time restarts the period.
        ([(100.0, {POWER}), (189.0, {POWER})], 270.0, {POWER, STATUS}, 279.0),
        # The clock may have begun anywhere.
        ([(-500.0, {POWER})], -450.0, {POWER, STATUS}, -410.0),
    ],
)
def test_value_is_fresh_for_the_hold_time(
    answers: list[tuple[float, set[int]]], now: float, fresh: set[int], expiry: float | None
) -> None:
    freshness = noted(*answers)

    assert {epc for epc in (POWER, ENERGY, STATUS) if freshness.is_fresh(epc, now)} == fresh
    assert freshness.next_expiry(now) == expiry
    assert freshness.is_alive(now) is (STATUS in fresh)


def test_age_is_counted_from_the_last_answer_about_the_property() -> None:
    freshness = noted((100.0, {POWER, STATUS}), (130.0, {POWER}))

    assert freshness.age(POWER, 140.0) == 10.0
    assert freshness.age(STATUS, 140.0) == 40.0
    assert freshness.age(ENERGY, 140.0) is None
