"""What can be found out without a session: the dongle on the port, and the networks in range."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..credentials import Credentials
from ..dongle.detect import detect
from ..dongle.dongle import (
    Dongle,
    DongleEvent,
    DongleIdentity,
    FoundNetwork,
    Network,
    strength,
)
from ..dongle.port import Connector
from ..dongle.scan_passes import METER_CHANNELS, ScanPass
from ..errors import CommandTimeoutError, DongleError
from ..redact import Redactor
from ..tasks import await_uncancelled
from ..trace.trace import Trace
from .listen import listen
from .progress import Progress, ProgressCallback, Stage, ignore_progress

#: Seconds to find out what is on a port that is open. Another device is known after three, silence
#: after five; the rest is for a dongle whose answers are damaged.
_IDENTIFY_TIMEOUT = 10.0
#: Meters were found with 5 (capture 02), 6 (captures 01, 09) and 7 (capture 22).
DEFAULT_DURATION = 6


@dataclass(frozen=True, slots=True)
class Survey:
    """What a survey received."""

    dongle: DongleIdentity
    networks: tuple[FoundNetwork, ...]
    """Strongest first."""


async def identify(connector: Connector) -> DongleIdentity:
    """Find out within five seconds which dongle is on a port; a live session goes on.

    Raises a PortError or a DongleError, and leaves the port free.
    """
    async with _identified(connector, Trace(Redactor())) as (_, identity):
        return identity


async def probe(connector: Connector) -> str:
    """Return the firmware version of the dongle on a port, and change nothing there.

    Nothing but questions for a version is sent: it may be another device, or in use by others.
    Raises a PortError or a DongleError, and leaves the port free.
    """
    async with detected(connector, Trace(Redactor())) as dongle:
        return await dongle.version()


async def survey(
    connector: Connector,
    credentials: Credentials,
    duration: int = DEFAULT_DURATION,
    progress: ProgressCallback | None = None,
) -> Survey:
    """Listen where meters are, and on all channels if there is none; a live session is given up for it.

    A channel takes 0.0096 * (2**duration + 1) s. With 6 the 14 channels of Route B take 8.7 s, and
    all 28 of an SKSTACK dongle 17.5 s more; each step of ``duration`` doubles that.
    Raises a PortError or a DongleError, and leaves the port free.
    """
    report = progress or ignore_progress
    trace = Trace(Redactor(credentials.route_b_id, credentials.password))
    report(Progress(Stage.OPENING))
    async with _identified(connector, trace, lambda: report(Progress(Stage.IDENTIFYING))) as (
        dongle,
        identity,
    ):
        await dongle.prepare(credentials)
        found = await _listen(dongle, credentials.pair_id, duration, report)
    return Survey(identity, tuple(sorted(found, key=strength, reverse=True)))


async def _listen(
    dongle: Dongle, pair_id: str, duration: int, report: ProgressCallback
) -> Iterable[FoundNetwork]:
    """Listen where meters are, then on all channels unless ours was found; return all networks."""
    passes = [ScanPass(METER_CHANNELS, duration)]
    if dongle.channels != METER_CHANNELS:
        passes.append(ScanPass(dongle.channels, duration))
    networks: dict[Network, FoundNetwork] = {}
    async for found in listen(dongle, pair_id, passes, report):
        networks |= {pan.network: pan for pan in found}
        if any(pan.ours for pan in found):
            break
    report(Progress(Stage.SCANNING, 1.0))
    return networks.values()


@asynccontextmanager
async def detected(
    connector: Connector,
    trace: Trace,
    opened: Callable[[], None] | None = None,
    remembered: str | None = None,
) -> AsyncIterator[Dongle]:
    """Open a port for a while and find out which dongle is there; the port is free again after it.

    ``opened`` is called when the port is open; the ``remembered`` kind of dongle is tried first.
    """
    dongle = await detect(connector, _ignore, trace, opened=opened, remembered=remembered)
    try:
        yield dongle
    finally:
        await await_uncancelled(dongle.close())


@asynccontextmanager
async def _identified(
    connector: Connector, trace: Trace, opened: Callable[[], None] | None = None
) -> AsyncIterator[tuple[Dongle, DongleIdentity]]:
    """Do as :func:`detected`, and identify the dongle, all of it in ten seconds after the opening."""
    begun = asyncio.get_running_loop().time()

    def start() -> None:
        nonlocal begun
        begun = asyncio.get_running_loop().time()
        if opened is not None:
            opened()

    async with detected(connector, trace, start) as dongle:
        try:
            async with asyncio.timeout_at(begun + _IDENTIFY_TIMEOUT):
                identity = await dongle.identify()
        except DongleError:
            raise
        except TimeoutError as err:
            raise CommandTimeoutError("The dongle stopped answering") from err
        yield dongle, identity


def _ignore(_: DongleEvent) -> None:
    """Do nothing: there is no session, and whatever waits for the dongle fails by itself."""
