"""What was measured: numbers by row and by program."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median


@dataclass(slots=True)
class Figures:
    """All measurements of a run; with all samples of each."""

    _samples: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    """How the CPU time of one of our readings divides."""
    verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    """The error of a program at a port without a dongle."""
    bounds: set[tuple[str, str]] = field(default_factory=set)
    """Row and program of what had not come when it was waited for no longer: it takes more than that."""
    notes: dict[str, str] = field(default_factory=dict)
    """Words that belong to a measurement, by its row."""

    def add(self, row: str, program: str, value: float) -> None:
        """Note a measurement."""
        self._samples.setdefault((row, program), []).append(value)

    def add_all(self, row: str, program: str, values: Iterable[float]) -> None:
        """Note several."""
        for value in values:
            self.add(row, program, value)

    def samples(self, row: str, program: str) -> list[float]:
        """Return all measurements of one thing, in the order of size."""
        return sorted(self._samples.get((row, program), []))

    def middle(self, row: str, program: str) -> float | None:
        """Return the median; None if it was not measured."""
        values = self.samples(row, program)
        return median(values) if values else None

    def least(self, row: str, program: str) -> float | None:
        """Return the smallest; None if it was not measured."""
        return min(self.samples(row, program), default=None)
