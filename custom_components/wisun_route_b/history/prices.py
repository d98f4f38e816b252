"""The price of a kWh in past hours, from the recorder. Runs in the recorder's thread."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import math
from typing import Any, Final
import unicodedata

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import Statistics
from homeassistant.components.recorder.history import get_significant_states_with_session
from homeassistant.const import UnitOfEnergy
from homeassistant.core import State
from homeassistant.util.unit_conversion import EnergyConverter
from sqlalchemy import select
from sqlalchemy.orm import Session

from .cost_source import EntityPrice, FixedPrice
from .costs import HourPrice
from .register import HOUR

_KWH: Final = UnitOfEnergy.KILO_WATT_HOUR
_HALF_HOUR: Final = timedelta(minutes=30)
#: Home Assistant returns neither before nor after a moment the state that began at it.
_EDGE: Final = timedelta(seconds=1)
_DECIMALS: Final = 9
#: How prices in yen are written, besides the code of the currency.
_YEN_NAMES: Final = ("¥", "円", "yen")
#: More than any price per kWh, in any currency.
_MAX_PRICE: Final = 1e9
#: Entities that keep their value while Home Assistant is off, and have no statistics.
_STATE_ONLY_DOMAINS: Final = ("input_number", "number")


def read_prices(
    instance: Recorder,
    session: Session,
    price: FixedPrice | EntityPrice,
    currency: str,
    hours: Collection[datetime],
) -> dict[datetime, HourPrice]:
    """Return the prices per kWh of these hours, as far as they are known."""
    if isinstance(price, FixedPrice):
        return dict.fromkeys(hours, HourPrice(price.per_kwh))
    if not hours:
        return {}
    first, last = min(hours), max(hours) + HOUR
    means, unit = _means(instance, session, price, first, last)
    factor = per_kwh_factor(unit, currency)
    # States are in the present unit: if that has changed, older ones cannot be read.
    if factor is None or (
        price.unit is not None and per_kwh_factor(price.unit, currency) != factor
    ):
        return {}
    states = _states(instance, session, price.entity_id, first, last)
    kept = price.entity_id.partition(".")[0] in _STATE_ONLY_DOMAINS
    found: dict[datetime, HourPrice] = {}
    for hour in hours:
        halves = _halves(states, hour)
        mean = means.get(hour)
        if mean is None and kept and halves is not None:
            mean = sum(halves, Decimal()) / 2
        if mean is not None:
            pair = None if halves is None else (halves[0] * factor, halves[1] * factor)
            found[hour] = HourPrice(mean * factor, pair)
    return found


def _means(
    instance: Recorder, session: Session, price: EntityPrice, first: datetime, last: datetime
) -> tuple[dict[datetime, Decimal], str | None]:
    """Return the long-term means, and their unit; the present one of a price without any."""
    known = instance.statistics_meta_manager.get_many(session, {price.entity_id})
    if price.entity_id not in known:
        return {}, price.unit
    number, metadata = known[price.entity_id]
    rows = session.execute(
        select(Statistics.start_ts, Statistics.mean).where(
            Statistics.metadata_id == number,
            Statistics.start_ts >= first.timestamp(),
            Statistics.start_ts < last.timestamp(),
            Statistics.mean.is_not(None),
        )
    )
    means = {
        datetime.fromtimestamp(start, UTC): value
        for start, mean in rows
        if (value := price_number(mean)) is not None
    }
    return means, metadata["unit_of_measurement"]


def per_kwh_factor(unit: str | None, currency: str) -> Decimal | None:
    """Return what a price of this unit must be multiplied by to be per kWh; None for another currency.

    Without an energy in the unit it is a price per kWh, as Home Assistant takes it. Full-width
    characters, blanks and case make no difference, but for that of a prefix: mWh and MWh are two units.
    """
    plain = "".join(unicodedata.normalize("NFKC", unit or "").split())
    money, _, energy = plain.partition("/")
    names = {currency, "", *(_YEN_NAMES if currency == "JPY" else ())}
    if money.casefold() not in {name.casefold() for name in names}:
        return None
    if not energy:
        return Decimal(1)
    known = _energy_unit(energy)
    return None if known is None else round(Decimal(EnergyConverter.convert(1.0, _KWH, known)), 12)


def _energy_unit(text: str) -> str | None:
    """Return the unit of energy that is written like this; None if that is not clear."""
    if text in EnergyConverter.VALID_UNITS:
        return text
    alike = [
        unit
        for unit in EnergyConverter.VALID_UNITS
        if unit is not None and unit.casefold() == text.casefold() and unit[0] not in "mM"
    ]
    return alike[0] if len(alike) == 1 else None


def _states(
    instance: Recorder, session: Session, entity_id: str, first: datetime, last: datetime
) -> list[tuple[datetime, Decimal | None]]:
    """Return each price with the moment from which it held, oldest first; None if not known."""
    found: Mapping[str, list[State | dict[str, Any]]] = get_significant_states_with_session(
        instance.hass,
        session,
        first - _EDGE,
        last,
        [entity_id],
        significant_changes_only=False,
        no_attributes=True,
    )
    return [
        (row.last_updated, price_number(row.state))
        for row in found.get(entity_id, [])
        if isinstance(row, State)
    ]


def _halves(
    states: list[tuple[datetime, Decimal | None]], hour: datetime
) -> tuple[Decimal, Decimal] | None:
    first, second = _mean(states, hour), _mean(states, hour + _HALF_HOUR)
    return None if first is None or second is None else (first, second)


def _mean(states: list[tuple[datetime, Decimal | None]], start: datetime) -> Decimal | None:
    """Return the mean of a half-hour; None if it was not known all the time."""
    end = start + _HALF_HOUR
    if not states or states[0][0] > start:
        return None
    total = Decimal()
    for index, (since, value) in enumerate(states):
        until = states[index + 1][0] if index + 1 < len(states) else end
        begun, ended = max(since, start), min(until, end)
        if begun < ended:
            if value is None:
                return None
            total += value * Decimal((ended - begun) // timedelta.resolution)
    return total / Decimal(_HALF_HOUR // timedelta.resolution)


def price_number(value: object) -> Decimal | None:
    """Return a plausible number; None for anything else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except TypeError, ValueError:
        return None
    if not math.isfinite(number) or abs(number) >= _MAX_PRICE:
        return None
    return round(Decimal(number), _DECIMALS)
