"""The link that keeps itself: every way to lose it, and the way back."""

import asyncio
from collections.abc import Awaitable, Callable
import itertools
import logging
import random
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.link.backoff import Backoff
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    METER_MAC,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig

type Scenario = Callable[[Emulator, LinkKeeper], Awaitable[None]]


def seconds() -> float:
    return asyncio.get_running_loop().time()


def play(scenario: Scenario, *, network_known: bool = True, **config: Any) -> None:
    """Run a scenario with a link that is up, and has been for a while."""

    async def whole() -> None:
        async with Emulator(EmulatorConfig(clock=now, **config)) as emulator:
            credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
            meter = SmartMeter(emulator.connector(missing=errors.PortNotFoundError), credentials)
            keeper = LinkKeeper(meter, random.Random(1))
            await keeper.open()
            await asyncio.sleep(120)
            try:
                await scenario(emulator, keeper)
            finally:
                await keeper.close()
                assert keeper.state is LinkState.CLOSED

    run(whole())


async def until(keeper: LinkKeeper, state: LinkState) -> float:
    """Wait for a state; return how many seconds that took."""
    begun = seconds()
    reached = asyncio.Event()

    def look(status: LinkStatus) -> None:
        if status.state is state:
            reached.set()

    stop = keeper.on_change(look)
    look(keeper.status)
    await reached.wait()
    stop()
    return seconds() - begun


async def read_until_lost(keeper: LinkKeeper) -> None:
    """Poll as a coordinator does, until the link is given up."""
    while keeper.meter.connected:
        try:
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        except RouteBError:
            continue
        await asyncio.sleep(30)


async def assert_reads(keeper: LinkKeeper) -> None:
    report = await keeper.meter.read((properties.INSTANTANEOUS_POWER,))
    assert report.has(properties.INSTANTANEOUS_POWER.epc)


# --- The session's events -------------------------------------------------------------------


@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1", "rl7023-dss", "rl7023-ips"])
@pytest.mark.parametrize(
    "strike",
    [
        pytest.param(lambda faults: faults.end_session(), id="EVENT 26"),
        pytest.param(lambda faults: faults.terminate(27), id="EVENT 27"),
        pytest.param(lambda faults: faults.terminate(28), id="EVENT 28"),
        pytest.param(lambda faults: faults.fail_renewal(), id="EVENT 24"),
    ],
)
def test_session_that_ended_is_made_again_at_once_on_the_same_port(
    dongle: str, strike: Callable[[Any], None]
) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        seen: list[LinkStatus] = []
        keeper.on_change(seen.append)
        strike(emulator.faults)
        await until(keeper, LinkState.CONNECTING)
        assert await until(keeper, LinkState.CONNECTED) < 12
        assert [status.state for status in seen] == [LinkState.CONNECTING, LinkState.CONNECTED]
        assert seen[0].error is not None
        assert keeper.meter.statistics.reconnects == 1
        await assert_reads(keeper)

    play(scenario, dongle=dongle)


def test_renewal_by_the_dongle_is_waited_for_in_silence() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.expire_session("module")
        await until(keeper, LinkState.RENEWING)
        emulator.air.traffic.reset()
        reading = asyncio.create_task(assert_reads(keeper))
        await asyncio.sleep(1.5)
        assert emulator.air.traffic.requests == 0
        await until(keeper, LinkState.CONNECTED)
        await reading
        assert keeper.meter.statistics.reconnects == 0
        assert keeper.meter.statistics.renewals == 1

    play(scenario)


def test_renewal_that_does_not_begin_is_not_waited_for() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.expire_session("none")
        await until(keeper, LinkState.RENEWING)
        assert await until(keeper, LinkState.CONNECTED) < 25
        await assert_reads(keeper)

    play(scenario)


def test_renewal_that_fails_is_made_good() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.expire_session("fails")
        await until(keeper, LinkState.RENEWING)
        assert await until(keeper, LinkState.CONNECTED) < 60
        await assert_reads(keeper)

    play(scenario)


def test_silent_renewal_changes_no_state() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        seen: list[LinkStatus] = []
        keeper.on_change(seen.append)
        emulator.faults.reauthenticate()
        await asyncio.sleep(10)
        assert not seen
        assert keeper.meter.statistics.renewals == 1
        await assert_reads(keeper)

    play(scenario)


# --- The transmit limit ---------------------------------------------------------------------


@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1"])
def test_transmit_limit_is_a_state_of_its_own_and_nothing_is_sent(dongle: str) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.limit_transmission()
        await until(keeper, LinkState.LIMITED)
        emulator.air.traffic.reset()
        for _ in range(5):
            with pytest.raises(errors.TransmitLimitError):
                await keeper.meter.read((properties.INSTANTANEOUS_POWER,))
        assert emulator.air.traffic.requests == 0
        assert keeper.meter.connected
        emulator.faults.release_transmission()
        await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)
        assert keeper.meter.statistics.reconnects == 0

    play(scenario, dongle=dongle)


