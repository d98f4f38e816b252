"""Follows the use since the meter reading: takes what the meter announces, reads what was missed.

The half-hours since the reading day, and of the last seven days, are read from the meter's history
once, at most a day at a time and after everything else that reads there; then each announcement
adds one. They are kept over restarts. A market's past prices come from the recorder.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
import logging
from typing import Final, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..const import TARIFF_CURRENCY
from ..entry_data import RouteBConfigEntry
from ..half_hours import HalfHours
from ..history.cost_source import EntityPrice, market_price_of
from ..history.identity_lock import identity_lock
from ..history.meter_history import PAUSE_S, HistoryCache
from ..history.prices import per_kwh_factor, price_number
from ..history.recorder_task import run_in_recorder
from ..history.sensor_hours import memory_reach
from ..stack import JST, RouteBError, Scale, properties
from ..tariff.bill import Bill, Tally
from ..tariff.model import Tariff
from ..tariff.periods import BillingPeriod, period_of
from ..tariff.use import half_hour_of
from .account import RECENT, Account, LiveRegister
from .ledger import Ledger, longest_ago
from .market import half_hourly_prices

_LOGGER = logging.getLogger(__name__)

#: Seconds before the history is read: what a start, a form or an action asks the meter goes first.
_REST: Final = 60.0
#: Seconds to wait for an import or a repair that reads the history.
_WAIT: Final = 600.0
_HOUR: Final = timedelta(hours=1)
#: A slot that the meter leaves empty for so long will never be filled.
_EMPTY_FOR: Final = timedelta(hours=2)
_IMPORTED: Final = properties.FIXED_TIME_ENERGY_NORMAL


class ScaledMeter(Protocol):
    """A meter that knows how to subtract its registers; SmartMeter is one."""

    @property
    def scale(self) -> Scale | None:
        """None while its unit is not known."""


@dataclass(frozen=True, slots=True, repr=False)
class TrackedMeter:
    """A meter, and where its imported register is found."""

    identity: str
    meter: ScaledMeter
    recent: HalfHours
    """The half-hours that it announced lately."""
    past: HistoryCache
    """What it remembers."""
    live: Callable[[], LiveRegister | None]
    """What it showed when it was read last."""


class BillTracker:
    """What electricity costs by one meter's tariff."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it follows, and whom it informs
        self,
        hass: HomeAssistant,
        entry: RouteBConfigEntry,
        meter: TrackedMeter,
        tariff: Tariff,
        market: str | None,
        inform: Callable[[], None],
    ) -> None:
        """Take the meter and its tariff, and what to call when there is something new to show.

        ``market`` is what the price entity is remembered by.
        """
        self._hass, self._entry, self._meter = hass, entry, meter
        self.tariff, self._market_entity, self._inform = tariff, market, inform
        self._ledger = Ledger(hass, meter.identity)
        self._market: dict[datetime, Decimal] = {}
        self._account: tuple[object, Account] | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried: datetime | None = None

    async def async_start(self) -> None:
        """Take up what an earlier run has seen."""
        await self._ledger.async_load()
        self._read_market_soon()
        self.async_update()

    # --- What it comes to ------------------------------------------------------------------

    @property
    def period(self) -> BillingPeriod:
        """The running billing period."""
        return period_of(self.tariff.reading_day, dt_util.utcnow())

    @property
    def tally(self) -> Tally | None:
        """What was used in the period; None until that is known."""
        now = dt_util.utcnow()
        account = self._get_account(now)
        return None if account is None else account.tally(now, self._meter.live())

    @property
    def price(self) -> Decimal | None:
        """What the next kWh costs, yen; None if it is not known."""
        now, tally = dt_util.utcnow(), self.tally
        if tally is None:
            tally = Tally(self.tariff, self.period)
            tally.lose(now)
        return tally.price(now, self._market_price(half_hour_of(now)))

    @property
    def bill(self) -> Bill | None:
        """The bill so far; None until the use is known."""
        tally = self.tally
        return None if tally is None else tally.bill()

    @property
    def expected(self) -> Bill | None:
        """The bill of the whole period, if it goes on like the last seven days."""
        now = dt_util.utcnow()
        account = self._get_account(now)
        return None if account is None else account.expected(now, self._meter.live())

    @property
    def known_since(self) -> datetime | None:
        """From when on the use of the period is known."""
        return None if self._account is None else self._account[1].since

    def _get_account(self, now: datetime) -> Account | None:
        """Return the half-hours, counted; None while they are yet to be read from the meter."""
        scale = self._meter.meter.scale
        if scale is None:
            return None
        key = (self._ledger.version, scale, len(self._market), half_hour_of(now))
        if self._account is None or self._account[0] != key:
            account = Account(self.tariff, self._ledger.registers, scale, self._market_price)
            self._account = key, account
        account = self._account[1]
        if account.newest is None:
            return None
        start = max(self.period.start, memory_reach(now))
        if account.newest < start:  # the period has just begun, or what came since is to be read
            return account if now - account.newest < _HOUR else None
        is_timed = account.depends_on_time(self.period)
        if self._ledger.missing(start, account.newest if is_timed else start):
            return None
        return account

    # --- The market ------------------------------------------------------------------------

    @property
    def _market_source(self) -> EntityPrice | None:
        return market_price_of(self._hass, self._market_entity)

    def _market_price(self, half_hour: datetime) -> Decimal | None:
        return self._market.get(half_hour)

    @callback
    def _note_market(self, now: datetime) -> None:
        """Take what the price entity shows now for the running half-hour."""
        source = self._market_source
        state = None if source is None else self._hass.states.get(source.entity_id)
        factor = None if source is None else per_kwh_factor(source.unit, TARIFF_CURRENCY)
        price = None if state is None else price_number(state.state)
        if price is None or factor is None:
            self._market.pop(half_hour_of(now), None)
        else:
            self._market[half_hour_of(now)] = price * factor

    @callback
    def _read_market_soon(self) -> None:
        if self._market_entity is not None:
            _ = self._entry.async_create_background_task(
                self._hass, self._read_market(), "market prices of the past"
            )

    async def _read_market(self) -> None:
        """Look up in the recorder what the market's price was since the reading."""
        source, now = self._market_source, dt_util.utcnow()
        if source is None or "recorder" not in self._hass.config.components:
            return
        since = min(self.period.start, now - RECENT).replace(minute=0, second=0, microsecond=0)
        hours = [since + n * _HOUR for n in range((now - since) // _HOUR)]
        work = partial(half_hourly_prices, source, [hour.astimezone(dt_util.UTC) for hour in hours])
        try:
            found = await run_in_recorder(self._hass, "prices of the market", work)
        except HomeAssistantError as err:
            _LOGGER.debug("Prices of the market were not read: %s", type(err).__name__)
            return
        self._market |= found
        self._account = None
        self._inform()

    # --- The half-hours --------------------------------------------------------------------

    @callback
    def async_quarter(self, now: datetime) -> None:
        """Look at each quarter of an hour: show the price of a new hour at once, and take up a market's hours that are compiled."""
        if now.minute == 15:  # noqa: PLR2004 - the recorder compiles an hour within five minutes
            oldest = longest_ago(now)
            self._market = {at: price for at, price in self._market.items() if at >= oldest}
            self._read_market_soon()
        self._inform()

    @callback
    def async_update(self) -> None:
        """Take what the meter and the market show now."""
        now = dt_util.utcnow()
        if self._market_entity is not None:
            self._note_market(now)
        newest = self._meter.recent.newest(_IMPORTED)
        if newest is None or now - newest > _HOUR:
            return
        register = self._meter.recent.register(_IMPORTED, newest)
        if register is not None:
            self._ledger.note(newest, register)
            self._ledger.forget(longest_ago(now))
        if newest == self._tried or not self._missing(newest):
            return
        if self._task is None or self._task.done():
            self._tried = newest
            self._task = self._entry.async_create_background_task(
                self._hass, self._fill(newest), "use since the meter reading", eager_start=False
            )

    def _missing(self, newest: datetime) -> list[datetime]:
        since = min(self.period.start, half_hour_of(newest - RECENT))
        return self._ledger.missing(max(since.astimezone(JST), memory_reach()), newest)

    async def _fill(self, newest: datetime) -> None:
        """Read what was missed up to a moment; what fails is tried at the next announcement."""
        await asyncio.sleep(_REST)
        past, identity = self._meter.past, self._meter.identity
        try:
            for moments in _by_day(self._missing(newest)):
                async with identity_lock(self._hass, identity).hold("billing", _WAIT):
                    await past.fetch(moments, lambda _done, _days: None)
                self._note_past(moments)
                past.forget(moments[-1])
                self._inform()
                await asyncio.sleep(PAUSE_S)
        except (RouteBError, HomeAssistantError) as err:
            _LOGGER.debug("The use since the reading was not read: %s", type(err).__name__)
        self._ledger.forget(longest_ago(dt_util.utcnow()))
        await self._ledger.async_save()

    def _note_past(self, moments: list[datetime]) -> None:
        """Take what the meter has answered; a slot that it left empty for long stays so."""
        past, settled = self._meter.past, dt_util.utcnow() - _EMPTY_FOR
        for at in moments:
            if at in past:
                self._ledger.note(at, past[at].normal)
            elif at < settled:
                self._ledger.note(at, None)


def _by_day(moments: list[datetime]) -> Iterator[list[datetime]]:
    """Yield them in days of Japan, each of which is one answer of the meter."""
    days: dict[object, list[datetime]] = {}
    for at in moments:
        days.setdefault(at.astimezone(JST).date(), []).append(at)
    yield from days.values()
