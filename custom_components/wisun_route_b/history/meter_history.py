"""Cache of the meter's half-hourly registers, each read when needed and once.

History has the lowest priority on the radio: one day at a time, a pause after each, so that
live readings go first.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
import logging
from typing import Final

from homeassistant.util import dt as dt_util

from ..const import CLOCK_TOLERANCE
from ..stack import JST, errors, half_hours, readings
from .meter_clock import CLOCK_IS_RIGHT, MeterClock, MeterClockError, MeterHistory, ReadClock

_LOGGER = logging.getLogger(__name__)

#: Seconds of rest for the radio after a day that was read.
PAUSE_S: Final = 5.0
#: A slot that the meter leaves empty for so long will never be filled.
_EMPTY_AFTER: Final = timedelta(hours=2)
#: A slot that is so old is not filled any more, whatever comes after it: no clock that is believed
#: is off by so much.
_FINAL: Final = timedelta(days=1)
#: How often a day may come in a form that cannot be decoded before it is given up.
_MAX_ATTEMPTS: Final = 3

type ProgressCallback = Callable[[int, int], None]
_NOTHING: Final = readings.RegisterPair(None, None)


class HistoryCache:
    """What one meter's registers showed at full half-hours."""

    def __init__(
        self, meter: MeterHistory, pause: float = PAUSE_S, read_clock: ReadClock | None = None
    ) -> None:
        """Take the meter, the seconds of rest after each day, and how to read its clock."""
        self._meter = meter
        self._pause = pause
        self._clock = MeterClock(meter, read_clock)
        #: By the meter's own clock.
        self._known: dict[datetime, readings.RegisterPair] = {}
        self._failures: dict[date, int] = {}
        self._has_slots = True

    def __contains__(self, moment: datetime) -> bool:
        """Return whether the meter has answered what it knows of a moment."""
        return all(label in self._known for label in self._labels(moment))

    def __getitem__(self, moment: datetime) -> readings.RegisterPair:
        """Return the registers at a moment; KeyError if nothing was asked."""
        pairs = [self._known[label] for label in self._labels(moment)]
        return pairs[0] if self.exact else self._between(*pairs)

    def moments(self) -> list[datetime]:
        """Return every moment that is known."""
        shift = _floor(self._offset)
        return [at for label in self._known if (at := label - shift) in self]

    def snapshot(self) -> dict[datetime, readings.RegisterPair]:
        """Return a copy of all that is known, for another thread."""
        return dict(self._known) if self.exact else {at: self[at] for at in self.moments()}

    def missing(self, moments: Iterable[datetime]) -> list[datetime]:
        """Return which of these moments are not known, oldest first."""
        return sorted({moment for moment in moments if moment not in self})

    def note(self, slots: Iterable[half_hours.Slot]) -> None:
        """Keep registers of the meter, requested or pushed (EA, EB).

        An empty slot is kept if it is a day old or the meter has a later register: else its clock
        may not have reached it yet. Registers dated later than now are not kept, nor any of a
        meter whose clock is wrong.
        """
        if not self._clock.is_usable:
            return
        now = dt_util.utcnow()
        slots = [slot for slot in slots if slot.at <= now + CLOCK_TOLERANCE]
        found = {slot.at.astimezone(UTC): slot.registers for slot in slots}
        filled = {at: pair for at, pair in found.items() if pair != _NOTHING}
        for at, pair in filled.items():
            self._known[at] = _merged(self._known.get(at, _NOTHING), pair)
        newest = max(
            (at for at, pair in self._known.items() if pair != _NOTHING), default=now - _FINAL
        )
        until = max(now - _FINAL, min(newest, now - _EMPTY_AFTER))
        self._note_empty(found.keys() - filled.keys(), until)

    def _note_empty(self, moments: Iterable[datetime], until: datetime) -> None:
        for at in moments:
            if at <= until:
                self._known.setdefault(at, _NOTHING)

    def forget(self, before: datetime) -> None:
        """Drop registers that are not needed any more."""
        self._known = {
            at: pair for at, pair in self._known.items() if at >= before - half_hours.HALF_HOUR
        }

    # --- The meter's clock -----------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether the registers are the meter's own, and not interpolated."""
        return not self._offset

    async def check_clock(self) -> None:
        """Check the meter's clock; raises RouteBError and MeterClockError.

        Registers read with a wrong clock, or before it was set, are dropped.
        """
        before = self._offset
        try:
            await self._clock.check()
        except MeterClockError:
            self._known.clear()
            raise
        if abs(self._offset - before) > CLOCK_IS_RIGHT:
            self._known.clear()

    @property
    def _offset(self) -> timedelta:
        return self._clock.offset

    def _labels(self, moment: datetime) -> tuple[datetime, ...]:
        """Return the half-hours of the meter's clock from which a moment's register follows."""
        if self.exact:
            return (moment,)
        shift = _floor(self._offset)
        return (moment + shift, moment + shift + half_hours.HALF_HOUR)

    def _between(
        self, older: readings.RegisterPair, newer: readings.RegisterPair
    ) -> readings.RegisterPair:
        share = Decimal((self._offset - _floor(self._offset)) / half_hours.HALF_HOUR)
        scale = self._meter.scale

        def mean(first: Decimal | None, last: Decimal | None) -> Decimal | None:
            if scale is None or first is None or last is None:
                return None
            energy = scale.consumed(first, last)
            if energy is None:
                return None
            shown = first + (energy * share // scale.step) * scale.step
            return shown if scale.modulus is None else shown % scale.modulus

        return readings.RegisterPair(
            mean(older.normal, newer.normal), mean(older.reverse, newer.reverse)
        )

    # --- Asking ----------------------------------------------------------------------------

    async def fetch(self, moments: Collection[datetime], progress: ProgressCallback) -> None:
        """Ask for what is not known of these moments.

        What is known stays known if this fails or is cancelled half-way. Raises RouteBError,
        and MeterClockError.
        """
        await self.check_clock()
        labels = {label for moment in moments for label in self._labels(moment)}
        missing = sorted(labels - self._known.keys())
        if missing and not await self._fetch_slots(missing):
            await self._fetch_days(missing, progress)

    async def _fetch_slots(self, missing: list[datetime]) -> bool:
        """Read a few half-hours with one request; return whether that was answered."""
        count = (missing[-1] - missing[0]) // half_hours.HALF_HOUR + 1
        if count > readings.HISTORY_SLOTS or not self._has_slots:
            return False
        try:
            self.note(await self._meter.half_hour_history(missing[-1], count))
        except errors.RequestRefusedError:
            self._has_slots = False
        except errors.ScaleUnknownError:
            raise
        except errors.DecodeError as err:
            _LOGGER.debug("The half-hours cannot be read: %s", err)
        else:
            return True
        return False

    async def _fetch_days(self, missing: list[datetime], progress: ProgressCallback) -> None:
        """Read day by day; days that the meter no longer stores are skipped."""
        by_day: dict[date, list[datetime]] = {}
        for moment in missing:
            by_day.setdefault(moment.astimezone(JST).date(), []).append(moment)
        for day in [day for day in by_day if not 0 <= _days_ago(day) <= readings.HISTORY_DAYS]:
            self._is_empty(day)
            del by_day[day]
        for done, (day, wanted) in enumerate(by_day.items()):
            progress(done, len(by_day))
            if done:
                await asyncio.sleep(self._pause)
            await self._fetch_day(day, wanted)
        progress(len(by_day), len(by_day))

    async def _fetch_day(self, day: date, wanted: list[datetime]) -> None:
        """Read one day; one that the meter does not answer counts as empty in the end."""
        try:
            slots = await self._day(day, _days_ago(day))
        except errors.RequestRefusedError:
            await self._fetch_day_in_parts(wanted)
            self._is_empty(day)
        except errors.ScaleUnknownError:
            raise
        except errors.DecodeError as err:
            self._failures[day] = self._failures.get(day, 0) + 1
            if self._failures[day] < _MAX_ATTEMPTS:
                raise
            _LOGGER.debug("The history of a day cannot be read: %s", err)
            self._is_empty(day)
        else:
            self.note(slots)

    async def _day(self, day: date, days_ago: int) -> tuple[half_hours.Slot, ...]:
        """Read a day; around midnight the meter's date may not be ours."""
        slots = await self._meter.day_history(days_ago)
        days_off = (slots[0].at.date() - day).days
        if days_off and 0 <= days_ago + days_off <= readings.HISTORY_DAYS:
            slots = await self._meter.day_history(days_ago + days_off)
        if slots[0].at.date() != day:
            raise errors.WrongDayError("The meter's today is not ours")
        return slots

    async def _fetch_day_in_parts(self, wanted: list[datetime]) -> None:
        """Read a day from a meter that has history 2 only, as far as it answers."""
        while wanted and self._has_slots:
            newest = wanted[-1]
            part = [
                moment
                for moment in wanted
                if newest - moment < readings.HISTORY_SLOTS * half_hours.HALF_HOUR
            ]
            count = (newest - part[0]) // half_hours.HALF_HOUR + 1
            try:
                self.note(await self._meter.half_hour_history(newest, count))
            except errors.RequestRefusedError:
                return
            wanted = wanted[: -len(part)]

    def _is_empty(self, day: date) -> None:
        """Do not ask about a day again, though nothing is known of it."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC)
        moments = (midnight + index * half_hours.HALF_HOUR for index in range(48))
        self._note_empty(moments, dt_util.utcnow() - _EMPTY_AFTER)


def _days_ago(day: date) -> int:
    return (dt_util.utcnow().astimezone(JST).date() - day).days


def _floor(offset: timedelta) -> timedelta:
    return offset // half_hours.HALF_HOUR * half_hours.HALF_HOUR


def _merged(old: readings.RegisterPair, new: readings.RegisterPair) -> readings.RegisterPair:
    """Keep what is known: a push may be of one direction only."""
    return readings.RegisterPair(
        old.normal if new.normal is None else new.normal,
        old.reverse if new.reverse is None else new.reverse,
    )
