"""What can be learned without a session: who is on the port, and what is on the air."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import override

from ..credentials import Credentials
from ..dongle.dongle import DongleIdentity, DongleListener, FoundNetwork
from ..dongle.port import Connector
from ..dongle.skstack import SkstackDongle
from ..errors import CommandTimeoutError, DongleError, PortError
from ..redact import Redactor
from ..trace.trace import Trace
from .progress import Progress, ProgressCallback, Stage, estimated, ignore_progress

#: Seconds to find out what is on a port that is open. Another device is known after three, silence
#: after five; the rest is for a dongle whose answers are damaged.
_IDENTIFY_TIMEOUT = 10.0
#: Meters were found with 5 (capture 02), 6 (captures 01, 09) and 7 (capture 22).
DEFAULT_DURATION = 6


@dataclass(frozen=True, slots=True)
class Survey:
    """What one scan heard."""

    dongle: DongleIdentity
    networks: tuple[FoundNetwork, ...]
    """Strongest first."""


async def identify(connector: Connector) -> DongleIdentity:
    """Tell within five seconds which dongle is on a port; a live session goes on.

    Raises a PortError or a DongleError, and leaves the port free.
    """
    async with opened(connector, Trace(Redactor())) as dongle:
        return await _identify(dongle)


async def probe(connector: Connector) -> str:
    """Return the firmware version of the SKSTACK dongle on a port, and change nothing there.

    Nothing but questions for a version is sent: it may be another device, or in use by others.
    Raises a PortError or a DongleError, and leaves the port free.
    """
    async with opened(connector, Trace(Redactor())) as dongle:
        return await _in_time(dongle.version())


async def survey(
    connector: Connector,
    credentials: Credentials,
    duration: int = DEFAULT_DURATION,
    progress: ProgressCallback | None = None,
) -> Survey:
    """Listen once on all channels; a live session is given up for it.

    A channel takes 0.0096 * (2**duration + 1) s: 17.5 s in all for 6, twice that for 7.
    Raises a PortError or a DongleError, and leaves the port free.
    """
    report = progress or ignore_progress
    trace = Trace(Redactor(credentials.route_b_id, credentials.password))
    report(Progress(Stage.OPENING))
    async with opened(connector, trace) as dongle:
        report(Progress(Stage.IDENTIFYING))
        identity = await _identify(dongle)
        await dongle.prepare(credentials)
        with estimated(report, Stage.SCANNING, 0.0, 1.0, dongle.scan_seconds(duration)):
            found = await dongle.scan(credentials.pair_id, duration)
    return Survey(identity, tuple(sorted(found, key=lambda pan: pan.lqi, reverse=True)))


@asynccontextmanager
async def opened(connector: Connector, trace: Trace) -> AsyncIterator[SkstackDongle]:
    """Open a port for a while; it is free again whatever happens."""
    dongle = SkstackDongle(_Nobody(), trace)
    try:
        await dongle.open(connector)
        yield dongle
    finally:
        await asyncio.shield(dongle.close())


async def _identify(dongle: SkstackDongle) -> DongleIdentity:
    return await _in_time(dongle.identify())


async def _in_time[T](answer: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_IDENTIFY_TIMEOUT):
            return await answer
    except DongleError:
        raise
    except TimeoutError as err:
        raise CommandTimeoutError("The dongle stopped answering") from err


class _Nobody(DongleListener):
    """Takes no interest: there is no session, and who waits learns of a loss anyway."""

    @override
    def datagram_received(self, payload: bytes, rssi: int | None) -> None:
        pass

    @override
    def session_lost(self, reason: str) -> None:
        pass

    @override
    def session_renewing(self) -> None:
        pass

    @override
    def session_renewed(self) -> None:
        pass

    @override
    def transmit_limit_changed(self, active: bool) -> None:
        pass

    @override
    def dongle_lost(self, error: DongleError | PortError) -> None:
        pass
