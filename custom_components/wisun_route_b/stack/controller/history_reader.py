"""Reads histories: select a day or time, then read it, with no other selection in between.

The meter answers E2 and E4 for the day last set in E5, EC for ED, EE for EF (the appendix
calls these pairs atomic). A day is counted back from the meter's own date, so a reading that
may span midnight is checked against the meter's clock and taken again. A meter that
does not answer for its clock (97, 98) still dates its last half-hourly reading (EA).
"""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ..echonet import ESV, Frame, Property
from ..errors import EncodeError, RequestRefusedError, ResponseTimeoutError, WrongDayError
from ..meter.half_hours import HALF_HOUR, MINUTE, Slot, day_slots, slots_back
from ..meter.properties import (
    CURRENT_DATE,
    CURRENT_TIME,
    FIXED_TIME_ENERGY_NORMAL,
    HISTORY1_DAY,
    HISTORY1_NORMAL,
    HISTORY1_REVERSE,
    HISTORY2,
    HISTORY2_SELECTOR,
    HISTORY3,
    HISTORY3_SELECTOR,
    MeterProperty,
)
from ..meter.readings import JST, DayHistory, HistorySelector, SlotHistory
from ..meter.scale import Scale
from .property_reader import PropertyReader
from .requester import TIMEOUT_ONE_S, Request, Requester

#: How often a day is read when midnight falls between selection and reading; it can do so once.
_MAX_ATTEMPTS = 3
#: The clock shows whole minutes.
_CLOCK_STEP = timedelta(minutes=1)
#: The last half-hourly reading may be that old: a half-hour, and the five minutes that a meter may
#: take to make a new one known (application interface specification 1.01, 3.2.1).
_READING_STEP = HALF_HOUR + timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The meter's present time: between ``at`` and ``at + step``."""

    at: datetime
    step: timedelta

    @property
    def day(self) -> date:
        return self.at.date()

    def is_sure_for(self, seconds: float) -> bool:
        """Return whether the meter's day certainly does not end within so many seconds."""
        return (self.at + self.step + timedelta(seconds=seconds)).date() == self.day


