"""A meter that does not show its clock is judged by the half-hours that it has stored."""

from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.meter_clock import MeterClockError
from custom_components.wisun_route_b.stack import JST, errors, half_hours, readings
from tests.integration.history.entry_fixture import (
    HALF_HOUR,
    IMPORTED,
    HistoryHarness,
    HistoryMeter,
)
from tests.integration.history.scenario import BOTH, all_is_right, at, off


@pytest.fixture(autouse=True)
def _hidden(harness: HistoryHarness) -> None:
    async def read_clock() -> None:
        return None

    harness.read_clock = read_clock


def set_clock(harness: HistoryHarness, ahead: timedelta) -> None:
    """Have the meter label its half-hours with a clock that is ahead."""
    meter = harness.meter

    def slot(moment: datetime) -> half_hours.Slot:
        true = moment - ahead
        is_past = true <= harness.now - meter.late
        pair = meter.registers(true, of_now=True) if is_past else None
        return half_hours.Slot(moment.astimezone(JST), pair or readings.RegisterPair(None, None))

    meter._slot = slot  # type: ignore[method-assign]

    # Its days end by the same clock; they are counted back from its own today.
    async def day_history(days_ago: int) -> tuple[half_hours.Slot, ...]:
        days = (
            (harness.now + ahead).astimezone(JST).date() - harness.now.astimezone(JST).date()
        ).days
        return await HistoryMeter.day_history(meter, days_ago - days)

    meter.day_history = day_history  # type: ignore[method-assign]


def issue_of(harness: HistoryHarness) -> ir.IssueEntry | None:
    issue_id = f"history_meter_clock_{harness.entry.entry_id}"
    return ir.async_get(harness.hass).async_get_issue(DOMAIN, issue_id)


async def sums(harness: HistoryHarness) -> list[object]:
    return [await harness.stored(entity_id, "sum") for entity_id in BOTH]


def no_slots(harness: HistoryHarness) -> None:
    harness.meter.has_slots = False


def no_future(harness: HistoryHarness) -> None:
    """Have the meter refuse moments that are yet to come."""
    real = harness.meter.half_hour_history

    async def half_hour_history(newest: datetime, count: int) -> tuple[half_hours.Slot, ...]:
        if newest > harness.now:
            raise errors.RequestRefusedError("The meter does not take this moment")
        return await real(newest, count)

    harness.meter.half_hour_history = half_hour_history  # type: ignore[method-assign]


def no_days_and_no_future(harness: HistoryHarness) -> None:
    no_future(harness)
    harness.meter.has_days = False


def all_kinds(harness: HistoryHarness) -> None:
    """Leave the meter as it is: it has both histories."""


@pytest.mark.parametrize("kind", [all_kinds, no_slots, no_future, no_days_and_no_future])
async def test_an_honest_meter_is_repaired(
    harness: HistoryHarness, kind: Callable[[HistoryHarness], None]
) -> None:
    kind(harness)
    await harness.start()
    await harness.live(at(3.2))
    # Past midnight in Japan, and some minutes after it.
    await off(harness, at(14) + timedelta(minutes=12))
    await harness.live(at(17.2))

    await all_is_right(harness)
    assert issue_of(harness) is None


async def test_constant_consumption_and_none_at_all_raise_no_alarm(harness: HistoryHarness) -> None:
    real = harness.meter.registers(at(0))
    assert real is not None
    harness.meter.registers = lambda moment, *, of_now=False: real  # type: ignore[method-assign]
    await harness.start()
    await harness.live(at(30.2))

    assert issue_of(harness) is None
    assert harness.repair is not None
    assert harness.repair.verified["imported_energy"] == at(29)


@pytest.mark.parametrize(
    ("hours", "kind"),
    [
        *((hours, all_kinds) for hours in (-24, -3, -1, 1, 3, 24, 24 * 30)),
        *((hours, kind) for hours in (-24, 24) for kind in (no_slots, no_future)),
    ],
)
async def test_a_clock_that_is_off_is_not_believed(
    harness: HistoryHarness, hours: float, kind: Callable[[HistoryHarness], None]
) -> None:
    kind(harness)
    await harness.start()
    await harness.live(at(30.2))
    await harness.stop()
    set_clock(harness, timedelta(hours=hours))
    harness.move(at(34.5))
    repair = await harness.start()
    await harness.live(at(37.2))
    before, noted = await sums(harness), dict(repair.verified)

    raised = issue_of(harness)
    assert raised is not None
    assert raised.translation_key == "history_meter_clock_hidden"
    with pytest.raises(MeterClockError) as caught:
        await repair.async_import(at(-24))
    assert caught.value.translation_key == "history_meter_clock_hidden"
    assert (await sums(harness), dict(repair.verified)) == (before, noted)
    assert max(noted.values()) < at(30)

    set_clock(harness, timedelta())
    await harness.live(at(39.2))
    assert issue_of(harness) is None
    await all_is_right(harness)


async def test_what_the_meter_sends_while_its_clock_is_off_is_not_kept(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(3.2))
    set_clock(harness, timedelta(hours=3))
    await harness.live(at(4.2))
    assert harness.repair is not None
    wrong = harness.meter.registers(at(1))
    assert wrong is not None
    harness.repair.async_note(half_hours.Slot(at(4).astimezone(JST), wrong))
    set_clock(harness, timedelta())
    await harness.live(at(6.2))

    await all_is_right(harness)


async def test_a_meter_that_was_without_power_is_waited_for_and_nothing_is_raised(
    harness: HistoryHarness,
) -> None:
    await harness.start()
    await harness.live(at(3.2))
    # Mains power was off from here on; the meter has nothing of that time.
    dark = [at(3.5) + number * HALF_HOUR for number in range(8)]
    harness.meter.lost = set(dark)
    await off(harness, at(7.1))
    raised = async_capture_events(harness.hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
    await harness.live(at(9.2))

    assert harness.repair is not None
    assert "the meter's half-hours are not of now" in str(harness.repair.attempts.as_list())
    assert raised == []
    bars = await harness.stored(IMPORTED)
    assert min(bars.values()) >= 0
    hours = [hour for hour in bars if hour >= at(8)]
    assert {hour: bars[hour] for hour in hours} == harness.expected(IMPORTED, hours)


async def test_a_meter_that_is_silent_altogether_is_asked_again(harness: HistoryHarness) -> None:
    await harness.start()
    await harness.live(at(2.2))

    def fail() -> None:
        raise errors.ResponseTimeoutError("The meter did not answer in time")

    harness.meter.failing = fail
    await harness.live(at(4.2))
    harness.meter.failing = lambda: None
    await harness.live(at(5.2))

    await all_is_right(harness)
    assert issue_of(harness) is None


@pytest.mark.parametrize("hours", [1, 24])
async def test_a_clock_ahead_is_noticed_a_minute_before_a_half_hour_too(
    harness: HistoryHarness, hours: float
) -> None:
    repair = await harness.start(enabled=False)
    await harness.live(at(3.2))
    set_clock(harness, timedelta(hours=hours))
    harness.move(at(3.5) - timedelta(minutes=1))

    with pytest.raises(MeterClockError):
        await repair.async_import(at(-24))
