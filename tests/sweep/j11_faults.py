"""What can go wrong with a J11 dongle only."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tools.emulator.j11.faults import Doubt, J11Faults
from tools.emulator.j11.frames import FROM_DONGLE
from tools.emulator.j11.numbers import BUSY

from .faults import A_WHILE, Effect, Fault, then
from .units import Unit
from .world import World

#: After how many bytes frames break off: inside the head, and as in j11 capture 33.
_TORN: Final = (5, 25)
#: Transmission results: hourly limit, channel busy, no acknowledgement, other (V12 p57).
_TRANSMISSIONS: Final = (0x02, 0x03, 0x05, 0x08)
_DOUBTS: Final[tuple[Doubt, ...]] = ("plain", "foreign", "other_pan")
#: Reasons of 6038: decryption, MAC, UDP (V12 p72).
_DROPS: Final = (0x01, 0x02, 0x40)
#: The unique code, a notification with the largest length, and the start of that frame.
_NOISE: Final = FROM_DONGLE + b"\x60\x18\x05\x49\x08\x94\0\0\1\2\3"
_RATES: Final = {"noise_between": 0.2, "noise_inside": 0.1, "truncate": 0.05, "lose_command": 0.1}


def j11_faults() -> Iterator[Fault]:
    """Yield them, always in the same order."""
    for size in _TORN:
        yield _order(f"torn-{size}", partial(_tear, size))
    yield _order("noise", lambda faults: faults.make_noise(_NOISE))
    yield Fault("noisy-for-a-while", then(_make_noisy, Effect(A_WHILE)))
    for times in (1, 3):
        yield _order(f"starts-in-vain-{times}", partial(_start_in_vain, times))
    yield _order("busy", lambda faults: faults.answer(BUSY, times=3))
    for result in _TRANSMISSIONS:
        yield _order(f"transmitted-{result:02X}", partial(_transmit, result))
    yield _order("mac-lost", J11Faults.lose_mac)
    yield _order("pana-lost", J11Faults.lose_pana)
    yield Fault("pana-silent-for-a-while", then(_silence_pana, Effect(A_WHILE)))
    yield _order("watchdog", J11Faults.watchdog)
    yield Fault("renewal-refused", then(lambda world: world.emulator.faults.fail_renewal()))
    yield Fault("renewal-unanswered", then(_fail_renewal))
    yield Fault("session-lost-unheard", then(_lose_unheard))
    yield Fault("limit-for-a-while", then(_limit, Effect(A_WHILE)))
    for doubt in _DOUBTS:
        yield _order(f"datagram-{doubt}", partial(_deliver, doubt))
    for reason in _DROPS:
        yield _order(f"dropped-{reason:02X}", partial(_drop, reason))


def _order(name: str, happens: Callable[[J11Faults], None]) -> Fault:
    return Fault(name, then(lambda world: happens(world.emulator.j11_faults)), _any_named)


def _any_named(_: object, unit: Unit) -> bool:
    return bool(unit.kind)


def _tear(size: int, faults: J11Faults) -> None:
    faults.tear(size, times=3)


def _start_in_vain(times: int, faults: J11Faults) -> None:
    faults.start_in_vain(times)


def _transmit(result: int, faults: J11Faults) -> None:
    faults.transmit(result, times=2)


def _deliver(doubt: Doubt, faults: J11Faults) -> None:
    faults.deliver(doubt)


def _drop(reason: int, faults: J11Faults) -> None:
    faults.drop(reason)


def _silence_pana(world: World) -> None:
    """The session is gone as well, so that the silence is noticed."""
    faults = world.emulator.j11_faults
    faults.silence_pana(on=True)
    faults.lose_pana()
    world.tap.after(A_WHILE, lambda: faults.silence_pana(on=False))


def _fail_renewal(world: World) -> None:
    """6028 03, and the session is gone."""
    world.emulator.faults.expire_session("fails")


def _lose_unheard(world: World) -> None:
    """601A 04 is lost on the line."""
    faults = world.emulator.faults
    faults.mute_dongle()
    world.emulator.j11_faults.lose_pana()
    faults.unmute_dongle()


def _limit(world: World) -> None:
    faults = world.emulator.faults
    faults.limit_transmission()
    world.tap.after(A_WHILE, faults.release_transmission)


def _make_noisy(world: World) -> None:
    rates = world.emulator.faults.rates
    rates.set(**_RATES)
    world.tap.after(A_WHILE, rates.clear)
