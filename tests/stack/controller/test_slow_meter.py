"""A meter that is slow, or silent about one property, is read all the same."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
import random

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    ReadReport,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame
from tests.stack.scripted import (
    METER_SAYS,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    answer_to,
    erxudp,
)
from tests.virtual_clock import run

LIVE = (
    properties.INSTANTANEOUS_POWER,
    properties.INSTANTANEOUS_CURRENT,
    properties.CUMULATIVE_ENERGY_NORMAL,
    properties.CUMULATIVE_ENERGY_REVERSE,
)


def seconds() -> float:
    return asyncio.get_running_loop().time()


async def connected(dongle: ScriptedDongle) -> LinkKeeper:
    meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
    keeper = LinkKeeper(meter, random.Random(1))
    await keeper.open()
    return keeper


# --- Slow ---------------------------------------------------------------------------------------


class OneAfterTheOther:
    """Serves requests in their order, each in the same time, and loses none."""

    def __init__(self, dongle: ScriptedDongle, service: float) -> None:
        self._dongle = dongle
        self._service = service
        self._queue: list[Frame] = []
        self.longest = 0
        dongle.on_request = self._take

    def _take(self, request: Frame) -> None:
        self._dongle.accept()
        self._queue.append(request)
        self.longest = max(self.longest, len(self._queue))
        if len(self._queue) == 1:
            self._serve_next()

    def _serve_next(self) -> None:
        asyncio.get_running_loop().call_later(self._service, self._served)

    def _served(self) -> None:
        self._dongle.say(erxudp(answer_to(self._queue.pop(0)).encode()))
        if self._queue:
            self._serve_next()


async def poll(keeper: LinkKeeper, hours: float, interval: float) -> tuple[int, int]:
    """Read as the coordinator does; return how often that succeeded and failed."""
    read = failed = 0
    end = seconds() + 3600 * hours
    while seconds() < end:
        for again in (False, True):
            try:
                await keeper.meter.read(LIVE, 20.0)
            except errors.ResponseTimeoutError, errors.SendFailedError:
                if again:
                    failed += 1
            except RouteBError:
                failed += 1
                break
            else:
                read += 1
                break
        await asyncio.sleep(interval)
    return read, failed


@pytest.mark.parametrize(
    ("service", "interval"),
    [(5, 10), (10, 10), (12, 10), (12, 30), (15, 30), (17, 30), (19, 30), (24, 30)],
)
def test_meter_that_serves_one_request_after_the_other_is_read_at_every_poll(
    service: float, interval: float
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        meter = OneAfterTheOther(dongle, service)
        read, failed = await poll(keeper, 2.0, interval)
        assert failed <= 1  # before it is known to be slow
        share = 0.9 if service < 20 else 0.7  # slower than the request timeout: some are sent twice
        assert read > share * 7200 / (service + interval + 1)
        assert meter.longest <= 5
        assert keeper.meter.statistics.disconnects == 0
        await keeper.close()

    run(scenario())


def test_requests_are_resent_as_before_when_a_slow_meter_has_become_fast() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        OneAfterTheOther(dongle, 17)
        await poll(keeper, 0.5, 30)
        OneAfterTheOther(dongle, 0.3)
        await poll(keeper, 0.5, 30)
        lost: list[Frame] = []

        def lose(request: Frame) -> None:
            dongle.accept()
            lost.append(request)

        dongle.on_request = lose
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        assert len([frame for frame in lost if frame.properties[0].epc == 0xE7]) >= 3
        await keeper.close()

    run(scenario())


def test_late_answer_answers_the_request_that_asks_for_the_same() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        kept = dongle.withhold_answers()
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        reading = asyncio.create_task(keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0))
        await asyncio.sleep(1)
        dongle.say(erxudp(answer_to(kept[0]).encode()))
        assert (await reading).value(properties.INSTANTANEOUS_POWER) == 632
        assert keeper.meter.statistics.late == 1
        await keeper.close()

    run(scenario())


def test_late_answer_that_no_request_asks_for_is_reported() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        reports: list[ReadReport] = []
        keeper.meter.subscribe(reports.append)
        kept = dongle.withhold_answers()
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        dongle.say(erxudp(answer_to(kept[0]).encode()))
        dongle.say(erxudp(answer_to(kept[1]).encode()))  # the same once more
        assert [report.value(properties.INSTANTANEOUS_POWER) for report in reports] == [632]
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda frame: (frame.tid ^ 0x4000, frame.esv), id="a TID that we never used"),
        pytest.param(lambda frame: (frame.tid, ESV.SET_RES), id="the answer of another service"),
    ],
)
def test_answer_that_fits_no_request_of_ours_is_not_used(
    alter: Callable[[Frame], tuple[int, ESV]],
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        reports: list[ReadReport] = []
        keeper.meter.subscribe(reports.append)
        kept = dongle.withhold_answers()
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        true = answer_to(kept[0])
        tid, esv = alter(true)
        dongle.say(erxudp(Frame(tid, METER, CONTROLLER, esv, true.properties).encode()))
        assert not reports
        assert keeper.meter.statistics.late == 0
        await keeper.close()

    run(scenario())


def test_late_answer_of_a_session_that_is_over_is_not_used() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        reports: list[ReadReport] = []
        keeper.meter.subscribe(reports.append)
        kept = dongle.withhold_answers()
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        dongle.on_request = dongle.answer
        await keeper.reconnect()
        await asyncio.sleep(60)
        assert keeper.meter.connected
        dongle.say(erxudp(answer_to(kept[0]).encode()))
        assert not reports
        await keeper.close()

    run(scenario())


# --- Silent about one property ------------------------------------------------------------------


def ignores(dongle: ScriptedDongle, *epcs: int) -> None:
    """Have the meter answer no request that asks for one of these."""

    def on_request(request: Frame) -> None:
        if any(item.epc in epcs for item in request.properties):
            dongle.accept()
        else:
            dongle.answer(request)

    dongle.on_request = on_request


@pytest.mark.parametrize("epc", [0xE1, 0xD3, 0xD7, 0x9F, 0x82, 0x88, 0x8A, 0x8D])
def test_silence_about_a_property_of_the_description_costs_no_reading(epc: int) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        ignores(dongle, epc)
        begun = seconds()
        keeper = await connected(dongle)
        assert seconds() - begun < 60
        spent = []
        report = ReadReport()
        for _ in range(20):
            begun = seconds()
            report = await keeper.meter.read(LIVE, 20.0)
            spent.append(seconds() - begun)
            assert report.value(properties.INSTANTANEOUS_POWER) == 632
            await asyncio.sleep(30)
        assert max(spent) <= 11
        assert sum(spent) < 50
        assert keeper.meter.statistics.disconnects == 0
        known = report.value(properties.CUMULATIVE_ENERGY_NORMAL)
        assert known == (None if epc in (0xE1, 0xD3) else Decimal("6513.9"))
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("epc", [row.epc for row in LIVE])
def test_silence_about_a_live_property_costs_the_others_little(epc: int) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        await keeper.meter.read(LIVE, 20.0)
        ignores(dongle, epc)
        others = {row.epc for row in LIVE} - {epc}
        spent = []
        report = ReadReport()
        for _ in range(40):
            begun = seconds()
            report = await keeper.meter.read(LIVE, 20.0)
            spent.append(seconds() - begun)
            assert others <= report.values.keys()
            assert epc in report.absent
            await asyncio.sleep(30)
        assert sum(spent[1:]) < 100
        assert keeper.meter.statistics.disconnects == 0
        dongle.on_request = dongle.answer
        for _ in range(10):  # back within the bound of 300 s
            report = await keeper.meter.read(LIVE, 20.0)
            await asyncio.sleep(30)
        assert epc in report.values
        await keeper.close()

    run(scenario())


def test_energies_come_as_soon_as_the_unit_is_answered_again() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        ignores(dongle, 0xE1)
        keeper = await connected(dongle)
        for _ in range(60):
            await keeper.meter.read(LIVE, 20.0)
            await asyncio.sleep(30)
        dongle.on_request = dongle.answer
        report = ReadReport()
        for _ in range(10):
            report = await keeper.meter.read(LIVE, 20.0)
            await asyncio.sleep(30)
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) == Decimal("6513.9")
        await keeper.close()

    run(scenario())


# --- What is believed is checked again ----------------------------------------------------------


def test_refusal_without_any_property_is_an_answer() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)

        def refuse(request: Frame) -> None:
            dongle.accept()
            dongle.say(erxudp(Frame(request.tid, METER, CONTROLLER, ESV.GET_SNA, ()).encode()))

        dongle.on_request = refuse
        begun = seconds()
        report = await keeper.meter.read(LIVE, 20.0)
        assert seconds() - begun < 3
        assert report.refused == {row.epc for row in LIVE}
        assert keeper.meter.connected
        dongle.on_request = dongle.answer
        await asyncio.sleep(3601)
        assert (await keeper.meter.read(LIVE, 20.0)).value(properties.INSTANTANEOUS_POWER) == 632
        await keeper.close()

    run(scenario())


def test_one_refusal_of_a_listed_coefficient_does_not_make_it_one() -> None:
    """A busy meter refuses D3 once: its energies must not be wrong for ever."""

    async def scenario() -> None:
        says = {0xD3: "0000000A"}
        dongle = ScriptedDongle()
        refused: list[Frame] = []

        def refuse_once(request: Frame) -> None:
            dongle.accept()
            lacking = METER_SAYS | says
            if any(item.epc == 0xD3 for item in request.properties) and not refused:
                refused.append(request)
                lacking[0xD3] = ""
            dongle.say(erxudp(answer_to(request, lacking).encode()))

        dongle.on_request = refuse_once
        keeper = await connected(dongle)
        assert refused
        report = await keeper.meter.read(LIVE, 20.0)
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) == Decimal(65139)
        await keeper.close()

    run(scenario())


def test_bundles_are_tried_again_after_an_hour() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)

        def only_one_at_a_time(request: Frame) -> None:
            if len(request.properties) > 1:
                dongle.accept()
            else:
                dongle.answer(request)

        dongle.on_request = only_one_at_a_time
        for _ in range(3):
            report = await keeper.meter.read(LIVE, 20.0)
            assert {row.epc for row in LIVE} <= report.values.keys()
        begun = seconds()
        await keeper.meter.read(LIVE, 20.0)
        assert seconds() - begun < 3
        dongle.on_request = dongle.answer
        await asyncio.sleep(3601)
        asked = len(dongle.requests)
        await keeper.meter.read(LIVE, 20.0)
        assert len(dongle.requests) == asked + 1
        await keeper.close()

    run(scenario())


def test_lost_link_is_noticed_within_two_requests_although_silence_is_looked_into() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        await asyncio.sleep(100)
        dongle.on_request = lambda _: dongle.accept()
        begun = seconds()
        for _ in range(2):
            with pytest.raises(RouteBError):
                await keeper.meter.read((*LIVE, properties.OPERATION_STATUS), 20.0)
        assert seconds() - begun < 50
        assert not keeper.meter.connected
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("seconds_long", [0.05, 5, 120])
@pytest.mark.parametrize("what", [{0xD3}, {0xE1}, set(METER_SAYS) - {0x9F}, set(METER_SAYS)])
@pytest.mark.parametrize("lists", [True, False])
def test_refusals_that_pass_never_make_a_wrong_energy(
    seconds_long: float, what: set[int], lists: bool
) -> None:
    async def scenario() -> None:
        says = METER_SAYS | {0xD3: "0000000A"}
        dongle = ScriptedDongle()
        begun = seconds()

        def on_request(request: Frame) -> None:
            dongle.accept()
            now = dict(says)
            if seconds() - begun < seconds_long + 3:
                now |= dict.fromkeys(what, "")
            answer = answer_to(request, now)
            if answer.esv is ESV.GET_SNA and not lists:
                answer = Frame(request.tid, METER, CONTROLLER, ESV.GET_SNA, ())
            dongle.say(erxudp(answer.encode()))

        dongle.on_request = on_request
        keeper = await connected(dongle)
        seen = []
        for _ in range(30):
            try:
                report = await keeper.meter.read(LIVE, 20.0)
                seen.append(report.value(properties.CUMULATIVE_ENERGY_NORMAL))
            except RouteBError:
                seen.append(None)
            await asyncio.sleep(30)
        assert set(seen) - {None} == {Decimal(65139)}
        assert seen[-1] is not None
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("other", [0xE1, 0xE7, 0xE8, 0xD3, 0x8A])
def test_silence_about_the_operation_status_and_another_property_is_no_dead_link(
    other: int,
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        ignores(dongle, 0x80, other)
        keeper = await connected(dongle)
        for _ in range(10):
            report = await keeper.meter.read(LIVE, 20.0)
            await asyncio.sleep(30)
            assert report.values.keys() & {0xE7, 0xE8}
        assert keeper.meter.statistics.disconnects == 0
        await keeper.close()

    run(scenario())


def test_older_value_that_comes_late_does_not_replace_a_newer_one() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        keeper = await connected(dongle)
        reports: list[ReadReport] = []
        keeper.meter.subscribe(reports.append)
        kept = dongle.withhold_answers()
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        dongle.on_request = dongle.answer
        assert (await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)).values
        dongle.say(erxudp(answer_to(kept[0]).encode()))
        assert not reports
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("service", [10, 17, 25])
def test_slow_meter_is_connected_to_from_nothing(service: float) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        OneAfterTheOther(dongle, service)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        keeper.start(LIVE)
        await asyncio.sleep(600)
        assert keeper.meter.connected
        await keeper.close()

    run(scenario())
