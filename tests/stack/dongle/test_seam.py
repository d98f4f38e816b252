"""The seam for dongles: a driver of a protocol that only these tests know carries the whole link."""

import asyncio
from collections.abc import Awaitable, Callable
import random

import pytest

from custom_components.wisun_route_b.stack import (
    Condition,
    Credentials,
    DongleIdentity,
    LinkKeeper,
    LinkState,
    Progress,
    ReadReport,
    RouteBError,
    Signal,
    SmartMeter,
    Stage,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.dongle.tiny import DBM, TinyDetector, TinyDongle
from tests.stack.scripted import METER_MAC, NETWORK, PASSWORD, ROUTE_B_ID
from tests.stack.secret_scan import traces
from tests.virtual_clock import run

POWER = Property(properties.INSTANTANEOUS_POWER.epc, bytes.fromhex("00000123"))

type Scenario = Callable[[TinyDongle, LinkKeeper], Awaitable[None]]


def meter_behind(dongle: TinyDongle, detector: TinyDetector | None = None) -> SmartMeter:
    credentials = Credentials(ROUTE_B_ID, PASSWORD)
    return SmartMeter(dongle.connector(), credentials, detector=detector or TinyDetector())


def play(scenario: Scenario) -> None:
    """Run a scenario in virtual time with a link that has been up for a while."""

    async def whole() -> None:
        dongle = TinyDongle()
        keeper = LinkKeeper(meter_behind(dongle), random.Random(1))
        await keeper.open()
        await asyncio.sleep(1000)
        dongle.letters = ""
        try:
            await scenario(dongle, keeper)
        finally:
            await keeper.close()
        assert not dongle.is_open
        assert len(asyncio.all_tasks()) == 1, "something still runs after close()"

    run(whole())


def state_of(keeper: LinkKeeper) -> LinkState:
    return keeper.state


async def power_of(keeper: LinkKeeper) -> int | None:
    return (await keeper.meter.read((properties.INSTANTANEOUS_POWER,))).value(
        properties.INSTANTANEOUS_POWER
    )


# --- Connect and read ----------------------------------------------------------------------


def test_a_driver_of_another_protocol_connects_and_reads() -> None:
    async def scenario() -> None:
        dongle, steps = TinyDongle(), list[Progress]()
        meter = meter_behind(dongle)
        await meter.connect(steps.append)

        assert list(dict.fromkeys(step.stage for step in steps)) == list(Stage)
        assert meter.dongle == DongleIdentity("Tiny", "0.1", None)
        assert meter.network == NETWORK
        assert meter.description is not None
        assert meter.description.manufacturer == "Toshiba"
        report = await meter.read(
            (properties.INSTANTANEOUS_POWER, properties.CUMULATIVE_ENERGY_NORMAL)
        )
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) is not None
        assert meter.line_statistics == {"unfinished_bytes": 0}
        await meter.close(end_session=True)
        assert dongle.letters.endswith("X")
        assert not dongle.is_open

    run(scenario())


def test_strength_is_in_dbm_and_a_dongle_needs_no_link_quality() -> None:
    async def scenario(_: TinyDongle, keeper: LinkKeeper) -> None:
        assert keeper.meter.signal == Signal(float(DBM), None, live=True)

    play(scenario)


def test_a_living_session_is_used_by_the_next_program_without_a_sign_in() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        await keeper.meter.close()
        again = SmartMeter(
            dongle.connector(),
            Credentials(ROUTE_B_ID, PASSWORD),
            network=NETWORK,
            description=keeper.meter.description,
            detector=TinyDetector(),
        )
        await again.connect(None, (properties.INSTANTANEOUS_POWER,))
        assert "J" not in dongle.letters
        await again.close()

    play(scenario)


def test_the_kind_that_was_found_is_tried_first_at_the_next_opening() -> None:
    async def scenario() -> None:
        dongle, detector = TinyDongle(), TinyDetector()
        meter = meter_behind(dongle, detector)
        await meter.connect()
        dongle.unplug()
        await meter.connect()
        await meter.close()
        assert detector.remembered == [None, "tiny"]

    run(scenario())


