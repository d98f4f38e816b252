"""The largest half-hours over starts, outages and faults, with a meter that remembers 99 days."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.demand.tracker import DemandTracker
from custom_components.wisun_route_b.half_hours import HalfHours
from custom_components.wisun_route_b.history.meter_history import HistoryCache
from custom_components.wisun_route_b.history.sensor_hours import memory_reach
from custom_components.wisun_route_b.stack import JST, ReadReport, errors, half_hours
from tests.integration.conftest import entry_for
from tests.integration.history.entry_fixture import HALF_HOUR, HistoryMeter
from tools.emulator.meter.model import FIRST_GENERATION

NOW = datetime(2026, 11, 22, 12, 3, tzinfo=JST)


class Home:
    """A meter and what watches its demand, over several starts."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        self.hass, self.freezer = hass, freezer
        self.now = NOW
        self.freezer.move_to(NOW)
        self.meter = HistoryMeter(FIRST_GENERATION)
        self.entry = entry_for()
        self.entry.add_to_hass(hass)
        self.identity = str(self.entry.data["identity"])
        self.changes = 0
        self.tracker = self._tracker()

    def _tracker(self) -> DemandTracker:
        self.recent = HalfHours()
        past = HistoryCache(self.meter, pause=0)
        return DemandTracker(self.hass, self.entry, self.identity, self.meter, self.recent, past)

    async def start(self) -> None:
        self.tracker = self._tracker()
        await self.tracker.async_start()

        def changed() -> None:
            self.changes += 1

        self.tracker.async_add_listener(changed)

    async def announce(self, moment: datetime) -> None:
        """Let it be three minutes after a half-hour, which the meter has announced, and a poll."""
        self.now = moment + timedelta(minutes=3)
        self.freezer.move_to(self.now)
        registers = self.meter.registers(moment)
        assert registers is not None
        self.recent.note_history([half_hours.Slot(moment, registers)])
        self.tracker.note(ReadReport(), self.now, None)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    def truth(self, since: datetime, until: datetime) -> tuple[datetime, Decimal]:
        """Return the largest half-hour, computed from the meter itself."""
        count = (until - since) // HALF_HOUR
        starts = [since + index * HALF_HOUR for index in range(count)]
        energies = {
            start: self.meter.counted("normal", start, start + HALF_HOUR) for start in starts
        }
        largest = max(energies.values())
        last = max(start for start, energy in energies.items() if energy == largest)
        return last, 2 * largest

    def month(self) -> tuple[datetime, Decimal] | None:
        peak = self.tracker.peaks.of_month(self.now)
        return None if peak is None else (peak.start, peak.power)

    def year(self) -> tuple[datetime, Decimal] | None:
        peak = self.tracker.peaks.of_twelve_months(self.now)
        return None if peak is None else (peak.start, peak.power)


