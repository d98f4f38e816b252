"""``watch``: live values, and what the meter says by itself."""

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
    LinkError,
    ReadReport,
    RouteBError,
    SmartMeter,
)

from ..desk import Command, Desk, connected
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
_SHORT = {
    CUMULATIVE_ENERGY_NORMAL.epc: "in ",
    CUMULATIVE_ENERGY_REVERSE.epc: "out ",
}


@dataclass(frozen=True, slots=True)
class Watch(Command):
    """Print live values every ``interval`` seconds and pushes as they come, until Ctrl-C."""

    name: ClassVar = "watch"
    interval: float = DEFAULT_INTERVAL
    count: int | None = None
    """End after so many readings."""

    @override
    async def run(self, desk: Desk) -> ExitCode:
        async with connected(desk) as meter:
            watcher = _Watcher(desk, meter)
            try:
                await watcher.watch(self.interval, self.count)
            except asyncio.CancelledError:
                desk.screen.wipe()  # Ctrl-C is how this ends
        return ExitCode.OK


class _Watcher:
    """Reads, listens and prints."""

    def __init__(self, desk: Desk, meter: SmartMeter) -> None:
        self._desk = desk
        self._meter = meter
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        meter.subscribe(lambda report: self._print("push", report))
        meter.on_lost(self._on_lost)

    async def watch(self, interval: float, count: int | None) -> None:
        """Read until the count is full or the connection is lost, which raises why."""
        loop = asyncio.get_running_loop()
        begun, done = loop.time(), 0
        while True:
            await self._read()
            done += 1
            if done == count:
                return
            due = begun + done * interval
            await asyncio.wait((self._lost,), timeout=max(0.0, due - loop.time()))
            if self._lost.done():
                self._lost.result()

    async def _read(self) -> None:
        try:
            report = await self._meter.read(_LIVE)
        except LinkError as err:
            if not self._meter.connected:
                raise
            failure = failure_of(err)
            self._desk.screen.failure(failure.key, failure.text)
        else:
            self._print("reading", report)

    def _on_lost(self, error: RouteBError) -> None:
        if not self._lost.done():
            self._lost.set_exception(error)
            self._lost.exception()  # a read that is under way raises it as well

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
