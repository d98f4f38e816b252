"""The truth door: asks the meter itself, past dongle and radio.

Whoever connects sends one line: a moment in ISO form, or nothing for now. It gets one line of
JSON (see truth.py), and the connection is closed.
"""

import asyncio
from collections.abc import Callable
import contextlib
from datetime import datetime
import json
from pathlib import Path
from typing import Self

from ..clock import parse_moment
from ..truth import Truth

#: Answers what the meter's values were at a moment; None = now.
type Ask = Callable[[datetime | None], Truth]


class TruthDoor:
    """A listening socket: a loopback port, or a path."""

    def __init__(self, server: asyncio.Server, path: Path | None) -> None:
        """Keep what :meth:`open` made."""
        self._server = server
        self._path = path

    @classmethod
    async def open(cls, ask: Ask, where: str) -> Self:
        """Listen on a port of this computer (digits) or on a Unix socket (a path)."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                line = (await reader.readline()).decode(errors="replace").strip()
                writer.write(_answer(ask, line))
                await writer.drain()
            writer.close()

        if where.isdigit():
            server = await asyncio.start_server(serve, "127.0.0.1", int(where))
            return cls(server, None)
        path = Path(where)
        return cls(await asyncio.start_unix_server(serve, path), path)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _answer(ask: Ask, line: str) -> bytes:
    try:
        answer = ask(parse_moment(line) if line else None)
    except ValueError, OverflowError:
        answer = {"error": "not a moment in ISO form"}
    return json.dumps(answer).encode() + b"\n"
