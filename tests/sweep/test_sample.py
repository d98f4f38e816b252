"""Some faults at some steps, always the same; ``scripts/sweep`` injects all."""

import pytest

from .injection import MOST_RECOVERY
from .sample import KNOWN, findings, sample
from .scenarios import SCENARIOS
from .units import Direction
from .world import KITS, Kit


@pytest.mark.parametrize("kit", KITS, ids=str)
def test_link_recovers_from_every_fault_of_the_sample(kit: Kit) -> None:
    found = findings(kit)

    assert not found.failures.keys() - KNOWN, "\n".join(found.lines())
    assert found.longest is not None
    assert found.longest.recovery <= MOST_RECOVERY


def test_what_is_known_to_fail_still_fails() -> None:
    failing = {key for kit in KITS for key in findings(kit).failures}

    assert not KNOWN.keys() - failing, "these are mended: take them out of KNOWN"


def test_sample_touches_every_scenario_in_both_directions() -> None:
    chosen = [injection for kit in KITS for injection in sample(kit)]

    assert {injection.scenario for injection in chosen} == set(SCENARIOS)
    assert {injection.step.direction for injection in chosen} == set(Direction)
    assert len(chosen) > 800
