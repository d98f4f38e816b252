"""What goes wrong by itself, at a rate."""

from dataclasses import fields

import pytest

from tests.virtual_clock import EPOCH, run
from tools.emulator import Rates, frozen

from .test_session_faults import passed, power
from .wire import Host, emulated, join, sendto

GET_POWER = bytes.fromhex("1081525305FF010288016201E700")
#: Choose a day, and ask which one is chosen.
SET_DAY = bytes.fromhex("1081525405FF010288016101E50107")


def test_a_lost_request_is_acknowledged_and_not_carried_out() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.lose_request = 1
            heard = await host.say(sendto(emulator, SET_DAY), 30)
            assert heard.endswith(b" 00\r\nOK\r\n")
            assert emulator.meter._day == 0xFF

    run(play())


def test_a_lost_answer_is_carried_out_and_not_heard() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.lose_answer = 1
            heard = await host.say(sendto(emulator, SET_DAY), 30)
            assert heard.endswith(b" 00\r\nOK\r\n")
            assert emulator.meter._day == 7
            assert b"ERXUDP" not in await host.say(b"", 7200)

    run(play())


def test_a_delayed_answer_comes_3_to_25_seconds_later() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.delay_answer = 1
            for _ in range(10):
                host.heard.clear()
                began = passed()
                host.transport.write(sendto(emulator, GET_POWER))
                await host.until(b"017201E704")
                assert 3 <= passed() - began <= 27.5

    run(play())


def test_a_duplicate_is_the_same_line_twice() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.duplicate_answer = 1
            heard = await host.say(sendto(emulator, GET_POWER), 30)
            lines = [line for line in heard.splitlines() if line.startswith(b"ERXUDP")]
            assert len(lines) == 2
            assert lines[0] == lines[1]

    run(play())


def test_noise_stands_between_lines_or_inside_them() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.rates.noise_between = 1
            heard = await host.say(b"SKVER\r\n")
            assert heard.endswith(b"OK\r\n")
            assert b"EVER 1.5.2\r\n" in heard
            assert len(heard) > len(b"EVER 1.5.2\r\nOK\r\n")
            emulator.faults.rates.set(noise_between=0, noise_inside=1)
            heard = b"".join([await host.say(b"SKVER\r\n") for _ in range(20)])
            assert len(heard) > 20 * len(b"EVER 1.5.2\r\nOK\r\n")
            assert heard.count(b"EVER 1.5.2\r\n") < 10
            emulator.faults.rates.clear()
            assert await host.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]

    run(play())


@pytest.mark.parametrize(("output", "payload"), [("ascii", 36), ("binary", 18)])
def test_garbling_changes_one_byte_of_a_line_even_of_a_binary_one(
    output: str, payload: int
) -> None:
    async def play() -> None:
        async with emulated(output=output, clock=frozen(EPOCH)) as (emulator, host):
            await join(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER), 5)
            clean = heard[heard.index(b"ERXUDP") :]
            emulator.faults.rates.garble = 1
            changed = set()
            for _ in range(40):
                garbled = (await host.say(sendto(emulator, GET_POWER), 5))[-len(clean) :]
                (at,) = (at for at, byte in enumerate(garbled) if byte != clean[at])
                changed.add(at)
            begin = len(clean) - 2 - payload
            assert any(begin <= at < begin + payload for at in changed)
            assert any(at < begin for at in changed)

    run(play())


def test_one_line_in_many_is_garbled_in_exactly_one_byte() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.rates.garble = 0.3
            different = 0
            for _ in range(200):
                heard = await host.say(b"SKVER\r\n", 0.1)
                wrong = sum(x != y for x, y in zip(heard, b"EVER 1.5.2\r\nOK\r\n", strict=True))
                assert wrong <= 2
                different += wrong
            assert 80 <= different <= 160

    run(play())


def test_a_truncated_line_loses_its_end_with_the_line_end() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.rates.truncate = 1
            whole = (b"EVER 1.5.2\r\n", b"OK\r\n")
            possible = {
                whole[0][:first] + whole[1][:second]
                for first in range(len(whole[0]))
                for second in range(len(whole[1]))
            }
            heard = {await host.say(b"SKVER\r\n", 0.1) for _ in range(40)}
            assert heard <= possible
            assert len(heard) > 10

    run(play())


def test_a_split_line_comes_in_pieces_with_pauses_and_nothing_overtakes_it() -> None:
    async def play() -> None:
        async with emulated(split_reads=False) as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.split = 1
            host.pieces.clear()
            heard = await host.say(sendto(emulator, GET_POWER) + b"SKVER\r\nSKINFO\r\n", 10)
            assert len(host.pieces) > 10
            assert b"".join(host.pieces) == heard
            lines = heard.splitlines(keepends=True)
            assert all(line.endswith(b"\r\n") for line in lines)
            assert [line for line in lines if not line.startswith((b"EVENT", b"ERXUDP"))] == [
                *(b"OK\r\n", b"EVER 1.5.2\r\n", b"OK\r\n"),
                *(line for line in lines if line.startswith(b"EINFO")),
                b"OK\r\n",
            ]

    run(play())


def test_what_is_split_when_the_plug_is_pulled_is_lost() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            emulator.faults.rates.split = 1
            emulator.faults.babble(10)
            emulator.faults.unplug()
            emulator.faults.replug()
            host = Host()
            await emulator.connector()(lambda: host)
            assert await host.say(b"", 5) == b""

    run(play())


def test_failed_sends_overruns_and_refusals_are_what_the_dongle_says_they_are() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            rates = emulator.faults.rates
            rates.fail_send = 1
            assert (await host.say(sendto(emulator, GET_POWER), 5)).endswith(b" 01\r\nOK\r\n")
            rates.set(fail_send=0, overrun=1)
            assert await host.say(sendto(emulator, GET_POWER), 5) == b"FAIL ER09\r\n"
            assert await host.ask("SKVER") == [b"FAIL ER09\r\n"]
            rates.set(overrun=0, refuse=1)
            assert await host.say(sendto(emulator, GET_POWER), 5) == b"FAIL ER10\r\n"
            assert await host.ask(f"SKJOIN {emulator.air.pan.address}", 60) == [b"FAIL ER10\r\n"]
            assert await host.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]
            rates.clear()
            assert await power(emulator, host)

    run(play())


def test_rates_are_shares() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.rates.lose_answer = 0.3
            answered = [await power(emulator, host, 2) for _ in range(200)]
            assert 120 <= sum(answered) <= 160

    run(play())


def test_rates_that_cannot_be_are_refused_and_change_nothing() -> None:
    rates = Rates()
    with pytest.raises(ValueError, match="probability"):
        rates.set(garble=0.5, truncate=1.1)
    with pytest.raises(ValueError, match="no rate boredom"):
        rates.set(garble=0.5, boredom=0.1)
    with pytest.raises(ValueError, match="probability"):
        rates.set(garble=float("nan"))
    assert rates.quiet
    for field in fields(rates):
        rates.set(**{field.name: 0.1})
        seen = [rates.quiet]
        rates.clear()
        assert [*seen, rates.quiet] == [False, True]


def test_same_seed_same_mishaps() -> None:
    async def play() -> bytes:
        async with emulated(seed=4) as (emulator, host):
            await join(emulator, host)
            for field in fields(emulator.faults.rates):
                emulator.faults.rates.set(**{field.name: 0.1})
            heard = b""
            for _ in range(50):
                heard += await host.say(sendto(emulator, GET_POWER), 30)
            return heard

    assert run(play()) == run(play())
