"""``watch``: live values, what the meter sends by itself, and every change of the link."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import (
    LinkKeeper,
    LinkStatus,
    ReadReport,
    RouteBError,
    SmartMeter,
    properties,
)

from ..context import Command, Context
from ..exit_codes import ExitCode, failure_of
from ..screen import Json
from ..values import as_json, as_text

_LIVE: tuple[properties.AnyProperty, ...] = (
    properties.INSTANTANEOUS_POWER,
    properties.INSTANTANEOUS_CURRENT,
    properties.CUMULATIVE_ENERGY_NORMAL,
    properties.CUMULATIVE_ENERGY_REVERSE,
)
#: Seconds from reading to reading.
DEFAULT_INTERVAL = 10.0
#: Seconds for one answer, as in Home Assistant.
_READ_TIMEOUT_S = 20.0
#: A bar of so many characters stands for signal strengths between these, in dBm: the weakest that a
#: link has held with, and the best that is on record (docs/hardware.md).
_BAR = 20
_FAINTEST, _STRONGEST = -95.0, -45.0
_SHORT = {
    properties.CUMULATIVE_ENERGY_NORMAL.epc: "in ",
    properties.CUMULATIVE_ENERGY_REVERSE.epc: "out ",
}


@dataclass(frozen=True, slots=True)
class Watch(Command):
    """Print live values, pushes and changes of the link until Ctrl-C.

    The link is supervised as in Home Assistant: a lost session is recovered.
    """

    name: ClassVar = "watch"
    interval: float = DEFAULT_INTERVAL
    """Seconds from reading to reading."""
    count: int | None = None
    """End after so many readings."""
    signal: bool = False
    """Print how well the meter is received, and no values: for finding a place for the dongle."""

    @override
    async def run(self, context: Context) -> ExitCode:
        keeper = LinkKeeper(SmartMeter(context.connector, context.require_credentials()))
        watcher = _Watcher(context, keeper, signal_only=self.signal)
        try:
            keeper.start()
            await watcher.watch(self.interval, self.count)
        except asyncio.CancelledError:
            context.screen.wipe()  # Ctrl-C ends this
            return ExitCode.OK if watcher.has_read else ExitCode.INTERRUPTED
        finally:
            await asyncio.shield(keeper.close(end_session=True))
        return ExitCode.OK


class _Watcher:
    """Reads, listens and prints."""

    def __init__(self, context: Context, keeper: LinkKeeper, *, signal_only: bool) -> None:
        self._desk = context
        self._signal_only = signal_only
        self._keeper = keeper
        self._meter = keeper.meter
        self._happened = asyncio.Event()
        self._to_print: list[Callable[[], None]] = []
        """Errors of callbacks: a closed pipe is to end the program, not the callback."""
        self.has_read = False
        if not signal_only:
            self._meter.subscribe(lambda report: self._later(partial(self._print, "push", report)))
        keeper.on_change(lambda status: self._later(self._line_of(status)))

    def _later(self, step: Callable[[], None]) -> None:
        self._to_print.append(step)
        self._happened.set()

    def _flush(self) -> None:
        self._happened.clear()
        steps, self._to_print = self._to_print, []
        for step in steps:
            step()

    async def watch(self, interval: float, count: int | None) -> None:
        """Read whenever there is a link, until the count is full."""
        loop = asyncio.get_running_loop()
        due, done = loop.time(), 0
        while True:
            self._flush()
            if self._meter.connected and loop.time() >= due:
                due = loop.time() + interval
                await self._read()
                done += 1
                self._flush()
                if done == count:
                    return
            await self._wait(due - loop.time() if self._meter.connected else None)
            if not self._meter.connected:
                due = loop.time()  # read at once when the link is back

    async def _wait(self, seconds: float | None) -> None:
        """Wait for the next reading, or until something happens."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds if seconds is None else max(0.0, seconds)):
                await self._happened.wait()

    async def _read(self) -> None:
        try:
            report = await self._meter.read(
                _LIVE[:1] if self._signal_only else _LIVE, _READ_TIMEOUT_S
            )
        except RouteBError as err:
            failure = failure_of(err)
            self._desk.screen.failure(failure.key, failure.text)
        else:
            self.has_read = True
            if self._signal_only:
                self._print_signal()
            else:
                self._print("reading", report)

    def _line_of(self, status: LinkStatus) -> Callable[[], None]:
        """Return what prints a change of state, and what it comes from."""
        now, loop = self._desk.now(), asyncio.get_running_loop()
        document: dict[str, Json] = {
            "at": now.isoformat(),
            "kind": "link",
            "state": status.state.value,
        }
        text = f"{now:%H:%M:%S}  link {status.state.value}"
        if status.error is not None:
            failure = failure_of(status.error)
            document["cause"] = failure.key
            text += f": {failure.text}"
        if status.retry_at is not None:
            seconds = round(status.retry_at - loop.time())
            document["retry_in"] = seconds
            text += f" The next attempt is in {seconds} s."
        return partial(self._desk.screen.event, document, text)

    def _print_signal(self) -> None:
        """Print how well the meter was received, as a number, a word and a bar."""
        now, signal = self._desk.now(), self._meter.signal
        document: dict[str, Json] = {"at": now.isoformat(), "kind": "signal"}
        if signal is None:
            text = "this dongle reports no signal strength"
            document |= {"dbm": None, "reception": None, "live": False}
        else:
            full = round(_BAR * (signal.dbm - _FAINTEST) / (_STRONGEST - _FAINTEST))
            bar = "#" * min(max(full, 0), _BAR)
            text = f"{signal.dbm:4.0f} dBm  {signal.reception:<4}  |{bar:<{_BAR}}|"
            text += (
                "" if signal.live else "  of the last scan: this dongle measures at no other time"
            )
            document |= {
                "dbm": round(signal.dbm, 1),
                "reception": signal.reception,
                "live": signal.live,
            }
        self._desk.screen.event(document, f"{now:%H:%M:%S}  {text}")

    def _print(self, kind: str, report: ReadReport) -> None:
        now, signal = self._desk.now(), self._meter.signal
        values = {properties.PROPERTIES[epc]: value for epc, value in report.values.items()}
        document: dict[str, Json] = {"at": now.isoformat(), "kind": kind}
        document |= {row.name: as_json(value) for row, value in values.items()}
        if kind == "push":
            parts = [f"push {row.name}: {as_text(row, value)}" for row, value in values.items()]
        else:
            document["dbm"] = round(signal.dbm, 1) if signal else None
            parts = [_SHORT.get(row.epc, "") + as_text(row, value) for row, value in values.items()]
            parts += [f"{signal.dbm:.0f} dBm"] if signal else []
        self._desk.screen.event(document, f"{now:%H:%M:%S}  " + "   ".join(parts))
