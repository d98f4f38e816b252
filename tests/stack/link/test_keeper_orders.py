"""What a person may ask of the link: sign in again, look for the meter again."""

import asyncio
from collections.abc import Callable, Coroutine
import logging

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RecoveryStep,
    SmartMeter,
    errors,
)
from tests.virtual_clock import run
from tools.emulator import Emulator

from ..scripted import JOIN_REFUSED, METER_IP, NETWORK, PASSWORD, ROUTE_B_ID, ScriptedDongle
from .test_keeper import assert_reads, play, seconds, until

type Order = Callable[[LinkKeeper], Coroutine[None, None, None]]

#: What the log says of each recovery step.
_WORDS = {
    "signing in again": RecoveryStep.REJOIN,
    "looking for the meter on all channels": RecoveryStep.RESCAN,
    "resetting the dongle": RecoveryStep.RESET,
    "opening the port again": RecoveryStep.REOPEN,
}


def _steps_tried(caplog: pytest.LogCaptureFixture) -> Callable[[], list[RecoveryStep]]:
    """Return a function that lists the recovery steps tried from now on."""
    caplog.set_level(logging.DEBUG, "custom_components.wisun_route_b.stack.link.keeper")
    caplog.clear()

    def tried() -> list[RecoveryStep]:
        ends = (record.getMessage().rpartition(": ")[2] for record in caplog.records)
        return [_WORDS[end] for end in ends if end in _WORDS]

    return tried


BOTH = pytest.mark.parametrize("order", [LinkKeeper.reconnect, LinkKeeper.rescan])


@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1", "rl7023-dss", "rl7023-ips"])
@pytest.mark.parametrize(
    ("order", "step"),
    [(LinkKeeper.reconnect, RecoveryStep.REJOIN), (LinkKeeper.rescan, RecoveryStep.RESCAN)],
)
def test_order_ends_the_session_and_makes_a_new_one_on_the_same_port(
    dongle: str, order: Order, step: RecoveryStep, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        tried = _steps_tried(caplog)
        begun = seconds()

        await order(keeper)

        assert seconds() - begun < 2  # what takes long goes on by itself
        assert keeper.state is LinkState.CONNECTING
        # The meter accepts no session within ten seconds after a session was ended.
        assert 8 < await until(keeper, LinkState.CONNECTED) < 45
        assert tried() == [step]
        assert keeper.meter.statistics.reconnects == 1
        await assert_reads(keeper)

    play(scenario, dongle=dongle)


@BOTH
def test_order_on_a_session_that_is_only_seconds_old_is_carried_out_at_once(order: Order) -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        await order(keeper)
        await until(keeper, LinkState.CONNECTED)
        seen: list[LinkStatus] = []
        keeper.on_change(seen.append)

        await order(keeper)
        await until(keeper, LinkState.CONNECTED)

        assert LinkState.WAITING not in {status.state for status in seen}

    play(scenario)


@BOTH
def test_orders_one_upon_the_other_make_one_new_session(order: Order) -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        await asyncio.gather(order(keeper), order(keeper), order(keeper))
        await order(keeper)
        await asyncio.sleep(5)
        await order(keeper)
        await until(keeper, LinkState.CONNECTED)
        await asyncio.sleep(120)

        assert keeper.meter.statistics.reconnects == 1
        assert keeper.state is LinkState.CONNECTED

    play(scenario)


def test_scan_finds_the_meter_on_its_new_channel_without_a_try_on_the_old_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.move_meter(channel=0x23, pan_id=0x4321)
        tried = _steps_tried(caplog)

        await keeper.rescan()
        await until(keeper, LinkState.CONNECTED)

        assert tried() == [RecoveryStep.RESCAN]
        network = keeper.meter.network
        assert network is not None
        assert (network.channel, network.pan_id) == (0x23, 0x4321)

    play(scenario)


def test_scan_takes_place_although_the_dongle_has_forgotten_everything() -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.reset_dongle()
        emulator.faults.move_meter(channel=0x23, pan_id=0x4321)
        await asyncio.sleep(1)

        await keeper.rescan()

        assert await until(keeper, LinkState.CONNECTED) < 35  # a sign-in in vain takes 40
        assert keeper.meter.network != NETWORK

    play(scenario)


@BOTH
def test_order_cuts_the_wait_for_the_next_attempt_short(order: Order) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.unplug()
        await asyncio.sleep(3600)
        await until(keeper, LinkState.WAITING)
        emulator.faults.replug()

        await order(keeper)

        assert await until(keeper, LinkState.CONNECTED) < 8

    play(scenario)


@BOTH
def test_order_to_a_dongle_that_has_gone_dumb_is_carried_out_when_it_speaks_again(
    order: Order,
) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.mute_dongle()
        await order(keeper)
        assert keeper.state is LinkState.CONNECTING
        await asyncio.sleep(600)
        emulator.faults.unmute_dongle()
        await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)

    play(scenario)


@BOTH
def test_order_in_the_moment_in_which_the_dongle_is_unplugged_is_no_failure(order: Order) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        ordered = asyncio.create_task(order(keeper))
        await asyncio.sleep(0)
        emulator.faults.unplug()
        await ordered
        emulator.faults.replug()
        await until(keeper, LinkState.CONNECTED)
        await assert_reads(keeper)

    play(scenario)


@BOTH
def test_order_against_the_transmit_limit_is_refused_and_keeps_the_session(order: Order) -> None:
    async def scenario(emulator: Emulator, keeper: LinkKeeper) -> None:
        emulator.faults.limit_transmission()
        await until(keeper, LinkState.LIMITED)

        with pytest.raises(errors.TransmitLimitError):
            await order(keeper)

        emulator.faults.release_transmission()
        await until(keeper, LinkState.CONNECTED)
        assert keeper.meter.statistics.reconnects == 0
        await assert_reads(keeper)

    play(scenario)


@BOTH
def test_order_makes_a_link_that_was_refused_try_again(order: Order) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        credentials = Credentials(ROUTE_B_ID, PASSWORD)
        keeper = LinkKeeper(SmartMeter(dongle.connector(), credentials, network=NETWORK))
        await keeper.open()
        dongle.replies["SKJOIN"] = JOIN_REFUSED
        dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
        await until(keeper, LinkState.REFUSED)
        await order(keeper)
        await order(keeper)
        assert keeper.state is LinkState.CONNECTING
        await until(keeper, LinkState.REFUSED)

        del dongle.replies["SKJOIN"]
        await order(keeper)
        await until(keeper, LinkState.CONNECTED)

        await assert_reads(keeper)
        await keeper.close()

    run(scenario())


@BOTH
def test_order_to_a_closed_link_is_refused(order: Order) -> None:
    async def scenario(_: Emulator, keeper: LinkKeeper) -> None:
        await keeper.close()
        with pytest.raises(errors.NotConnectedError):
            await order(keeper)

    play(scenario)
