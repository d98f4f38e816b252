"""The recorder announces new statistics within its transaction, before they are there, or during a run."""

from datetime import timedelta
import threading
from typing import Any

from homeassistant.components.recorder.db_schema import StatisticsRuns
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import Event
import pytest
import sqlalchemy as sa

from tests.integration.history.entry_fixture import IMPORTED, HistoryHarness
from tests.integration.history.scenario import at

#: Seconds after which the recorder goes on if nobody lets it.
_TIMEOUT_S = 10.0


# One in memory would let nobody read while the recorder writes.
@pytest.mark.parametrize("persistent_database", [True])
async def test_what_the_event_tells_of_is_waited_for(harness: HistoryHarness) -> None:
    await harness.start(import_days=2)
    looked = threading.Event()

    async def let_others_look(_: Event) -> None:
        await harness.let_pass(200)
        looked.set()

    def hesitate(*_: Any) -> None:
        looked.wait(_TIMEOUT_S)

    harness.hass.bus.async_listen_once(EVENT_RECORDER_5MIN_STATISTICS_GENERATED, let_others_look)
    sa.event.listen(StatisticsRuns, "after_insert", hesitate)
    try:
        # The recorder compiles once in this time.
        await harness.live(at(1) + timedelta(minutes=1))
    finally:
        sa.event.remove(StatisticsRuns, "after_insert", hesitate)

    assert looked.is_set()
    assert len(await harness.stored(IMPORTED)) == 48


async def test_hour_that_is_compiled_during_a_run_is_compared_five_minutes_later(
    harness: HistoryHarness,
) -> None:
    """What becomes due during a run is due after it, and does not wait for the next hour."""
    await harness.start()
    await harness.live(at(2.2))
    await harness.stop()
    harness.move(at(4.5))
    repair = await harness.start()
    # The first run with a reading after the outage begins when the hour is compiled.
    await harness.live(at(5) + timedelta(minutes=1))
    assert set(repair.verified.values()) == {at(3)}

    await harness.live(at(5) + timedelta(minutes=6))

    assert set(repair.verified.values()) == {at(4)}
