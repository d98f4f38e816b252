"""One world: emulator, tap and host, in virtual time, and whether it was left clean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
from random import Random
import secrets
from typing import override
from unittest import mock

from custom_components.wisun_route_b import stack
from custom_components.wisun_route_b.stack import (
    Credentials,
    MeterDescription,
    Network,
    SmartMeter,
    errors,
)
from tests.virtual_clock import now
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.config import Push
from tools.emulator.products import J11ProductName, Output, ProductName

from .host import Host, Site
from .j11 import J11Splitter, J11Vocabulary
from .leaks import Writings, leaks, said
from .skstack import SkstackSplitter, SkstackVocabulary
from .tap import Tap
from .truth import Truth
from .units import Unit, Vocabulary


@dataclass(frozen=True, slots=True)
class Kit:
    """A kind of dongle, and how it prints datagrams."""

    dongle: ProductName | J11ProductName
    output: Output | None = None

    @override
    def __str__(self) -> str:
        return self.dongle if self.output is None else f"{self.dongle}/{self.output}"


#: Single-stack and dual-stack firmware, raw and hexadecimal datagrams; and J11.
KITS = (
    *(Kit("bp35a1"), Kit("rl7023-ips"), Kit("bp35c2"), Kit("bp35c2", "ascii")),
    Kit("bp35c0-j11"),
)


#: Credentials that no number of a log resembles; what is left of them is searched for.
ROUTE_B_ID = "F17E2D9C4B8A60537E91D3C5A7F20B4E"
PASSWORD = "K7QX2MW9ZT4B"


class _Complaints(logging.Handler):
    """Keeps what the stack logs as an error: an exception that it did not expect."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.lines.append(f"{record.getMessage()}: {error!r}")


@dataclass(slots=True)
class World:
    """What a scenario acts on and a fault strikes."""

    emulator: Emulator
    tap: Tap
    vocabulary: Vocabulary
    make_host: type[Host]
    clock_ahead: timedelta
    seed: int
    host: Host = field(init=False)
    complaints: list[str] = field(default_factory=list)
    """Unexpected exceptions, and what was left over at the end."""
    forbidden: list[str] = field(default_factory=list)
    """What the host sent although it must not."""
    leaked: list[str] = field(default_factory=list)
    """What is left of secrets in what the stack wrote."""

    @property
    def credentials(self) -> Credentials:
        """The right ones."""
        return Credentials(self.emulator.config.route_b_id, self.emulator.config.password)

    def clock(self) -> datetime:
        """Return the meter's time, which is the host's."""
        return now() + self.clock_ahead

    def place_host(
        self, network: Network | None = None, description: MeterDescription | None = None
    ) -> None:
        """Put a host with this memory at the port; it does nothing yet."""
        site = Site(self.tap.connect, self.credentials, self.clock, Truth(self.emulator), self.seed)
        self.host = self.make_host(site, network, description)

    async def visit(self, *, end_session: bool) -> tuple[Network | None, MeterDescription | None]:
        """Let an earlier program connect and leave; return what it remembers."""
        meter = SmartMeter(self.emulator.connector(), self.credentials)
        await meter.connect()
        await meter.close(end_session=end_session)
        return meter.network, meter.description

    def watch(self, unit: Unit) -> None:
        """Note what the host must not send."""
        if (reason := self.vocabulary.forbidden(unit)) is not None:
            self.forbidden.append(reason)

    def note(self, unit: Unit) -> bool:
        """Note an answer of the meter; stop nothing."""
        if self.vocabulary.answers_request(unit):
            self.host.answers += 1
        return False


@asynccontextmanager
async def world(
    kit: Kit,
    seed: int,
    *,
    push: Push = "none",
    clock_ahead: float = 0.0,
    make_host: type[Host] = Host,
) -> AsyncIterator[World]:
    """Build a world; at the end, close it and note what is left over."""
    ahead = timedelta(seconds=clock_ahead)
    config = EmulatorConfig(
        clock=lambda: now() + ahead,
        dongle=kit.dongle,
        output=kit.output,
        route_b_id=ROUTE_B_ID,
        password=PASSWORD,
        seed=seed,
        push=push,
        split_reads=False,
    )
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    logger, complaints, writings = logging.getLogger(stack.__name__), _Complaints(), Writings()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(complaints)
    logger.addHandler(writings)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    random = Random(f"sweep/{seed}")
    try:
        with mock.patch.object(secrets, "randbelow", random.randrange):
            async with Emulator(config) as emulator:
                speaks_j11 = config.j11 is not None
                tap = Tap(
                    emulator.connector(missing=errors.PortNotFoundError),
                    J11Splitter if speaks_j11 else SkstackSplitter,
                )
                vocabulary = (J11Vocabulary if speaks_j11 else SkstackVocabulary)(emulator)
                made = World(emulator, tap, vocabulary, make_host, ahead, seed)
                loop.set_exception_handler(
                    lambda _, context: made.complaints.append(
                        f"{context['message']}: {context.get('exception')!r}"
                    )
                )
                tap.watchers.append(made.watch)
                tap.filters.append(made.note)
                made.place_host()
                try:
                    yield made
                finally:
                    await made.host.close()
                    tap.close()
                made.leaked = leaks(emulator, (*writings.lines, *said(made.host)))
                if tap.open_ports:
                    made.complaints.append(f"{tap.open_ports} ports are still open")
    finally:
        logger.removeHandler(complaints)
        logger.removeHandler(writings)
        logger.setLevel(level)
        logger.propagate = propagates
    await asyncio.sleep(0)
    made.complaints += complaints.lines
    made.complaints += [f"left over: {task!r}" for task in asyncio.all_tasks() - before]
    # No public seam leads to what an event loop has still to do.
    timers = vars(loop)["_scheduled"]
    made.complaints += [f"still due: {timer!r}" for timer in timers if not timer.cancelled()]
    loop.set_exception_handler(None)
