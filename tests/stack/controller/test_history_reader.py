"""Histories: dated, whole, of the day that was asked for, and never across midnight."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from custom_components.wisun_route_b.stack import (
    JST,
    Credentials,
    Scale,
    SmartMeter,
    errors,
    half_hours,
    properties,
    readings,
)
from custom_components.wisun_route_b.stack.echonet import (
    CONTROLLER,
    ESV,
    METER,
    Frame,
    Property,
    property_map,
)
from tests.stack.scripted import (
    METER_SAYS,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    erxudp,
)
from tests.virtual_clock import run

SCALE = Scale(Decimal("0.1"), 1, 6)


class PastMeter:
    """A meter with a past, behind a scripted dongle: sets are kept, gets answered."""

    def __init__(self, dongle: ScriptedDongle) -> None:
        self._dongle = dongle
        self.says = dict(METER_SAYS) | {0xE2: "", 0xE4: "", 0xEC: "", 0x97: "", 0x98: ""}
        self.clock = datetime(2026, 11, 22, 14, 26, tzinfo=JST)
        self.settable = {0x81, 0xE5, 0xED}
        self.day = 0xFF
        self.claims_day: int | None = None
        self.at_once = 6
        self.order: list[int] = []
        self.on_get: Callable[[int], None] = lambda _: None
        self.on_set: Callable[[int], None] = lambda _: None
        dongle.on_request = self._request

    def registers(self, day: int) -> list[int]:
        return [100_000 - 100 * day + slot for slot in range(48)]

    def _request(self, request: Frame) -> None:
        self._dongle.accept()
        answer = self._set(request) if request.esv is ESV.SET_C else self._get(request)
        self._dongle.say(erxudp(answer.encode()))

    def _set(self, request: Frame) -> Frame:
        (item,) = request.properties
        self.order.append(item.epc)
        self.on_set(item.epc)
        if item.epc not in self.settable:
            return Frame(request.tid, METER, CONTROLLER, ESV.SET_C_SNA, (item,))
        if item.epc == 0xE5:
            self.day = item.edt[0]
        elif item.epc == 0xED:
            pairs = "".join(f"{500 - n:08X}{7:08X}" for n in range(item.edt[6]))
            self.says[0xEC] = item.edt.hex() + pairs
        return Frame(request.tid, METER, CONTROLLER, ESV.SET_RES, (Property(item.epc),))

    def _get(self, request: Frame) -> Frame:
        listed = []
        for item in request.properties[: self.at_once]:
            self.order.append(item.epc)
            self.on_get(item.epc)
            listed.append(Property(item.epc, self._edt(item.epc)))
        whole = len(listed) == len(request.properties) and all(item.edt for item in listed)
        esv = ESV.GET_RES if whole else ESV.GET_SNA
        return Frame(request.tid, METER, CONTROLLER, esv, tuple(listed))

    def _edt(self, epc: int) -> bytes:
        if epc in (0xE2, 0xE4) and epc in self.says:
            day = self.day if self.claims_day is None else self.claims_day
            counts = self.registers(self.day) if epc == 0xE2 else [9] * 48
            return day.to_bytes(2) + b"".join(count.to_bytes(4) for count in counts)
        if epc == 0x97:
            return bytes((self.clock.hour, self.clock.minute))
        if epc == 0x98:
            return self.clock.year.to_bytes(2) + bytes((self.clock.month, self.clock.day))
        return bytes.fromhex(self.says.get(epc, ""))


type Scenario = Callable[[PastMeter, SmartMeter], Awaitable[None]]


def play(scenario: Scenario) -> None:
    """Run a scenario in virtual time with a connected meter."""
    dongle = ScriptedDongle()
    past = PastMeter(dongle)

    async def whole() -> None:
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        past.order.clear()
        try:
            await scenario(past, meter)
        finally:
            await meter.close()

    run(whole())


@pytest.mark.parametrize("days_ago", [0, 11, 99])
def test_a_day_comes_back_as_48_dated_registers(days_ago: int) -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        slots = await meter.day_history(days_ago)
        midnight = datetime.combine(
            date(2026, 11, 22) - timedelta(days=days_ago), time(), tzinfo=JST
        )
        assert [slot.at for slot in slots] == [
            midnight + timedelta(minutes=30) * index for index in range(48)
        ]
        first = Decimal("0.1") * (100_000 - 100 * days_ago)
        assert slots[0].registers == readings.RegisterPair(first, Decimal("0.9"))
        assert past.order == [0x98, 0x97, 0xE5, 0xE2, 0xE4]

    play(scenario)


def test_another_day_is_never_chosen_between_choosing_one_and_reading_it() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        async with asyncio.TaskGroup() as group:
            for days_ago in (3, 2, 1):
                group.create_task(meter.day_history(days_ago))
                group.create_task(meter.read((properties.INSTANTANEOUS_POWER,)))
        assert bytes(past.order).replace(b"\xe7", b"") == b"\x98\x97\xe5\xe2\xe4" * 3

    play(scenario)


@pytest.mark.parametrize("when", [0x98, 0xE5, 0xE2, 0xE4])
def test_a_live_reading_waits_for_one_answer_of_a_history_at_most(when: int) -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        live: list[asyncio.Task[object]] = []

        def ask_for_power(epc: int) -> None:
            if epc == when and not live:
                live.append(asyncio.create_task(meter.read((properties.INSTANTANEOUS_POWER,))))

        past.on_get = past.on_set = ask_for_power
        await asyncio.gather(meter.day_history(2), meter.day_history(1))
        await live[0]
        asked = past.order.index(when)
        # Properties 98 and 97 are one request; the next one may be on its way already.
        assert past.order.index(0xE7) - asked <= 3

    play(scenario)


def test_a_day_that_was_not_asked_for_is_an_error() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.claims_day = 4
        with pytest.raises(errors.WrongDayError):
            await meter.day_history(3)

    play(scenario)


def test_a_day_across_midnight_is_read_again() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.clock = datetime(2026, 11, 22, 23, 59, tzinfo=JST)

        def midnight_comes(epc: int) -> None:
            if epc == 0xE4:
                past.clock = datetime(2026, 11, 23, 0, 0, tzinfo=JST)

        past.on_get = midnight_comes
        slots = await meter.day_history(1)
        assert slots[0].at == datetime(2026, 11, 22, tzinfo=JST)
        assert past.order.count(0xE2) == 2

    play(scenario)


def test_a_minute_before_midnight_is_no_reason_to_read_again_if_it_stays_the_same_day() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.clock = datetime(2026, 11, 22, 23, 59, tzinfo=JST)
        slots = await meter.day_history(1)
        assert slots[0].at == datetime(2026, 11, 21, tzinfo=JST)
        assert past.order.count(0xE2) == 1

    play(scenario)


def test_a_meter_without_reverse_history_still_gives_the_normal_one() -> None:
    dongle = ScriptedDongle()
    past = PastMeter(dongle)
    readable = property_map.decode(bytes.fromhex(METER_SAYS[0x9F])) - {0xE3, 0xE4, 0xEB}
    past.says[0x9F] = property_map.encode(readable).hex()

    async def whole() -> None:
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        assert meter.description is not None
        assert meter.description.readable == readable
        slots = await meter.day_history(1)
        assert slots[0].registers == readings.RegisterPair(Decimal("9990.0"), None)
        assert 0xE4 not in past.order
        await meter.close()

    run(whole())


def test_a_meter_that_answers_one_property_at_a_time_still_tells_its_clock() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.at_once = 1
        assert await meter.clock() == past.clock

    play(scenario)


def test_midnight_between_date_and_time_is_no_clock_of_yesterday() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.at_once = 1
        past.clock = datetime(2026, 11, 22, 23, 59, tzinfo=JST)

        def midnight_comes(epc: int) -> None:
            if epc == 0x97:
                past.clock = datetime(2026, 11, 23, 0, 0, tzinfo=JST)

        past.on_get = midnight_comes
        assert await meter.clock() == past.clock
        past.clock = datetime(2026, 11, 22, 23, 59, tzinfo=JST)
        slots = await meter.day_history(1)
        assert slots[0].at == datetime(2026, 11, 22, tzinfo=JST)

    play(scenario)


def test_reverse_history_that_is_listed_and_refused_takes_nothing_from_the_normal_one() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        del past.says[0xE4]
        slots = await meter.day_history(0)
        assert slots[0].registers == readings.RegisterPair(Decimal("10000.0"), None)

    play(scenario)


def test_normal_history_that_is_refused_is_a_refusal() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        del past.says[0xE2]
        with pytest.raises(errors.RequestRefusedError):
            await meter.day_history(0)

    play(scenario)


def test_half_hours_come_oldest_first() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        newest = datetime(2026, 11, 22, 14, 0, tzinfo=JST)
        slots = await meter.half_hour_history(newest, 3)
        assert [(slot.at.isoformat()[11:16], slot.registers.normal) for slot in slots] == [
            ("13:00", Decimal("49.8")),
            ("13:30", Decimal("49.9")),
            ("14:00", Decimal("50.0")),
        ]
        assert past.order == [0xED, 0xEC]

    play(scenario)


def test_half_hours_of_another_time_are_an_error() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        def another(epc: int) -> None:
            if epc == 0xEC:
                past.says[0xEC] = "07EA0B160C1E01000001F400000007"

        past.on_get = another
        with pytest.raises(errors.WrongDayError):
            await meter.half_hour_history(datetime(2026, 11, 22, 14, 0, tzinfo=JST), 1)

    play(scenario)


@pytest.mark.parametrize("clock", ["0D14", "FF"])
def test_an_impossible_clock_is_an_error_and_no_invented_date(clock: str) -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        edt = past._edt
        past._edt = lambda epc: (  # type: ignore[method-assign]
            bytes.fromhex("07EA" + clock.ljust(4, "F")) if epc == 0x98 else edt(epc)
        )
        with pytest.raises(errors.DecodeError):
            await meter.day_history(1)

    play(scenario)


def test_what_the_meter_does_not_let_be_set_is_a_refusal() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        past.settable.remove(0xED)
        with pytest.raises(errors.RequestRefusedError):
            await meter.half_hour_history(datetime(2026, 11, 22, 14, 0, tzinfo=JST), 1)
        with pytest.raises(errors.RequestRefusedError):
            await meter.write(properties.HISTORY2_SELECTOR, readings.HistorySelector(None, 1))

    play(scenario)


def test_properties_can_be_set() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        await meter.write(properties.HISTORY1_DAY, 7)
        assert past.day == 7
        await meter.write(
            properties.INSTALLATION_LOCATION,
            readings.InstallationLocation(0x61, readings.Place.GARDEN, 1),
        )

    play(scenario)


def test_consumption_sees_through_a_roll_over_but_not_through_an_exchange() -> None:
    async def scenario(past: PastMeter, meter: SmartMeter) -> None:
        counts = [999_998, 999_999, 2, 3, 5] + [5] * 43

        past.registers = lambda day: counts  # type: ignore[method-assign]
        slots = await meter.day_history(1)
        energies = [span.normal for span in half_hours.consumptions(slots, SCALE)]
        assert energies[:4] == [Decimal(text) for text in ("0.1", "0.3", "0.1", "0.2")]

        counts[:] = [500_000, 500_001, 2, 3, 5] + [5] * 43
        slots = await meter.day_history(1)
        spans = list(half_hours.consumptions(slots, SCALE))
        assert [span.normal for span in spans[:4]] == [
            Decimal("0.1"),
            None,
            Decimal("0.1"),
            Decimal("0.2"),
        ]
        assert [span.gap for span in spans[:4]] == [None, half_hours.Gap.REGISTER_FELL, None, None]

    play(scenario)
