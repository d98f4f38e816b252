"""One injection: play a scenario, strike once, and judge what becomes of the link."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from custom_components.wisun_route_b.stack import RouteBError
from tests.virtual_clock import run

from .catalogue import catalogue
from .faults import Effect, Fault
from .host import Host, Poll
from .scenarios import SCENARIOS, Scenario
from .units import Step
from .world import KITS, Kit, World, world

#: Polls in a row that must be good then; more where the fault goes on.
_POLLS, _LASTING_POLLS = 3, 6
#: Seconds between two good polls: as long as the coordinator holds a value.
_LONGEST_GAP: Final = 91.0
#: Seconds until a scenario must have come to the step.
_TIMEOUT_S: Final = 600.0
#: Changes of state or cause in one run; a port that is lost in the middle of a recovery makes nine.
_MAX_CHANGES: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Injection:
    """What is done in one run."""

    kit: str
    scenario: str
    step: Step
    fault: str
    seed: int = 1

    @property
    def command(self) -> str:
        """The line that repeats it."""
        return (
            f"scripts/sweep --dongle {self.kit} --scenario {self.scenario} --step {self.step}"
            f" --fault {self.fault} --seed {self.seed}"
        )


class Kind(StrEnum):
    """Kinds of failure."""

    NOT_REACHED = "the scenario did not come to the step"
    NOT_READ = "the link was not read again within the bound"
    WRONG = "a wrong number appeared"
    BLAMED = "right credentials were called wrong"
    LIE = "the state was wrong"
    LEAK = "something was left over, or an unexpected exception"
    FORBIDDEN = "something was sent that must not be"
    SECRET = "a secret was written"
    JOURNAL = "the journal was flooded"
    HISTORY = "the history could not be read afterwards"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an injection."""

    injection: Injection
    failures: tuple[tuple[Kind, str], ...]
    recovery: float
    """Seconds from the end of the fault to the first of the good polls."""
    bound: float
    """How many seconds that may take."""


def recorded(kit: Kit, scenario: Scenario, seed: int) -> list[Injection]:
    """Play a scenario without a fault; return what can be injected: each fault at each step.

    Raises AssertionError if the scenario itself is not flawless.
    """
    return run(_record(kit, scenario, seed))


async def _record(kit: Kit, scenario: Scenario, seed: int) -> list[Injection]:
    async with _world_of(kit, scenario, seed) as made:
        await scenario.prepare(made)
        made.tap.record()
        await scenario.act(made)
        seen, faults = tuple(made.tap.seen or ()), catalogue(made).values()
        possible = [
            Injection(str(kit), scenario.name, step, fault.name, seed)
            for step, unit in seen
            for fault in faults
            if fault.applies(made.vocabulary, unit)
        ]
    problems = [*made.complaints, *made.host.wrong, *made.host.lies, *made.forbidden, *made.leaked]
    if problems or not possible:
        raise AssertionError(f"{scenario.name} fails without a fault: {problems}")
    return possible


def _world_of(
    kit: Kit, scenario: Scenario, seed: int, make_host: type[Host] = Host
) -> AbstractAsyncContextManager[World]:
    return world(
        kit, seed, push=scenario.push, clock_ahead=scenario.clock_ahead, make_host=make_host
    )


def inject(
    injection: Injection, *, fault: Fault | None = None, make_host: type[Host] = Host
) -> Outcome:
    """Play a scenario and strike once; another ``fault`` or host is for tests of the judge."""
    return run(_inject(injection, fault, make_host))


async def _inject(injection: Injection, fault: Fault | None, make_host: type[Host]) -> Outcome:
    kit, scenario = KITS_BY_NAME[injection.kit], SCENARIOS[injection.scenario]
    judge = _Judge()
    async with _world_of(kit, scenario, injection.seed, make_host) as made:
        await scenario.prepare(made)
        fault = fault or catalogue(made)[injection.fault]
        acting = asyncio.create_task(_act(scenario, made))
        if await judge.struck(made, injection.step, fault, acting):
            await judge.recovery(made)
            if scenario.name == "history" and not judge.failures:
                await judge.history(made)
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
    judge.look_back(made)
    return Outcome(injection, tuple(judge.failures), judge.seconds, judge.bound)


async def _act(scenario: Scenario, made: World) -> None:
    with suppress(RouteBError, TimeoutError):
        await scenario.act(made)


class _Judge:
    """Watches one run."""

    def __init__(self) -> None:
        self.failures: list[tuple[Kind, str]] = []
        self.seconds = 0.0
        self._effect = Effect()
        self._ended = 0.0

    @property
    def bound(self) -> float:
        """How many seconds the recovery may take."""
        return self._effect.max_recovery

    async def struck(
        self, made: World, step: Step, fault: Fault, acting: asyncio.Task[None]
    ) -> bool:
        """Wait until the fault has struck and is over; return whether it has."""
        loop = asyncio.get_running_loop()
        effects: asyncio.Future[Effect] = loop.create_future()
        made.tap.arm(step, lambda unit: effects.set_result(fault.strike(made, unit)))
        await asyncio.wait((effects, acting), return_when="FIRST_COMPLETED", timeout=_TIMEOUT_S)
        if not effects.done():
            self.failures.append((Kind.NOT_REACHED, ""))
            return False
        self._effect = effects.result()
        self._ended = loop.time() + self._effect.ends
        made.host.held.set()
        await asyncio.sleep(self._effect.ends)
        return True

    async def recovery(self, made: World) -> None:
        """Wait until the link is read, and go on for a few polls."""
        loop = asyncio.get_running_loop()
        wanted = _LASTING_POLLS if self._effect.lasts else _POLLS
        while len(good := self._good(made.host.polls)) < wanted:
            late = good[0].ended if good else loop.time()
            if late > self._ended + self._effect.max_recovery:
                error = next((poll.error for poll in reversed(made.host.polls) if poll.error), None)
                state = made.host.keeper.state
                why = f"{state}, {type(error).__name__}: {error}" if error else f"{state}"
                self.failures.append((Kind.NOT_READ, why))
                self.seconds = late - self._ended
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(10.0):
                    await made.host.polled.wait()
            made.host.polled.clear()
        self.seconds = good[0].ended - self._ended

    def _good(self, polls: list[Poll]) -> list[Poll]:
        """Return the last good polls in a row since the fault was over."""
        good: list[Poll] = []
        for poll in polls:
            if poll.ended < self._ended or not poll.values >= self._effect.needed:
                good.clear()
                continue
            if good and poll.ended - good[-1].ended > _LONGEST_GAP:
                good.clear()
            good.append(poll)
        return good

    async def history(self, made: World) -> None:
        """Read the day again, now that all is well."""
        if not await made.host.day_history(1):
            self.failures.append((Kind.HISTORY, ""))

    def look_back(self, made: World) -> None:
        """Judge what was noted on the way."""
        host = made.host
        for kind, texts in (
            (Kind.WRONG, host.wrong),
            (Kind.LIE, host.lies),
            (Kind.LEAK, made.complaints),
            (Kind.FORBIDDEN, made.forbidden),
            (Kind.SECRET, made.leaked),
        ):
            if texts:
                self.failures.append((kind, texts[0]))
        if host.blamed and not self._effect.refuses:
            self.failures.append((Kind.BLAMED, ""))
        # An opening at a person's request has a beginning and an end.
        changes = len(host.states) - 2 * host.failed_openings
        if changes > _MAX_CHANGES:
            self.failures.append((Kind.JOURNAL, f"{changes} changes"))


KITS_BY_NAME: Final = {str(kit): kit for kit in KITS}
