"""Context of a command: port, credentials and output."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from custom_components.wisun_route_b.stack import (
    JST,
    Connector,
    Credentials,
    Progress,
    SmartMeter,
)

from .exit_codes import ExitCode, UsageError
from .screen import Screen


def _now() -> datetime:
    return datetime.now(JST)


@dataclass(frozen=True, slots=True)
class Context:
    """The port, the credentials, and the output."""

    connector: Connector
    screen: Screen
    credentials: Credentials | None = None
    show_addresses: bool = False
    """Whether MAC addresses and identification numbers may be printed."""
    now: Callable[[], datetime] = _now

    def require_credentials(self) -> Credentials:
        """Return the credentials; raise UsageError if there are none."""
        if self.credentials is None:
            raise UsageError(
                "This needs the Route-B ID and the password: set ROUTE_B_ID and ROUTE_B_PASSWORD,"
                " or give --id and --password."
            )
        return self.credentials


class Command(Protocol):
    """A command on what is on a port."""

    name: ClassVar[str]

    async def run(self, context: Context) -> ExitCode:
        """Run it, print the result, leave the port free; raise RouteBError or UsageError."""


@asynccontextmanager
async def connected(
    context: Context,
    connector: Connector | None = None,
    listen: Callable[[SmartMeter, Progress], None] | None = None,
) -> AsyncIterator[SmartMeter]:
    """Sign in to the meter for a while; afterwards the session is ended and the port free."""
    meter = SmartMeter(connector or context.connector, context.require_credentials())

    def report(progress: Progress) -> None:
        context.screen.progress(progress)
        if listen is not None:
            listen(meter, progress)

    try:
        await meter.connect(report)
        context.screen.wipe()
        yield meter
    finally:
        await asyncio.shield(meter.close(end_session=True))
