"""Runs a command line against an emulator, in this process and in virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import io
import json
from typing import Any, override

from custom_components.wisun_route_b.stack import Connector
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.j11.dongle import J11Dongle
from tools.emulator.products import link_local
from tools.meter.arguments import parse
from tools.meter.context import Context
from tools.meter.exit_codes import ExitCode
from tools.meter.main import perform
from tools.meter.screen import Screen

ROUTE_B_ID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
PASSWORD = "S3cretPASS99"
ENVIRONMENT = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}

#: A J11 dongle makes small letters of a password large.
J11_PASSWORD = PASSWORD.upper()
J11_ENVIRONMENT = {**ENVIRONMENT, "ROUTE_B_PASSWORD": J11_PASSWORD}


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: ExitCode
    out: str
    err: str
    emulator: Emulator | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def says(self, beginning: str) -> str:
        """Return what stands behind ``beginning`` in the one line that begins so."""
        (line,) = (line for line in self.lines if line.startswith(beginning))
        return line.removeprefix(beginning).strip()


async def carry_out(
    words: tuple[str, ...],
    connector: Connector,
    *,
    err: io.StringIO | None = None,
    environment: dict[str, str] = ENVIRONMENT,
) -> Outcome:
    """Carry out a command line on whatever the connector opens."""
    request = parse(("PORT", *words), environment)
    out, err = io.StringIO(), err or io.StringIO()
    screen = Screen(out, err, as_json=request.as_json)
    context = Context(connector, screen, request.credentials, request.show_addresses, now)
    code = await perform(request.command, context)
    return Outcome(code, out.getvalue(), err.getvalue())


def meter(
    *words: str,
    err: io.StringIO | None = None,
    environment: dict[str, str] = ENVIRONMENT,
    meanwhile: Callable[[Emulator, asyncio.Task[Outcome]], None] | None = None,
    **choices: Any,
) -> Outcome:
    """Carry out a command line on an emulator; ``choices`` go to its configuration."""
    usual = {"route_b_id": ROUTE_B_ID, "password": PASSWORD, "clock": now}

    async def play() -> Outcome:
        async with Emulator(EmulatorConfig(**{**usual, **choices})) as emulator:
            connector = emulator.connector()
            task = asyncio.create_task(
                carry_out(words, connector, err=err, environment=environment)
            )
            if meanwhile is not None:
                meanwhile(emulator, task)
            found = await task
            await asyncio.sleep(1)  # what the dongle does after the last command
            return Outcome(found.code, found.out, found.err, emulator)

    return run(play())


def secrets(emulator: Emulator) -> list[str]:
    """Return everything that must not be shown, in every form that it may take."""
    pan = emulator.air.pan
    own = emulator.device.mac if isinstance(emulator.device, J11Dongle) else None
    own = own or emulator.dongle._printer.lines.mac
    plain = [
        ROUTE_B_ID,
        PASSWORD,
        J11_PASSWORD,
        ROUTE_B_ID[-8:],
        pan.mac,
        pan.address,
        own,
        link_local(own),
    ]
    plain += [emulator.meter.unique[:12].hex().upper()]
    plain += [text.encode().hex().upper() for text in (ROUTE_B_ID, PASSWORD)]
    return plain
