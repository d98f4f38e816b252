"""Steps and checks that the scenarios of the energy history share."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.integration.history.entry_fixture import EXPORTED, HOUR, IMPORTED, HistoryHarness

#: 10:30 in Japan. After today, or the recorder would take its own first run for the newer one.
START = datetime(2030, 5, 20, 1, 30, tzinfo=UTC)
BOTH = (IMPORTED, EXPORTED)


def at(hours: float) -> datetime:
    """Return a moment, in hours after the full hour in which the scenario begins."""
    return START.replace(minute=0) + timedelta(hours=hours)


async def off(harness: HistoryHarness, until: datetime, **options: Any) -> None:
    """Let Home Assistant be off for a while."""
    await harness.stop()
    harness.move(until)
    await harness.start(**options)


async def all_is_right(harness: HistoryHarness, *, from_hour: datetime | None = None) -> None:
    """Every hour shows what the meter counted."""
    total = Decimal()
    for entity_id in BOTH:
        bars = await harness.stored(entity_id)
        hours = [hour for hour in sorted(bars) if hour >= (from_hour or at(1))]
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        assert {hour: bars[hour] for hour in hours} == harness.expected(entity_id, hours)
        states = await harness.stored(entity_id, "state")
        side = "normal" if entity_id == IMPORTED else "reverse"
        shown = {hour: harness.meter.registers(hour + HOUR) for hour in hours}
        assert {hour: states[hour] for hour in hours} == {
            hour: getattr(pair, side) for hour, pair in shown.items()
        }
        total += sum(bars[hour] for hour in hours)
    assert total > 0
