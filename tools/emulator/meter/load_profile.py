"""One day in the life of a household: consumption of its devices, and production of its panels.

Every figure here is made up; a plausible household, not a measured one.
"""

from collections.abc import Callable
from itertools import accumulate
import math
from random import Random

MINUTES_A_DAY = 1440
_DAYS_A_YEAR = 364
#: Day of the cycle on which it is hottest; the cycle starts on the first of April.
_MIDSUMMER = 115
_SOLAR_STEP = 5
#: From which season on, as a share of its extreme, rooms are heated or cooled.
_COMFORT = 0.35
_CLEAR_SKY = 0.8
#: How much of the clear-sky power a day's weather lets through, and how often that happens.
_WEATHER = ((1.0, 5), (0.85, 3), (0.6, 2), (0.35, 2), (0.12, 1))


def draw_day(seed: int, day: int) -> list[int]:
    """Return the net power in W of each minute of a day of the cycle."""
    household = _Household(Random(f"{seed}/{day}"), summer=_summer(day))
    household.always_on()
    household.morning()
    household.daytime()
    household.evening()
    household.climate()
    household.sun()
    return household.load()


def _summer(day: int) -> float:
    """Return the season: 1 in midsummer, -1 in midwinter."""
    return math.cos(2 * math.pi * (day - _MIDSUMMER) / _DAYS_A_YEAR)


class _Household:
    """Collects the changes of power over a day."""

    def __init__(self, random: Random, *, summer: float) -> None:
        self._random = random
        self._summer = summer
        self._changes = [0] * (MINUTES_A_DAY + 1)

    def load(self) -> list[int]:
        return list(accumulate(self._changes[:MINUTES_A_DAY]))

    def always_on(self) -> None:
        """Standby, and a refrigerator that runs about a third of the time."""
        self._run(0, MINUTES_A_DAY, self._between(95, 150))
        watts = self._between(80, 110)
        minute = self._between(-30, 10)
        while minute < MINUTES_A_DAY:
            on = self._between(12, 19)
            self._run(minute, on, watts)
            minute += on + self._between(20, 38)

    def morning(self) -> None:
        """Rice cooker, light, kettle, toaster, hair dryer."""
        up = self._between(345, 420)
        self._run(up - 40, self._between(32, 45), 420)
        self._run(up, self._between(70, 110), self._between(60, 140))
        self._run(up + self._between(5, 15), 4, 1180)
        self._run(up + self._between(15, 30), self._between(3, 6), 950)
        self._run(up + self._between(30, 50), self._between(4, 9), 1150)

    def daytime(self) -> None:
        """Sometimes the washing, the vacuum cleaner, lunch."""
        self._perhaps(0.6, lambda: self._run(self._between(480, 620), 42, 380))
        self._perhaps(0.35, lambda: self._run(self._between(560, 900), 15, 880))
        self._perhaps(0.5, lambda: self._run(self._between(700, 760), 6, 1000))

    def evening(self) -> None:
        """Cooking, dishes, light, television, bath: the peak of the day."""
        home = self._between(1020, 1110)
        self._run(home, self._between(300, 380), self._between(140, 230))
        self._run(home + 30, self._between(18, 32), self._between(1100, 1900))
        self._run(home + self._between(40, 55), self._between(8, 16), 1400)
        self._run(home + self._between(60, 90), self._between(150, 230), 115)
        self._perhaps(0.7, lambda: self._run(home + 130, 24, 1050))
        self._run(home + self._between(180, 260), self._between(5, 10), 1150)

    def climate(self) -> None:
        """Cool in summer and heat in winter, mornings and evenings."""
        effort = abs(self._summer)
        if effort < _COMFORT:
            return
        watts = int(900 * effort)
        self._run(self._between(330, 400), self._between(60, 150), watts)
        evening = self._between(1030, 1120)
        self._run(evening, 40, watts)
        self._run(evening + 40, self._between(180, 300), watts // 2)

    def sun(self) -> None:
        """Subtract what the panels produce, in steps of five minutes."""
        half = int(60 * (6.1 + 1.1 * self._summer))
        noon = 12 * 60 - 12
        weights = [weight for _, weight in _WEATHER]
        sky = self._random.choices([share for share, _ in _WEATHER], weights)[0]
        peak = 2500 + 500 * self._summer
        for minute in range(noon - half, noon + half, _SOLAR_STEP):
            height = max(math.cos(math.pi / 2 * (minute + _SOLAR_STEP / 2 - noon) / half), 0.0)
            cloud = (
                self._random.uniform(0.92, 1.0) if sky > _CLEAR_SKY else self._random.random() + 0.4
            )
            produced = int(min(peak * height**1.3 * sky * cloud, peak))
            self._run(minute, _SOLAR_STEP, -produced)

    def _run(self, start: int, minutes: int, watts: int) -> None:
        end = min(start + minutes, MINUTES_A_DAY)
        start = max(start, 0)
        if start < end:
            self._changes[start] += watts
            self._changes[end] -= watts

    def _between(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def _perhaps(self, chance: float, action: Callable[[], None]) -> None:
        if self._random.random() < chance:
            action()
