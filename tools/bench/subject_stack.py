"""The measured program with this stack: run as ``python -m tools.bench.subject_stack MODE PORT...``.

start PORT [MEMORY]    connect, read once, leave the session alive
spin PORT...           connect all; for each line "COUNT EVERY" of the input, read COUNT times
watch PORT             read every 30 s, and at once when the link comes back, until killed
profile PORT COUNT     say where the CPU time of COUNT readings goes
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
import cProfile
import json
import sys
import time

from tools.emulator.config import DUMMY_ID, DUMMY_PASSWORD
from tools.meter.bootstrap import without_home_assistant

from .cpu_profile import shares
from .lines import EPCS, POLL, inputs, say, usage

without_home_assistant()

from custom_components.wisun_route_b.stack import (  # noqa: E402 - see above
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    MeterDescription,
    Network,
    Progress,
    ReadReport,
    RouteBError,
    SmartMeter,
    properties,
    serial_connector,
)

_READING = tuple(properties.PROPERTIES[epc] for epc in EPCS)


def meter_at(
    port: str,
    network: dict[str, object] | None = None,
    known: dict[str, object] | None = None,
    kind: str | None = None,
) -> SmartMeter:
    """Return the meter behind a port, with what is remembered of it."""
    return SmartMeter(
        serial_connector(port),
        Credentials(DUMMY_ID, DUMMY_PASSWORD),
        network=Network.from_dict(network) if network else None,
        description=MeterDescription.from_dict(known) if known else None,
        dongle_kind=kind,
    )


def _complete(report: ReadReport) -> dict[str, str]:
    """Return everything that counts; fail if anything of it is missing."""
    if not report.has(*EPCS):
        raise RuntimeError("The reading is not complete")
    return {f"{epc:02X}": str(report.values[epc]) for epc in EPCS}


async def read(meter: SmartMeter) -> dict[str, str]:
    """Read everything that counts."""
    return _complete(await meter.read(_READING))


async def start(port: str, memory: str = "{}") -> None:
    """Print when each stage began, and when the first reading was there."""
    remembered = json.loads(memory)
    meter = meter_at(
        port, remembered.get("network"), remembered.get("known"), remembered.get("kind")
    )
    seen: set[str] = set()

    def progress(event: Progress) -> None:
        if event.stage.name not in seen:
            seen.add(event.stage.name)
            say(stage=event.stage.name.lower())

    say(begins=True)
    try:
        report = await meter.connect(progress, _READING)
    except RouteBError as err:
        say(verdict=type(err).__name__)
        return
    say(reading=_complete(report), **usage())
    network, known = meter.network, meter.description
    say(
        memory={
            "network": network and network.as_dict(),
            "known": known and known.as_dict(),
            "kind": meter.dongle_kind,
        }
    )
    await meter.close()


async def watch(port: str) -> None:
    """Read every 30 s, and at once when the link is up again, until killed."""
    keeper = LinkKeeper(meter_at(port))
    due = asyncio.Event()
    await keeper.open()

    def changed(status: LinkStatus) -> None:
        say(state=status.state.value, error=status.error and type(status.error).__name__)
        if status.state is LinkState.CONNECTED:
            due.set()

    keeper.on_change(changed)
    while True:
        say(poll=True)
        try:
            say(reading=await read(keeper.meter))
        except RouteBError as err:
            say(error=type(err).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await due.wait()
        due.clear()


async def spin(*ports: str) -> None:
    """Read as often as each line of the input asks, and print the cost."""
    meters = [meter_at(port) for port in ports]
    await asyncio.gather(*(meter.connect() for meter in meters))
    say(ready=len(meters))
    async for line in inputs():
        count, every = line.split()
        before, began = usage()["cpu"], time.monotonic()
        await asyncio.gather(
            *(
                _read_often(meter, int(count), float(every), number / len(meters))
                for number, meter in enumerate(meters)
            )
        )
        now = usage()
        spent = now["cpu"] - before
        say(**now | {"cpu": spent}, readings=int(count) * len(meters), seconds=_since(began))
    for meter in meters:
        await meter.close()


async def _read_often(meter: SmartMeter, count: int, every: float, phase: float) -> None:
    """Read ``count`` times, ``every`` so many seconds, beginning at a phase (0 to 1)."""
    due = time.monotonic() + phase * every
    for _ in range(count):
        if every:
            await asyncio.sleep(due - time.monotonic())
            due += every
        await read(meter)


def _since(began: float) -> float:
    return time.monotonic() - began


async def profile(port: str, count: str) -> None:
    """Print how the CPU time of readings divides among the parts of the program."""
    meter = meter_at(port)
    await meter.connect()
    await _read_often(meter, 50, 0, 0)
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    await _read_often(meter, int(count), 0, 0)
    profiler.disable()
    say(shares=shares(profiler))
    await meter.close()


_MODES: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "start": start,
    "spin": spin,
    "watch": watch,
    "profile": profile,
}


if __name__ == "__main__":
    asyncio.run(_MODES[sys.argv[1]](*sys.argv[2:]))
