"""One register of the meter: its readings at each full hour, and which reading can follow which.

Everything is in kWh. No clock, no Home Assistant.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ..const import MAX_POWER_KW
from ..stack import Scale

HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

#: What a household may draw for hours without ever having done so before (kW): a contract of
#: 60 A at 2 x 100 V is 6 kVA, one of 10 kVA is common with electric heating.
_USUAL_POWER_KW: Final = Decimal(10)
#: How much more than in the strongest hour, or day, that is known may come in another one.
_STRONGER_HOUR: Final = Decimal(3)
_STRONGER_DAY: Final = Decimal(2)
#: Energy that proves nothing, however short of a day's pace it is (kWh).
_SLACK: Final = Decimal(50)
#: A day of a meter of which no day is known (kWh): 2 kW all day long.
_UNKNOWN_DAY: Final = Decimal(48)
#: How far a state may be from the meter's register at the hour and still come from the same
#: reading (kWh): a poll that was half a minute old, clocks that differ by a few.
_CLOSE_KWH: Final = Decimal("0.2")


def hours_between(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the starts of the hours."""
    while since < until:
        yield since
        since += HOUR


@dataclass(frozen=True, slots=True)
class Register:
    """One register of the meter: what it showed, and how to subtract."""

    readings: Mapping[datetime, Decimal | None]
    """By moment; None where the meter has no value."""
    scale: Scale
    exact: bool = True
    """False if the readings had to be interpolated, because the meter's clock is a little off."""
    _moments: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _peak_hour: Decimal = field(init=False, repr=False, compare=False)
    _peak_day: Decimal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the meter's own pace from all readings, once."""
        known = {at: value for at, value in self.readings.items() if value is not None}
        moments = tuple(sorted(known))
        object.__setattr__(self, "_moments", moments)
        object.__setattr__(self, "_peak_hour", self._peak(known, HOUR) or Decimal())
        day = self._peak(known, _DAY)
        object.__setattr__(self, "_peak_day", self._usual_day(known) if day is None else day)

    def _peak(self, known: Mapping[datetime, Decimal], span: timedelta) -> Decimal | None:
        """Return the most that went through in any known span of this length."""
        energies = [
            energy
            for at, older in known.items()
            if (newer := known.get(at + span)) is not None
            and (energy := self.scale.consumed(older, newer)) is not None
            and energy <= MAX_POWER_KW * Decimal(span / HOUR)
        ]
        return max(energies, default=None)

    def _usual_day(self, known: Mapping[datetime, Decimal]) -> Decimal:
        """Return a day of a meter of which less than a day is known."""
        return max(_UNKNOWN_DAY, 24 * self._peak_hour) if known else _UNKNOWN_DAY

    # --- What it showed --------------------------------------------------------------------

    @property
    def tolerance(self) -> Decimal:
        """How far a stored state may differ from the register, kWh: a quarter of its step, for rounding."""
        return self.scale.step / 4

    @property
    def near(self) -> Decimal:
        """How far apart two readings of the same moment may be, kWh."""
        return max(self.scale.step, _CLOSE_KWH)

    def at(self, moment: datetime) -> Decimal | None:
        """Return the register at a moment, None if it is not known."""
        return self.readings.get(moment)

    def is_close(self, state: Decimal | None, moment: datetime) -> bool:
        """Return whether a state can be a reading of this register at about this moment."""
        reading = self.at(moment)
        return reading is not None and state is not None and abs(state - reading) <= self.near

    def best(self, state: Decimal | None, moment: datetime) -> Decimal | None:
        """Return the reading at a moment, or a state that is better than interpolation."""
        is_better = not self.exact and state is not None and self.is_close(state, moment)
        return state if is_better else self.at(moment)

    def next_known(self, moment: datetime) -> tuple[datetime, Decimal] | None:
        """Return the first known reading after a moment."""
        return self._known(bisect_right(self._moments, moment))

    def last_known(self, moment: datetime) -> tuple[datetime, Decimal] | None:
        """Return the last known reading before a moment."""
        return self._known(bisect_left(self._moments, moment) - 1)

    def _known(self, index: int) -> tuple[datetime, Decimal] | None:
        if not 0 <= index < len(self._moments):
            return None
        at = self._moments[index]
        reading = self.readings[at]
        return None if reading is None else (at, reading)

    # --- Plausible sequences ---------------------------------------------------------------

    def energy(self, older: Decimal, newer: Decimal, span: timedelta) -> Decimal | None:
        """Return the energy between two readings; None if they are of different meters.

        Within an hour anything below 100 kW is accepted; over a longer time only what the meter's
        own pace allows.
        """
        energy = self.scale.consumed(older, newer)
        most = MAX_POWER_KW if span <= HOUR else self._max_energy(span)
        return None if energy is None or energy > most else energy

    def is_likely(self, energy: Decimal, span: timedelta) -> bool:
        """Return whether this meter can have counted an energy that only Home Assistant has stored."""
        return 0 <= energy <= self._max_energy(max(span, HOUR))

    def _max_energy(self, span: timedelta) -> Decimal:
        """Return the most that this meter may have counted in a time, by its own pace."""
        hours = Decimal(span / HOUR)
        strongest = max(_USUAL_POWER_KW, _STRONGER_HOUR * self._peak_hour) * hours
        if span > _DAY:
            strongest = min(strongest, _SLACK + _STRONGER_DAY * self._peak_day * hours / 24)
        return min(strongest, MAX_POWER_KW * hours)

    def is_ours(self, state: Decimal | None, moment: datetime) -> bool:
        """Return whether a state of this moment is what *this* meter showed then.

        Its own reading must agree. Where it has none, the state must fit between those
        around: so beyond its memory, where the oldest one must not be above the state by more
        than its pace allows.
        """
        if state is None:
            return False
        if self.at(moment) is not None:
            return self.is_close(state, moment)
        older, newer = self.last_known(moment), self.next_known(moment)
        return (
            older is None or self.energy(older[1], state + self.near, moment - older[0]) is not None
        ) and (
            newer is None or self.energy(state, newer[1] + self.near, newer[0] - moment) is not None
        )

    def fits_live(self, state: Decimal, hour: datetime) -> bool | None:
        """Return whether the meter showed a state in an hour, or one hour before or after.

        None if it does not know.
        """
        end = self.at(hour + HOUR)
        if end is None:
            return None
        low, high = self.at(hour), self.at(hour + 2 * HOUR)
        low = max(end - _USUAL_POWER_KW, Decimal()) if low is None else low
        risen = self.scale.consumed(low, state + self.near)
        span = self.scale.consumed(low, end + _USUAL_POWER_KW if high is None else high)
        return risen is not None and span is not None and risen <= span + 2 * self.near
