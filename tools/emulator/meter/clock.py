"""The meter's wall clock: Japan Standard Time, without daylight saving time."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")
HALF_HOUR = timedelta(minutes=30)

#: Returns the present time as an aware datetime.
type Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time of this computer, in JST."""
    return datetime.now(JST)


def frozen(moment: datetime) -> Clock:
    """Return a clock that stands still."""
    return lambda: moment


def parse_moment(text: str) -> datetime:
    """Read a moment in ISO form, JST unless it names a zone; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=JST) if moment.tzinfo is None else moment


def half_hour_before(moment: datetime) -> datetime:
    """Return the newest :00 or :30 that is not after ``moment``, in JST."""
    local = moment.astimezone(JST)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)
