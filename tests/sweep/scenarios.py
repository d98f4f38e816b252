"""What the link does in a life: each scenario is recorded once, and struck at every unit."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tools.emulator.config import Push

from .host import FULL
from .units import Unit
from .world import World

#: Seconds of the meter's clock from the start of a world to the half-hour that is pushed.
_BEFORE_PUSH: Final = 60.0
#: The world begins at 12:00:10.
_TO_HALF_HOUR: Final = 1790.0
#: Seconds that anything here may take while nothing is wrong.
_LONGEST: Final = 400.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that the link does."""

    name: str
    act: Callable[[World], Awaitable[None]]
    """Does it, and returns when it is done; from its start on, units count."""
    prepare: Callable[[World], Awaitable[None]]
    """What comes before."""
    push: Push = "none"
    clock_ahead: float = 0.0


async def full_reading(world: World) -> None:
    """Wait for the next full reading."""
    seen = len(world.host.polls)
    async with asyncio.timeout(_LONGEST):
        # Virtual seconds cost nothing.
        while not any(  # noqa: ASYNC110
            poll.values >= FULL for poll in world.host.polls[seen:]
        ):
            await asyncio.sleep(1.0)


# --- Preparations ------------------------------------------------------------------------------


async def _nothing(world: World) -> None:
    del world


async def _network_known(world: World) -> None:
    world.place_host(*await world.visit(end_session=True))
    await asyncio.sleep(15.0)


async def _session_alive(world: World) -> None:
    world.place_host(*await world.visit(end_session=False))


async def _connected(world: World) -> None:
    """Connect as after a restart, and read everything that is due once."""
    await _session_alive(world)
    world.host.start()
    await full_reading(world)
    await full_reading(world)


async def _connected_and_quiet(world: World) -> None:
    await _connected(world)
    world.host.held.clear()


async def _before_the_push(world: World) -> None:
    """The last sign-in begins the announcements, so it must be this world's own."""
    await _connected_and_quiet(world)


# --- Acts --------------------------------------------------------------------------------------


async def _open(world: World) -> None:
    world.host.start()
    await full_reading(world)


async def _push(world: World) -> None:
    world.host.pushed.clear()
    async with asyncio.timeout(_LONGEST):
        await world.host.pushed.wait()
    await asyncio.sleep(2.0)


async def _history(world: World) -> None:
    await world.host.day_history(1)


async def _renewal(world: World) -> None:
    """SKSTACK reports a renewal; J11 is silent about one, but reads on."""
    if world.emulator.config.j11 is None:
        world.emulator.faults.expire_session("module")
        await asyncio.sleep(8.0)
    else:
        world.emulator.faults.reauthenticate()
        world.host.held.set()
        await full_reading(world)


async def _failed_renewal(world: World) -> None:
    world.emulator.faults.fail_renewal()
    await full_reading(world)


async def _rejoin(world: World) -> None:
    world.emulator.faults.terminate(27)
    await full_reading(world)


async def _rescan(world: World) -> None:
    await world.host.keeper.rescan()
    await full_reading(world)


async def _reset(world: World) -> None:
    """Every sign-in is refused by the dongle until it is reset."""

    def refuse(unit: Unit) -> bool:
        if world.vocabulary.resets(unit):
            world.tap.filters.remove(refuse)
        elif (answer := world.vocabulary.refuse_joins(unit)) is not None:
            world.tap.say(answer)
            return True
        return False

    world.tap.filters.append(refuse)
    world.emulator.faults.terminate(27)
    await full_reading(world)


async def _reopen(world: World) -> None:
    world.tap.lose_port(0.0)
    await full_reading(world)


async def _forgotten(world: World) -> None:
    """The dongle has lost everything but the port is open."""
    world.emulator.faults.reset_dongle()
    await full_reading(world)


_AHEAD: Final = _TO_HALF_HOUR - _BEFORE_PUSH

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("cold", _open, _nothing),
        Scenario("warm", _open, _network_known),
        Scenario("live", _open, _session_alive),
        Scenario("reading", full_reading, _connected),
        Scenario("push-inf", _push, _before_the_push, "inf", _AHEAD),
        Scenario("push-infc", _push, _before_the_push, "infc", _AHEAD),
        Scenario("history", _history, _connected_and_quiet),
        Scenario("renewal", _renewal, _connected_and_quiet),
        Scenario("failed-renewal", _failed_renewal, _connected),
        Scenario("rejoin", _rejoin, _connected),
        Scenario("rescan", _rescan, _connected),
        Scenario("reset", _reset, _connected),
        Scenario("reopen", _reopen, _connected),
        Scenario("forgotten", _forgotten, _connected),
    )
}
