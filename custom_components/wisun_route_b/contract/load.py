"""How much of a contract is used. No clock, no Home Assistant.

Contracts in amperes (アンペア契約, 10 to 60 A) have a breaker, or a meter that acts like one, which adds up
both phases of a single-phase three-wire connection. Contracts in kVA (主開閉器契約) go by the rating of the
main breaker, which looks at each phase by itself: kVA = A x 200 V / 1000 with three wires, A x 100 V / 1000
with two.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

#: Largest value of an option (A, kVA): low-voltage contracts end below 50 kVA, a breaker of 200 A is 40 kVA.
MAX_SIZE: Final = 200

_VOLTS_OF_THREE_WIRES: Final = 200
_VOLTS_OF_TWO_WIRES: Final = 100


class ContractKind(StrEnum):
    """What a contract limits."""

    AMPERE = "ampere"
    KVA = "kva"


@dataclass(frozen=True, slots=True)
class Contract:
    """The limit that is on the bill."""

    kind: ContractKind
    size: Decimal
    """A or kVA, above 0."""

    @property
    def unit(self) -> str:
        """The unit of the size."""
        return {ContractKind.AMPERE: "A", ContractKind.KVA: "kVA"}[self.kind]

    def load(self, phase_r: Decimal, phase_t: Decimal | None) -> Decimal:
        """Return how many per cent of the contract the currents (A) are.

        No ``phase_t``, the connection has two wires. What is exported in one phase takes nothing
        off the other.
        """
        currents = [max(phase, Decimal()) for phase in (phase_r, phase_t) if phase is not None]
        if self.kind is ContractKind.AMPERE:
            return 100 * sum(currents, Decimal()) / self.size
        volts = _VOLTS_OF_TWO_WIRES if phase_t is None else _VOLTS_OF_THREE_WIRES
        return 100 * max(currents) * volts / (1000 * self.size)


def contract_of(kind: object, size: object) -> Contract | None:
    """Return the contract of two stored values; None if they name none."""
    if not isinstance(kind, str) or kind not in set(ContractKind):
        return None
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size <= MAX_SIZE:
        return None
    return Contract(ContractKind(kind), Decimal(str(size)))
