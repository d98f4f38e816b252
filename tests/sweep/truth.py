"""Compares every number that reaches the user with what the meter itself knows."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from custom_components.wisun_route_b.stack import (
    JST,
    ReadReport,
    Scale,
    half_hours,
    properties,
    readings,
)
from tools.emulator import Emulator

_POWER, _CURRENTS, _IMPORTED, _EXPORTED = 0xE7, 0xE8, 0xE0, 0xE3
_FIXED_TIME = (0xEA, 0xEB)
#: The meter's values are constant over ten seconds, but for its registers, which only grow.
_STEP = timedelta(seconds=10)
_KWH = 3_600_000


class Truth:
    """Knows what may be said at a moment."""

    def __init__(self, emulator: Emulator) -> None:
        model = emulator.meter.model
        self._meter = emulator.meter
        self._per_count = Decimal(model.watt_seconds_per_count) / _KWH
        self._scale = Scale(self._per_count, 1, model.digits)

    def wrong(self, report: ReadReport, since: datetime, until: datetime) -> list[str]:
        """Return what in a report the meter cannot have said between two moments."""
        moments = list(_moments(since, until))
        return [
            f"{epc:02X} is {value}"
            for epc, value in report.values.items()
            if not self._possible(epc, value, moments)
        ]

    def _possible(self, epc: int, value: object, moments: list[datetime]) -> bool:
        match epc:
            case 0xE7:
                return value in {self._meter.profile.power(moment) for moment in moments}
            case 0xE8:
                return value in [self._currents(moment) for moment in moments]
            case 0xE0 | 0xE3:
                first, last = (
                    self._energy(moment, reverse=epc == _EXPORTED)
                    for moment in (moments[0], moments[-1])
                )
                return isinstance(value, Decimal) and first <= value <= last
            case 0xEA | 0xEB:
                return isinstance(value, readings.FixedTimeEnergy) and self._is_register(
                    value.measured_at, value.energy, moments[-1], reverse=epc == _FIXED_TIME[1]
                )
            case _:
                edts = {self._meter.get(epc, moment) for moment in moments}
                said = [properties.PROPERTIES[epc].decode(edt, self._scale) for edt in edts if edt]
                return value in said

    def wrong_slots(
        self, slots: Iterable[half_hours.Slot], day: datetime, now: datetime
    ) -> list[str]:
        """Return what is wrong with the history of a day."""
        midnight = day.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        expected = [midnight + timedelta(minutes=30) * number for number in range(48)]
        found = list(slots)
        wrong = [] if [slot.at for slot in found] == expected else ["the history is of another day"]
        for slot in found:
            for energy, reverse in ((slot.registers.normal, False), (slot.registers.reverse, True)):
                # One direction may be missing where the meter refused it; a number may not be wrong.
                if energy is not None and not self._is_register(
                    slot.at, energy, now, reverse=reverse
                ):
                    wrong.append(f"the register at {slot.at:%H:%M} is {energy}")
        if not any(slot.registers.normal is not None for slot in found):
            wrong.append("the history is empty")
        return wrong

    def _currents(self, moment: datetime) -> readings.Currents:
        r, t = self._meter.currents(moment)
        return readings.Currents(Decimal(r) / 10, None if t is None else Decimal(t) / 10)

    def _energy(self, moment: datetime, *, reverse: bool) -> Decimal:
        counts = self._meter.registers(moment)
        assert counts is not None
        return counts[reverse] * self._per_count

    def _is_register(
        self, at: datetime, energy: Decimal | None, now: datetime, *, reverse: bool
    ) -> bool:
        on_the_half_hour = at.minute in (0, 30) and at.second == 0
        return on_the_half_hour and at <= now and energy == self._energy(at, reverse=reverse)


def _moments(since: datetime, until: datetime) -> Iterable[datetime]:
    """Yield both ends, and every ten seconds between them."""
    yield since
    moment = since.replace(second=since.second // 10 * 10, microsecond=0) + _STEP
    while moment < until:
        yield moment
        moment += _STEP
    yield until
