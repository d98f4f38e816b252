"""Requests that are unsafe for a J11 dongle, counted when they arrive."""

import asyncio
from dataclasses import dataclass, field
from math import inf

from .module import Module, State

_TRANSMIT, _KEY, _REWRITE = 0x0008, 0x0059, 0x00F0


@dataclass(slots=True)
class Violations:
    """Counts since power-up of the emulator; a careful host never makes any."""

    firmware_rewrites: int = 0
    """00F0."""
    key_requests: int = 0
    """0059."""
    plain_datagrams: list[float] = field(default_factory=list)
    """For each 0008 that is sent in plain text: how many seconds of the running loop the dongle has
    been without keys, infinite if it never had any. A datagram that was already on its way when
    the session ended is here too, with almost 0."""

    def note(self, code: int, module: Module) -> None:
        """Take the code of a request that has arrived."""
        self.firmware_rewrites += code == _REWRITE
        self.key_requests += code == _KEY
        if code == _TRANSMIT and module.state is State.OPERATING:
            lost = module.keys_lost_at
            self.plain_datagrams.append(
                inf if lost is None else asyncio.get_running_loop().time() - lost
            )
