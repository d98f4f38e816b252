"""A shift of sums begins, in each table, at the row where they are wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import override

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.statistics import (
    statistic_during_period,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import RecorderTask, StatisticsTask
from homeassistant.helpers.recorder import get_instance
import pytest

from custom_components.wisun_route_b.statistics_shift import (
    ShortTermRow,
    Step,
    find_steps,
    shift_sums,
)
from tests.integration.history.story import at
from tests.integration.history_house import EXPORTED, FIVE_MINUTES, House

#: No more than 100 kW; a row of five minutes may rise by 8.3 kWh.
MAX_POWER = 100.0


def rows(*pairs: tuple[float | None, float], every: float = 300.0) -> list[ShortTermRow]:
    """Return rows of (state, sum), the first one five minutes before the moment zero."""
    return [ShortTermRow((n - 1) * every, state, total) for n, (state, total) in enumerate(pairs)]


# --- Where -----------------------------------------------------------------------------------


def test_a_register_that_shows_zero_once_is_shifted_from_where_it_returns() -> None:
    found = find_steps(
        rows((900, 5), (901, 6), (0, 6), (902, 908), (903, 909)), 0, -901.0, MAX_POWER
    )

    assert found == (Step(600, -901.0),)


def test_zero_and_return_within_one_row_are_shifted_from_this_row() -> None:
    found = find_steps(rows((900, 5), (901, 6), (902, 908), (903, 909)), 0, -901.0, MAX_POWER)

    assert found == (Step(300, -901.0),)


def test_each_jump_has_its_own_step_and_together_they_are_the_shift() -> None:
    found = find_steps(
        rows((900, 5), (0, 5), (901, 906), (902, 907), (0, 907), (903, 1810), (904, 1811)),
        0,
        -1802.5,
        MAX_POWER,
    )

    assert [step.start for step in found] == [300, 1200]
    assert [step.delta for step in found] == pytest.approx([-900, -902.5], abs=0.6)
    assert sum(step.delta for step in found) == pytest.approx(-1802.5)


def test_a_sum_that_begins_again_is_shifted_from_there() -> None:
    found = find_steps(rows((900, 50), (901, 51), (902, 0), (903, 1)), 0, 52.0, MAX_POWER)

    assert found == (Step(300, 52.0),)


def test_energy_that_was_not_counted_is_added_where_the_register_rose() -> None:
    found = find_steps(rows((900, 50), (901, 51), (908, 51), (909, 52)), 0, 7.0, MAX_POWER)

    assert found == (Step(300, 7.0),)


def test_rows_with_none_before_are_shifted_as_a_whole() -> None:
    found = find_steps(rows((900, 0), (901, 1))[1:], 0, 52.0, MAX_POWER)

    assert found == (Step(0, 52.0),)


@pytest.mark.parametrize(
    "unknown",
    [
        [],
        rows((900, 5)),
        rows((900, 5), (901, 6), (902, 7)),
        rows((None, 5), (None, 5), (None, 5)),
    ],
    ids=["no rows", "one row", "nothing wrong", "no states"],
)
def test_without_a_jump_there_is_no_step(unknown: Sequence[ShortTermRow]) -> None:
    assert find_steps(unknown, 0, -901.0, MAX_POWER) == ()


# --- In the database -------------------------------------------------------------------------


class _Shift(RecorderTask):
    """Shift as a repair would."""

    def __init__(self, entity_id: str, shift: Step, right_until: datetime) -> None:
        self.entity_id, self.shift, self.right_until = entity_id, shift, right_until.timestamp()

    @override
    def run(self, instance: Recorder) -> None:
        with instance.get_session() as session:
            known = instance.statistics_meta_manager.get(session, self.entity_id)
            assert known is not None
            shift_sums(session, known, self.shift, right_until=self.right_until)
            session.commit()


async def _five_minutes(house: House, until: datetime) -> None:
    """Home Assistant runs and compiles every five minutes."""
    while house.now + FIVE_MINUTES <= until:
        end = house.now.replace(second=0, microsecond=0)
        end += FIVE_MINUTES - timedelta(minutes=end.minute % 5)
        house.move(end - timedelta(seconds=5))
        house.poll()
        house.move(end + timedelta(seconds=10))
        await house.compile(StatisticsTask(end - FIVE_MINUTES, True))


async def _short_term(house: House) -> dict[datetime, float]:
    found = await get_instance(house.hass).async_add_executor_job(
        lambda: statistics_during_period(
            house.hass, at(1), None, {EXPORTED}, "5minute", {"energy": "kWh"}, {"change"}
        )
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): row["change"] or 0.0 for row in found[EXPORTED]
    }


@pytest.mark.parametrize("unit", ["kWh", "Wh", "MWh"])
async def test_no_false_bar_stays_in_either_table(house: House, unit: str) -> None:
    house.unit = unit
    house.set_state(EXPORTED, "0")
    await _five_minutes(house, at(1.3))
    house.set_state(EXPORTED, "0")
    await house.recorded()
    house.move(house.now + timedelta(seconds=40))
    await _five_minutes(house, at(4.1))
    hours = await house.stored(EXPORTED)
    jump = float(hours[at(1)] - house.truth(EXPORTED, [at(1)])[at(1)])
    assert jump > 10_000
    per_kwh = {"kWh": 1.0, "Wh": 1000.0, "MWh": 0.001}[unit]

    # The hours after the one of the jump were wrong as well, and have been rewritten.
    start = at(1) + timedelta(minutes=25)
    await house.compile(_Shift(EXPORTED, Step(start.timestamp(), -jump * per_kwh), at(1)))

    bars = await _short_term(house)
    assert len(bars) == 37
    assert {moment: bar for moment, bar in bars.items() if not -0.001 < bar < 3} == {}
    hours = await house.stored(EXPORTED)
    assert hours == house.truth(EXPORTED, hours) | {at(0): hours[at(0)]}
    card = await get_instance(house.hass).async_add_executor_job(
        lambda: statistic_during_period(
            house.hass,
            at(1) + timedelta(minutes=10),
            at(4),
            EXPORTED,
            {"change"},
            {"energy": "kWh"},
        )
    )
    assert 0 < card["change"] < 10
