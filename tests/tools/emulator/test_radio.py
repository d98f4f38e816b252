"""Scan, join, datagrams and pushes: what happens, and when, on the virtual clock."""

import asyncio
from datetime import timedelta
import re

import pytest

from tests.virtual_clock import now, run
from tools.emulator.meter.clock import half_hour_before
from tools.emulator.meter.echonet import Service, decode

from .wire import ROUTE_B_ID, emulated, join, sendto, sign_in

GET_POWER = bytes.fromhex("1081525305FF010288016201E700")


def passed() -> float:
    return asyncio.get_running_loop().time()


async def frames(heard: bytes) -> list[bytes]:
    return [bytes.fromhex(item.decode()) for item in re.findall(rb" (1081[0-9A-F]*)\r\n", heard)]


# --- Scan ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("duration", "seconds"), [(4, 4.57), (5, 8.87), (6, 17.47), (7, 34.67)])
def test_scan_takes_as_long_as_it_says_in_the_manual(duration: int, seconds: float) -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            began = passed()
            host.transport.write(f"SKSCAN 2 FFFFFFFF {duration} 0\r\n".encode())
            await host.until(b"EVENT 22")
            assert passed() - began == pytest.approx(seconds, abs=0.05)

    run(play())


def test_meter_is_heard_when_its_channel_is_visited() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            began = passed()
            host.transport.write(b"SKSCAN 2 FFFFFFFF 6 0\r\n")
            await host.until(b"EVENT 20")
            position = emulator.air.pan.channel - 0x21 + 1
            assert passed() - began == pytest.approx(position * 0.0096 * 65, abs=0.05)

    run(play())


def test_only_the_visited_channels_are_heard() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            bit = 1 << emulator.air.pan.channel - 0x21
            heard = await host.say(f"SKSCAN 2 {bit:08X} 6 0\r\n".encode(), 2)
            assert heard.count(b"EPANDESC") == heard.count(b"EVENT 22") == 1
            heard = await host.say(f"SKSCAN 2 {0xFFFFFFFF ^ bit:08X} 6 0\r\n".encode(), 30)
            assert b"EPANDESC" not in heard

    run(play())


def test_meter_answers_only_to_its_own_pair_id() -> None:
    async def play() -> None:
        async with emulated(neighbours=3) as (emulator, host):
            await host.ask("SKSETRBID " + "0" * 32)
            heard = await host.say(b"SKSCAN 2 FFFFFFFF 7 0\r\n", 40)
            assert heard.count(b"EPANDESC") == 3
            assert emulator.air.pan.mac.encode() not in heard

            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            heard = await host.say(b"SKSCAN 2 FFFFFFFF 7 0\r\n", 40)
            assert heard.count(b"EPANDESC") == 4
            assert emulator.air.pan.mac.encode() in heard

            heard = await host.say(b"SKSCAN 3 FFFFFFFF 7 0\r\n", 40)
            assert heard.count(b"EPANDESC") == 4
            assert b"PairID" not in heard

    run(play())


