"""Price and bills over starts, outages and faults, with a meter that remembers 99 days."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.wisun_route_b.billing.account import Account, LiveRegister
from custom_components.wisun_route_b.billing.tracker import BillTracker, TrackedMeter
from custom_components.wisun_route_b.half_hours import HalfHours
from custom_components.wisun_route_b.history.meter_history import HistoryCache
from custom_components.wisun_route_b.stack import JST, Scale, half_hours
from custom_components.wisun_route_b.tariff.stored import tariff_of
from tests.integration.conftest import entry_for
from tests.integration.history.entry_fixture import HALF_HOUR, HistoryMeter
from tools.emulator.meter.model import FIRST_GENERATION

#: A Sunday.
NOW = datetime(2026, 11, 22, 12, 3, tzinfo=JST)
STEPS = {
    "basic_charge": 1247,
    "price_1": 29.8,
    "limit_1": 120,
    "price_2": 36.4,
    "limit_2": 300,
    "price_3": 40.49,
}
NIGHT = {"days": "every", "start_hour": 23, "end_hour": 7, "per_kwh": 20}


def stored(reading_day: int = 15, **prices: Any) -> dict[str, Any]:
    adjustments: dict[str, Any] = {
        key: prices.pop(key) for key in ("fuel_adjustment", "levy") if key in prices
    }
    entity = prices.pop("price_entity", None)
    return {
        "reading_day": reading_day,
        "prices": [STEPS | prices],
        **adjustments,
        **({} if entity is None else {"price_entity": entity}),
    }


class Home:
    """A meter and what follows its use, over several starts."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        self.hass, self.freezer = hass, freezer
        self.move(NOW)
        self.meter = HistoryMeter(FIRST_GENERATION)
        self.entry = entry_for()
        self.entry.add_to_hass(hass)
        self.connected = True

    def move(self, now: datetime) -> None:
        self.now = now
        self.freezer.move_to(now)

    async def start(self, data: Mapping[str, Any]) -> BillTracker:
        tariff = tariff_of(data)
        assert tariff is not None
        self.recent = HalfHours()
        past = HistoryCache(self.meter, pause=0)
        meter = TrackedMeter(
            str(self.entry.data["identity"]), self.meter, self.recent, past, self._live
        )
        self.tracker = BillTracker(
            self.hass, self.entry, meter, tariff, data.get("price_entity"), lambda: None
        )
        await self.tracker.async_start()
        return self.tracker

    def _live(self) -> LiveRegister | None:
        pair = self.meter.registers(self.now) if self.connected else None
        if pair is None or pair.normal is None:
            return None
        return LiveRegister(self.now, pair.normal)

    async def announce(self) -> None:
        """Let the meter announce the newest half-hour, and everything be read that is due."""
        moment = self.now.replace(minute=self.now.minute // 30 * 30, second=0)
        registers = self.meter.registers(moment)
        assert registers is not None
        self.recent.note_history([half_hours.Slot(moment, registers)])
        self.tracker.async_update()
        await self.hass.async_block_till_done(wait_background_tasks=True)

    def has_seen(self, since: datetime, until: datetime) -> list[datetime]:
        """Have an earlier run leave what the meter showed at the half-hours of a time."""
        moments = [since + n * HALF_HOUR for n in range((until - since) // HALF_HOUR + 1)]
        for at in moments:
            pair = self.meter.registers(at)
            assert pair is not None
            self.tracker._ledger.note(at, pair.normal)
        return moments

    def used(self, since: datetime, until: datetime | None = None) -> Decimal:
        return self.meter.counted("normal", since, until or self.now)

    async def total(self) -> Decimal | None:
        bill = self.tracker.bill
        return None if bill is None else bill.total


@pytest.fixture
def home(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Home:
    return Home(hass, freezer)


def by_steps(energy: Decimal) -> Decimal:
    """Return the charge by use, computed apart from the code under test."""
    charge = min(energy, Decimal(120)) * Decimal("29.8")
    charge += max(min(energy, Decimal(300)) - 120, Decimal()) * Decimal("36.4")
    return charge + max(energy - 300, Decimal()) * Decimal("40.49")


def yen(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_DOWN)


async def test_first_start_reads_the_use_since_the_reading(home: Home) -> None:
    await home.start(
        stored(
            fuel_adjustment=[{"month": "2026-10", "per_kwh": -8.05}],
            levy=[{"month": "2026-05", "per_kwh": 3.98}],
        )
    )
    assert (home.tracker.price, home.tracker.bill) == (None, None)

    await home.announce()

    energy = home.used(datetime(2026, 11, 15, tzinfo=JST))
    bill = home.tracker.bill
    assert bill is not None
    assert bill.energy == energy
    assert bill.levy == yen(energy * Decimal("3.98"))
    assert bill.total == yen(1247 + by_steps(energy) - energy * Decimal("8.05") + bill.levy)
    assert bill.period.month == date(2026, 12, 1)
    price = Decimal("29.8") if energy < 120 else Decimal("36.4")
    assert home.tracker.price == price - Decimal("8.05") + Decimal("3.98")
    expected = home.tracker.expected
    assert expected is not None
    assert expected.period == bill.period
    days = Decimal(30) / Decimal("7.5")
    assert Decimal("0.7") < expected.energy / (energy * days) < Decimal("1.4")


async def test_restart_needs_no_second_reading(home: Home) -> None:
    data = stored()
    await home.start(data)
    await home.announce()
    before = await home.total()
    asked = len(home.meter.asked)

    await home.start(data)

    assert (await home.total(), home.tracker.price) == (before, home.tracker.price)
    assert before is not None
    await home.announce()
    assert len(home.meter.asked) == asked


async def test_each_announcement_adds_its_half_hour(home: Home) -> None:
    await home.start(stored(time_bands=[NIGHT]))
    await home.announce()
    asked = len(home.meter.asked)
    for _ in range(40):
        home.move(home.now + HALF_HOUR)
        await home.announce()

    start = datetime(2026, 11, 15, tzinfo=JST)
    halves = [start + n * HALF_HOUR for n in range((home.now - start) // HALF_HOUR)]
    night = sum(home.used(at, at + HALF_HOUR) for at in halves if at.hour >= 23 or at.hour < 7)
    day = home.used(start) - night
    bill = home.tracker.bill
    assert bill is not None
    assert abs(bill.use - (20 * night + by_steps(day))) < Decimal("0.01")
    assert len(home.meter.asked) == asked


async def test_outage_is_filled_from_the_meters_history(home: Home) -> None:
    data = stored(time_bands=[NIGHT])
    await home.start(data)
    await home.announce()
    home.move(home.now + timedelta(days=4, hours=3))

    await home.start(data)
    assert await home.total() is None  # at which hours it was used is not known yet
    assert home.tracker.price is None
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    assert bill.energy == home.used(datetime(2026, 11, 15, tzinfo=JST))


async def test_price_by_the_hour_needs_no_history(home: Home) -> None:
    row = {"reading_day": 15, "prices": [{"basic_charge": 0, "price_1": 31, "time_bands": [NIGHT]}]}
    home.connected = False
    await home.start(row)

    assert home.tracker.price == 31
    home.move(datetime(2026, 11, 22, 23, 0, tzinfo=JST))
    assert home.tracker.price == 20


@pytest.mark.parametrize("reading_day", [29, 30, 31])
async def test_reading_day_that_a_month_lacks(home: Home, reading_day: int) -> None:
    home.move(datetime(2027, 3, 1, 9, 2, tzinfo=JST))
    await home.start(stored(reading_day))
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    assert bill.period.first == date(2027, 2, 28)
    assert bill.energy == home.used(datetime(2027, 2, 28, tzinfo=JST))


async def test_new_period_begins_at_midnight_of_japan(home: Home) -> None:
    await home.hass.config.async_set_time_zone("America/New_York")
    home.move(datetime(2026, 12, 14, 23, 58, tzinfo=JST))
    await home.start(stored())
    await home.announce()
    bill = home.tracker.bill
    assert bill is not None
    assert bill.energy == home.used(datetime(2026, 11, 15, tzinfo=JST))

    home.move(datetime(2026, 12, 15, 0, 1, tzinfo=JST))
    bill = home.tracker.bill
    assert bill is not None
    assert bill.period.first == date(2026, 12, 15)
    assert bill.energy < 1
    assert home.tracker.price == Decimal("29.8")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
async def test_period_with_a_change_of_clocks_has_all_its_half_hours_once(
    home: Home, zone: str
) -> None:
    """Summer time ends there on October 25 or November 1; bands and periods go by Japan's time."""
    await home.hass.config.async_set_time_zone(zone)
    home.move(datetime(2026, 11, 10, 12, 3, tzinfo=JST))
    await home.start(stored(time_bands=[NIGHT]))
    await home.announce()

    start = datetime(2026, 10, 15, tzinfo=JST)
    half_hour, night = start, Decimal()
    while half_hour + HALF_HOUR <= home.now:
        if not 7 <= half_hour.hour < 23:
            night += home.used(half_hour, half_hour + HALF_HOUR)
        half_hour += HALF_HOUR
    bill = home.tracker.bill
    assert bill is not None
    assert night > 0
    assert bill.energy == home.used(start)
    assert bill.use == 20 * night + by_steps(bill.energy - night)


async def test_exchange_of_the_meter_keeps_what_both_have_counted(home: Home) -> None:
    moment = datetime(2026, 11, 18, 10, 10, tzinfo=JST)
    home.meter.install(moment, 8, (0, 0))
    await home.start(stored())
    # The new meter knows nothing of the time before it: what the first has said is kept.
    start = datetime(2026, 11, 15, tzinfo=JST)
    before = home.has_seen(start, moment)
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    counted = home.used(start, before[-1]) + home.used(before[-1] + HALF_HOUR)
    assert bill.energy == counted  # without the half-hour of the exchange


async def test_without_a_reading_at_the_beginning_it_says_since_when(home: Home) -> None:
    moved_in = datetime(2026, 11, 18, 10, 10, tzinfo=JST)
    home.meter.install(moved_in, 8, (0, 0))  # and the one before it is not known any more
    await home.start(stored())
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    first = datetime(2026, 11, 18, 10, 30, tzinfo=JST)
    assert home.tracker.known_since == first
    assert bill.energy == home.used(first)


async def test_months_before_the_first_adjustment_have_no_bill(home: Home) -> None:
    await home.start(stored(fuel_adjustment=[{"month": "2027-01", "per_kwh": -8}]))
    await home.announce()

    assert (home.tracker.price, home.tracker.bill, home.tracker.expected) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "unit", "price"),
    [
        ("12.5", "JPY/kWh", "42.3"),
        ("-40", "円/kWh", "-10.2"),
        ("12500", "JPY/MWh", "42.3"),
        ("unavailable", "JPY/kWh", None),
        ("cheap", "JPY/kWh", None),
        ("inf", "JPY/kWh", None),
        ("0.1", "USD/kWh", None),
        ("12.5", "JPY/m³", None),
    ],
)
async def test_price_of_the_market_is_added_or_nothing_is_shown(
    home: Home, state: str, unit: str, price: str | None
) -> None:
    home.hass.states.async_set("sensor.market", state, {"unit_of_measurement": unit})
    row = {"reading_day": 15, "prices": [{"basic_charge": 0, "price_1": 29.8}]}
    await home.start(row | {"price_entity": "sensor.market"})
    await home.announce()

    assert home.tracker.price == (None if price is None else Decimal(price))


async def test_past_prices_of_the_market_come_from_the_recorder(
    recorder_mock: Recorder, home: Home
) -> None:
    """One hour in each day has no price: its energy is named, and in none of the charges."""
    start = datetime(2026, 11, 15, tzinfo=JST)
    hours = [start + timedelta(hours=n) for n in range(24 * 7 + 12)]
    prices = {hour: hour.hour - 5 for hour in hours if hour.hour != 20}
    metadata = StatisticMetaData(
        has_sum=False,
        mean_type=StatisticMeanType.ARITHMETIC,
        name=None,
        source="recorder",
        statistic_id="sensor.market",
        unit_class=None,
        unit_of_measurement="JPY/kWh",
    )
    rows = [StatisticData(start=dt_util.as_utc(hour), mean=prices[hour]) for hour in prices]
    async_import_statistics(home.hass, metadata, rows)
    await async_wait_recording_done(home.hass)
    home.hass.states.async_set("sensor.market", "3", {"unit_of_measurement": "JPY/kWh"})
    row = {"reading_day": 15, "prices": [{"basic_charge": 0, "price_1": 10}]}

    await home.start(row | {"price_entity": "sensor.market"})
    home.has_seen(start, NOW)
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    energies = {hour: home.used(hour, hour + timedelta(hours=1)) for hour in hours}
    running = home.used(hours[-1] + timedelta(hours=1))
    right = sum(energies[hour] * (10 + price) for hour, price in prices.items()) + 13 * running
    assert abs(bill.use - right) < Decimal("0.01")
    missing = sum(energy for hour, energy in energies.items() if hour.hour == 20)
    assert abs(bill.unpriced - missing) < Decimal("0.001")


def account_of(
    data: Mapping[str, Any], since: datetime, price: Callable[[datetime], Decimal | None]
) -> Account:
    """Return the account of a house that has used 0.2 kWh in each half-hour until NOW."""
    tariff, until = tariff_of(data), NOW.replace(minute=0)
    assert tariff is not None
    count = (until - since) // HALF_HOUR + 1
    registers = {since + n * HALF_HOUR: 1000 + n * Decimal("0.2") for n in range(count)}
    return Account(tariff, registers, Scale(Decimal("0.1"), digits=6), price)


MARKET = {
    "reading_day": 15,
    "prices": [{"basic_charge": 1000, "price_1": 10}],
    "price_entity": "sensor.market",
}


@pytest.mark.parametrize(("known", "is_shown"), [(3, False), (23, False), (24, True), (400, True)])
def test_bill_of_the_whole_period_needs_the_prices_of_a_whole_day(
    known: int, is_shown: bool
) -> None:
    """What was used before is expected at the price of that half-hour of the day."""
    first = NOW.replace(minute=0) - timedelta(hours=known)
    account = account_of(
        MARKET, datetime(2026, 11, 8, tzinfo=JST), lambda at: Decimal(12) if at >= first else None
    )

    bill = account.expected(NOW)

    assert (bill is not None) is is_shown
    if bill is not None:
        assert bill.energy == 288
        assert bill.unpriced == 0
        assert bill.total == 1000 + 288 * 22


def test_bill_of_the_whole_period_is_never_below_what_was_used() -> None:
    data = {"reading_day": 15, "prices": [{"basic_charge": 1000, "price_1": 10}]}
    account = account_of(data, datetime(2026, 11, 8, tzinfo=JST), lambda _: None)
    assert account.newest is not None
    usual = account.expected(NOW)
    assert usual is not None

    live = LiveRegister(NOW, 1000 + 696 * Decimal("0.2") + 500)
    bill, tally = account.expected(NOW, live), account.tally(NOW, live)

    assert tally is not None
    assert bill == tally.bill()
    assert bill is not None
    assert bill.energy > usual.energy + 200


async def test_outage_over_a_change_of_prices_leaves_no_bill(home: Home) -> None:
    """How much was used before and after it is not known until the meter's history was read."""
    data = stored()
    changed = data | {"prices": [*data["prices"], STEPS | {"valid_from": "2026-11-24"}]}
    await home.start(changed)
    await home.announce()
    assert await home.total() is not None
    home.move(home.now + timedelta(days=4))

    await home.start(changed)
    assert await home.total() is None

    await home.announce()
    bill = home.tracker.bill
    assert bill is not None
    assert bill.energy == home.used(datetime(2026, 11, 15, tzinfo=JST))


async def test_half_hours_that_no_bill_needs_are_forgotten_without_a_restart(home: Home) -> None:
    await home.start(stored())
    await home.announce()
    for _ in range(48 * 45):
        home.move(home.now + HALF_HOUR)
        moment = home.now.replace(minute=home.now.minute // 30 * 30, second=0)
        registers = home.meter.registers(moment)
        assert registers is not None
        home.recent.note_history([half_hours.Slot(moment, registers)])
        home.tracker.async_update()
    await home.hass.async_block_till_done(wait_background_tasks=True)

    assert home.now - min(home.tracker._ledger.registers) <= timedelta(days=40, minutes=30)


async def test_deleted_price_entity_leaves_no_price(home: Home) -> None:
    row = {"reading_day": 15, "prices": [{"basic_charge": 0, "price_1": 29.8}]}
    home.hass.states.async_set("sensor.market", "3", {"unit_of_measurement": "JPY/kWh"})
    await home.start(row | {"price_entity": "sensor.market"})
    assert home.tracker.price == Decimal("32.8")

    home.hass.states.async_remove("sensor.market")
    home.tracker.async_update()

    assert home.tracker.price is None


async def test_damaged_notes_are_read_from_the_meter_again(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    key = f"wisun_route_b.{home.entry.data['identity']}.billing"
    days = {"2026-11-16": ["x"] * 48, "2026-11-17": ["1e99"] * 48, "soon": [], "2026-11-18": 3}
    hass_storage[key] = {"version": 1, "key": key, "data": {"days": days}}
    await home.start(stored())
    await home.announce()

    bill = home.tracker.bill
    assert bill is not None
    assert bill.energy == home.used(datetime(2026, 11, 15, tzinfo=JST))
