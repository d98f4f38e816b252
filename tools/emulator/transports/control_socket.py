"""A socket for one line of request and one of answer, for programs beside the emulator."""

import asyncio
from collections.abc import Callable
import contextlib
from pathlib import Path
from typing import Self

#: Answers a line with a line; neither has a line end.
type Answer = Callable[[str], str]


class ControlSocket:
    """A listening socket: a loopback port, or a path.

    A client sends one line and gets one line, and the connection is closed.
    """

    def __init__(self, server: asyncio.Server, path: Path | None) -> None:
        """Keep what :meth:`open` made."""
        self._server = server
        self._path = path

    @classmethod
    async def open(cls, answer: Answer, where: str) -> Self:
        """Listen on a port of this computer (digits) or on a Unix socket (a path)."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, ValueError):  # gone, or a line without an end
                line = (await reader.readline()).decode(errors="replace").strip()
                writer.write(f"{answer(line)}\n".encode())
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
