"""A Home Assistant with an emulated meter of its own, in which one integration is measured."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.demo import dongle, home_assistant
from tools.demo.check import state_of
from tools.demo.client import HomeAssistantClient
from tools.demo.clock import Clock
from tools.demo.configuration import DOMAIN, Configuration
from tools.demo.core_integration import CORE_DOMAIN, set_up_core_integration, start_code
from tools.demo.errors import DemoError, NoAnswerError, RefusedError
from tools.demo.jsons import JsonObject, as_list, as_object
from tools.demo.onboarding import onboard, sign_in_again
from tools.demo.options import Options
from tools.demo.ports import chosen_port
from tools.demo.programs import Programs
from tools.demo.set_up import sensors_of, set_up_integration
from tools.emulator import FIRST_GENERATION
from tools.emulator.meter.meter import Meter
from tools.emulator.order import send

from .log_records import count_lines, set_up_began
from .shown import Sample, first_value

#: Seconds between two looks at what is shown.
_LOOK: Final = 0.25
#: Dongle and radio take their real time.
_SPEED: Final = 1.0


@dataclass(frozen=True, slots=True)
class Subject:
    """An integration that is measured."""

    name: str
    """Name of its column."""
    domain: str
    power: str
    """Key of its sensor of power."""
    loggers: tuple[str, ...]


OURS: Final = Subject("ours", DOMAIN, "power", (f"custom_components.{DOMAIN}",))
BUILT_IN: Final = Subject(
    "built-in",
    CORE_DOMAIN,
    "instantaneous_power",
    (f"homeassistant.components.{CORE_DOMAIN}", "momonga"),
)
SUBJECTS: Final = (OURS, BUILT_IN)


@dataclass(slots=True)
class Instance:
    """Home Assistant, its meter, and what is seen of them."""

    subject: Subject
    configuration: Configuration
    client: HomeAssistantClient
    programs: Programs
    clock: Clock
    meter: Meter
    started: datetime = field(init=False)
    """When the process of Home Assistant was started, by the instance's clock."""
    submitted: datetime = field(init=False)
    """When the dialog was submitted."""
    tokens: JsonObject = field(default_factory=dict)
    entry_id: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    """What an entity shows -> entity id."""
    samples: list[Sample] = field(default_factory=list)

    def power(self, moment: datetime) -> float:
        """Return the true power in W."""
        return float(self.meter.profile.power(moment))

    async def order(self, words: str) -> str:
        """Send an order to the emulator; return its answer.

        Raises:
            DemoError: It was refused.
        """
        answer = await send(str(dongle.control_socket(self.configuration.dongle)), words)
        if answer.startswith("error"):
            raise DemoError(f"The emulator refused {words}: {answer}")
        return answer

    async def requests(self) -> int:
        """Return how many datagrams went to the meter since the emulator started."""
        return int(json.loads(await self.order("traffic"))["requests"])

    async def submit(self, days: str) -> None:
        """Go through the dialog. ``days`` is the history to import."""
        self.submitted = self.clock.now()
        device = self.configuration.dongle
        if self.subject is OURS:
            fields = {
                "device": str(device),
                "route_b_id": dongle.ROUTE_B_ID,
                "password": dongle.PASSWORD,
                "import_days": days,
            }
            self.entry_id = await set_up_integration(self.client, fields, lambda _: None)
        else:
            self.entry_id = await set_up_core_integration(self.client, device)
        self.entities = await sensors_of(self.client, self.entry_id)

    async def begin_new(self) -> None:
        """Start both programs, with no integration set up, and create the user."""
        self.started = self.clock.now()
        await self.programs.start(self.clock)
        await home_assistant.wait_until_it_answers(self.client)
        self.tokens = await onboard(self.client, "en")

    async def sign_in(self) -> None:
        """Sign in again: a sign-in holds for half an hour."""
        self.tokens = await sign_in_again(self.client, self.tokens)

    async def stop(self) -> None:
        """Stop Home Assistant as before a restart; the emulator goes on."""
        await self.programs.stop_home_assistant()

    async def begin(self) -> None:
        """Start Home Assistant, and sign in; it may be busy with its start for long after that."""
        self.started = self.clock.now()
        await self.programs.start_home_assistant(self.clock)
        await home_assistant.wait_until_it_answers(self.client)
        await self.sign_in()

    async def until_running(self, limit: float) -> datetime | None:
        """Wait until Home Assistant says that its start is over; None if not within ``limit`` s."""

        async def runs() -> bool:
            return as_object(await self.client.get("/api/config"))["state"] == "RUNNING"

        return self.clock.now() if await _within(limit, runs) else None

    async def until_value(self, after: datetime, limit: float) -> datetime | None:
        """Watch until a power is reported after a moment; return when, None after ``limit`` s.

        What was shown meanwhile is in ``samples``.
        """
        self.samples = []

        async def there() -> bool:
            self.samples.append(await self._look())
            return first_value(self.samples[-1:], after, self.power) is not None

        await _within(limit, there)
        return first_value(self.samples, after, self.power)

    async def watch(self, seconds: float) -> list[Sample]:
        """Watch for so long; return what was shown."""
        samples: list[Sample] = []

        async def never() -> bool:
            samples.append(await self._look())
            return False

        await _within(seconds, never)
        return samples

    async def update(self) -> None:
        """Have the integration read the meter now, as an automation would."""
        entity = self.entities[self.subject.power]
        await self.client.post("/api/services/homeassistant/update_entity", {"entity_id": [entity]})

    async def rows(self, start: datetime, end: datetime) -> int:
        """Return how many states of the integration's entities the recorder has of a time."""
        history = as_object(
            await self.client.command(
                "history/history_during_period",
                start_time=start.isoformat(),
                end_time=end.isoformat(),
                entity_ids=[*self.entities.values()],
                include_start_time_state=False,
                significant_changes_only=False,
            )
        )
        return sum(len(as_list(states)) for states in history.values())

    async def set_up_began(self) -> datetime:
        """Return when Home Assistant began to set up the integration at its last start.

        Raises:
            DemoError: It did not.
        """
        moment = set_up_began(await self._log(), self.subject.domain)
        if moment is None:
            raise DemoError(f"{self.subject.domain} was not set up")
        return moment

    async def log_lines(self) -> int:
        """Return how many lines the integration has in the log since the last start."""
        return count_lines(await self._log(), self.subject.loggers)

    async def _log(self) -> str:
        return await asyncio.to_thread(self.configuration.log.read_text, encoding="utf-8")

    async def _look(self) -> Sample:
        shown = await state_of(self.client, self.entities[self.subject.power])
        try:
            value: float | None = float(shown.value)
        except ValueError:
            value = None
        return Sample(self.clock.now(), value, shown.reported)