def test_meter_out_of_range_leaves_event_22_alone() -> None:
    async def play() -> None:
        async with emulated(in_range=False) as (_, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            heard = await host.ask("SKSCAN 2 FFFFFFFF 6 0", 30)
            assert [line.split()[:2] for line in heard] == [[b"OK"], [b"EVENT", b"22"]]

    run(play())


def test_short_scan_misses_a_sleepy_meter() -> None:
    async def play() -> None:
        async with emulated(shortest_scan=6) as (_, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            assert b"EPANDESC" not in await host.say(b"SKSCAN 2 FFFFFFFF 5 0\r\n", 30)
            assert b"EPANDESC" in await host.say(b"SKSCAN 2 FFFFFFFF 6 0\r\n", 30)

    run(play())


def test_meters_next_door_are_not_all_heard_by_the_shortest_scan() -> None:
    async def play() -> None:
        async with emulated(neighbours=20) as (_, host):
            await host.ask("SKSETRBID " + "0" * 32)
            heard = [
                (await host.say(f"SKSCAN 2 FFFFFFFF {d} 0\r\n".encode(), 40)).count(b"EPANDESC")
                for d in (4, 5, 6, 7)
            ]
            assert 0 == heard[0] < heard[1] < heard[2] < heard[3] == 20

    run(play())


def test_meter_can_become_deaf_to_short_scans() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            assert b"EPANDESC" in await host.say(b"SKSCAN 2 FFFFFFFF 5 0\r\n", 30)
            emulator.faults.deafen_meter(6)
            assert not emulator.faults.healthy
            assert b"EPANDESC" not in await host.say(b"SKSCAN 2 FFFFFFFF 5 0\r\n", 30)
            assert b"EPANDESC" in await host.say(b"SKSCAN 2 FFFFFFFF 6 0\r\n", 30)
            emulator.faults.heal()
            assert b"EPANDESC" in await host.say(b"SKSCAN 2 FFFFFFFF 5 0\r\n", 30)

    run(play())


def test_dongle_may_find_nothing_without_all_channels() -> None:
    async def play() -> None:
        async with emulated(whole_scans_only=True) as (_, host):
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            for mask, found in ((b"05555555", 0), (b"07FFFFFF", 0), (b"0FFFFFFF", 1)):
                heard = await host.say(b"SKSCAN 2 " + mask + b" 6 0\r\n", 30)
                assert heard.count(b"EPANDESC") == found
                assert heard.count(b"EVENT 22") == 1

    run(play())


def test_second_scan_replaces_the_first_which_ends_without_a_word() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            await host.say(b"SKSCAN 2 FFFFFFFF 5 0\r\n", 4)
            began = passed()
            host.transport.write(b"SKSCAN 2 FFFFFFFF 6 0\r\n")
            heard = await host.until(b"EVENT 22")
            assert passed() - began == pytest.approx(17.47, abs=0.05)
            await asyncio.sleep(60)
            assert heard.count(b"EVENT 22") == 1

    run(play())


# --- Join ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_join_takes_two_to_four_seconds(seed: int) -> None:
    async def play() -> None:
        async with emulated(seed=seed) as (emulator, host):
            await sign_in(emulator, host)
            began = passed()
            host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
            await host.until(b"EVENT 25")
            assert 2.0 <= passed() - began <= 4.5
            await asyncio.sleep(3.1)
            assert b" FF02:0000:0000:0000:0000:0000:0000:0001 0E1A " in host.heard
            assert host.heard.endswith(b" 1 0 0012 108100000EF0010EF0017301D50401028801\r\n")

    run(play())


def test_wrong_password_ends_after_two_packets_and_about_38_seconds() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host, "BA9876543210")
            began = passed()
            host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
            heard = await host.until(b"EVENT 24")
            assert 37 <= passed() - began <= 41
            assert re.findall(rb" 02CC 02CC \S+ 0 0 (\S+) ", heard) == [b"0028", b"0068"]
            assert (await host.ask("SKTERM")) == [b"FAIL ER10\r\n"]

    run(play())


@pytest.mark.parametrize("wrong", ["channel", "pan", "address", "range"])
def test_meter_that_is_not_there_ends_without_any_packet(wrong: str) -> None:
    async def play() -> None:
        async with emulated(in_range=wrong != "range") as (emulator, host):
            pan = emulator.air.pan
            await sign_in(emulator, host)
            if wrong == "channel":
                await host.ask(f"SKSREG S2 {0x21 if pan.channel != 0x21 else 0x22:X}")
            if wrong == "pan":
                await host.ask(f"SKSREG S3 {pan.pan_id ^ 1:04X}")
            address = pan.address[:-4] + "0000" if wrong == "address" else pan.address
            began = passed()
            host.transport.write(f"SKJOIN {address}\r\n".encode())
            heard = await host.until(b"EVENT 24")
            assert 37 <= passed() - began <= 41
            assert b"02CC" not in heard

    run(play())


def test_session_outlives_the_host_and_ends_with_skterm() -> None:
    async def play() -> None:
        async with emulated(dongle="bp35c2") as (emulator, first):
            await join(emulator, first)
            first.transport.close()
            await asyncio.sleep(100)

            second = type(first)()
            await emulator.connector()(lambda: second)
            pan = emulator.air.pan
            info = (await second.ask("SKINFO"))[0].split()
            assert info[3:5] == [f"{pan.channel:X}".encode(), f"{pan.pan_id:04X}".encode()]
            assert b"ERXUDP" in await second.say(sendto(emulator, GET_POWER), 5)
            heard = await second.ask("SKTERM")
            assert [line.split()[:2] for line in heard] == [[b"OK"], [b"EVENT", b"27"]]
            assert b"EVENT 21 " + pan.address.encode() + b" 0 01\r\nOK\r\n" == (
                await second.say(sendto(emulator, GET_POWER), 5)
            )

    run(play())


def test_rejoin_authenticates_once_more() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            host.transport.write(b"SKREJOIN\r\n")
            assert b"02CC" in await host.until(b"EVENT 25")
            assert b"ERXUDP" in await host.say(sendto(emulator, GET_POWER), 5)

    run(play())


# --- Datagrams -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_event_21_and_ok_come_together_and_the_answer_later(seed: int) -> None:
    async def play() -> None:
        async with emulated(seed=seed) as (emulator, host):
            await join(emulator, host)
            await host.say(sendto(emulator, GET_POWER), 5)  # resolves the address, if need be
            host.heard.clear()
            began = passed()
            host.transport.write(sendto(emulator, GET_POWER))
            heard = await host.until(b"OK\r\n")
            assert heard.startswith(b"EVENT 21 ")
            assert 0.12 <= passed() - began <= 0.36
            sent = passed()
            await host.until(b"ERXUDP")
            assert 0.09 <= passed() - sent <= 1.32

    run(play())


def test_cold_neighbour_is_resolved_first() -> None:
    async def first_event(seed: int) -> bytes:
        async with emulated(seed=seed) as (emulator, host):
            await join(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER), 5)
            return re.sub(rb".* (\d\d)$", rb"\1", heard.splitlines()[0])

    assert {run(first_event(seed)) for seed in range(12)} == {b"00", b"02"}


