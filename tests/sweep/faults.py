"""What can go wrong at one unit of a conversation, whichever protocol the dongle speaks.

A delayed line comes alone, when the dongle gets round to it, even over a port that was opened
meanwhile, and later lines overtake it. A stalled line holds up everything behind it, in order; it
is the connection that stalls, so what it holds is lost when the port is closed. A stray line comes
right after a command and right before anything that the dongle says.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from .host import FULL
from .units import Direction, Place, Refusal, Unit, Vocabulary
from .world import World

#: Seconds after the end of a fault within which the link is back and read, with a poll every
#: 30 s (README and docs/architecture.md). A fault that only a recovery step ends counts from its
#: beginning.
MAX_RECOVERY_S: Final = 300.0
#: The same for credentials that the meter refused for a while: they are tried again at intervals of
#: an hour at most.
_MAX_REFUSED_S: Final = 3600.0 + MAX_RECOVERY_S
#: Seconds that a trouble of the meter lasts which passes by itself.
A_WHILE: Final = 600.0
_DELAYS: Final = (0.3, 3.0, 30.0, 300.0)
_PORT_AWAY: Final = (0.0, 20.0)
#: Seconds: boards that reset when their port is opened need so long (BP35C2 manual, 10.4).
_BOOT: Final = 3.0
#: Seconds a slow meter takes for a request: just less than the coordinator waits.
_SLOW: Final = 17.0
_POWER, _CURRENTS = 0xE7, 0xE8
#: Properties about which meters were found silent, and two without which nothing can be shown.
_SILENT_ABOUT: Final = (0xE1, 0xD3, 0xE7, 0xE8, 0x9F, 0x97)
#: What passes must leave no trace: full readings need an energy and the unit of energies.
_SILENT_FOR_A_WHILE: Final = (0xE1, 0xE3)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault that has struck leads to."""

    ends: float = 0.0
    """Seconds after which it is over; 0 if at once, or if a recovery step has to end it."""
    needed: frozenset[int] = FULL
    """EPCs that a good reading holds."""
    lasts: bool = False
    """Whether it never ends: then reading must go on in spite of it."""
    refuses: bool = False
    """Whether the meter refuses right credentials, so that no other status can be expected."""

    @property
    def max_recovery(self) -> float:
        """Seconds after its end in which the link is back, and read."""
        return _MAX_REFUSED_S if self.refuses else MAX_RECOVERY_S


