"""Lasting defects of dongle and meter: what each does, and what ends it."""

import asyncio

import pytest

from tests.virtual_clock import run
from tools.emulator import Emulator
from tools.emulator.defects import Cure

from .test_session_faults import GET_POWER, events, join_again, passed, power
from .wire import Host, emulated, join, sendto

_GET_UNIT = bytes.fromhex("1081525305FF010288016201E100")
_GET_BOTH = bytes.fromhex("1081525305FF010288016202E700E100")
_CURES: tuple[Cure, ...] = ("reset", "open")


async def reopen(emulator: Emulator, host: Host) -> Host:
    """Close the port and open it again; the dongle notices nothing but that."""
    host.transport.close()
    again = Host()
    await emulator.connector()(lambda: again)
    return again


async def reset(host: Host) -> None:
    await host.ask("SKRESET")
    await host.ask("SKSREG SFE 0")


@pytest.mark.parametrize("cure", _CURES)
def test_sessions_carry_no_answer_until_the_cure(cure: Cure) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            emulator.faults.leave_unanswered(cure)
            for _ in range(2):
                heard = await host.say(sendto(emulator, GET_POWER), 30)
                assert heard.endswith(b" 00\r\nOK\r\n")
                await join_again(emulator, host)
                await asyncio.sleep(5)
            if cure == "open":
                await reset(host)
                await join(emulator, host)
                assert not await power(emulator, host)
                again = await reopen(emulator, host)
            else:
                again = await reopen(emulator, host)
                assert not await power(emulator, again)
                await reset(again)
                await join(emulator, again)
            assert await power(emulator, again)
            assert emulator.faults.healthy

    run(play())


@pytest.mark.parametrize("cure", _CURES)
def test_deaf_dongle_takes_nothing_until_the_cure(cure: Cure) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.deafen(cure)
            assert not emulator.faults.healthy
            assert await host.ask("SKVER") == []
            if cure == "open":
                assert await host.ask("SKRESET") == []
                again = await reopen(emulator, host)
            else:
                again = await reopen(emulator, host)
                assert await again.ask("SKVER") == []
                assert await again.ask("SKRESET") == [b"OK\r\n"]
                await again.ask("SKSREG SFE 0")
            assert (await again.ask("SKVER"))[-2:] == [b"EVER 1.5.2\r\n", b"OK\r\n"]

    run(play())


def test_power_cycle_ends_what_a_reset_or_an_opening_ends() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            for cure in _CURES:
                emulator.faults.deafen(cure)
                emulator.faults.leave_unanswered(cure)
            emulator.faults.reset_dongle()
            assert emulator.faults.healthy

    run(play())


def test_board_that_resets_when_it_is_opened_is_deaf_for_a_while() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.deafen_after_opening(3.0)
            again = await reopen(emulator, host)
            assert await again.ask("SKVER", 2.9) == []
            await asyncio.sleep(0.2)
            assert await again.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]

    run(play())


def test_meter_is_silent_about_one_property_and_all_that_is_asked_with_it() -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            emulator.faults.silence(0xE1)
            assert b"ERXUDP" not in await host.say(sendto(emulator, _GET_UNIT), 60)
            assert b"ERXUDP" not in await host.say(sendto(emulator, _GET_BOTH), 60)
            assert await power(emulator, host)
            emulator.faults.unsilence(0xE1)
            assert b"ERXUDP" in await host.say(sendto(emulator, _GET_UNIT), 5)

    run(play())


def test_slow_meter_serves_one_request_after_the_other_over_every_session() -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            emulator.faults.slow_down(17.0)
            began = passed()
            for _ in range(3):
                await host.say(sendto(emulator, GET_POWER), 1)
            for earliest in (17, 34):
                await host.until(b"ERXUDP")
                assert earliest < passed() - began < earliest + 4
                host.heard.clear()
            await reset(host)
            await join(emulator, host)
            assert passed() - began < 51
            await host.until(b"7201E704")
            assert passed() - began > 51

    run(play())


def test_passing_refusal_looks_like_a_wrong_password() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.refuse_sign_ins(on=True)
            await join_again(emulator, host)
            heard = await host.until(b"EVENT 24")
            assert events(heard) == ["24"]
            assert heard.count(b" 02CC 02CC ") == 2
            emulator.faults.refuse_sign_ins(on=False)
            await join_again(emulator, host)
            await host.until(b"EVENT 25")
            assert await power(emulator, host)

    run(play())


def test_lost_command_and_misread_datagram() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.lose_command = 1.0
            assert await host.ask("SKVER") == []
            emulator.faults.rates.clear()
            emulator.faults.rates.misread = 1.0
            assert await host.say(sendto(emulator, GET_POWER)) == b"FAIL ER05\r\n"
            assert await host.ask("SKVER") != []
            emulator.faults.rates.clear()
            assert await power(emulator, host)

    run(play())
