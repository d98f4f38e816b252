"""A host at the emulator's in-process transport, in virtual time, whatever protocol it speaks."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, override

from tools.emulator import Emulator, EmulatorConfig


class SerialHost(asyncio.Protocol):
    """The other end of the serial line."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.pieces: list[bytes] = []
        self.lost: list[Exception | None] = []
        self._transport: asyncio.Transport | None = None
        self._changed = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.heard += data
        self._changed.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport


@asynccontextmanager
async def emulating[H: SerialHost](
    host: H, choices: Mapping[str, Any]
) -> AsyncIterator[tuple[Emulator, H]]:
    """Run an emulator with this host at its transport; nothing may fail unseen."""
    bugs: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    async with Emulator(EmulatorConfig(**choices)) as emulator:
        await emulator.connector()(lambda: host)
        yield emulator, host
    assert bugs == []