@pytest.mark.parametrize("security", [0, 2])
def test_plain_datagram_is_sent_but_the_meter_stays_silent(security: int) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER, security=security), 60)
            assert heard.endswith(b" 00\r\nOK\r\n")

    run(play())


# --- Notifications ----------------------------------------------------------------------------------


def test_half_hourly_values_come_within_five_minutes_and_agree_with_the_register() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            for _ in range(6):
                host.heard.clear()
                await host.until(b"017302EA0B", 2400)
                late = now() - half_hour_before(now())
                assert late < timedelta(minutes=5)
                (data,) = await frames(bytes(host.heard))
                frame = decode(data)
                assert frame is not None
                registers = emulator.meter.registers(half_hour_before(now()))
                assert registers is not None
                assert [edt[-4:] for _, edt in frame.properties] == [
                    count.to_bytes(4) for count in registers
                ]
                await asyncio.sleep(300)

    run(play())


def test_unconfirmed_infc_is_sent_three_times_and_a_confirmed_one_once() -> None:
    async def play() -> None:
        async with emulated(push="infc") as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            await asyncio.sleep(2200)
            sent = await frames(bytes(host.heard))
            assert len(sent) == 3
            assert len(set(sent)) == 1

            host.heard.clear()
            await host.until(b"017402EA0B", 2400)
            (data,) = await frames(bytes(host.heard))
            push = decode(data)
            assert push is not None
            assert push.service == Service.INFC
            answer = bytes.fromhex(f"1081{push.tid:04X}05FF010288017A02EA00EB00")
            await host.say(sendto(emulator, answer), 600)
            assert await frames(bytes(host.heard)) == []

    run(play())


def test_nothing_is_pushed_without_a_session() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            await host.ask("SKTERM")
            assert await host.say(b"", 7200) == b""

    run(play())


# --- Pace ------------------------------------------------------------------------------------


def test_speed_makes_every_wait_shorter() -> None:
    async def play() -> None:
        async with emulated(speed=50) as (emulator, host):
            began = passed()
            host.transport.write(b"SKSCAN 2 FFFFFFFF 6 0\r\n")
            await host.until(b"EVENT 22")
            assert passed() - began == pytest.approx(17.47 / 50, abs=0.02)
            await join(emulator, host)

    run(play())


def test_same_seed_is_the_same_conversation() -> None:
    async def play() -> bytes:
        async with emulated(seed=7, neighbours=2) as (emulator, host):
            said = await host.say(b"SKSCAN 3 FFFFFFFF 7 0\r\n", 40)
            await join(emulator, host)
            return said + bytes(host.heard) + await host.say(sendto(emulator, GET_POWER), 5)

    assert run(play()) == run(play())
