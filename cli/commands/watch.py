"""``watch``: live values, what the meter sends by itself, and every change of the link."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import (
    CUMULATIVE_ENERGY_NORMAL,
    CUMULATIVE_ENERGY_REVERSE,
    INSTANTANEOUS_CURRENT,
    INSTANTANEOUS_POWER,
    PROPERTIES,
    AnyProperty,
    LinkKeeper,
    LinkState,
    LinkStatus,
    ReadReport,
    RouteBError,
    SmartMeter,
)

from ..desk import Command, Desk
from ..outcome import ExitCode, failure_of
from ..screen import Json
from ..values import as_json, as_text

_LIVE: tuple[AnyProperty, ...] = (
    INSTANTANEOUS_POWER,
    INSTANTANEOUS_CURRENT,
    CUMULATIVE_ENERGY_NORMAL,
    CUMULATIVE_ENERGY_REVERSE,
)
#: Seconds from reading to reading.
DEFAULT_INTERVAL = 10.0
#: Seconds for one answer, as in Home Assistant.
_PATIENCE = 20.0
_SHORT = {
    CUMULATIVE_ENERGY_NORMAL.epc: "in ",
    CUMULATIVE_ENERGY_REVERSE.epc: "out ",
}


@dataclass(frozen=True, slots=True)
class Watch(Command):
    """Print live values, pushes and changes of the link until Ctrl-C.

    The link is kept as Home Assistant keeps it: whatever is lost is brought back.
    """

    name: ClassVar = "watch"
    interval: float = DEFAULT_INTERVAL
    """Seconds from reading to reading."""
    count: int | None = None
    """End after so many readings."""

    @override
    async def run(self, desk: Desk) -> ExitCode:
        keeper = LinkKeeper(SmartMeter(desk.connector, desk.require_credentials()))
        watcher = _Watcher(desk, keeper)
        try:
            keeper.start()
            await watcher.watch(self.interval, self.count)
        except asyncio.CancelledError:
            desk.screen.wipe()  # Ctrl-C is how this ends
            return ExitCode.OK if watcher.has_read else ExitCode.INTERRUPTED
        finally:
            await asyncio.shield(keeper.close(end_session=True))
        return ExitCode.OK


class _Watcher:
    """Reads, listens and prints."""

    def __init__(self, desk: Desk, keeper: LinkKeeper) -> None:
        self._desk = desk
        self._keeper = keeper
        self._meter = keeper.meter
        self._changed = asyncio.Event()
        self.has_read = False
        self._meter.subscribe(lambda report: self._print("push", report))
        keeper.on_change(self._link_changed)

    async def watch(self, interval: float, count: int | None) -> None:
        """Read whenever there is a link, until the count is full."""
        loop = asyncio.get_running_loop()
        done = 0
        while done != count:
            while not self._meter.connected:
                self._changed.clear()
                await self._changed.wait()
            begun = loop.time()
            await self._read()
            done += 1
            self._changed.clear()
            left = begun + interval - loop.time()
            if done != count and self._meter.connected:
                await self._wait(left)

    async def _wait(self, seconds: float) -> None:
        """Wait for the next reading, or for a change of the link."""
        waiting = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((waiting,), timeout=max(0.0, seconds))
        finally:
            waiting.cancel()

    async def _read(self) -> None:
        try:
            report = await self._meter.read(_LIVE, _PATIENCE)
        except RouteBError as err:
            failure = failure_of(err)
            self._desk.screen.failure(failure.key, failure.text)
        else:
            self.has_read = True
            self._print("reading", report)

    def _link_changed(self, status: LinkStatus) -> None:
        """Print a change of state, and what it comes from."""
        if status.state is LinkState.CLOSED:
            return
        self._changed.set()
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
        self._desk.screen.event(document, text)

    def _print(self, kind: str, report: ReadReport) -> None:
        now, signal = self._desk.now(), self._meter.signal
        values = {PROPERTIES[epc]: value for epc, value in report.values.items()}
        document: dict[str, Json] = {"at": now.isoformat(), "kind": kind}
        document |= {row.name: as_json(value) for row, value in values.items()}
        if kind == "push":
            parts = [f"push {row.name}: {as_text(row, value)}" for row, value in values.items()]
        else:
            document["dbm"] = round(signal.dbm, 1) if signal else None
            parts = [_SHORT.get(row.epc, "") + as_text(row, value) for row, value in values.items()]
            parts += [f"{signal.dbm:.0f} dBm"] if signal else []
        self._desk.screen.event(document, f"{now:%H:%M:%S}  " + "   ".join(parts))
