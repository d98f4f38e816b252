"""A fixed sample of the sweep, and what is known to fail."""

from collections import defaultdict
from functools import cache
from random import Random
from typing import Final

from .injection import Injection, Kind, inject, recorded
from .report import Findings
from .scenarios import SCENARIOS
from .world import Kit

#: In how many parts a sample is taken, so that no single test takes long.
PARTS: Final = 2
#: Injections of each fault with each kind of dongle.
_EACH: Final = 4
_SEED: Final = 1

#: Kinds of failure by fault that the stack still has, with what will mend them. The tests of
#: the sample fail for what is missing here, and for what is here and no longer happens.
KNOWN: Final[dict[tuple[Kind, str], str]] = {
    (Kind.NOT_READ, "deaf-until-reset"): "a dongle that does not answer SKVER is never reset",
    (Kind.NOT_READ, "slow"): "a sign-in asks more than a slow meter serves in its patience",
    (Kind.HISTORY, "silent-about-97"): "a history is dated by the meter's clock only",
}


@cache
def sample(kit: Kit) -> tuple[Injection, ...]:
    """Return some injections of every fault, spread over scenarios and steps."""
    by_fault: dict[str, list[Injection]] = defaultdict(list)
    for scenario in SCENARIOS.values():
        for injection in recorded(kit, scenario, _SEED):
            by_fault[injection.fault].append(injection)
    return tuple(
        injection
        for fault, rows in by_fault.items()
        for injection in Random(f"{kit}/{fault}").sample(rows, min(_EACH, len(rows)))
    )


@cache
def findings(kit: Kit, part: int) -> Findings:
    """Return what one of the parts of the sample finds."""
    found = Findings()
    for injection in sample(kit)[part::PARTS]:
        found.add(inject(injection))
    return found
