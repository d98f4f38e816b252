"""What a sweep found, for a person."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .faults import MAX_RECOVERY_S
from .injection import Injection, Kind, Outcome

#: Repetitions that are shown of one kind of failure by one fault.
_SHOWN = 2


class Findings:
    """Collects outcomes."""

    def __init__(self) -> None:
        self.runs = 0
        self.steps: set[tuple[str, str, object]] = set()
        """Kit, scenario and step of each injection."""
        self.longest: Outcome | None = None
        """The longest recovery, but for credentials that were refused for a while."""
        self.failures: dict[tuple[Kind, str], list[tuple[Injection, str]]] = defaultdict(list)
        """By kind of failure and fault: which injections, and what was seen."""

    def add(self, outcome: Outcome) -> None:
        """Take one more."""
        injection = outcome.injection
        self.runs += 1
        self.steps.add((injection.kit, injection.scenario, injection.step))
        for kind, seen in outcome.failures:
            self.failures[kind, injection.fault].append((injection, seen))
        recovered = Kind.NOT_READ not in (kind for kind, _ in outcome.failures)
        usual = outcome.bound == MAX_RECOVERY_S
        if recovered and usual and (not self.longest or outcome.recovery > self.longest.recovery):
            self.longest = outcome

    @property
    def failed(self) -> int:
        """How many injections ended badly."""
        return len({injection for rows in self.failures.values() for injection, _ in rows})

    def lines(self) -> Iterable[str]:
        """Yield the report."""
        longest = self.longest
        yield f"{self.runs} injections at {len(self.steps)} distinct steps, {self.failed} failed"
        if longest is not None:
            where = longest.injection
            yield (
                f"longest recovery {longest.recovery:.0f} s: {where.kit}, {where.scenario}, "
                f"{where.step}, {where.fault}"
            )
        for (kind, fault), rows in sorted(self.failures.items()):
            yield f"{kind}: {fault}, {len(rows)} times, in {_names(rows)}"
            for injection, seen in rows[:_SHOWN]:
                yield f"    {injection.command}"
                if seen:
                    yield f"        {seen}"


def _names(rows: Sequence[tuple[Injection, str]]) -> str:
    return ", ".join(sorted({injection.scenario for injection, _ in rows}))