@pytest.fixture
def home(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Home:
    return Home(hass, freezer)


async def test_first_start_looks_at_all_that_the_meter_remembers(home: Home) -> None:
    await home.start()
    await home.announce(NOW.replace(minute=0))

    reach, newest = memory_reach(NOW), NOW.replace(minute=0)
    assert home.year() == home.truth(reach, newest)
    assert home.month() == home.truth(NOW.replace(day=1, hour=0, minute=0), newest)
    assert (home.tracker.peaks.since, home.tracker.peaks.until) == (reach, newest)
    assert len(home.meter.asked) == 100  # every day once


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
async def test_month_is_that_of_japan_where_clocks_are_changed_within_it(
    home: Home, zone: str
) -> None:
    """Summer time ends there on October 25 or November 1, at an hour that comes twice."""
    await home.hass.config.async_set_time_zone(zone)
    now = datetime(2026, 11, 3, 0, 3, tzinfo=JST)
    home.freezer.move_to(now)
    await home.start()
    await home.announce(now.replace(minute=0))

    newest = now.replace(minute=0)
    assert home.month() == home.truth(datetime(2026, 11, 1, tzinfo=JST), newest)
    october = home.tracker.peaks.of_month(datetime(2026, 10, 31, 12, tzinfo=JST))
    assert october is not None
    assert (october.start, october.power) == home.truth(
        datetime(2026, 10, 1, tzinfo=JST), datetime(2026, 11, 1, tzinfo=JST)
    )


async def test_announced_half_hours_are_not_read_again(home: Home) -> None:
    await home.start()
    await home.announce(NOW.replace(minute=0))
    asked, changes = len(home.meter.asked), home.changes

    for index in range(1, 60):
        await home.announce(NOW.replace(minute=0) + index * HALF_HOUR)

    assert len(home.meter.asked) == asked
    assert home.changes == changes + 59
    newest = NOW.replace(minute=0) + 59 * HALF_HOUR
    assert home.month() == home.truth(NOW.replace(day=1, hour=0, minute=0), newest)


async def test_outage_is_filled_from_the_meters_history(home: Home) -> None:
    await home.start()
    await home.announce(NOW.replace(minute=0))
    home.meter.asked.clear()

    await home.start()  # Home Assistant was off for two days
    newest = NOW.replace(minute=0) + timedelta(days=2, hours=3)
    await home.announce(newest)

    assert home.month() == home.truth(NOW.replace(day=1, hour=0, minute=0), newest)
    assert home.meter.asked == ["day 2", "day 1", "day 0"]


async def test_lost_announcement_is_read_with_one_request(home: Home) -> None:
    await home.start()
    await home.announce(NOW.replace(minute=0))
    home.meter.asked.clear()

    await home.announce(NOW.replace(minute=0) + 2 * HALF_HOUR)

    assert home.meter.asked == ["slots 2"]
    assert home.tracker.peaks.until == NOW.replace(minute=0) + 2 * HALF_HOUR


async def test_reading_that_fails_goes_on_where_it_was(home: Home) -> None:
    await home.start()
    days = 0

    def fail() -> None:
        nonlocal days
        days += 1
        if days == 30:
            raise errors.ResponseTimeoutError("The meter did not answer")

    home.meter.failing = fail
    await home.announce(NOW.replace(minute=0))
    seen = home.tracker.peaks.until
    assert seen is not None
    assert seen < NOW - timedelta(days=60)
    assert home.meter.asked[-1] == f"day {99 - 29}"

    await home.start()  # what was seen is remembered
    home.meter.asked.clear()
    newest = NOW.replace(minute=30)
    await home.announce(newest)

    assert home.meter.asked[0] in {f"day {99 - 29}", f"day {99 - 28}"}
    assert home.year() == home.truth(memory_reach(NOW), newest)


async def test_meter_is_not_asked_again_before_the_next_announcement(home: Home) -> None:
    await home.start()
    home.meter.connected = False
    await home.announce(NOW.replace(minute=0))
    home.meter.connected = True

    await home.announce(NOW.replace(minute=0))
    assert home.meter.asked == []
    await home.announce(NOW.replace(minute=30))
    assert home.meter.asked


async def test_nothing_is_read_while_no_sensor_shows_it(home: Home) -> None:
    await home.tracker.async_start()
    await home.announce(NOW.replace(minute=0))

    assert home.meter.asked == []


async def test_old_announcement_asks_for_nothing(home: Home) -> None:
    await home.start()
    moment = NOW.replace(minute=0)
    registers = home.meter.registers(moment)
    assert registers is not None
    home.recent.note_history([half_hours.Slot(moment, registers)])
    home.freezer.move_to(NOW + timedelta(hours=5))
    home.tracker.note(ReadReport(), NOW + timedelta(hours=5), None)
    await home.hass.async_block_till_done(wait_background_tasks=True)

    assert home.meter.asked == []


async def test_difference_of_two_meters_is_no_peak(home: Home) -> None:
    exchange = NOW.replace(day=20, hour=10, minute=10)
    home.meter.install(exchange, 8, (120_000, 0))
    await home.start()
    await home.announce(NOW.replace(minute=0))

    # The new meter remembers nothing of the time before it.
    assert home.month() == home.truth(exchange.replace(minute=30), NOW.replace(minute=0))


async def test_peak_of_a_month_that_the_meter_has_forgotten_is_remembered(home: Home) -> None:
    await home.start()
    await home.announce(NOW.replace(minute=0))
    before = home.year()
    reach = memory_reach(NOW)
    later = NOW.replace(month=3, year=2027, minute=0)

    await home.start()
    await home.announce(later)

    assert home.year() == max(
        home.truth(reach, NOW.replace(minute=0)),
        home.truth(memory_reach(later), later),
        key=lambda row: row[1],
    )
    assert before is not None
    # The months between were not seen: what is known does not reach back over the hole.
    assert home.tracker.peaks.since == memory_reach(later)


@pytest.mark.parametrize(
    "damaged",
    [
        {"months": 5, "until": "yesterday"},
        {"months": {"2026-11": {"start": "2026-11-03T10:00:00", "power": "4"}}},
        {"months": {"x": {"start": "2026-11-03T10:00:00+09:00", "power": "1e9"}}},
        {"months": {"x": {"start": "2026-11-03T10:00:00+09:00", "power": "NaN"}}},
        {"months": {"x": {"start": "2126-11-03T10:00:00+09:00", "power": "3"}}},
        {"months": {"x": None}, "since": None, "until": "2126-11-03T10:00:00+09:00"},
        {"months": {}, "since": "2026-11-21T10:00:00+09:00", "until": "2026-11-03T10:00:00+09:00"},
        [],
    ],
)
async def test_damaged_notes_count_as_none(
    home: Home, hass_storage: dict[str, Any], damaged: object
) -> None:
    key = f"{DOMAIN}.{home.identity}.demand"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": damaged}

    await home.start()
    assert (home.month(), home.tracker.peaks.until) == (None, None)
    await home.announce(NOW.replace(minute=0))

    assert home.year() == home.truth(memory_reach(NOW), NOW.replace(minute=0))