AT_ONCE: Final = Effect()


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a unit can go wrong."""

    name: str
    strike: Callable[[World, Unit], Effect]
    applies: Callable[[Vocabulary, Unit], bool] = lambda _, unit: bool(unit.kind)


def common_faults(vocabulary: Vocabulary) -> list[Fault]:
    """Return what can go wrong with dongles of every protocol, in an order that never changes."""
    return [
        *_line_faults(),
        *(_refusal(name, refusal) for name, refusal in vocabulary.refusals.items()),
        *(_stray(name, line) for name, line in vocabulary.strays.items()),
        *_dongle_faults(),
        *_meter_faults(),
    ]


# --- The line ----------------------------------------------------------------------------------


def _line_faults() -> Iterator[Fault]:
    yield Fault("lost", lambda _, __: AT_ONCE)
    yield Fault("doubled", _double)
    for place in Place:
        yield Fault(f"damaged-{place}", _damage(place))
    yield Fault("glued", _glue)
    for seconds in _DELAYS:
        yield Fault(f"delayed-{seconds:g}", _delay(seconds))
        yield Fault(f"stalled-{seconds:g}", _stall(seconds))


def _double(world: World, unit: Unit) -> Effect:
    world.tap.deliver(unit.direction, unit.data)
    world.tap.deliver(unit.direction, unit.data)
    return AT_ONCE


def _damage(place: Place) -> Callable[[World, Unit], Effect]:
    def strike(world: World, unit: Unit) -> Effect:
        world.tap.deliver(unit.direction, world.vocabulary.damaged(unit, place))
        return AT_ONCE

    return strike


def _glue(world: World, unit: Unit) -> Effect:
    world.tap.deliver(unit.direction, world.vocabulary.unended(unit))
    return AT_ONCE


def _delay(seconds: float) -> Callable[[World, Unit], Effect]:
    def strike(world: World, unit: Unit) -> Effect:
        world.tap.deliver_later(unit.direction, unit.data, seconds)
        return Effect(seconds)

    return strike


def _stall(seconds: float) -> Callable[[World, Unit], Effect]:
    def strike(world: World, unit: Unit) -> Effect:
        world.tap.stall(unit.direction, seconds)
        world.tap.deliver(unit.direction, unit.data)
        return Effect(seconds)

    return strike


# --- Words -------------------------------------------------------------------------------------


def _refusal(name: str, refusal: Refusal) -> Fault:
    """The command is not carried out; this is the answer."""

    def strike(world: World, unit: Unit) -> Effect:
        world.tap.say(refusal(unit))
        return AT_ONCE

    return Fault(f"answered-{name}", strike, lambda vocabulary, unit: vocabulary.is_command(unit))


def _stray(name: str, line: bytes) -> Fault:
    def strike(world: World, unit: Unit) -> Effect:
        if unit.direction is Direction.OUT:
            world.tap.deliver(unit.direction, unit.data)
            world.tap.say(line)
        else:
            world.tap.deliver(Direction.IN, line)
            world.tap.deliver(unit.direction, unit.data)
        return AT_ONCE

    return Fault(f"stray-{name}", strike)


# --- Dongle and port ---------------------------------------------------------------------------


def _dongle_faults() -> Iterator[Fault]:
    for seconds in _PORT_AWAY:
        yield Fault(f"port-lost-{seconds:g}", _lose_port(seconds))
    yield Fault("dongle-reset", then(lambda world: world.emulator.faults.reset_dongle()))
    yield Fault("deaf-until-reset", then(lambda world: world.emulator.faults.deafen("reset")))
    yield Fault("deaf-until-opened", then(lambda world: world.emulator.faults.deafen("open")))
    yield Fault("deaf-after-opening", _deaf_after_opening)


def then(
    happens: Callable[[World], None], effect: Effect = AT_ONCE
) -> Callable[[World, Unit], Effect]:
    """Deliver the unit, and then let something happen; a command still meets the fault."""

    def strike(world: World, unit: Unit) -> Effect:
        world.tap.deliver(unit.direction, unit.data)
        happens(world)
        return effect

    return strike


def _lose_port(seconds: float) -> Callable[[World, Unit], Effect]:
    def strike(world: World, unit: Unit) -> Effect:
        del unit
        # Not within a write of the host, as no port does that.
        asyncio.get_running_loop().call_soon(world.tap.lose_port, seconds)
        return Effect(seconds)

    return strike


def _deaf_after_opening(world: World, unit: Unit) -> Effect:
    """The port is lost once, and from now on each opening resets the board."""
    world.emulator.faults.deafen_after_opening(_BOOT)
    _lose_port(0.0)(world, unit)
    return Effect(lasts=True)


# --- The meter ---------------------------------------------------------------------------------


def _meter_faults() -> Iterator[Fault]:
    for epc in _SILENT_ABOUT:
        needed = frozenset((_CURRENTS if epc == _POWER else _POWER,))
        yield Fault(
            f"silent-about-{epc:02X}",
            then(partial(_silence, epc), Effect(needed=needed, lasts=True)),
        )
    reset = then(lambda world: world.emulator.faults.leave_unanswered("reset"))
    yield Fault("unanswered-until-reset", reset)
    opened = then(lambda world: world.emulator.faults.leave_unanswered("open"))
    yield Fault("unanswered-until-opened", opened)
    yield Fault("refused-for-a-while", then(_refuse, Effect(A_WHILE, refuses=True)))
    slow = Effect(needed=frozenset((_POWER,)), lasts=True)
    yield Fault("slow", then(lambda world: world.emulator.faults.slow_down(_SLOW), slow))
    for epc in _SILENT_FOR_A_WHILE:
        strike = then(partial(_silence_for_a_while, epc), Effect(A_WHILE))
        yield Fault(f"silent-for-a-while-{epc:02X}", strike)
    yield Fault("slow-for-a-while", then(_slow_for_a_while, Effect(A_WHILE)))
    yield _rewritten("other-transaction", lambda words, unit: words.other_transaction(unit))
    yield _rewritten("opc-zero", lambda words, unit: words.empty_refusal(unit))


def _refuse(world: World) -> None:
    """The session ends, and no sign-in succeeds for some minutes."""
    faults = world.emulator.faults
    faults.refuse_sign_ins(on=True)
    faults.terminate(27)
    world.tap.after(A_WHILE, lambda: faults.refuse_sign_ins(on=False))


def _silence_for_a_while(epc: int, world: World) -> None:
    world.emulator.faults.silence(epc)
    world.tap.after(A_WHILE, lambda: world.emulator.faults.unsilence(epc))


def _slow_for_a_while(world: World) -> None:
    world.emulator.faults.slow_down(_SLOW)
    world.tap.after(A_WHILE, lambda: world.emulator.faults.slow_down(0.0))


def _silence(epc: int, world: World) -> None:
    world.emulator.faults.silence(epc)


def _rewritten(name: str, rewrite: Callable[[Vocabulary, Unit], bytes | None]) -> Fault:
    def strike(world: World, unit: Unit) -> Effect:
        world.tap.deliver(unit.direction, rewrite(world.vocabulary, unit) or unit.data)
        return AT_ONCE

    return Fault(name, strike, lambda vocabulary, unit: rewrite(vocabulary, unit) is not None)
