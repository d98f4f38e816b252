"""The result of a read: values, refusals and missing answers, property by property."""

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self, cast

from .properties import MeterProperty


def _nothing[V]() -> Mapping[int, V]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The result of a read. Partial success is a value, not an exception."""

    values: Mapping[int, object] = field(default_factory=_nothing)
    """Decoded values by EPC; a value may be None where the meter itself has no data."""
    refused: frozenset[int] = frozenset()
    """EPCs that the meter does not offer (Get_SNA, or not in its Get property map)."""
    absent: frozenset[int] = frozenset()
    """EPCs that were asked for and did not come, or came in an impossible form."""
    reasons: Mapping[int, str] = field(default_factory=_nothing)
    """Why an EPC is absent, for logs and diagnostics."""

    def value[T](self, definition: MeterProperty[T]) -> T | None:
        """Return the value of a property, or None if there is none."""
        # Decoded by this row of the table, so it has the type of the row.
        return cast("T | None", self.values.get(definition.epc))

    def has(self, *epcs: int) -> bool:
        """Return whether all of these properties came with a value."""
        return all(self.values.get(epc) is not None for epc in epcs)

    def part(self, epcs: AbstractSet[int]) -> Self:
        """Return the part of this report about some properties."""
        return type(self)(
            values=MappingProxyType({e: value for e, value in self.values.items() if e in epcs}),
            refused=self.refused & epcs,
            absent=self.absent & epcs,
            reasons=MappingProxyType({e: text for e, text in self.reasons.items() if e in epcs}),
        )

    def merged(self, newer: Self) -> Self:
        """Return this report brought up to date by a newer one.

        A value stays until the meter gives another or refuses it: one lost answer means
        nothing. How old a value may be is up to the caller.
        """
        answered = newer.values.keys() | newer.refused
        kept = {epc: value for epc, value in self.values.items() if epc not in newer.refused}
        return type(self)(
            values=MappingProxyType({**kept, **newer.values}),
            refused=(self.refused - newer.values.keys()) | newer.refused,
            absent=(self.absent - answered) | newer.absent,
            reasons=MappingProxyType(
                {
                    epc: reason
                    for epc, reason in {**self.reasons, **newer.reasons}.items()
                    if epc not in answered
                }
            ),
        )
