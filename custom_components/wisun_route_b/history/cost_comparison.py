"""One sensor's costs beside its energy, within the task of the recorder that compares the energy."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from homeassistant.components.recorder.core import Recorder
from sqlalchemy.orm import Session

from .corrections import Plan
from .cost_source import CostSource, TariffPrice
from .cost_statistics import CostSnapshot, CostWriting, read_costs
from .costs import CostObstacle, CostPlan, energy_bars, hours_to_compare, plan_costs
from .prices import read_prices
from .register import Register
from .statistics import Snapshot
from .tariff_prices import read_tariff_prices

_NOTHING: Final = CostPlan()


@dataclass(frozen=True, slots=True)
class CostComparison:
    """The result."""

    plan: CostPlan = _NOTHING
    obstacle: CostObstacle | None = None
    """Why nothing was compared."""
    writing: CostWriting | None = None
    """What is to be stored; None for nothing."""

    def followed_by(self, other: CostComparison | None) -> CostComparison:
        """Return what this and a later one came to together, for reports: nothing to be stored."""
        if other is None:
            return replace(self, writing=None)
        changes = {change.start: change for change in self.plan.changes}
        for change in other.plan.changes:
            known = changes.get(change.start)
            changes[change.start] = (
                change if known is None else replace(change, before=known.before)
            )
        plan = CostPlan(
            tuple(changes[start] for start in sorted(changes)),
            unpriced=self.plan.unpriced | other.plan.unpriced,
        )
        return CostComparison(plan, other.obstacle)


def compare_costs(  # noqa: PLR0913, PLR0917 - all of it was found for the energy before
    instance: Recorder,
    session: Session,
    source: CostSource | CostObstacle,
    plan: Plan,
    snapshot: Snapshot,
    register: Register,
    priced: tuple[datetime, datetime] | None,
) -> CostComparison:
    """Plan the costs of the hours that a plan of the energy is about.

    ``priced`` is the range that is compared as a whole, see :func:`hours_to_compare`.
    """
    if isinstance(source, CostObstacle):
        return CostComparison(obstacle=source)
    stored = {hour: row.sum for hour, row in snapshot.history.rows.items()}
    bars = energy_bars(plan, stored, register)
    if not bars:
        return CostComparison()
    found = read_costs(instance, session, source, min(bars), snapshot.compiled_until)
    if isinstance(found, CostObstacle):
        return CostComparison(obstacle=found)
    hours = hours_to_compare(bars, found.rows, priced)
    price, currency = source.price, source.currency
    prices = (
        read_tariff_prices(instance, session, price, currency, plan, snapshot, hours)
        if isinstance(price, TariffPrice)
        else read_prices(instance, session, price, currency, hours)
    )
    return _comparison(found, plan_costs(found.rows, bars, hours, prices))


def _comparison(found: CostSnapshot, plan: CostPlan) -> CostComparison:
    return CostComparison(plan, writing=CostWriting(found, plan) if plan.changes else None)
