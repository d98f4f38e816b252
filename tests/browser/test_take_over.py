"""Moving over from Home Assistant's own integration while it reads the meter.

Nothing of it is replaced: it reads with the real momonga, and dongle, radio and meter take their
real time, so that the meter needs its pause after the end of a session.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
import re

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.configuration import DOMAIN
from tools.demo.core_integration import CORE_DOMAIN, CORE_ENTRY_ID
from tools.demo.dongle import true_values
from tools.demo.frontend import Frontend, about_dashboard, words
from tools.demo.jsons import JsonObject, as_object, as_objects, as_text
from tools.demo.set_up import sensors_of
from tools.demo.statistics import HOUR, Total, full_hour, hours_of, totals_of, wrong_hours
from tools.demo.waiting import wait_until

from .counted import JAPAN, counted_on
from .dashboard import shows
from .ha_instance import HomeAssistantInstance, running_instance

_ENTRIES = "/api/config/config_entries/entry"
_KEY = "imported_energy"
#: One of the recorder's five minutes, and a second one for a machine that missed the first.
_STATISTICS = 660.0
#: What the other integration has counted before (kWh).
_COUNTED_BEFORE = Decimal(5000)
#: Statistics are binary fractions.
_BINARY = Decimal("0.0001")
#: A machine that stands still for a second sees it. That the port was closed all the same is
#: shown by the set-up that opens it next, exclusively.
_LATE = re.compile("The serial port did not close in time")
#: Start, two of the recorder's five minutes, and a machine with much to do.
_TIMEOUT = 1800


@pytest.fixture(scope="module")
def instance(
    chromium: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HomeAssistantInstance]:
    """A Home Assistant whose own integration reads the meter."""
    folder = tmp_path_factory.mktemp("browser") / "core"
    with running_instance(folder, "--core", speed=1.0) as built:
        built.expect_complaint(_LATE)
        yield built
    assert built.complaints() == []


@pytest.mark.timeout(_TIMEOUT)
async def test_meter_moves_over_while_the_other_integration_reads_it(
    frontend: Frontend, client: HomeAssistantClient
) -> None:
    theirs, their_power = await _their_sensors(client)
    first = await _first_total(client, theirs)
    past = await _import_past(client, theirs, first)
    await client.command("energy/save_prefs", energy_sources=[_grid(theirs, their_power)])

    await frontend.follow_link_to_set_up()
    await frontend.dialog.get_by_text(words("config.step.start.menu_options.take_over")).click()
    await frontend.sees(words("config.step.take_over.title"))
    await frontend.submit()
    await frontend.sees(words("config.progress.join"))
    await frontend.sees(about_dashboard("switched"))
    await frontend.finish()

    entry = await _entry(client, DOMAIN)
    sensors = await sensors_of(client, as_text(entry["entry_id"]))
    ours = sensors[_KEY]
    assert entry["state"] == "loaded"
    assert (await _entry(client, CORE_DOMAIN))["disabled_by"] == "user"
    await frontend.open_device()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")

    # The dashboard is switched last, when the statistics are where it will look for them.
    async def switched() -> bool:
        return sensors["exported_energy"] in str(await client.command("energy/get_prefs"))

    await wait_until(switched, _STATISTICS, "The Energy dashboard's switch")
    preferences = as_object(await client.command("energy/get_prefs"))
    # With what the other integration does not know: the energy that is given to the grid.
    after = _grid(ours, sensors["power"]) | {"stat_energy_to": sensors["exported_energy"]}
    assert preferences["energy_sources"] == [after]
    assert await _statistics(client, {theirs, ours}) == [ours]

    # In one line: all of the past, and what the recorder compiles of our own values.
    carried = len(await totals_of(client, ours, past))

    async def compiled() -> bool:
        return len(await totals_of(client, ours, past)) > carried

    await wait_until(compiled, _STATISTICS, "The first statistics of our own")
    for period in ("hour", "5minute"):
        # The import of the days before raises all sums by the same.
        rows = await totals_of(client, ours, past, period=period)
        zero = rows[0].state - rows[0].sum
        assert [row for row in rows if abs(row.state - row.sum - zero) > _BINARY] == []
        assert [row.state for row in rows] == sorted(row.state for row in rows)
    assert (
        wrong_hours(_KEY, await hours_of(client, ours, past, first.start), past, _end(first)) == []
    )

    # The other integration has not counted what is given to the grid: that is imported.
    day = (first.start.astimezone(JAPAN) - timedelta(days=1)).date()
    await shows(frontend, day, _STATISTICS)
    await expect(frontend.source("Smart meter Imported energy")).to_have_text(
        counted_on(day, "imported")
    )


# --- What was before -------------------------------------------------------------------------


async def _their_sensors(client: HomeAssistantClient) -> list[str]:
    """Return the entities of the other integration that ours continue: energy and power."""
    entities = as_objects(await client.command("config/entity_registry/list"))
    found = {
        as_text(entity["unique_id"]).partition("_")[2]: as_text(entity["entity_id"])
        for entity in entities
        if entity["config_entry_id"] == CORE_ENTRY_ID
    }
    return [found["total_consumption"], found["instantaneous_power"]]


async def _first_total(client: HomeAssistantClient, statistic: str) -> Total:
    """Wait until the recorder has compiled something; return the first row."""
    since = await _now(client) - HOUR
    found: list[Total] = []

    async def compiled() -> bool:
        found.extend(await totals_of(client, statistic, since))
        return bool(found)

    await wait_until(compiled, _STATISTICS, "The other integration's first statistics")
    # Not zero, or sums that begin again would look like sums that go on.
    await client.command(
        "recorder/adjust_sum_statistics",
        statistic_id=statistic,
        start_time=found[0].start.isoformat(),
        adjustment=float(_COUNTED_BEFORE),
        adjustment_unit_of_measurement="kWh",
    )
    return replace(found[0], sum=found[0].sum + _COUNTED_BEFORE)


async def _import_past(client: HomeAssistantClient, statistic: str, first: Total) -> datetime:
    """Give a counter the hours before, as if it had been read for two days; return their start."""
    end, zero = _end(first), first.state - first.sum
    start = end - timedelta(hours=49)
    states = {start + hour * HOUR: _register(start + (hour + 1) * HOUR) for hour in range(49)}
    await client.command(
        "recorder/import_statistics",
        metadata={
            "has_sum": True,
            "mean_type": 0,
            "name": None,
            "source": "recorder",
            "statistic_id": statistic,
            "unit_class": "energy",
            "unit_of_measurement": "kWh",
        },
        stats=[
            {"start": hour.isoformat(), "state": float(state), "sum": float(state - zero)}
            for hour, state in states.items()
        ],
    )
    # Before its first hour nothing was counted, so that hour has no energy of its own.
    return start + HOUR


def _register(moment: datetime) -> Decimal:
    register = true_values(moment)[_KEY]
    assert register is not None
    return register


def _end(first: Total) -> datetime:
    """Return where the past ends: with the hour before the one that is compiled now."""
    return full_hour(first.start)


# --- What is there ---------------------------------------------------------------------------


async def _now(client: HomeAssistantClient) -> datetime:
    """Return the time by the clock of this Home Assistant."""
    answer = await client.post(
        "/api/template", {"template": "{{ utcnow().isoformat() | to_json }}"}
    )
    return datetime.fromisoformat(as_text(answer))


async def _entry(client: HomeAssistantClient, domain: str) -> JsonObject:
    (entry,) = as_objects(await client.get(f"{_ENTRIES}?domain={domain}"))
    return entry


async def _statistics(client: HomeAssistantClient, among: set[str]) -> list[str]:
    listed = as_objects(await client.command("recorder/list_statistic_ids", statistic_type="sum"))
    return [found for row in listed if (found := as_text(row["statistic_id"])) in among]


def _grid(energy: str, power: str) -> JsonObject:
    return {
        "type": "grid",
        "stat_energy_from": energy,
        "stat_energy_to": None,
        "stat_rate": power,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0,
    }
