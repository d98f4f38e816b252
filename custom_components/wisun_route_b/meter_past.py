"""The meter's own past, read when it is needed and not twice.

History has the lowest priority on the radio: one day at a time, a pause after each, so that
live readings go first.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
import logging
from typing import Final, Protocol

from homeassistant.util import dt as dt_util

from .stack import (
    HALF_HOUR,
    JST,
    DecodeError,
    RegisterPair,
    RequestRefusedError,
    Scale,
    ScaleUnknownError,
    Slot,
    WrongDayError,
)

_LOGGER = logging.getLogger(__name__)

#: How far back a meter remembers, in days before today (property E5, 0 to 99).
MOST_DAYS: Final = 99
#: Seconds of rest for the radio after a day that was read.
PAUSE: Final = 5.0

#: Slots that history 2 (EC) returns at once, at most.
_MOST_SLOTS: Final = 12
#: A slot that the meter leaves empty for so long will never be filled.
_PATIENCE: Final = timedelta(hours=2)
#: How often a day may come in a form that nobody understands before it is given up.
_ATTEMPTS: Final = 3

type ProgressCallback = Callable[[int, int], None]
_NOTHING: Final = RegisterPair(None, None)


class MeterHistory(Protocol):
    """A meter that remembers; SmartMeter is one."""

    @property
    def connected(self) -> bool:
        """Whether it can be asked."""

    @property
    def scale(self) -> Scale | None:
        """How to subtract its registers; None while it has not told its unit."""

    async def day_history(self, days_ago: int) -> tuple[Slot, ...]:
        """Return the 48 half-hourly registers of a day, 0 = today to 99."""

    async def half_hour_history(self, newest: datetime, count: int) -> tuple[Slot, ...]:
        """Return up to 12 half-hourly registers that end at ``newest``, oldest first."""


class MeterPast:
    """What one meter's registers showed at full half-hours."""

    def __init__(self, meter: MeterHistory, pause: float = PAUSE) -> None:
        """Take the meter, and the seconds of rest after each day."""
        self._meter = meter
        self._pause = pause
        self._known: dict[datetime, RegisterPair] = {}
        self._failures: dict[date, int] = {}
        self._has_slots = True

    def __contains__(self, moment: datetime) -> bool:
        """Tell whether the meter has told what it knows of a moment."""
        return moment in self._known

    def __getitem__(self, moment: datetime) -> RegisterPair:
        """Return the registers at a moment; KeyError if nothing was asked."""
        return self._known[moment]

    def moments(self) -> Iterable[datetime]:
        """Return every moment that is known."""
        return self._known.keys()

    def missing(self, moments: Iterable[datetime]) -> list[datetime]:
        """Return what is not known of these moments, oldest first."""
        return sorted({moment for moment in moments if moment not in self._known})

    def note(self, slots: Iterable[Slot]) -> None:
        """Keep what the meter said, whether asked or by itself (EA, EB)."""
        latest_empty = dt_util.utcnow() - _PATIENCE
        for slot in slots:
            is_empty = slot.registers == _NOTHING
            if not is_empty or slot.at <= latest_empty:
                at = slot.at.astimezone(UTC)
                self._known[at] = _merged(self._known.get(at, _NOTHING), slot.registers)

    def forget(self, before: datetime) -> None:
        """Drop what is not needed any more."""
        self._known = {at: pair for at, pair in self._known.items() if at >= before}

    async def fetch(self, moments: Collection[datetime], progress: ProgressCallback) -> None:
        """Ask for what is not known of these moments.

        What is known stays known if this fails or is cancelled half-way. Raises RouteBError.
        """
        missing = self.missing(moments)
        if missing and not await self._fetch_slots(missing):
            await self._fetch_days(missing, progress)

    async def _fetch_slots(self, missing: list[datetime]) -> bool:
        """Read a few half-hours with one request; tell whether that answered it."""
        count = (missing[-1] - missing[0]) // HALF_HOUR + 1
        if count > _MOST_SLOTS or not self._has_slots:
            return False
        try:
            self.note(await self._meter.half_hour_history(missing[-1], count))
        except RequestRefusedError:
            self._has_slots = False
        except ScaleUnknownError:
            raise
        except DecodeError as err:
            _LOGGER.debug("The half-hours cannot be read: %s", err)
        else:
            return True
        return False

    async def _fetch_days(self, missing: list[datetime], progress: ProgressCallback) -> None:
        """Read day by day; days out of the meter's reach cost nothing."""
        by_day: dict[date, list[datetime]] = {}
        for moment in missing:
            by_day.setdefault(moment.astimezone(JST).date(), []).append(moment)
        for day in [day for day in by_day if not 0 <= _days_ago(day) <= MOST_DAYS]:
            self._is_empty(day)
            del by_day[day]
        for done, (day, wanted) in enumerate(by_day.items()):
            progress(done, len(by_day))
            if done:
                await asyncio.sleep(self._pause)
            await self._fetch_day(day, wanted)
        progress(len(by_day), len(by_day))

    async def _fetch_day(self, day: date, wanted: list[datetime]) -> None:
        """Read one day; one that the meter cannot tell is taken for empty in the end."""
        try:
            slots = await self._day(day, _days_ago(day))
        except RequestRefusedError:
            await self._fetch_day_in_parts(wanted)
            self._is_empty(day)
        except ScaleUnknownError:
            raise
        except DecodeError as err:
            self._failures[day] = self._failures.get(day, 0) + 1
            if self._failures[day] < _ATTEMPTS:
                raise
            _LOGGER.debug("The history of a day cannot be read: %s", err)
            self._is_empty(day)
        else:
            self.note(slots)

    async def _day(self, day: date, days_ago: int) -> tuple[Slot, ...]:
        """Read a day; around midnight the meter's today may not be ours."""
        slots = await self._meter.day_history(days_ago)
        days_off = (slots[0].at.date() - day).days
        if days_off and 0 <= days_ago + days_off <= MOST_DAYS:
            slots = await self._meter.day_history(days_ago + days_off)
        if slots[0].at.date() != day:
            raise WrongDayError("The meter's today is not ours")
        return slots

    async def _fetch_day_in_parts(self, wanted: list[datetime]) -> None:
        """Read a day from a meter that has history 2 only, as far as it can tell."""
        while wanted and self._has_slots:
            newest = wanted[-1]
            part = [moment for moment in wanted if newest - moment < _MOST_SLOTS * HALF_HOUR]
            count = (newest - part[0]) // HALF_HOUR + 1
            try:
                self.note(await self._meter.half_hour_history(newest, count))
            except RequestRefusedError:
                return
            wanted = wanted[: -len(part)]

    def _is_empty(self, day: date) -> None:
        midnight = datetime(day.year, day.month, day.day, tzinfo=JST)
        self.note(Slot(midnight + index * HALF_HOUR, _NOTHING) for index in range(48))


def _days_ago(day: date) -> int:
    return (dt_util.utcnow().astimezone(JST).date() - day).days


def _merged(old: RegisterPair, new: RegisterPair) -> RegisterPair:
    """Keep what is known: a push may tell of one direction only."""
    return RegisterPair(
        old.normal if new.normal is None else new.normal,
        old.reverse if new.reverse is None else new.reverse,
    )
