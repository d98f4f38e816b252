"""A tariff as its dialog stores it, and back; and what is wrong with what was typed in.

Numbers are stored as a number field returns them, months as "2026-10", days as "2026-10-01".
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
import re
from typing import Any, Final
import unicodedata

from .model import Days, MonthlyRate, Step, Tariff, Terms, TimeBand

READING_DAY: Final = "reading_day"
PRICE_ENTITY: Final = "price_entity"
PRICES: Final = "prices"
FUEL: Final = "fuel_adjustment"
LEVY: Final = "levy"
#: Of one row of prices.
VALID_FROM: Final = "valid_from"
BASIC: Final = "basic_charge"
INCLUDED: Final = "included_energy"
LIMIT_1: Final = "limit_1"
PRICE_1: Final = "price_1"
LIMIT_2: Final = "limit_2"
PRICE_2: Final = "price_2"
PRICE_3: Final = "price_3"
OTHER: Final = "other_amount"
BANDS: Final = "time_bands"
#: Of one time band, and of one month.
BAND_DAYS: Final = "days"
BAND_START: Final = "start_hour"
BAND_END: Final = "end_hour"
PER_KWH: Final = "per_kwh"
MONTH: Final = "month"

#: More than any charge or price of a household, in yen.
MOST_YEN: Final = 1_000_000
_LONGEST_MONTH: Final = 31
_MONTH: Final = re.compile(r"(20\d\d)\D?(0?[1-9]|1[0-2])\D?$")


class FieldError(Exception):
    """A field has a value that makes no sense; ``key`` says why."""

    def __init__(self, field: str, key: str) -> None:
        """Take the field of the form, and the key of the message."""
        super().__init__(f"{field}: {key}")
        self.field, self.key = field, key


def terms_of(row: Mapping[str, Any]) -> Terms:
    """Return the prices of one row; raises FieldError."""
    since = _day(row.get(VALID_FROM))
    return Terms(since, _yen(row, BASIC) or Decimal(), _steps(row), _bands(row), _other(row))


def rates_of(field: str, rows: object) -> tuple[MonthlyRate, ...]:
    """Return what changes by the month, in the order of time; raises FieldError."""
    found: dict[date, Decimal] = {}
    for row in _rows(field, rows):
        month, per_kwh = month_of(row.get(MONTH)), _yen(row, PER_KWH, field)
        if month is None or per_kwh is None:
            raise FieldError(field, "month_invalid")
        if month in found:
            raise FieldError(field, "month_twice")
        found[month] = per_kwh
    return tuple(MonthlyRate(month, found[month]) for month in sorted(found))


def tariff_of(data: Mapping[str, Any]) -> Tariff | None:
    """Return a stored tariff; None if it is damaged. Never raises."""
    reading_day = usable_day(data)
    if reading_day is None:
        return None
    try:
        return Tariff(
            reading_day,
            tuple(terms_of(row) for row in _rows(PRICES, data.get(PRICES))),
            rates_of(FUEL, data.get(FUEL)),
            rates_of(LEVY, data.get(LEVY)),
            has_market_price=isinstance(data.get(PRICE_ENTITY), str),
        )
    except FieldError, ValueError, TypeError:
        return None


def usable_day(data: Mapping[str, Any]) -> int | None:
    """Return the stored day of the reading; None if it is damaged."""
    day = data.get(READING_DAY)
    usable = isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= _LONGEST_MONTH
    return day if usable else None


def usable_prices(rows: object) -> list[Mapping[str, Any]]:
    """Return the stored rows of prices that make sense. Never raises."""
    found: list[Mapping[str, Any]] = []
    for row in rows if isinstance(rows, list | tuple) else ():
        if isinstance(row, Mapping):
            with suppress(FieldError, ValueError, TypeError):
                terms_of(row)
                found.append(row)
    return found


def month_of(text: object) -> date | None:
    """Return the first day of a month, as "2026-10", "2026/10" or "2026年10月"."""
    if not isinstance(text, str):
        return None
    match = _MONTH.match(unicodedata.normalize("NFKC", text).strip())
    return None if match is None else date(int(match[1]), int(match[2]), 1)


def with_prices(rows: Iterable[Mapping[str, Any]], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return stored rows of prices with the newest one changed, or with one more that is newer.

    A later day than that of the newest row adds one: what was valid before stays. The same or an
    earlier day replaces the newest. Raises FieldError if it would begin before the row before it.
    """
    kept = [dict(row) for row in rows]
    begins = _day(new.get(VALID_FROM))
    if kept and (begins or date.min) <= (_day(kept[-1].get(VALID_FROM)) or date.min):
        kept.pop()
    if kept and (begins or date.min) <= (_day(kept[-1].get(VALID_FROM)) or date.min):
        raise FieldError(VALID_FROM, "valid_from_order")
    return [*kept, dict(new)]


