"""What is measured in Home Assistant: each scenario has one instance of each integration."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tools.bench.figures import Figures
from tools.demo.errors import DemoError
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
#: Seconds for which a value is waited for: after a start, after EVENT 26, and after the
#: meter's return.
_VALUE: Final = 300.0
_RECOVERY: Final = 900.0
_RETURN: Final = 300.0
_RESTARTS: Final = 2
#: Seconds from the end of a start without the meter to the meter's return.
_STILL_AWAY: Final = 30.0
#: Seconds of normal operation that are watched: two polls of the built-in integration.
_OPERATION: Final = 600.0
#: Seconds in which datagrams and rows are counted: one poll of it.
_COUNTED: Final = 300.0
#: After its set-up ours reads up to 99 days of the meter's history, for the peak demand: for so many minutes
#: that may go on. Two polls a minute, or one of three requests, are steady.
_STEADY_MINUTES: Final = 20
_MINUTE: Final = 60.0
#: Seconds after a start within which all that is read once has begun: the last is the peak demand, after 240.
_READS_LATER: Final = 330.0
_POLLS_A_MINUTE: Final = 3
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
            await instance.submit(days)
            value = await instance.until_value(instance.submitted, _DIALOG)
            self.note("HA dialog", instance, instance.submitted, value, _DIALOG)

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
    """Measure normal operation: what is shown, and then what it costs."""
    await pair.set_up(_NOTHING)
    clock = pair.instances[0].clock
    await asyncio.sleep(max(0.0, (pair.operation - clock.now()).total_seconds()))
    pair.figures.notes["HA off"] = f"{clock.now().astimezone(JST):%H:%M}"

    async def watch(instance: Instance) -> None:
        samples = await instance.watch(_OPERATION)
        pair.figures.add("HA off", instance.subject.name, share_off(samples, instance.power))

    await pair.both(watch)
    await pair.both(lambda instance: _count(pair.figures, instance))


async def _count(figures: Figures, instance: Instance) -> None:
    """Count what an hour costs, when all that is read once has been read."""
    name = instance.subject.name
    await _until_steady(instance)
    before, start = await instance.requests(), instance.clock.now()
    await asyncio.sleep(_COUNTED)
    time = instance.clock.now() - start
    an_hour = per_hour(await instance.requests() - before, time)
    figures.add("HA datagrams", name, an_hour)
    figures.add("HA rows", name, per_hour(await instance.rows(start, start + time), time))
    figures.add("HA log", name, await instance.log_lines())
    polls = an_hour * ((start - instance.submitted) / timedelta(hours=1))
    figures.add("HA once", name, max(0.0, before - polls))


async def _until_steady(instance: Instance) -> None:
    """Wait until a minute brings no more requests than polls.

    Raises:
        DemoError: It does not happen.
    """
    for _ in range(_STEADY_MINUTES):
        before = await instance.requests()
        await asyncio.sleep(_MINUTE)
        if await instance.requests() - before <= _POLLS_A_MINUTE:
            return
    raise DemoError(f"{instance.subject.domain} reads more than its polls for too long")


async def poll_equally(pair: Pair) -> None:
    """Measure the datagrams to the meter if both read once a minute."""
    await pair.set_up(_NOTHING)

    async def count(instance: Instance) -> None:
        ours = instance.subject is OURS
        if ours:
            changed = instance.clock.now()
            await change_options(instance.client, instance.entry_id, poll_interval=_EQUAL)
            await instance.until_value(changed, _VALUE)
        await asyncio.sleep(_READS_LATER)
        await _until_steady(instance)
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
