"""Settings and state of a J11 module until the next reset (V12 p14-17, p27)."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum

from ..radio_environment import Pan

#: Mode "Dual", the only one with Route B.
DUAL = 0x05
#: Settings before any set-up: mode and channel FF, sleep and power 0 (V12 p28).
_NO_SETTINGS = b"\xff\x00\xff\x00"


class State(IntEnum):
    """The state of Route B."""

    NOT_STARTED = 0
    IDLE = 1
    OPERATING = 2
    AUTHENTICATED = 3


@dataclass(slots=True)
class Module:
    """The memory of the module."""

    settings: bytes = _NO_SETTINGS
    """Mode, HAN sleep, channel, power."""
    started: bool = False
    """Whether there was a set-up since the last start."""
    route_b_id: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ports: list[int] = field(default_factory=list)
    joined: Pan | None = None
    """Our place in a meter's network."""
    keys: bool = False
    """Whether there are keys for the meter."""
    keys_lost_at: float | None = None
    """When there were keys for the last time, in seconds of the running loop."""
    solicits: bool = False
    flow_control: bool = False
    limited: bool = False
    """Nothing may be transmitted. It outlives a reset, a power cycle does."""
    han: bool = False
    """The HAN side is in use. Its user sets it up again after each reset."""

    @property
    def state(self) -> State:
        """In which state Route B is."""
        if not self.started:
            return State.NOT_STARTED
        if self.joined is None:
            return State.IDLE
        return State.AUTHENTICATED if self.keys else State.OPERATING

    @property
    def mode(self) -> int:
        """The mode of the set-up."""
        return self.settings[0]

    @property
    def channel(self) -> int:
        """The channel of the set-up, 4 to 17."""
        return self.settings[2]

    def forget_credentials(self) -> None:
        """Forget ID and password, as the end of a session does (V12 p116)."""
        self.route_b_id = self.password = None

    def lose_keys(self) -> None:
        """Forget the keys, as the end of a session does."""
        if self.keys:
            self.keys = False
            self.keys_lost_at = asyncio.get_running_loop().time()

    def reset(self) -> None:
        """Forget everything that a reset forgets."""
        self.lose_keys()
        self.settings = _NO_SETTINGS
        self.started = self.solicits = self.flow_control = False
        self.forget_credentials()
        self.ports.clear()
        self.joined = None
