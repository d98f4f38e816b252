"""How a session ends, expires and is renewed, by itself and on purpose."""

import asyncio
from collections.abc import Callable
import re

import pytest

from tests.virtual_clock import run
from tools.emulator import Emulator, Faults

from .wire import PASSWORD, ROUTE_B_ID, Host, emulated, join, sendto, sign_in

GET_POWER = bytes.fromhex("1081525305FF010288016201E700")
DAY = 86_400


def passed() -> float:
    return asyncio.get_running_loop().time()


def events(heard: bytes) -> list[str]:
    """The numbers of the EVENTs, without those of transmissions."""
    numbers = re.findall(rb"^EVENT (\S\S) ", heard, re.MULTILINE)
    return [number.decode() for number in numbers if number != b"21"]


async def power(emulator: Emulator, host: Host, seconds: float = 5) -> bool:
    """Ask for the power; return whether there was an answer."""
    return b"017201E704" in await host.say(sendto(emulator, GET_POWER), seconds)


async def join_again(emulator: Emulator, host: Host) -> bytes:
    host.heard.clear()
    host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
    return await host.until(b"EVENT 2", 60)


# --- SKTERM ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("pause", "answered"), [(1, False), (9, False), (11, True)])
def test_join_soon_after_skterm_is_not_answered(pause: float, answered: bool) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            assert events(await host.say(b"SKTERM\r\n", 1)) == ["27"]
            await asyncio.sleep(pause - 1)
            began = passed()
            host.heard.clear()
            host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
            await host.until(b"EVENT 25" if answered else b"EVENT 24")
            assert (b" 02CC 02CC " in host.heard) is answered
            if not answered:
                assert 37 <= passed() - began <= 41
                await join_again(emulator, host)
                await host.until(b"EVENT 25")

    run(play())


@pytest.mark.parametrize("why", [Faults.lose_meter, Faults.reboot_meter])
def test_skterm_that_no_meter_hears_ends_in_event_28(why: Callable[[Faults], None]) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            why(emulator.faults)
            heard = await host.say(b"SKTERM\r\n", 20)
            assert heard.startswith(b"OK\r\n")
            assert events(heard) == ["28"]
            assert await host.ask("SKTERM") == [b"FAIL ER10\r\n"]

    run(play())


# --- The renewal by the dongle ---------------------------------------------------------------


@pytest.mark.parametrize("speed", [1, 10])
def test_session_is_renewed_at_four_fifths_of_its_lifetime_again_and_again(speed: int) -> None:
    async def play() -> None:
        async with emulated(speed=speed, push="none") as (emulator, host):
            await join(emulator, host)
            await asyncio.sleep(10)
            for _ in range(3):
                host.heard.clear()
                began = passed()
                heard = await host.until(b"EVENT 25", DAY)
                assert 0.8 * DAY - 20 * speed <= (passed() - began) * speed <= 0.8 * DAY + 6
                assert re.findall(rb" 02CC 02CC \S+ 0 0 (\S+) ", heard) == [
                    *(b"0028", b"0068", b"0054", b"0058")
                ]
                assert await power(emulator, host)

    run(play())


def test_failed_renewal_is_event_24_and_the_session_lives_until_event_29() -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            joined = passed()
            await asyncio.sleep(0.8 * DAY - 60)
            emulator.faults.lose_meter()
            host.heard.clear()
            await host.until(b"EVENT 24", 200)
            assert passed() - joined == pytest.approx(0.8 * DAY + 38, abs=10)
            emulator.faults.return_meter()
            assert await power(emulator, host)
            host.heard.clear()
            await host.until(b"EVENT 29", DAY)
            assert passed() - joined == pytest.approx(DAY, abs=6)
            assert not await power(emulator, host)
            assert b"EVENT 21 " in host.heard
            assert host.heard.endswith(b" 01\r\nOK\r\n")
            assert events(await host.say(b"", DAY)) == []

    run(play())


def test_meter_that_forgot_the_session_does_not_renew_it() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.reboot_meter(1)
            await asyncio.sleep(2)
            emulator.faults.reauthenticate()
            heard = await host.say(b"", 60)
            assert events(heard) == ["24"]
            assert b"02CC" not in heard

    run(play())


