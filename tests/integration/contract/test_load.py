"""The load of a contract, as its breaker counts."""

from decimal import Decimal

import pytest

from custom_components.wisun_route_b.contract.load import Contract, ContractKind, contract_of


@pytest.mark.parametrize(
    ("kind", "size", "phase_r", "phase_t", "load"),
    [
        # 40 A: both phases together.
        ("ampere", 40, "12.5", "7.5", 50),
        ("ampere", 40, "40", "0", 100),
        ("ampere", 40, "30", None, 75),
        # One phase that exports takes nothing off the other.
        ("ampere", 40, "30", "-20", 75),
        ("ampere", 40, "-5", "-5", 0),
        # 6 kVA with three wires is a breaker of 30 A, which looks at each phase.
        ("kva", 6, "15", "9", 50),
        ("kva", 6, "9", "33", 110),
        ("kva", 6, "15", "-30", 50),
        # 3 kVA with two wires is one of 30 A as well.
        ("kva", 3, "15", None, 50),
        ("kva", 0.5, "5", None, 100),
    ],
)
def test_load_is_what_the_breaker_counts(
    kind: str, size: float, phase_r: str, phase_t: str | None, load: int
) -> None:
    contract = contract_of(kind, size)

    assert contract is not None
    assert contract.load(Decimal(phase_r), None if phase_t is None else Decimal(phase_t)) == load


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("none", 40),
        (None, 40),
        ("ampere", 0),
        ("ampere", -1),
        ("ampere", 201),
        ("ampere", None),
        ("ampere", "40"),
        ("ampere", True),
        ("kva", float("nan")),
        ("kva", float("inf")),
        (["kva"], 6),
    ],
)
def test_what_makes_no_sense_is_no_contract(kind: object, size: object) -> None:
    assert contract_of(kind, size) is None


def test_contract_is_that_of_the_bill() -> None:
    assert contract_of("ampere", 40) == Contract(ContractKind.AMPERE, Decimal(40))
