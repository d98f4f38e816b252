"""A fixed sample of the sweep, and what is known to fail."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final

from .injection import Injection, Kind, inject, recorded
from .report import Findings
from .scenarios import SCENARIOS
from .units import Direction, Step
from .world import Kit

#: In how many parts a sample is taken, so that no single test takes long.
PARTS: Final = 2
#: Injections of each fault with each kind of dongle.
_EACH: Final = 3
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A kind of failure by one fault in one scenario that the stack still has."""

    kind: Kind
    injection: Injection
    """One that shows it."""
    reason: str


#: The tests of the sample fail for what is missing here, and for what does not happen any more.
KNOWN: Final[tuple[KnownFailure, ...]] = (
    KnownFailure(
        Kind.BLAMED,
        Injection("bp35c2", "cold", Step(Direction.OUT, "SKSETPWD", 1), "damaged-middle"),
        "a first sign-in that is turned down once is believed",
    ),
    KnownFailure(
        Kind.BLAMED,
        Injection("rl7023-ips", "cold", Step(Direction.IN, "ERXUDP-PANA", 3), "stray-EVENT-24"),
        "a first sign-in that is turned down once is believed",
    ),
    KnownFailure(
        Kind.BLAMED,
        Injection("bp35c0-j11", "cold", Step(Direction.IN, "6028-01", 1), "stray-6028-02"),
        "a first sign-in that is turned down once is believed",
    ),
    KnownFailure(
        Kind.NOT_READ,
        Injection("bp35c2", "cold", Step(Direction.IN, "EVENT-20", 1), "deaf-until-reset"),
        "what is silent is reset only where a meter was read before",
    ),
    KnownFailure(
        Kind.NOT_READ,
        Injection("bp35c0-j11", "cold", Step(Direction.OUT, "005F", 1), "deaf-until-reset"),
        "what is silent is reset only where a meter was read before",
    ),
)


def unknown(found: Findings) -> list[str]:
    """Return the commands that repeat what has failed and is not known to fail in that scenario."""
    known = {
        (failure.kind, failure.injection.fault, failure.injection.scenario) for failure in KNOWN
    }
    return [
        injection.command
        for (kind, fault), rows in found.failures.items()
        for injection, _ in rows
        if (kind, fault, injection.scenario) not in known
    ]


@cache
def sample(kit: Kit) -> tuple[Injection, ...]:
    """Return some injections of every fault, each in another scenario."""
    by_fault: dict[str, dict[str, list[Injection]]] = defaultdict(lambda: defaultdict(list))
    for scenario in SCENARIOS.values():
        for injection in recorded(kit, scenario, _SEED):
            by_fault[injection.fault][scenario.name].append(injection)
    chosen: list[Injection] = []
    for fault, by_scenario in by_fault.items():
        random = Random(f"{kit}/{fault}")
        names = random.sample(sorted(by_scenario), min(_EACH, len(by_scenario)))
        chosen += (random.choice(by_scenario[name]) for name in names)
    return tuple(chosen)


@cache
def findings(kit: Kit, part: int) -> Findings:
    """Return what one of the parts of the sample finds."""
    found = Findings()
    for injection in sample(kit)[part::PARTS]:
        found.add(inject(injection))
    return found
