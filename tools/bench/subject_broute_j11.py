"""The measured program with broute-j11 0.1.0: ``python -m tools.bench.subject_broute_j11 MODE PORT...``.

The modes are those of bench.subject_stack. Everything is left as that library sets it. It can remember
the network, as its own Home Assistant integration has it do, and does not detect a live session.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict
import json
import logging
import os
import sys
import time
from typing import Any

import broute_j11

from tools.emulator.config import DUMMY_ID, DUMMY_PASSWORD

from .lines import POLL, inputs, say, usage


class Memory:
    """The network in the form in which it goes from one program to the next."""

    def __init__(self, network: dict[str, Any] | None) -> None:
        """Take what an earlier program has found."""
        self._network = network

    def load(self) -> broute_j11.CachedNetwork | None:
        """Return the network, if one is known."""
        if self._network is None:
            return None
        mac = bytes.fromhex(self._network["mac_address"])
        return broute_j11.CachedNetwork(**self._network | {"mac_address": mac})

    def store(self, network: broute_j11.CachedNetwork) -> None:
        """Store another one."""
        self._network = asdict(network) | {"mac_address": network.mac_address.hex()}

    def as_dict(self) -> dict[str, Any]:
        """Return the stored network."""
        return {"network": self._network}


def session_at(
    port: str,
    memory: Memory | None = None,
    on_disconnect: Callable[[], None] | None = None,
) -> broute_j11.J11Session:
    """Return a session with the meter behind a port."""
    return broute_j11.J11Session(
        broute_j11.SerialTransport(port),
        broute_j11.SessionConfig(DUMMY_ID, DUMMY_PASSWORD),
        network_cache=memory or Memory(None),
        on_disconnect=on_disconnect,
    )


async def read(session: broute_j11.J11Session) -> dict[str, str]:
    """Read everything that counts; fail if anything of it is missing."""
    found = asdict(await session.async_read_meter())
    if None in found.values():
        raise RuntimeError("The reading is not complete")
    return {name: str(value) for name, value in found.items()}


async def start(port: str, memory: str = "{}") -> None:
    """Print when the first reading was there, and exit without ending the session."""
    remembered = Memory(json.loads(memory).get("network"))
    session = session_at(port, remembered)
    say(begins=True)
    try:
        await session.async_connect()
    except (broute_j11.ProtocolError, broute_j11.TransportError) as err:
        say(verdict=type(err).__name__)
        return
    say(reading=await read(session), **usage())
    say(memory=remembered.as_dict())
    os._exit(0)  # its close ends the session


async def spin(*ports: str) -> None:
    """Read as often as each line of the input asks, and print the cost."""
    (session,) = map(session_at, ports)
    await session.async_connect()
    say(ready=1)
    async for line in inputs():
        count = int(line.split()[0])
        before, began = usage()["cpu"], time.monotonic()
        for _ in range(count):
            await read(session)
        now = usage()
        seconds = time.monotonic() - began
        say(**now | {"cpu": now["cpu"] - before}, readings=count, seconds=seconds)
    await session.async_close()


async def watch(port: str) -> None:
    """Read every 30 s until killed; when the session reports its loss, read at once.

    A read builds the session up again, as often as the library sees fit. After an error, the next one
    is at the next turn.
    """
    lost = asyncio.Event()
    session = session_at(port, on_disconnect=lost.set)
    await session.async_connect()
    while True:
        say(poll=True)
        lost.clear()
        try:
            say(reading=await read(session))
        except (broute_j11.ProtocolError, broute_j11.TransportError) as err:
            say(error=type(err).__name__)
            lost.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await lost.wait()


_MODES: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "start": start,
    "spin": spin,
    "watch": watch,
}


if __name__ == "__main__":
    logging.getLogger("broute_j11").setLevel(logging.CRITICAL)
    asyncio.run(_MODES[sys.argv[1]](*sys.argv[2:]))
