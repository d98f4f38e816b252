"""Offset of the meter's clock: decides which hour its registers belong to.

Most meters show date and time (properties 98, 97). For one that does not, the stored
half-hours decide: one that is yet to come must be empty, and the last one must not be.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..stack import ReadReport, Scale, clock_offset, errors, half_hours, properties, readings

#: A meter's clock that is off by no more than this counts as right: it shows minutes only.
CLOCK_IS_RIGHT: Final = timedelta(minutes=2)
#: Up to here the registers at the full hours are interpolated; beyond, none is used.
_IS_USABLE: Final = timedelta(minutes=15)
#: Seconds for which a check of the meter's clock is valid.
_CHECK_VALID_S: Final = 3000.0
#: How old the newest half-hour of a meter may be: a half-hour, and twice the five minutes that a
#: meter may take to make it known (application interface specification 1.01, 3.2.1).
_NEWEST: Final = half_hours.HALF_HOUR + timedelta(minutes=10)
#: How long the newest half-hours must be missing before the clock counts as wrong: a meter that
#: was without power has none of that time either.
_IS_SURE: Final = timedelta(hours=1)
#: Half-hours that are asked for: the next two, as the first of them may be due within
#: CLOCK_IS_RIGHT, and the last two.
_COMING_SLOTS: Final = 2
_PAST_SLOTS: Final = 2

type ReadClock = Callable[[], Awaitable[timedelta | None]]
_NOTHING: Final = readings.RegisterPair(None, None)


class MeterClockError(HomeAssistantError):
    """The meter's clock and ours are too far apart to know which hour a register belongs to."""

    def __init__(self, offset: timedelta | None, *, sure: bool = True) -> None:
        """Take how far the meter's clock is ahead, None if the meter does not show it.

        Not ``sure``, the meter may only have been without power until now.
        """
        self.minutes = None if offset is None else round(offset.total_seconds() / 60)
        self.sure = sure
        super().__init__(
            translation_domain=DOMAIN,
            translation_key="history_meter_clock_hidden"
            if self.minutes is None
            else "history_meter_clock",
            translation_placeholders={"minutes": str(self.minutes)},
        )


def clock_offset_in(report: ReadReport, now: datetime) -> timedelta | None:
    """Return how far the meter's clock is ahead, by what it shows; None if it shows none."""
    date, time = report.value(properties.CURRENT_DATE), report.value(properties.CURRENT_TIME)
    return None if date is None or time is None else clock_offset(date, time, now)


class MeterHistory(Protocol):
    """A meter with a history; SmartMeter is one."""

    @property
    def connected(self) -> bool:
        """Whether it can be asked."""

    @property
    def scale(self) -> Scale | None:
        """How to subtract its registers; None while its unit is not known."""

    async def day_history(self, days_ago: int) -> tuple[half_hours.Slot, ...]:
        """Return the 48 half-hourly registers of a day, 0 = today to 99."""

    async def half_hour_history(self, newest: datetime, count: int) -> tuple[half_hours.Slot, ...]:
        """Return up to 12 half-hourly registers that end at ``newest``, oldest first."""


class MeterClock:
    """State of one meter's clock."""

    def __init__(self, meter: MeterHistory, read: ReadClock | None) -> None:
        """Take the meter, and how to read its clock.

        ``read`` returns how far the clock is ahead, None if the meter does not show it. Without
        it, the clock counts as right.
        """
        self._meter, self._read = meter, read
        self._checked = -_CHECK_VALID_S
        self._missing_since: datetime | None = None
        self.offset = timedelta()
        """How far it is ahead; zero if that is too little to matter, or not known."""
        self.is_usable = True
        """False if the last check found it too far off."""

    async def check(self) -> None:
        """Check the clock; raises RouteBError and MeterClockError."""
        now = asyncio.get_running_loop().time()
        if self._read is None or now - self._checked < _CHECK_VALID_S:
            return
        offset = await self._read()
        if offset is None:
            error = await self._check(dt_util.utcnow())
        else:
            error = MeterClockError(offset) if abs(offset) > _IS_USABLE else None
        self.is_usable = error is None
        if error is not None:
            raise error
        self._checked = now
        if offset is not None:
            self.offset = timedelta() if abs(offset) <= CLOCK_IS_RIGHT else offset

    async def _check(self, now: datetime) -> MeterClockError | None:
        """Check a clock that is not shown, by the newest half-hour that the meter has stored."""
        slots = await self._newest_slots(now)
        if slots is None:
            return None  # without any history there is nothing to compare
        stored = [slot.at for slot in slots if slot.registers != _NOTHING]
        newest = max(stored, default=now - 2 * _NEWEST)
        if newest > now + CLOCK_IS_RIGHT:
            return MeterClockError(None)
        if newest >= now - _NEWEST:
            self._missing_since = None
            return None
        if self._missing_since is None:
            self._missing_since = now
        return MeterClockError(None, sure=now - self._missing_since >= _IS_SURE)

    async def _newest_slots(self, now: datetime) -> tuple[half_hours.Slot, ...] | None:
        """Return the half-hours around now; None if the meter has no history at all."""
        last = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
        meter = self._meter
        failed: errors.DecodeError | None = None
        # A meter may refuse a moment that is yet to come; its days always end with some.
        reads: tuple[Callable[[], Awaitable[tuple[half_hours.Slot, ...]]], ...] = (
            partial(
                meter.half_hour_history,
                last + _COMING_SLOTS * half_hours.HALF_HOUR,
                _COMING_SLOTS + _PAST_SLOTS,
            ),
            partial(meter.day_history, 0),
            partial(meter.half_hour_history, last, _PAST_SLOTS),
        )
        for read in reads:
            try:
                return await read()
            except errors.RequestRefusedError:
                continue
            except errors.ScaleUnknownError:
                raise
            except errors.DecodeError as err:
                failed = err
        if failed is not None:
            raise failed
        return None