async def _within(limit: float, condition: Callable[[], Awaitable[bool]]) -> bool:
    """Ask every quarter of a second until a condition holds; return whether it did in so many seconds."""
    try:
        async with asyncio.timeout(limit):
            while not await _holds(condition):  # noqa: ASYNC110 - other programs set no event here
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        return False
    return True


async def _holds(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except NoAnswerError:
        return False  # Home Assistant is starting, and busy
    except RefusedError as err:
        if err.status != HTTPStatus.NOT_FOUND:
            raise
        return False  # its API is not there yet


@asynccontextmanager
async def running(subject: Subject, seed: int, clock: Clock) -> AsyncIterator[Instance]:
    """Prepare a Home Assistant beside its own emulated meter; stop both in the end.

    Raises:
        ExceptionGroup: A program did not start, or ended by itself (DemoError).
    """
    with TemporaryDirectory(prefix="bench-") as name, chosen_port(0) as port:
        configuration = Configuration(Path(name) / "instance")
        configuration.write(port, logs={"homeassistant.setup": "info"})
        code = start_code(configuration.dongle) if subject is BUILT_IN else ""
        options = Options(speed=_SPEED, seed=seed, start_code=code)
        programs = Programs(options, configuration)
        meter = Meter(seed, FIRST_GENERATION)
        async with HomeAssistantClient(f"http://127.0.0.1:{port}") as client:
            try:
                async with asyncio.TaskGroup() as group:
                    watch = group.create_task(_fail_with(programs))
                    yield Instance(subject, configuration, client, programs, clock, meter)
                    watch.cancel()
            finally:
                await programs.stop()


async def _fail_with(programs: Programs) -> None:
    """Wait until a program ends unexpectedly; raise DemoError then."""
    name, words = await programs.fall()
    raise DemoError(f"{name} ended by itself. It said last:\n{words}")