class HistoryReader:
    """Reads the past of one meter over one connection."""

    def __init__(self, requester: Requester, reader: PropertyReader) -> None:
        """Take what makes requests, and what knows how many properties the meter answers at once."""
        self._request = requester.request
        self._reader = reader
        # Between choosing and reading no other history may be chosen; live values may well
        # be read, so that they wait for one answer at most.
        self._choosing = asyncio.Lock()

    async def clock(self) -> datetime:
        """Return the meter's own date and time, aware, JST, to the minute."""
        return await self._clock()

    async def day(self, days_ago: int, scale: Scale, *, reverse: bool) -> tuple[Slot, ...]:
        """Return the 48 half-hourly registers of a day, 0 = today to 99.

        ``reverse`` is whether the meter has E4. Raises WrongDayError if the meter
        answers for another day, RequestRefusedError if it has no history of this kind.
        """
        async with self._choosing:
            for _ in range(_MAX_ATTEMPTS):
                begun = asyncio.get_running_loop().time()
                before = await self._moment(scale)
                await _set(self._request, HISTORY1_DAY, days_ago)
                normal = await _day(self._request, HISTORY1_NORMAL, days_ago, scale)
                backward = await _reverse_day(self._request, days_ago, scale) if reverse else None
                elapsed = asyncio.get_running_loop().time() - begun
                today = before.day
                if not before.is_sure_for(elapsed):
                    after = await self._moment(scale)
                    if after.step > _CLOCK_STEP and not after.is_sure_for(0.0):
                        raise WrongDayError("Without its clock, the meter's day is not known now")
                    today = after.day
                if today == before.day:
                    return day_slots(today - timedelta(days=days_ago), normal, backward)
        raise WrongDayError("The meter's day changes whenever its history is read")

    async def half_hours(self, newest: datetime, count: int, scale: Scale) -> tuple[Slot, ...]:
        """Return up to 12 half-hourly registers that end at ``newest``, oldest first."""
        history = await self._slots(HISTORY2_SELECTOR, HISTORY2, newest, count, scale)
        return slots_back(history, HALF_HOUR)

    async def minutes(self, newest: datetime, count: int, scale: Scale) -> tuple[Slot, ...]:
        """Return up to 10 registers a minute apart that end at ``newest``, oldest first."""
        history = await self._slots(HISTORY3_SELECTOR, HISTORY3, newest, count, scale)
        return slots_back(history, MINUTE)

    async def _slots(
        self,
        selector: MeterProperty[HistorySelector],
        history: MeterProperty[SlotHistory],
        newest: datetime,
        count: int,
        scale: Scale,
    ) -> SlotHistory:
        if newest.tzinfo is None:
            raise EncodeError("A moment needs a time zone")
        wanted = newest.astimezone(JST).replace(second=0, microsecond=0)
        async with self._choosing:
            await _set(self._request, selector, HistorySelector(wanted, count))
            read = await _get(self._request, history, scale)
        if read.start != wanted or len(read.slots) != count:
            raise WrongDayError("The meter answers for another time than was asked for")
        return read

    async def _moment(self, scale: Scale) -> _Moment:
        """Return the meter's present time: from its clock, else from its last half-hourly reading."""
        try:
            return _Moment(await self._clock(), _CLOCK_STEP)
        except RequestRefusedError, ResponseTimeoutError:
            reading = await _get(self._request, FIXED_TIME_ENERGY_NORMAL, scale)
            return _Moment(reading.measured_at, _READING_STEP)

    async def _clock(self) -> datetime:
        """Read date and time together, or one by one from a meter that needs it so."""
        if self._reader.limit > 1:
            together = (Property(CURRENT_DATE.epc), Property(CURRENT_TIME.epc))
            try:
                both = await self._request(ESV.GET, together, TIMEOUT_ONE_S)
            except ResponseTimeoutError:
                return await _clock_one_by_one(self._request)
            edts = {item.epc: item.edt for item in both.properties}
            if edts.get(CURRENT_DATE.epc) and edts.get(CURRENT_TIME.epc):
                day = CURRENT_DATE.decode(edts[CURRENT_DATE.epc])
                return datetime.combine(day, CURRENT_TIME.decode(edts[CURRENT_TIME.epc]), JST)
        return await _clock_one_by_one(self._request)


async def write[T](requester: Requester, definition: MeterProperty[T], value: T) -> None:
    """Set a property; raise RequestRefusedError if the meter does not accept it."""
    await _set(requester.request, definition, value)


async def _set[T](ask: Request, definition: MeterProperty[T], value: T) -> None:
    written = Property(definition.epc, definition.encode(value))
    answer = await ask(ESV.SET_C, (written,))
    if answer.esv is not ESV.SET_RES:
        raise RequestRefusedError(f"The meter does not let {definition.name} be set")


async def _get[T](ask: Request, definition: MeterProperty[T], scale: Scale | None = None) -> T:
    answer = await ask(ESV.GET, (Property(definition.epc),))
    return definition.decode(_edt(answer, definition.epc, definition.name), scale)


def _edt(answer: Frame, epc: int, name: str) -> bytes:
    for item in answer.properties:
        if item.epc == epc and item.edt:
            return item.edt
    raise RequestRefusedError(f"The meter does not offer {name}")


async def _clock_one_by_one(ask: Request) -> datetime:
    """Read the date, the time, and the date again: midnight may come between."""
    for _ in range(_MAX_ATTEMPTS):
        day = await _get(ask, CURRENT_DATE)
        clock = await _get(ask, CURRENT_TIME)
        if await _get(ask, CURRENT_DATE) == day:
            return datetime.combine(day, clock, JST)
    raise WrongDayError("The meter's date changes whenever it is read")


async def _day(
    ask: Request, definition: MeterProperty[DayHistory], days_ago: int, scale: Scale
) -> DayHistory:
    history = await _get(ask, definition, scale)
    if history.day != days_ago:
        raise WrongDayError("The meter answers for another day than was asked for")
    return history


async def _reverse_day(ask: Request, days_ago: int, scale: Scale) -> DayHistory | None:
    """Read E4; a meter may list it in its Get map and refuse it all the same."""
    try:
        return await _day(ask, HISTORY1_REVERSE, days_ago, scale)
    except RequestRefusedError:
        return None