def test_the_kind_that_a_caller_remembers_is_tried_first() -> None:
    async def scenario() -> None:
        dongle, detector = TinyDongle(), TinyDetector()
        credentials = Credentials(ROUTE_B_ID, PASSWORD)
        meter = SmartMeter(dongle.connector(), credentials, dongle_kind="tiny", detector=detector)
        await meter.connect()
        assert meter.dongle_kind == "tiny"
        await meter.close()
        assert detector.remembered == ["tiny"]

    run(scenario())


def test_its_conversation_is_in_the_trace_and_no_secret_is() -> None:
    async def scenario() -> None:
        meter = meter_behind(TinyDongle())
        await meter.connect()
        await meter.close()
        texts = [f"{line.direction} {line.text}" for line in meter.line_log.lines]
        assert "> V" in texts
        assert "< j" in texts
        assert traces("\n".join(texts), ids=[ROUTE_B_ID], words=[PASSWORD], macs=[METER_MAC]) == []

    run(scenario())


# --- What the dongle reports ---------------------------------------------------------------


def test_a_push_reaches_whoever_has_subscribed() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        reports: list[ReadReport] = []
        keeper.meter.subscribe(reports.append)
        dongle.push(Frame(1, METER, CONTROLLER, ESV.INF, (POWER,)))
        assert [report.value(properties.INSTANTANEOUS_POWER) for report in reports] == [0x123]

    play(scenario)


def test_a_request_waits_while_the_dongle_renews_the_session() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        dongle.say("#", b"R")
        assert state_of(keeper) is LinkState.RENEWING
        reading = asyncio.create_task(power_of(keeper))
        await asyncio.sleep(3)
        assert not reading.done()
        dongle.say("#", b"U")
        assert await reading == 632
        assert state_of(keeper) is LinkState.CONNECTED
        assert keeper.meter.statistics.renewals == 1

    play(scenario)


def test_a_transmit_limit_fails_requests_until_it_ends() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        dongle.say("#", b"T\x01")
        assert keeper.meter.condition is Condition.LIMITED
        assert state_of(keeper) is LinkState.LIMITED
        with pytest.raises(errors.TransmitLimitError):
            await power_of(keeper)
        dongle.say("#", b"T\x00")
        assert state_of(keeper) is LinkState.CONNECTED
        assert await power_of(keeper) == 632

    play(scenario)


# --- Loss and recovery ---------------------------------------------------------------------


def test_a_lost_session_is_made_again_by_a_sign_in() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        losses: list[RouteBError] = []
        keeper.meter.on_lost(losses.append)
        dongle.lose_session()
        assert [type(error) for error in losses] == [errors.SessionLostError]
        assert state_of(keeper) is LinkState.CONNECTING
        await asyncio.sleep(10)
        assert state_of(keeper) is LinkState.CONNECTED
        assert await power_of(keeper) == 632
        assert "J" in dongle.letters
        assert "S" not in dongle.letters

    play(scenario)


def test_a_meter_that_refuses_sessions_is_looked_for_until_it_does() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        dongle.joins = False
        dongle.lose_session()
        await asyncio.sleep(60)
        assert state_of(keeper) is LinkState.WAITING
        assert "S" in dongle.letters
        dongle.joins = True
        await asyncio.sleep(180)
        assert state_of(keeper) is LinkState.CONNECTED
        assert await power_of(keeper) == 632

    play(scenario)


def test_a_lost_port_is_opened_again() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        dongle.unplug()
        assert state_of(keeper) is LinkState.CONNECTING
        await asyncio.sleep(30)
        assert state_of(keeper) is LinkState.CONNECTED
        assert await power_of(keeper) == 632
        assert keeper.meter.statistics.disconnects == 1
        assert keeper.meter.statistics.reconnects == 1

    play(scenario)


def test_a_port_that_is_lost_during_a_request_ends_it_at_once() -> None:
    async def scenario(dongle: TinyDongle, keeper: LinkKeeper) -> None:
        reading = asyncio.create_task(power_of(keeper))
        await asyncio.sleep(0)
        dongle.unplug()
        with pytest.raises(RouteBError):
            await reading

    play(scenario)
