"""What the stack writes and raises must hold no credentials, no MAC and no address, whatever happened."""

from collections.abc import Iterable, Iterator
import logging
import traceback
from typing import override

from custom_components.wisun_route_b.stack.trace.line_log import TraceDirection
from tests.stack.secret_scan import traces
from tools.emulator import Emulator

from .host import Host

_WAYS = (TraceDirection.SENT, TraceDirection.RECEIVED)


class Writings(logging.Handler):
    """Keeps every different line of a log at debug level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: set[str] = set()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.add(self.format(record))


def leaks(emulator: Emulator, lines: Iterable[str]) -> list[str]:
    """Return which pieces of secrets are in the lines."""
    config = emulator.config
    own = emulator.j11.mac if config.j11 else emulator.dongle.radio.printer.lines.mac
    found = traces(
        "\n".join(lines),
        ids=[config.route_b_id],
        macs=[emulator.air.pan.mac, own],
        words=[config.password, emulator.meter.serial],
    )
    return [f"{len(found)} pieces of secrets, such as {found[0]}"] if found else []


def said(host: Host) -> Iterator[str]:
    """Yield what a host was left with beside the log: its trace, its errors, its state."""
    log = host.meter.line_log
    for line in (*log.lines, *(frame for way in _WAYS for frame in log.frames(way))):
        yield line.as_text(0.0)
    for error in {poll.error for poll in host.polls if poll.error is not None}:
        yield from traceback.format_exception(error)
        yield repr(error)
    yield repr(host.states)
    yield repr((host.meter.statistics, host.meter.network, host.meter.description))
