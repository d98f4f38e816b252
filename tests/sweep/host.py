"""The host: the real stack, opened, polled and listened to as the coordinator does it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from custom_components.wisun_route_b.stack import (
    Connector,
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    MeterDescription,
    Network,
    ReadReport,
    RouteBError,
    SmartMeter,
    errors,
    properties,
    schedule,
)

from .truth import Truth

#: Seconds between polls, and for each answer: the coordinator's.
INTERVAL_S, READ_TIMEOUT_S = 30.0, 20.0
#: What a full reading holds, and what the coordinator's first reading asks for.
FULL = frozenset((0xE7, 0xE8, 0xE0, 0xE3))
#: What the entities of a usual entry show.
_HALF_HOURLY = frozenset(
    row.epc for row in (properties.FIXED_TIME_ENERGY_NORMAL, properties.FIXED_TIME_ENERGY_REVERSE)
)
_WANTED = (
    FULL
    | _HALF_HOURLY
    | {
        row.epc
        for row in (
            properties.OPERATION_STATUS,
            properties.FAULT_STATUS,
            properties.CURRENT_DATE,
            properties.CURRENT_TIME,
        )
    }
)
#: Seconds before an opening that failed is tried again: at first as Home Assistant does, but not
#: rarer than once a minute.
_REOPENINGS = (5.0, 10.0, 20.0, 40.0, 60.0)
#: Seconds that a value may be older than the read that brings it: an answer to the poll before.
MAX_AGE = timedelta(seconds=60)
#: Seconds that a link may call itself connected without an answer.
MAX_SILENCE_S = 120.0
_LOOK = 5.0


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll, or one opening, in seconds of the loop's clock."""

    ended: float
    values: frozenset[int]
    """EPCs that came with a value; none if it failed."""
    error: RouteBError | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a host stands."""

    connector: Connector
    credentials: Credentials
    clock: Callable[[], datetime]
    truth: Truth
    seed: int


class Host:
    """One meter with its keeper, and what became of every poll."""

    def __init__(
        self, site: Site, network: Network | None, description: MeterDescription | None
    ) -> None:
        self.meter = SmartMeter(
            site.connector, site.credentials, network=network, description=description
        )
        self.keeper = LinkKeeper(self.meter, Random(site.seed))
        self.truth = site.truth
        self.clock = site.clock
        self.polls: list[Poll] = []
        self.states: list[LinkStatus] = []
        self.wrong: list[str] = []
        """Numbers that the meter never had."""
        self.blamed = False
        """Whether the credentials, which are right, were ever called wrong."""
        self.lies: list[str] = []
        """When the state said what was not true."""
        self.failed_openings = 0
        """How often the opening at the start failed, for whoever had asked for it."""
        self.answers = 0
        """How many answers of the meter were seen at the wire."""
        self.polled = asyncio.Event()
        self.pushed = asyncio.Event()
        self.held = asyncio.Event()
        """Polls take place while this is set."""
        self.held.set()
        self._counted = (0, 0)
        self._last_read: dict[int, datetime] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stops = (
            self.meter.subscribe(self._pushed),
            self.keeper.on_change(self._link_changed),
        )

    def start(self) -> None:
        """Open the link, poll it and watch it until :meth:`close`."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stop in self._stops:
            stop()
        await self.keeper.close()

    # --- Polling -------------------------------------------------------------------------------

    async def _run(self) -> None:
        await self._open()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake.wait()
            await self.held.wait()
            self._wake.clear()
            await self._poll()

    async def _open(self) -> None:
        """Open as at a start of Home Assistant: a meter that is known is left to the keeper."""
        if self.meter.network is not None:
            self.keeper.start(first=schedule.due_properties(self.clock(), {}, FULL))
            return
        for attempt in range(1000):
            began = self.clock()
            first = schedule.due_properties(began, {}, FULL)
            try:
                report = await self.keeper.open(first=first)
            except RouteBError as err:
                # A person who is asked for other credentials gives the same ones again.
                self.blamed |= isinstance(err, errors.CredentialsRefusedError)
                self._note(ReadReport(), began, err)
                self.failed_openings += 1
                await asyncio.sleep(_REOPENINGS[min(attempt, len(_REOPENINGS) - 1)])
            else:
                self._note(report, began)
                return

    async def _poll(self) -> None:
        began = self.clock()
        try:
            report = await self._read()
        except RouteBError as err:
            self._note(ReadReport(), began, err)
        else:
            self._note(report, began)

    async def _read(self) -> ReadReport:
        if not self.meter.connected:
            raise self.keeper.status.error or errors.NotConnectedError("There is no session")
        due = schedule.due_properties(self.clock(), self._last_read, _WANTED)
        try:
            return await self.meter.read(due, READ_TIMEOUT_S)
        except errors.ResponseTimeoutError, errors.SendFailedError:
            return await self.meter.read(due, READ_TIMEOUT_S)

    def _note(self, report: ReadReport, began: datetime, error: RouteBError | None = None) -> None:
        now = self.clock()
        answered = report.values.keys() | report.refused
        self._last_read.update(dict.fromkeys(answered, now))
        self.wrong += self.truth.wrong(report, began - MAX_AGE, now)
        values = frozenset(epc for epc, value in report.values.items() if value is not None)
        self.polls.append(Poll(asyncio.get_running_loop().time(), values, error))
        self.polled.set()

    def _pushed(self, report: ReadReport) -> None:
        now = self.clock()
        self._last_read.update(dict.fromkeys(report.values, now))
        self.wrong += [f"pushed: {text}" for text in self.truth.wrong(report, now - MAX_AGE, now)]
        if _HALF_HOURLY & report.values.keys():
            self.pushed.set()

    async def day_history(self, days_ago: int) -> bool:
        """Read a day of history and compare it; return whether it came."""
        began = self.clock()
        try:
            slots = await self.meter.day_history(days_ago)
        except RouteBError:
            return False
        self.wrong += self.truth.wrong_slots(slots, began - timedelta(days=days_ago), self.clock())
        return True

    # --- The state -----------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """What the link says of itself."""
        return self.keeper.state

    def _link_changed(self, status: LinkStatus) -> None:
        self.states.append(status)
        self.blamed |= status.state is LinkState.REFUSED
        if status.state in (LinkState.CONNECTED, LinkState.REFUSED):
            self._wake.set()

    async def _watch(self) -> None:
        """Count for how long the link calls itself connected and has no answer to show.

        A session that is made again and again without ever carrying an answer counts as one.
        """
        silent = 0.0
        while True:
            await asyncio.sleep(_LOOK)
            answers = self.meter.statistics.answers, self.answers
            if answers != self._counted or not self.held.is_set():
                self._counted, silent = answers, 0.0
            elif self.state is LinkState.CONNECTED:
                silent += _LOOK
            if silent > MAX_SILENCE_S:
                self.lies.append(f"connected for {silent:.0f} s without an answer")
                silent = 0.0