def test_renewal_on_purpose_is_pana_and_event_25_while_the_old_keys_serve() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            began = passed()
            emulator.faults.reauthenticate()
            assert b"017201E704" in await host.say(sendto(emulator, GET_POWER), 1.8)
            await host.until(b"EVENT 25")
            assert 1.8 <= passed() - began <= 5
            assert host.heard.count(b" 02CC 02CC ") == 4
            assert await power(emulator, host)

    run(play())


# --- Ends on purpose -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "numbers"),
    [
        (Faults.end_session, ["26", "27"]),
        (Faults.terminate, ["27"]),
        (lambda faults: faults.terminate(28), ["28"]),
        (Faults.fail_renewal, ["24"]),
        (lambda faults: faults.expire_session("none"), ["29"]),
    ],
)
def test_session_is_gone_at_both_ends_and_a_new_join_brings_it_back(
    end: Callable[[Faults], None], numbers: list[str]
) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            end(emulator.faults)
            assert events(await host.say(b"", 3600)) == numbers
            assert not emulator.air.session
            assert not await power(emulator, host)
            await join_again(emulator, host)
            await host.until(b"EVENT 25")
            assert await power(emulator, host)
            # Without a session there is nothing to end.
            await host.ask("SKRESET")
            end(emulator.faults)
            assert events(await host.say(b"", 100)) == []

    run(play())


def test_expired_session_comes_back_with_real_pana_packets() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            began = passed()
            emulator.faults.expire_session("module")
            assert not await power(emulator, host, 1)
            heard = await host.until(b"EVENT 25")
            assert 1.8 <= passed() - began <= 5
            assert heard.count(b" 02CC 02CC ") == 4
            assert await power(emulator, host)

    run(play())


@pytest.mark.parametrize("renewal", ["fails", "module"])
def test_renewal_of_an_expired_session_may_fail_after_40_seconds(renewal: str) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            began = passed()
            if renewal == "module":
                emulator.faults.lose_meter()
                emulator.faults.expire_session("module")
            else:
                emulator.faults.expire_session("fails")
            heard = await host.until(b"EVENT 24")
            assert 37 <= passed() - began <= 41
            assert events(heard) == ["29", "24"]
            assert not await power(emulator, host)

    run(play())


def test_join_of_the_host_takes_the_place_of_that_of_the_dongle() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.expire_session("module")
            await asyncio.sleep(1)
            await join_again(emulator, host)
            await host.until(b"EVENT 25")
            assert events(await host.say(b"", 100)) == []

    run(play())


def test_meter_that_vanishes_in_the_middle_of_a_join_ends_it_in_event_24() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host, PASSWORD)
            host.heard.clear()
            host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
            await host.until(b"02CC")
            emulator.faults.lose_meter()
            assert events(await host.until(b"EVENT 24")) == ["02", "24"]

    run(play())


def test_a_trap_looks_right_and_refuses_after_two_packets() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            trap = emulator.faults.add_trap(lqi=0xF0)
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            heard = await host.say(b"SKSCAN 2 FFFFFFFF 7 0\r\n", 40)
            assert heard.count(f"PairID:{ROUTE_B_ID[-8:]}".encode()) == 2
            assert b"LQI:F0" in heard
            await sign_in(emulator, host)
            await host.ask(f"SKSREG S2 {trap.channel:X}")
            await host.ask(f"SKSREG S3 {trap.pan_id:04X}")
            host.heard.clear()
            host.transport.write(f"SKJOIN {trap.address}\r\n".encode())
            heard = await host.until(b"EVENT 24")
            assert heard.count(b" 02CC 02CC ") == 2
            assert heard.count(b"ERXUDP " + trap.address.encode()) == 2

            await host.ask("SKSETRBID " + "0" * 32)
            assert b"EPANDESC" not in await host.say(b"SKSCAN 2 FFFFFFFF 7 0\r\n", 40)
            emulator.faults.remove_neighbour(trap)
            assert emulator.faults.healthy

    run(play())
