"""The clock of Home Assistant's computer was ahead for a while."""

from datetime import datetime, timedelta

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import StatisticsRuns
from homeassistant.util import dt as dt_util
import pytest
from sqlalchemy.orm import Session

from custom_components.wisun_route_b.history.recorder_task import run_in_recorder
from custom_components.wisun_route_b.history.statistics import Snapshot, read_statistics
from custom_components.wisun_route_b.stack import JST, half_hours, readings
from tests.integration.history.entry_fixture import HOUR, IMPORTED, HistoryHarness, HistoryMeter
from tests.integration.history.scenario import BOTH, at


def set_ahead(harness: HistoryHarness, skew: timedelta) -> None:
    """Have the meter go on in real time and with its own date, while the computer is ahead."""
    meter = harness.meter

    def registers(moment: datetime, *, of_now: bool = False) -> readings.RegisterPair | None:
        return HistoryMeter.registers(meter, moment if of_now else moment - skew)

    def slot(moment: datetime) -> half_hours.Slot:
        known = moment <= dt_util.utcnow() - skew and HistoryMeter.registers(meter, moment)
        return half_hours.Slot(moment.astimezone(JST), known or readings.RegisterPair(None, None))

    meter.registers = registers  # type: ignore[method-assign]
    meter._slot = slot  # type: ignore[method-assign]
    meter.late = skew


def set_back(harness: HistoryHarness, moment: datetime) -> None:
    set_ahead(harness, timedelta())
    harness.now = moment
    harness.freezer.move_to(moment)


@pytest.mark.parametrize("hours", [26, 50])
async def test_an_outage_after_a_clock_that_was_ahead_is_repaired(
    harness: HistoryHarness, hours: int
) -> None:
    await harness.start()
    await harness.live(at(4.2))
    skew = timedelta(hours=hours)
    set_ahead(harness, skew)
    harness.move(at(4.2) + skew)
    await harness.live(at(6.3) + skew)
    set_back(harness, at(6.35))
    harness.poll()
    await harness.live(at(9.2))
    await harness.stop()
    harness.move(at(15.2))
    await harness.start()
    await harness.live(at(24.2))
    await harness.stop()
    harness.move(at(24.4))
    await harness.start()
    await harness.live(at(hours + 44.2))

    assert harness.repair is not None
    assert set(harness.repair.verified.values()) == {at(hours + 43)}
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        everything = [at(1) + number * HOUR for number in range(hours + 43)]
        assert {hour: bars.get(hour) for hour in everything} == harness.expected(
            entity_id, everything
        )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param(at(3) + timedelta(seconds=25), at(2), id="the hour is over, but not compiled"),
        pytest.param(at(2) - timedelta(minutes=2), at(1), id="compiled when the clock was ahead"),
        pytest.param(at(2) + timedelta(seconds=25), at(2), id="over and compiled"),
    ],
)
async def test_an_hour_is_finished_if_it_is_over_and_compiled(
    harness: HistoryHarness, now: datetime, until: datetime
) -> None:
    """If one is written that is yet to be compiled, all sensors lose their hour."""
    await harness.start(enabled=False)
    await harness.live(at(2.2))

    def read(instance: Recorder, session: Session) -> datetime:
        session.add(StatisticsRuns(start=at(30)))  # of a clock that was ahead
        session.flush()
        found = read_statistics(instance, session, IMPORTED, at(0), now)
        assert isinstance(found, Snapshot)
        assert max(found.history.rows) == until - HOUR
        return found.compiled_until

    assert await run_in_recorder(harness.hass, "read", read) == until
