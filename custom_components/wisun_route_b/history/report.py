"""Reports of what was found and corrected in the energy history, for the user and the diagnostics."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ..stack import JST
from .corrections import Change, Plan, Reason
from .cost_comparison import CostComparison
from .statistics import Obstacle

#: What :meth:`BackfillReport.as_dict` has in every case.
REPORT_KEYS: Final = frozenset({"at", "occasion", "dry_run", "hours", "from", "to", "sensors"})

type Json = str | float | bool | list[Json] | dict[str, Json] | None


class Occasion(StrEnum):
    """What a comparison was made for."""

    REPAIR = "repair"
    """Scheduled: after a start, and every hour."""
    IMPORT = "import"
    """Requested by the user."""


@dataclass(frozen=True, slots=True)
class SensorReport:
    """The part about one sensor."""

    changes: tuple[Change, ...] = ()
    energy: Decimal = Decimal()
    """Energy that came into hours where it was missing, kWh."""
    skipped: Mapping[datetime, Reason] = field(default_factory=dict[datetime, Reason])
    """Hours that do not show the meter's own energy, by their start, and why."""
    obstacle: Obstacle | None = None
    """Why the sensor could not be compared."""
    costs: CostComparison | None = None
    """Result of the costs; None if they were not compared."""

    @classmethod
    def of(cls, plan: Plan, costs: CostComparison | None = None) -> SensorReport:
        """Report what was planned."""
        return cls(plan.changes, plan.energy, dict(plan.skipped), costs=costs)

    def as_dict(self, *, with_hours: bool) -> dict[str, Json]:
        """Return it in a form that can be stored; the hours one by one if wanted."""
        reasons = [reason.value for reason in self.skipped.values()]
        counted: dict[str, Json] = {name: reasons.count(name) for name in sorted(set(reasons))}
        fields: dict[str, Json] = {
            "hours": len(self.changes),
            "energy": float(self.energy),
            "skipped": counted,
            "obstacle": self.obstacle and self.obstacle.value,
        }
        if self.costs is not None:
            fields["costs"] = _costs(self.costs, with_hours=with_hours)
        if with_hours:
            fields["rows"] = [_row(change) for change in self.changes]
            fields["skipped_hours"] = {
                local_text(hour): reason.value for hour, reason in self.skipped.items()
            }
        return fields


def merged(
    before: Mapping[str, SensorReport], after: Mapping[str, SensorReport]
) -> dict[str, SensorReport]:
    """Return the reports of one comparison and of another one after it as one."""
    both = {key: _merged(before[key], after[key]) for key in before.keys() & after.keys()}
    return {key: both.get(key) or after.get(key) or before[key] for key in {**before, **after}}


def _merged(before: SensorReport, after: SensorReport) -> SensorReport:
    changes = {change.start: change for change in before.changes}
    for change in after.changes:
        known = changes.get(change.start)
        changes[change.start] = change if known is None else replace(change, before=known.before)
    return SensorReport(
        tuple(changes[start] for start in sorted(changes)),
        before.energy + after.energy,
        {**before.skipped, **after.skipped},
        after.obstacle,
        after.costs if before.costs is None else before.costs.followed_by(after.costs),
    )


def local_text(moment: datetime) -> str:
    """Return an aware moment as the meter's own clock shows it."""
    return moment.astimezone(JST).isoformat()


def _costs(found: CostComparison, *, with_hours: bool) -> Json:
    """Return hours and amount (in the configured currency) of what was written of the costs."""
    plan = found.plan
    fields: dict[str, Json] = {
        "hours": len(plan.changes),
        "amount": float(plan.amount),
        "without_price": len(plan.unpriced),
        "obstacle": found.obstacle and found.obstacle.value,
    }
    if with_hours:
        fields["rows"] = [
            {
                "start": local_text(change.start),
                "cost": float(change.cost),
                "cost_before": None if change.before is None else float(change.before),
            }
            for change in plan.changes
        ]
        fields["hours_without_price"] = [local_text(hour) for hour in sorted(plan.unpriced)]
    return fields


def _row(change: Change) -> dict[str, Json]:
    return {
        "start": local_text(change.start),
        "register": None if change.row.state is None else float(change.row.state),
        "energy": float(change.energy),
        "energy_before": None if change.before is None else float(change.before),
    }


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """The result of one run."""

    at: datetime
    occasion: Occasion
    sensors: Mapping[str, SensorReport]
    """By the sensor's key: ``imported_energy``, ``exported_energy``."""
    dry_run: bool = False
    """Whether nothing was written, as requested."""

    @property
    def hours(self) -> frozenset[datetime]:
        """The starts of the hours that were written, whichever sensor's."""
        return frozenset(
            change.start for sensor in self.sensors.values() for change in sensor.changes
        )

    @property
    def cost_hours(self) -> frozenset[datetime]:
        """The starts of the hours whose cost was written."""
        return frozenset(
            change.start
            for sensor in self.sensors.values()
            if sensor.costs is not None
            for change in sensor.costs.plan.changes
        )

    def is_noticeable(self, least: Decimal) -> bool:
        """Return whether an hour had no row, or one wrong by more than ``least`` (kWh)."""
        return any(
            change.before is None or abs(change.energy - change.before) > least
            for sensor in self.sensors.values()
            for change in sensor.changes
        )

    def as_dict(self, *, with_hours: bool = False) -> dict[str, Json]:
        """Return it in a form for an action's response, the diagnostics and the disk."""
        return {
            "at": local_text(self.at),
            "occasion": self.occasion.value,
            "dry_run": self.dry_run,
            "hours": len(self.hours),
            "from": local_text(min(self.hours)) if self.hours else None,
            "to": local_text(max(self.hours)) if self.hours else None,
            "sensors": {
                key: sensor.as_dict(with_hours=with_hours) for key, sensor in self.sensors.items()
            },
        }
