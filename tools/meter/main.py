"""Carries out a command line."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
import os
import signal
import sys

from custom_components.wisun_route_b.stack import RouteBError, serial_connector

from .arguments import Request, parse
from .context import Command, Context
from .exit_codes import ExitCode, UsageError, failure_of
from .screen import Screen


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    request = parse(sys.argv[1:] if words is None else words, os.environ)
    try:
        return asyncio.run(_until_interrupted(request))
    except BrokenPipeError:
        # The reader of the output has closed the pipe; nothing must be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


async def _until_interrupted(request: Request) -> ExitCode:
    """Run the command; the first Ctrl-C ends it in an orderly way, more do nothing."""
    context = Context(
        serial_connector(request.port),
        Screen(as_json=request.as_json),
        request.credentials,
        request.show_addresses,
    )
    task = asyncio.create_task(perform(request.command, context))
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    with suppress(asyncio.CancelledError):
        return await task
    context.screen.wipe()
    return ExitCode.INTERRUPTED


async def perform(command: Command, context: Context) -> ExitCode:
    """Run a command; print what went wrong, if anything did."""
    try:
        return await command.run(context)
    except RouteBError as err:
        failure = failure_of(err)
        context.screen.failure(failure.key, failure.text)
        return failure.code
    except UsageError as err:
        context.screen.failure("usage", str(err))
        return ExitCode.USAGE
