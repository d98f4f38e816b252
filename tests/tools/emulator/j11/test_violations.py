"""What no reader of a meter may do to a J11 dongle is counted."""

import asyncio
from math import inf

import pytest

from tests.virtual_clock import run

from .wire import GET_POWER, emulated, operate, power, sign_in, transmission


def test_encrypted_datagrams_are_no_violation() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            assert await power(emulator, host)
            assert not emulator.j11.violations.plain_datagrams

    run(play())


def test_datagram_before_a_sign_in_is_sent_in_plain_text() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            await host.ask(0x0008, transmission(emulator, GET_POWER))
            assert emulator.j11.violations.plain_datagrams == [inf]

    run(play())


def test_datagram_after_a_session_counts_from_its_end() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            emulator.j11_faults.lose_pana()
            await asyncio.sleep(5.0)
            await host.ask(0x0008, transmission(emulator, GET_POWER))
            (seconds,) = emulator.j11.violations.plain_datagrams
            assert seconds == pytest.approx(5.0, abs=0.1)

    run(play())


def test_questions_for_the_key_and_rewrites_are_counted() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await host.ask(0x00F0)
            await host.ask(0x0059)
            violations = emulator.j11.violations
            assert (violations.firmware_rewrites, violations.key_requests) == (1, 1)

    run(play())
