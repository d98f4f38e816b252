"""What is measured in Home Assistant: each scenario has one instance of each integration."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tools.bench.figures import Figures
from tools.demo.set_up import change_options
from tools.emulator import JST

from .instance import OURS, Instance
from .shown import oldest, per_hour, share_off

#: How much history the set-up imports: what the dialog proposes, or nothing where the price of the
#: daily operation is measured.
_MONTH: Final = "month"
_NOTHING: Final = "none"
#: Seconds that a dialog, and a start of Home Assistant, may take.
_DIALOG: Final = 400.0
_START: Final = 420.0
#: Seconds after which nobody waits for a value any more: after a start, after EVENT 26, and after the
#: meter's return.
_VALUE: Final = 300.0
_RECOVERY: Final = 900.0
_RETURN: Final = 300.0
_RESTARTS: Final = 2
#: Seconds from the end of a start without the meter to the meter's return.
_STILL_AWAY: Final = 30.0
#: Seconds before something is counted, so that what belongs to the set-up is over.
_SETTLED: Final = 30.0
#: Seconds of normal operation, two polls of the built-in integration.
_OPERATION: Final = 600.0
#: An interval that both can have: an option here, an action of an automation there (seconds).
_EQUAL: Final = 60
_EQUAL_POLLS: Final = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """One instance of each integration; their meters and their time are the same."""

    figures: Figures
    instances: tuple[Instance, ...]
    operation: datetime
    """When normal operation is measured; later if both are not ready by then."""

    async def both(self, act: Callable[[Instance], Coroutine[Any, Any, None]]) -> None:
        """Do something with both at the same time."""
        async with asyncio.TaskGroup() as group:
            for instance in self.instances:
                group.create_task(act(instance))

    async def set_up(self, days: str) -> None:
        """Go through both dialogs, and measure until there is a power."""

        async def go(instance: Instance) -> None:
            submitted = await instance.submit(days)
            value = await instance.until_value(submitted, _DIALOG)
            self.note("HA dialog", instance, submitted, value, _DIALOG)

        await self.both(go)

    def note(
        self, row: str, instance: Instance, start: datetime, end: datetime | None, limit: float
    ) -> None:
        """Note the seconds between two moments, or that they are more than the limit."""
        name = instance.subject.name
        if end is None:
            self.figures.bounds.add((row, name))
        seconds = limit if end is None else (end - start).total_seconds()
        self.figures.add(row, name, seconds)


async def operate(pair: Pair) -> None:
    """Measure normal operation: what is shown, and what it costs."""
    await pair.set_up(_NOTHING)
    await asyncio.sleep(_SETTLED)
    clock = pair.instances[0].clock
    await asyncio.sleep(max(0.0, (pair.operation - clock.now()).total_seconds()))
    pair.figures.notes["HA off"] = f"{clock.now().astimezone(JST):%H:%M}"

    async def watch(instance: Instance) -> None:
        name, figures = instance.subject.name, pair.figures
        requests, start = await instance.requests(), instance.clock.now()
        samples = await instance.watch(_OPERATION)
        end = instance.clock.now()
        requests = await instance.requests() - requests
        figures.add("HA off", name, share_off(samples, instance.power))
        figures.add("HA datagrams", name, per_hour(requests, end - start))
        figures.add("HA rows", name, per_hour(await instance.rows(start, end), end - start))
        figures.add("HA log", name, await instance.log_lines())

    await pair.both(watch)


async def poll_equally(pair: Pair) -> None:
    """Measure the datagrams to the meter if both read once a minute."""
    await pair.set_up(_NOTHING)

    async def count(instance: Instance) -> None:
        ours = instance.subject is OURS
        if ours:
            await change_options(instance.client, instance.entry_id, poll_interval=_EQUAL)
        await asyncio.sleep(_SETTLED)
        requests, start = await instance.requests(), instance.clock.now()
        for _ in range(_EQUAL_POLLS):
            if not ours:
                await instance.update()
            await asyncio.sleep(_EQUAL)
        time = instance.clock.now() - start
        requests = await instance.requests() - requests
        pair.figures.add("HA datagrams, equal", instance.subject.name, per_hour(requests, time))

    await pair.both(count)


def end_session(after: float) -> Callable[[Pair], Awaitable[None]]:
    """Return the scenario in which the meter ends the session, so long after both dialogs."""

    async def act(pair: Pair) -> None:
        await pair.set_up(_MONTH)
        await asyncio.sleep(after)

        async def recover(instance: Instance) -> None:
            fault = instance.clock.now()
            await instance.order("end_session")
            good = await instance.until_value(fault, _RECOVERY)
            pair.note("HA EVENT 26", instance, fault, good, _RECOVERY)
            end = good or instance.clock.now()
            age = oldest(instance.samples, fault, end)
            pair.figures.add("HA EVENT 26 age", instance.subject.name, age.total_seconds())
            pair.figures.add("HA log, EVENT 26", instance.subject.name, await instance.log_lines())

        await pair.both(recover)

    return act


async def restart(pair: Pair) -> None:
    """Measure starts of Home Assistant with a meter that is known: there, away, and back."""
    await pair.set_up(_MONTH)

    async def start(instance: Instance) -> None:
        await instance.stop()
        await instance.begin()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(instance.until_running(_START))
            value = group.create_task(instance.until_value(instance.started, _VALUE))
        began = await instance.set_up_began()
        pair.note("HA restart", instance, began, value.result(), _VALUE)
        pair.note("HA running", instance, instance.started, running.result(), _START)

    for _ in range(_RESTARTS):
        await pair.both(start)

    async def start_alone(instance: Instance) -> None:
        await instance.stop()
        await instance.order("lose_meter")
        await instance.begin()
        running = await instance.until_running(_START)
        pair.note("HA absent", instance, instance.started, running, _START)

    await pair.both(start_alone)
    await asyncio.sleep(_STILL_AWAY)

    async def come_back(instance: Instance) -> None:
        back = instance.clock.now()
        await instance.order("return_meter")
        value = await instance.until_value(back, _RETURN)
        pair.note("HA back", instance, back, value, _RETURN)

    await pair.both(come_back)


#: Each with the seed of its meter.
SCENARIOS: Final[dict[int, Callable[[Pair], Awaitable[None]]]] = {
    1: operate,
    2: restart,
    3: end_session(after=60),
    4: end_session(after=180),
    5: poll_equally,
}