def test_end_of_the_limit_that_was_not_heard_is_found_out() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.limit_transmission()
        await until(keeper, LinkState.LIMITED)
        emulator.faults.mute_dongle()
        emulator.faults.release_transmission()
        emulator.faults.unmute_dongle()
        await assert_reads(keeper)
        assert keeper.state is LinkState.CONNECTED

    play(scenario)


def test_limit_of_a_dongle_that_cannot_be_asked_ends_after_an_hour() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        dongle.replies["SKSREG"] = b"FAIL ER06\r\n"
        dongle.say(f"EVENT 32 {METER_IP}\r\n".encode())
        with pytest.raises(errors.TransmitLimitError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        await asyncio.sleep(3601)
        report = await meter.read((properties.INSTANTANEOUS_POWER,))
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        await meter.close()

    run(scenario())


# --- Silent death -------------------------------------------------------------------------


def test_meter_that_lost_its_keys_without_a_word_is_signed_in_to_again() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.reboot_meter(5)
        await asyncio.sleep(10)
        begun = seconds()
        await read_until_lost(keeper)
        await until(keeper, LinkState.CONNECTED)
        assert seconds() - begun < 60
        await assert_reads(keeper)

    play(scenario)


@pytest.mark.parametrize("dongle", ["bp35c2", "rs-wsuha-j11"])
@pytest.mark.parametrize("begin_s", [4, 12, 20])
def test_meter_that_was_without_power_is_read_soon(dongle: str, begin_s: float) -> None:
    """Every reading that is tried meanwhile fails; the one after that is given two sendings."""

    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        live = (properties.INSTANTANEOUS_POWER, properties.CUMULATIVE_ENERGY_NORMAL)
        connected = asyncio.Event()
        keeper.on_change(
            lambda status: connected.set() if status.state is LinkState.CONNECTED else None
        )
        await keeper.meter.read(live)
        await asyncio.sleep(begin_s)
        emulator.faults.reboot_meter(45)
        back = seconds() + 45
        await asyncio.sleep(30 - begin_s)
        with pytest.raises(errors.SendFailedError):
            await keeper.meter.read(live)
        await asyncio.sleep(30)
        with pytest.raises(RouteBError):
            await keeper.meter.read(live)
        await connected.wait()
        await keeper.meter.read(live)
        assert 0 < seconds() - back < 45

    play(scenario, dongle=dongle)


def test_one_lost_answer_is_no_lost_link() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.rates.lose_answer = 1.0
        with pytest.raises(errors.ResponseTimeoutError):
            await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        emulator.faults.rates.clear()
        await assert_reads(keeper)
        assert keeper.meter.statistics.reconnects == 0

    play(scenario)


def test_recovery_steps_are_tried_in_order_and_each_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.lose_meter()
        with caplog.at_level(logging.INFO):
            await read_until_lost(keeper)
            await asyncio.sleep(1800)
            emulator.faults.return_meter()
            await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)

    play(scenario)
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert [text.rpartition(": ")[2] for text in messages[:-1]] == [
        "The meter has stopped answering",
        "signing in again",
        "looking for the meter on all channels",
        "resetting the dongle",
        "opening the port again",
    ]
    assert messages[-1].startswith("The link is back after ")


def test_meter_that_moved_is_found_on_its_new_channel() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        pan = emulator.faults.move_meter()
        await read_until_lost(keeper)
        assert await until(keeper, LinkState.CONNECTED) < 90
        network = keeper.meter.network
        assert network is not None
        assert (network.channel, network.pan_id) == (pan.channel, pan.pan_id)
        await assert_reads(keeper)

    play(scenario)


def test_dongle_that_forgot_everything_is_given_the_credentials_again() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.reset_dongle()
        await asyncio.sleep(1)
        await read_until_lost(keeper)
        assert await until(keeper, LinkState.CONNECTED) < 15
        await assert_reads(keeper)

    play(scenario)


def test_dongle_that_stopped_answering_is_opened_again() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.mute_dongle()
        await read_until_lost(keeper)
        await asyncio.sleep(600)
        emulator.faults.unmute_dongle()
        assert await until(keeper, LinkState.CONNECTED) < 40
        await assert_reads(keeper)

    play(scenario)


def test_sends_that_fail_on_the_air_end_in_a_new_session() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.rates.fail_send = 1.0
        for _ in range(2):
            with pytest.raises(errors.SendFailedError):
                await keeper.meter.read((properties.INSTANTANEOUS_POWER,), 20.0)
        assert not keeper.meter.connected
        emulator.faults.rates.clear()
        await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)

    play(scenario)


# --- The port -----------------------------------------------------------------------------


