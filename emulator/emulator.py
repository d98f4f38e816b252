"""The whole of it: a dongle, the air and a meter, with doors for hosts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Self

from .air import Air
from .config import EmulatorConfig
from .dongle import Dongle
from .doors.pair import Connector, connector
from .doors.pty import PtyDoor
from .doors.tcp import TcpDoor
from .doors.truth import TruthDoor
from .meter import Meter
from .pace import Pace
from .truth import Truth, truth


class Emulator:
    """A software dongle with a meter behind it.

    It works on whatever event loop runs when a host opens a door, and has no threads. Leave
    it with :meth:`close`, or use it as an asynchronous context manager.
    """

    def __init__(self, config: EmulatorConfig | None = None) -> None:
        """Build the dongle and the meter; nothing runs yet."""
        self.config = config or EmulatorConfig()
        self._pace = Pace(self.config.seed, self.config.speed)
        self._splits = Random(f"splits/{self.config.seed}")
        self._closers: list[Callable[[], None]] = []
        self.meter = Meter(self.config.seed, self.config.model)
        self.air = Air(self.config, self.meter)
        self.dongle = Dongle(self.config, self.air, self._pace)

    def connector(self) -> Connector:
        """Return the in-process door: what opens a port to this dongle, as often as wanted."""
        return connector(self.dongle, self._splits if self.config.split_reads else None)

    def serve_pty(self, path: str | Path) -> None:
        """Make a pseudo-terminal and link it to ``path``; needs a running loop."""
        self._closers.append(PtyDoor(self.dongle, Path(path)).close)

    async def serve_tcp(self, port: int, address: str = "127.0.0.1") -> int:
        """Listen for hosts; return the port, which the system chooses if it is 0."""
        door = await TcpDoor.open(self.dongle, port, address)
        self._closers.append(door.close)
        return door.port

    async def serve_truth(self, where: str) -> None:
        """Answer what the meter knows, on a loopback port or a Unix socket."""
        door = await TruthDoor.open(self.truth, where)
        self._closers.append(door.close)

    def truth(self, moment: datetime | None = None) -> Truth:
        """Return the meter's own values at a moment, by default now."""
        return truth(self.meter, moment or self.config.clock())

    async def close(self) -> None:
        """Close the doors and end everything that is going on."""
        while self._closers:
            self._closers.pop()()
        await self._pace.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
