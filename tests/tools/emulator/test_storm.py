"""Storms: all kinds of faults, reproducibly, and fair weather afterwards."""

import asyncio
from collections.abc import Callable
from dataclasses import astuple
from itertools import pairwise

import pytest

from tests.virtual_clock import run
from tools.emulator import ALL, Emulator, Kind, Storm

from .test_session_faults import power
from .wire import Host, emulated, join

A_DAY = 86_400.0
A_MONTH = 30 * A_DAY


async def rage(emulator: Emulator, seed: int = 1, *, overlapping: bool = False) -> Storm:
    storm = Storm(emulator, seed, mean_gap=300, overlapping=overlapping)
    await storm.run(A_MONTH)
    return storm


async def until(happened: Callable[[], bool]) -> None:
    """Look four times a second; virtual seconds cost nothing."""
    while not happened():  # noqa: ASYNC110 - a storm sends no event
        await asyncio.sleep(0.25)


async def use(emulator: Emulator) -> bool:
    """Reopen the port, join and read; return whether all of it works."""
    host = Host()
    await emulator.connector()(lambda: host)
    await asyncio.sleep(30)
    await host.say(b"\r\nSKRESET\r\n", 5)
    await host.ask("SKSREG SFE 0")
    await join(emulator, host)
    return await power(emulator, host)


@pytest.mark.parametrize("overlapping", [False, True])
def test_everything_strikes_and_afterwards_everything_is_healthy(overlapping: bool) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            storm = await rage(emulator, overlapping=overlapping)
            assert emulator.faults.healthy
            assert {incident.kind for incident in storm.history} == set(ALL)
            assert all(
                incident.ended is not None and incident.began <= incident.ended <= A_MONTH + 100
                for incident in storm.history
            )
            assert await use(emulator)

    run(play())


def test_same_seed_is_the_same_storm_and_another_seed_is_another() -> None:
    async def play(seed: int) -> list[object]:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            return [astuple(incident) for incident in (await rage(emulator, seed)).history]

    assert run(play(1)) == run(play(1))
    assert run(play(1)) != run(play(2))


def test_one_at_a_time_leaves_gaps_of_the_given_mean() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            storm = await rage(emulator)
            outages = storm.outages()
            assert len(outages) == len(storm.history)
            gaps = [after[0] - before[1] for before, after in pairwise(outages)]
            assert 270 < sum(gaps) / len(gaps) < 330
            assert min(gaps) > 0

    run(play())


def test_overlapping_incidents_are_one_outage() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            storm = await rage(emulator, overlapping=True)
            outages = storm.outages()
            assert len(outages) < len(storm.history)
            assert all(before[1] < after[0] for before, after in pairwise(outages))
            for incident in storm.history:
                assert any(begin <= incident.began <= end for begin, end in outages)

    run(play())


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_alone_is_over_when_it_says_so(kind: Kind) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await join(emulator, host)
            storm = Storm(emulator, 1, mean_gap=60, kinds=[kind])
            raging = asyncio.create_task(storm.run(A_DAY / 4))
            await until(lambda: bool(storm.history) and storm.history[-1].ended is not None)
            assert emulator.faults.healthy
            await raging
            assert len(storm.history) > 10
            assert await use(emulator)

    run(play())


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_cancelled_storm_is_over(overlapping: bool) -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            storm = Storm(emulator, 3, mean_gap=10, overlapping=overlapping)
            raging = asyncio.create_task(storm.run(A_DAY))
            await until(lambda: not emulator.faults.healthy)
            raging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await raging
            assert emulator.faults.healthy
            assert all(incident.ended is not None for incident in storm.history)
            loop = asyncio.get_running_loop()
            scheduled = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
            assert not any(
                getattr(timer._callback, "__self__", None) is storm for timer in scheduled
            )

    run(play())