def test_unplugged_dongle_is_used_again_within_twenty_seconds_of_its_return() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.unplug()
        await until(keeper, LinkState.WAITING)
        assert isinstance(keeper.status.error, errors.PortNotFoundError)
        await asyncio.sleep(3600)
        emulator.faults.replug()
        assert await until(keeper, LinkState.CONNECTED) < 30
        await assert_reads(keeper)

    play(scenario)


def test_wait_is_cut_short_by_who_knows_that_the_dongle_is_back() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.unplug()
        await asyncio.sleep(3600)
        await until(keeper, LinkState.WAITING)
        emulator.faults.replug()
        keeper.retry_now()
        assert await until(keeper, LinkState.CONNECTED) < 8

    play(scenario)


def test_request_to_retry_changes_nothing_while_the_link_is_up() -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        keeper.retry_now()
        await asyncio.sleep(60)
        assert keeper.meter.statistics.reconnects == 0

    play(scenario)


# --- Whom to believe ------------------------------------------------------------------------


def test_another_meter_with_our_pairing_id_cannot_put_the_credentials_in_doubt() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.add_neighbour(emulator.air.pan.pair_id, lqi=0xFE)
        emulator.faults.lose_meter()
        await read_until_lost(keeper)
        seen: set[LinkState] = set()
        keeper.on_change(lambda status: seen.add(status.state))
        await asyncio.sleep(3600)
        assert LinkState.REFUSED not in seen
        assert not isinstance(keeper.status.error, errors.CredentialsRefusedError)
        emulator.faults.return_meter()
        await until(keeper, LinkState.CONNECTED)
        network = keeper.meter.network
        assert network is not None
        assert network.address == emulator.air.pan.mac

    play(scenario)


def test_stronger_meter_with_our_pairing_id_does_not_keep_us_from_our_meter() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.add_neighbour(emulator.air.pan.pair_id, lqi=0xFE)
        emulator.faults.move_meter()
        await read_until_lost(keeper)
        await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)

    play(scenario)


# --- What must never happen -----------------------------------------------------------------


def test_session_that_dies_at_once_every_time_is_no_busy_loop() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        dongle.replies["SKINFO"] = (
            f"EINFO {DONGLE_IP} {METER_MAC} {NETWORK.channel:02X} {NETWORK.pan_id:04X} FFFE\r\n"
            "OK\r\n"
        ).encode()
        dongle.replies["SKJOIN"] = f"OK\r\nEVENT 25 {METER_IP}\r\n".encode()
        joins = 0

        def end(status: LinkStatus) -> None:
            nonlocal joins
            if status.state is LinkState.CONNECTED:
                joins += 1
                asyncio.get_running_loop().call_soon(
                    dongle.say, f"EVENT 26 {METER_IP}\r\n".encode()
                )

        keeper.on_change(end)
        dongle.say(f"EVENT 26 {METER_IP}\r\n".encode())
        await asyncio.sleep(3600)
        assert 40 < joins < 100
        await keeper.close()

    run(scenario())


def test_unexpected_failure_does_not_end_the_keeping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        broken = False

        async def connector(factory: Callable[[], asyncio.Protocol]) -> Any:
            if broken:
                raise RuntimeError("a library fell over")
            return await dongle.connector()(factory)

        meter = SmartMeter(connector, Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        broken = True
        dongle.unplug()
        await asyncio.sleep(60)
        assert keeper.state is LinkState.WAITING
        broken = False
        await until(keeper, LinkState.CONNECTED)
        await keeper.close()

    run(scenario())
    assert "a library fell over" in caplog.text


def test_closing_is_quick_in_every_state() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.lose_meter()
        emulator.faults.fail_renewal()
        await asyncio.sleep(5)
        assert keeper.state is LinkState.CONNECTING
        begun = seconds()
        await keeper.close(end_session=True)
        assert seconds() - begun < 2

    play(scenario)


def test_waits_grow_vary_and_stay_below_their_limit() -> None:
    backoff = Backoff(random.Random(0))

    waits = [backoff.next(60.0) for _ in range(200)]

    assert 1.5 <= waits[0] <= 2.5
    assert all(1.2 < later / earlier < 3.4 for earlier, later in itertools.pairwise(waits[:5]))
    assert max(waits) <= 75.0
    assert min(waits[10:]) >= 45.0
    assert len(set(waits[10:])) > 150
    backoff.reset()
    assert backoff.next(60.0) <= 2.5


def test_long_outage_is_one_change_of_the_state_and_not_thousands() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        states: list[LinkState] = []
        keeper.on_change(lambda status: states.append(status.state))
        emulator.faults.unplug()
        await asyncio.sleep(7 * 86_400)
        emulator.faults.replug()
        await until(keeper, LinkState.CONNECTED)
        assert [state for state, _ in itertools.groupby(states)] == [
            LinkState.CONNECTING,
            LinkState.WAITING,
            LinkState.CONNECTING,  # the dongle is there again
            LinkState.CONNECTED,
        ]

    play(scenario)
