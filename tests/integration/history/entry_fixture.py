"""Test harness for the energy history: a meter that counts while Home Assistant is stopped.

The recorder is the real one; the meter's registers are the emulator's, to the watt-second;
time is controlled by the test. A restart queues the same tasks that Home Assistant's recorder
queues at start-up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import time
from typing import Any, Literal

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    RecorderTask,
    StatisticsTask,
    SynchronizeTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_trigger_db_commit,
)

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.backfill import HistoryBackfill
from custom_components.wisun_route_b.history.meter_clock import ReadClock
from custom_components.wisun_route_b.history.sensor_hours import REGISTERS
from custom_components.wisun_route_b.history.store import NotStoredError, async_order_import
from custom_components.wisun_route_b.stack import JST, Scale, errors, half_hours, readings
from tests.integration.conftest import entry_for
from tools.emulator.meter.meter import Meter
from tools.emulator.meter.model import FIRST_GENERATION, MeterModel

HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)
IMPORTED, EXPORTED, WATER = "sensor.imported", "sensor.exported", "sensor.water"
UNIT = Decimal("0.1")
STEP = FIRST_GENERATION.watt_seconds_per_count
MODULUS = 10**FIRST_GENERATION.digits
_KWH_IN = {"kWh": Decimal(1), "MWh": Decimal(1000), "Wh": Decimal("0.001")}


class HistoryHarness:
    """The meter, the sensors and the clock."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, start: datetime
    ) -> None:
        self.hass, self.freezer, self.now = hass, freezer, start
        self.meter = HistoryMeter(FIRST_GENERATION)
        self.entry = entry_for()
        self.entry.add_to_hass(hass)
        self.identity = self.entry.data["identity"]
        self.unit = "kWh"
        self.read_clock: ReadClock | None = None
        """How the meter's clock is read; None to take it for right."""
        self.repair: HistoryBackfill | None = None
        self.water: dict[datetime, Decimal] = {}
        """The last state of the unrelated sensor in each hour in which it was polled."""
        self._seen: dict[str, str] = {}
        freezer.move_to(start)
        # The recorder does not look back to the day of this test's execution.
        period = start.replace(minute=start.minute // 5 * 5) - FIVE_MINUTES
        get_instance(hass).queue_task(StatisticsTask(period, False))

    async def set_up(self) -> None:
        assert await async_setup_component(self.hass, "sensor", {})
        registry = er.async_get(self.hass)
        for entity_id in (IMPORTED, EXPORTED):
            name = entity_id.removeprefix("sensor.")
            registry.async_get_or_create(
                "sensor",
                DOMAIN,
                f"{self.identity}_{name}_energy",
                suggested_object_id=name,
                config_entry=self.entry,
            )

    # --- Time --------------------------------------------------------------------------

    def move(self, moment: datetime) -> None:
        assert moment >= self.now, f"{moment} is before {self.now}"
        self.now = moment
        self.freezer.move_to(moment)

    async def start(
        self, listen: Callable[[HistoryBackfill], None] = lambda _: None, **options: Any
    ) -> HistoryBackfill:
        """Home Assistant starts: catches up, and then sees the meter."""
        for entity_id in (IMPORTED, EXPORTED):
            if entity_id in self._seen:
                self.set_state(entity_id, "unavailable")
        self.hass.states.async_set(WATER, self._seen.get(WATER, "0"), _attributes("L", "water"))
        await self.recorded()
        await self._order(options.pop("import_days", None))
        self.repair = HistoryBackfill(
            self.hass, self.entry, self.identity, self.meter, pause=0, read_clock=self.read_clock
        )
        listen(self.repair)
        await self.repair.async_start(**options)
        if "recorder" in self.hass.config.components:
            await self.compile(CompileMissingStatisticsTask())
        return self.repair

    async def _order(self, days: int | None) -> None:
        """Order an import as the dialog does, which is submitted once more if that fails."""
        for _ in range(0 if days is None else 2):
            with suppress(NotStoredError):
                await async_order_import(self.hass, self.identity, days or 0, REGISTERS)
                return

    async def stop(self) -> None:
        assert self.repair is not None
        self.repair.async_stop()
        self.repair = None
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def live(self, until: datetime) -> None:
        """Home Assistant runs: polls, and compiles five minutes when they are over.

        The dull periods in the middle of an hour are left out.
        """
        while (end := _next_compile(self.now)) + timedelta(seconds=10) <= until:
            self.move(max(self.now, end - timedelta(seconds=20)))
            self.poll()
            self.move(end + timedelta(seconds=10))
            await self.compile(StatisticsTask(end - FIVE_MINUTES, True))
        self.move(until)
        self.poll()
        await self.recorded()

    async def recorded(self) -> None:
        """Wait until the recorder has done everything."""
        await self.hass.async_block_till_done()
        async_trigger_db_commit(self.hass)
        done: asyncio.Future[None] = self.hass.loop.create_future()
        get_instance(self.hass).queue_task(SynchronizeTask(done))
        await done
        await self.hass.async_block_till_done()

    async def let_pass(self, turns: int) -> None:
        """Run all tasks for some turns of the event loop, half a millisecond each."""
        for _ in range(turns):
            time.sleep(0.0005)  # noqa: ASYNC251 - the clock of the loop stands still
            await asyncio.sleep(0)

    async def compile(self, task: RecorderTask) -> None:
        await self.recorded()
        get_instance(self.hass).queue_task(task)
        await self.recorded()
        await self.hass.async_block_till_done(wait_background_tasks=True)

    # --- States ------------------------------------------------------------------------

    def poll(self) -> None:
        pair = self.meter.registers(self.now) if self.meter.connected else None
        for entity_id, value in (
            (IMPORTED, None if pair is None else pair.normal),
            (EXPORTED, pair.reverse if pair and self.meter.shows_reverse else None),
        ):
            if value is None:
                self.set_state(entity_id, "unavailable")
            else:
                self.set_state(entity_id, str(value / _KWH_IN[self.unit]))
        litres = (self.now - datetime(2027, 1, 1, tzinfo=UTC)) // timedelta(minutes=7)
        self.water[self.now.replace(minute=0, second=0, microsecond=0)] = Decimal(litres)
        self._seen[WATER] = str(litres)
        self.hass.states.async_set(WATER, str(litres), _attributes("L", "water"))

    def set_state(self, entity_id: str, state: str) -> None:
        self._seen[entity_id] = state
        self.hass.states.async_set(self.real_id(entity_id), state, _attributes(self.unit, "energy"))

    def real_id(self, entity_id: str) -> str:
        """Return what an entity is called now."""
        name = entity_id.removeprefix("sensor.")
        unique_id = f"{self.identity}_{name}_energy"
        found = er.async_get(self.hass).async_get_entity_id("sensor", DOMAIN, unique_id)
        assert found is not None
        return found

    # --- What people see -----------------------------------------------------------------

    async def stored(
        self, entity_id: str, kind: Literal["change", "state", "sum"] = "change"
    ) -> dict[datetime, Decimal]:
        """Return the hourly bars (or states, or sums) of a sensor; energies in kWh."""
        real = entity_id if entity_id == WATER else self.real_id(entity_id)
        await self.recorded()
        found = await get_instance(self.hass).async_add_executor_job(
            lambda: statistics_during_period(
                self.hass,
                datetime(2020, 1, 1, tzinfo=UTC),
                None,
                {real},
                "hour",
                {"energy": "kWh"},
                {"change", "state", "sum"},
            )
        )
        return {
            datetime.fromtimestamp(row["start"], UTC): round(Decimal(row[kind] or 0), 4)
            for row in found.get(real, [])
        }

    def expected(self, entity_id: str, hours: Any) -> dict[datetime, Decimal]:
        """Return what the meter itself counted in each of these hours."""
        side = "normal" if entity_id == IMPORTED else "reverse"
        return {hour: self.meter.counted(side, hour, hour + HOUR) for hour in hours}


class HistoryMeter:
    """Answers requests for histories as SmartMeter does, and can be replaced."""

    def __init__(self, model: MeterModel) -> None:
        self.connected = True
        self.scale: Scale | None = Scale(UNIT, digits=model.digits)
        self.installed: list[tuple[datetime, Meter, tuple[int, int]]] = []
        self.asked: list[str] = []
        self.has_days = self.has_slots = True
        self.shows_reverse = True
        """Whether the live reading has the exported energy."""
        self.failing: Callable[[], None] = lambda: None
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens once while the meter is asked."""
        self.late = timedelta()
        """How far the meter's clock is behind, for its days."""
        self.lost: set[datetime] = set()
        """Moments for which the meter has no reading."""
        self.install(datetime(2019, 4, 1, tzinfo=JST), 7, (0, 0))

    def install(self, moment: datetime, seed: int, shown: tuple[int, int]) -> None:
        """Install a meter that shows these counts."""
        meter = Meter(seed, FIRST_GENERATION)
        energy = meter.profile.energy(moment)
        offset = (shown[0] - energy.imported // STEP, shown[1] - energy.exported // STEP)
        self.installed.append((moment, meter, offset))

    def set_counts(self, moment: datetime, shown: tuple[int, int]) -> None:
        """Have the present meter show these counts at a moment."""
        began, meter, _ = self.installed.pop()
        energy = meter.profile.energy(moment)
        offset = (shown[0] - energy.imported // STEP, shown[1] - energy.exported // STEP)
        self.installed.append((began, meter, offset))

    def registers(self, moment: datetime, *, of_now: bool = False) -> readings.RegisterPair | None:
        """Return what the installed meter shows at a moment; or what the present one has stored."""
        now = dt_util.utcnow()
        began, meter, offset = [
            row for row in self.installed if row[0] <= (now if of_now else moment)
        ][-1]
        if moment < began or moment in self.lost:
            return None
        energy = meter.profile.energy(moment)
        counts = (energy.imported // STEP + offset[0], energy.exported // STEP + offset[1])
        return readings.RegisterPair(counts[0] % MODULUS * UNIT, counts[1] % MODULUS * UNIT)

    def counted(self, side: str, start: datetime, end: datetime) -> Decimal:
        """Return the energy of a span, across roll-overs and exchanges, to a register step."""
        total = Decimal()
        bounds = [row[0] for row in self.installed[1:] if start < row[0] < end]
        for older, newer in zip([start, *bounds], [*bounds, end], strict=True):
            first, last = (
                self.registers(older),
                self.registers(newer - timedelta(seconds=newer != end)),
            )
            assert first is not None
            assert last is not None
            energy = getattr(last, side) - getattr(first, side)
            total += energy if energy >= 0 else energy + MODULUS * UNIT
        return total

    def _slot(self, moment: datetime) -> half_hours.Slot:
        known = moment <= dt_util.utcnow() - self.late and self.registers(moment, of_now=True)
        return half_hours.Slot(moment.astimezone(JST), known or readings.RegisterPair(None, None))

    async def day_history(self, days_ago: int) -> tuple[half_hours.Slot, ...]:
        if not self.has_days:
            raise errors.RequestRefusedError("The meter does not offer history 1")
        await self._ask(f"day {days_ago}")
        midnight = (
            (dt_util.utcnow() - self.late)
            .astimezone(JST)
            .replace(hour=0, minute=0, second=0, microsecond=0)
        )
        start = midnight - timedelta(days=days_ago)
        return tuple(self._slot(start + index * HALF_HOUR) for index in range(48))

    async def half_hour_history(self, newest: datetime, count: int) -> tuple[half_hours.Slot, ...]:
        if not self.has_slots:
            raise errors.RequestRefusedError("The meter does not offer history 2")
        await self._ask(f"slots {count}")
        return tuple(self._slot(newest - index * HALF_HOUR) for index in reversed(range(count)))

    async def _ask(self, what: str) -> None:
        if not self.connected:
            raise errors.NotConnectedError("There is no session with the meter")
        self.asked.append(what)
        self.failing()
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()


def _next_compile(now: datetime) -> datetime:
    """Return the end of the next period that matters: the last of an hour, and the first."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    for minutes in (0, 5, 60, 65):
        end = hour + timedelta(minutes=minutes)
        if end + timedelta(seconds=10) > now:
            return end
    raise AssertionError


def _attributes(unit: str, device_class: str) -> dict[str, str]:
    return {
        "state_class": "total_increasing",
        "device_class": device_class,
        "unit_of_measurement": unit,
    }
