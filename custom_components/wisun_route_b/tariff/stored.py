"""A tariff as its dialog stores it, and back; and what is wrong with what was typed in.

Numbers are stored as a number field returns them, months as "2026-10", days as "2026-10-01".
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
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
#: Days of stored rows that the dialog is to remove; never stored itself.
REMOVED: Final = "remove_prices_from"
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
#: How far ahead prices are entered at most. Suppliers announce theirs within a year.
_FARTHEST: Final = timedelta(days=2 * 366)
#: Without blanks: "2026-10", "2026/10", "202610", "2026年10月", "2026年10月分".
_MONTH: Final = re.compile(r"(20\d\d)\D?(0?[1-9]|1[0-2])(?:\D|月分)?")
#: Years of the era that began in 2019, as bills print them: "令和8年", "R8年".
_REIWA: Final = re.compile(r"^(?:令和|R)(\d{1,2}|元)[年.]")
_BEFORE_REIWA: Final = 2018


class FieldError(Exception):
    """A field has a value that makes no sense; ``key`` says why."""

    def __init__(self, field: str, key: str) -> None:
        """Take the field of the form, and the key of the message."""
        super().__init__(f"{field}: {key}")
        self.field, self.key = field, key


def terms_of(row: Mapping[str, Any]) -> Terms:
    """Return the prices of one row; raises FieldError."""
    basic = _not_negative(row, BASIC) or Decimal()
    return Terms(day_of(row), basic, _steps(row), _bands(row), _other(row))


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


def reading_day_of(value: object) -> int:
    """Return the day of the reading, 1 to 31; raises FieldError."""
    day = _number(value, READING_DAY)
    if day is None or day != int(day) or not 1 <= day <= _LONGEST_MONTH:
        raise FieldError(READING_DAY, "reading_day_invalid")
    return int(day)


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
    """Return the first day of a month, as "2026-10", "2026/10", "2026年10月分" or "令和8年10月分".

    Full-width characters and blanks are accepted; None for anything else, also a month without a year.
    """
    if not isinstance(text, str):
        return None
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    plain = _REIWA.sub(_western_year, plain, count=1)
    match = _MONTH.fullmatch(plain)
    return None if match is None else date(int(match[1]), int(match[2]), 1)


def _western_year(match: re.Match[str]) -> str:
    year = 1 if match[1] == "元" else int(match[1])
    return f"{_BEFORE_REIWA + year}年"


def with_prices(
    rows: Iterable[Mapping[str, Any]], new: Mapping[str, Any], removed: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Return stored rows of prices with one more, in the order of time; none goes but ``removed``.

    One of the same day is replaced. ``removed`` are days of rows to leave out, also of the new one.
    Raises FieldError if that leaves none.
    """
    by_day = {day_of(row) or date.min: dict(row) for row in (*rows, new)}
    for day in removed:
        by_day.pop(_day(day) or date.min, None)
    if not by_day:
        raise FieldError(REMOVED, "all_prices_removed")
    return [by_day[day] for day in sorted(by_day)]


def day_of(row: Mapping[str, Any]) -> date | None:
    """Return the first day of a row of prices; None for all of the past. Raises FieldError."""
    return _day(row.get(VALID_FROM))


def check_day(row: Mapping[str, Any], today: date) -> None:
    """Refuse prices whose day is too far ahead to be meant; raises FieldError."""
    day = day_of(row)
    if day is not None and day - today > _FARTHEST:
        raise FieldError(VALID_FROM, "valid_from_too_late")


# --- One value -----------------------------------------------------------------------------


def _rows(field: str, rows: object) -> list[Mapping[str, Any]]:
    if rows is None:
        return []
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise FieldError(field, "number_invalid")
    return list(rows)


def _steps(row: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the steps of three prices and two limits, behind what the basic charge includes."""
    included = _not_negative(row, INCLUDED)
    limits = [_not_negative(row, LIMIT_1), _not_negative(row, LIMIT_2)]
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
        start, end = _hour(each, BAND_START, range(24)), _hour(each, BAND_END, range(1, 25))
        price = _yen(each, PER_KWH, BANDS)
        if price is None or each.get(BAND_DAYS) not in tuple(Days):
            raise FieldError(BANDS, "band_incomplete")
        if start == end:
            raise FieldError(BANDS, "band_empty")
        band = TimeBand(Days(each[BAND_DAYS]), start, end, price)
        if taken & band.slots:
            raise FieldError(BANDS, "bands_overlap")
        taken |= band.slots
        bands.append(band)
    return tuple(bands)


def _hour(row: Mapping[str, Any], key: str, allowed: range) -> int:
    value = _number(row.get(key), BANDS)
    if value is None or value not in allowed:
        raise FieldError(BANDS, "band_hours_invalid")
    return int(value)


def _other(row: Mapping[str, Any]) -> Decimal:
    return _yen(row, OTHER) or Decimal()


def _yen(row: Mapping[str, Any], key: str, field: str | None = None) -> Decimal | None:
    return _number(row.get(key), field or key)


def _not_negative(row: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a number above 0; None for 0, which stands for a blank."""
    value = _number(row.get(key), key)
    if value is not None and value < 0:
        raise FieldError(key, "number_negative")
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
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise FieldError(VALID_FROM, "day_invalid") from None
