"""Reads the values of the Energy dashboard, and compares them with the meter's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from .client import HomeAssistantClient
from .dongle import true_values
from .errors import DemoError
from .jsons import Json, JsonObject, as_object, as_objects
from .set_up import sensors_of

HOUR: Final = timedelta(hours=1)
#: Keys of the sensors whose statistics are checked against the meter.
COUNTERS: Final = ("imported_energy", "exported_energy")
#: What the statistics may be off by, as they are binary fractions; a register counts 0.1 kWh.
_BINARY: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Hour:
    """One bar: the energy of the hour that begins here, in kWh."""

    start: datetime
    change: Decimal | None


async def hours_of(
    client: HomeAssistantClient, statistic: str, start: datetime, end: datetime
) -> list[Hour]:
    """Return the bars from ``start`` to ``end``."""
    rows = await _rows(client, statistic, start, end, "change")
    return [
        Hour(_moment(row["start"]), None if row["change"] is None else Decimal(str(row["change"])))
        for row in rows
    ]


async def means_of(
    client: HomeAssistantClient, statistic: str, start: datetime, end: datetime
) -> dict[datetime, Json]:
    """Return the mean value of each hour that has one, by its start."""
    rows = await _rows(client, statistic, start, end, "mean")
    return {_moment(row["start"]): row["mean"] for row in rows}


async def newest_state(
    client: HomeAssistantClient, statistic: str, since: datetime
) -> Decimal | None:
    """Return the state in the newest five minutes that the recorder has compiled since then."""
    rows = await _rows(client, statistic, since, since + 24 * HOUR, "state", period="5minute")
    states = [row["state"] for row in rows if row["state"] is not None]
    return Decimal(str(states[-1])) if states else None


@dataclass(frozen=True, slots=True)
class Total:
    """One row of a counter's statistics; both numbers are those at the end of its period."""

    start: datetime
    state: Decimal
    """What the counter showed, in kWh."""
    sum: Decimal
    """What was counted since the statistics began, in kWh."""


async def totals_of(
    client: HomeAssistantClient, statistic: str, start: datetime, *, period: str = "5minute"
) -> list[Total]:
    """Return the rows of an energy counter from ``start`` on, oldest first."""
    end = start + timedelta(days=7)
    rows = await _rows(client, statistic, start, end, "state", "sum", period=period)
    return [
        Total(_moment(row["start"]), Decimal(str(row["state"])), Decimal(str(row["sum"])))
        for row in rows
        if row["state"] is not None and row["sum"] is not None
    ]


async def _rows(
    client: HomeAssistantClient,
    statistic: str,
    start: datetime,
    end: datetime,
    *kinds: str,
    period: str = "hour",
) -> list[JsonObject]:
    answer = await client.command(
        "recorder/statistics_during_period",
        start_time=start.isoformat(),
        end_time=end.isoformat(),
        statistic_ids=[statistic],
        period=period,
        types=[*kinds],
        units={"energy": "kWh"},
    )
    return as_objects(as_object(answer).get(statistic, []))


def wrong_hours(key: str, hours: Sequence[Hour], start: datetime, end: datetime) -> list[str]:
    """Return every hour from ``start`` to ``end`` that is not as the meter has it.

    ``key`` is the name of the sensor that counts: imported_energy or exported_energy.
    """
    shown = {hour.start: hour.change for hour in hours}
    faults: list[str] = []
    while start < end:
        before, after = (true_values(moment)[key] for moment in (start, start + HOUR))
        bar = shown.get(start)
        if before is None or after is None or bar is None or abs(bar - (after - before)) > _BINARY:
            true = None if before is None or after is None else after - before
            faults.append(f"{key} at {start.isoformat()}: {bar} instead of {true} kWh")
        start += HOUR
    return faults


async def wrong_hours_of(
    client: HomeAssistantClient, entry_id: str, start: datetime, end: datetime
) -> list[str]:
    """Return every wrong hour of both counters of an entry; see :func:`wrong_hours`."""
    sensors = await sensors_of(client, entry_id)
    faults: list[str] = []
    for key in COUNTERS:
        hours = await hours_of(client, sensors[key], start, end)
        faults += wrong_hours(key, hours, start, end)
    return faults


def full_hour(moment: datetime) -> datetime:
    """Return when the hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _moment(milliseconds: Json) -> datetime:
    if not isinstance(milliseconds, int | float):
        raise DemoError(f"A moment was expected, not {milliseconds!r}.")
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
