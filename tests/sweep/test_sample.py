"""Some faults at some steps, always the same; ``scripts/sweep`` injects all."""

import pytest

from .faults import MAX_RECOVERY_S
from .injection import inject
from .sample import KNOWN, PARTS, findings, sample, unknown
from .scenarios import SCENARIOS
from .units import Direction
from .world import KITS, Kit


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kit", KITS, ids=str)
def test_link_recovers_from_every_fault_of_the_sample(kit: Kit, part: int) -> None:
    found = findings(kit, part)

    assert not unknown(found), "\n".join(found.lines())
    assert found.longest is not None
    assert found.longest.recovery <= MAX_RECOVERY_S


@pytest.mark.timeout(240)
def test_what_is_known_to_fail_still_fails() -> None:
    mended = [
        failure.injection.command
        for failure in KNOWN
        if failure.kind not in (kind for kind, _ in inject(failure.injection).failures)
    ]

    assert not mended, "take these out of KNOWN"


def test_sample_touches_every_scenario_in_both_directions() -> None:
    chosen = [injection for kit in KITS for injection in sample(kit)]

    assert {injection.scenario for injection in chosen} == set(SCENARIOS)
    assert {injection.step.direction for injection in chosen} == set(Direction)
    assert len(chosen) > 600