# --- One value -----------------------------------------------------------------------------


def _rows(field: str, rows: object) -> list[Mapping[str, Any]]:
    if rows is None:
        return []
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise FieldError(field, "number_invalid")
    return list(rows)


def _steps(row: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the steps of three prices and two limits, behind what the basic charge includes."""
    included = _kwh(row, INCLUDED)
    limits = [_kwh(row, LIMIT_1), _kwh(row, LIMIT_2)]
    prices = [_yen(row, key) for key in (PRICE_1, PRICE_2, PRICE_3)]
    if prices[0] is None:
        raise FieldError(PRICE_1, "price_missing")
    steps = [] if not included else [Step(included, Decimal())]
    for index, key in enumerate((LIMIT_1, LIMIT_2)):
        limit, price, following = limits[index], prices[index], prices[index + 1]
        following_key = (PRICE_2, PRICE_3)[index]
        if limit is None and following is None:
            if any(later is not None for later in (*limits[index:], *prices[index + 1 :])):
                raise FieldError(key, "limit_missing")
            break
        if limit is None:
            raise FieldError(key, "limit_missing")
        if following is None:
            raise FieldError(following_key, "price_missing")
        if steps and limit <= (steps[-1].up_to or 0):
            raise FieldError(key, "limits_must_rise")
        steps.append(Step(limit, price or Decimal()))
    last = [price for price in prices if price is not None][-1]
    return (*steps, Step(None, last))


def _bands(row: Mapping[str, Any]) -> tuple[TimeBand, ...]:
    bands: list[TimeBand] = []
    taken: set[tuple[int, int]] = set()
    for each in _rows(BANDS, row.get(BANDS)):
        start, end = _hour(each, BAND_START, 23), _hour(each, BAND_END, 24)
        price = _yen(each, PER_KWH, BANDS)
        if price is None or each.get(BAND_DAYS) not in set(Days):
            raise FieldError(BANDS, "number_invalid")
        if start == end:
            raise FieldError(BANDS, "band_empty")
        band = TimeBand(Days(each[BAND_DAYS]), start, end, price)
        if taken & band.slots:
            raise FieldError(BANDS, "bands_overlap")
        taken |= band.slots
        bands.append(band)
    return tuple(bands)


def _hour(row: Mapping[str, Any], key: str, most: int) -> int:
    value = _number(row.get(key), BANDS)
    if value is None or value != int(value) or not 0 <= value <= most:
        raise FieldError(BANDS, "number_invalid")
    return int(value)


def _other(row: Mapping[str, Any]) -> Decimal:
    return _yen(row, OTHER) or Decimal()


def _yen(row: Mapping[str, Any], key: str, field: str | None = None) -> Decimal | None:
    return _number(row.get(key), field or key)


def _kwh(row: Mapping[str, Any], key: str) -> Decimal | None:
    value = _number(row.get(key), key)
    if value is not None and value < 0:
        raise FieldError(key, "number_invalid")
    return value or None


def _number(value: object, field: str) -> Decimal | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise FieldError(field, "number_invalid") from None
    if isinstance(value, bool) or not number.is_finite() or abs(number) > MOST_YEN:
        raise FieldError(field, "number_invalid")
    return number


def _day(value: object) -> date | None:
    if value in {None, ""}:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise FieldError(VALID_FROM, "day_invalid") from None
