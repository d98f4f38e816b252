"""The commands of J11: when each is allowed, and how long its data are.

The table is that of V12 p25-26 for mode Dual; refusals: p178-184. What only the HAN side uses is
unknown here.
"""

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass

from . import numbers
from .module import DUAL, Module, State
from .numbers import RefusedError
from .on_air import LARGEST, OnAir
from .reply import Reply
from .settings import Settings

_ALWAYS = frozenset(State)
_STARTED = _ALWAYS - {State.NOT_STARTED}
_JOINED = frozenset((State.OPERATING, State.AUTHENTICATED))
_NOT_JOINED = _ALWAYS - _JOINED
_NOT_STARTED = frozenset((State.NOT_STARTED,))
_IDLE = frozenset((State.IDLE,))
_OPERATING = frozenset((State.OPERATING,))
_AUTHENTICATED = frozenset((State.AUTHENTICATED,))
_REFUSALS = {
    State.NOT_STARTED: numbers.NOT_STARTED,
    State.IDLE: numbers.IDLE,
    State.OPERATING: numbers.OPERATING,
    State.AUTHENTICATED: numbers.AUTHENTICATED,
}
#: Sizes in bytes of what stands in front of a payload in 0008 and 00D1; anything shorter than a
#: whole datagram is still refused by its own size field.
_SEND_HEAD, _PING_HEAD = 22, 19
_NOTHING = (0,)

type Handler = Callable[[bytes], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Row:
    """One command."""

    sizes: Container[int]
    """Of its data, in bytes."""
    states: frozenset[State]
    execute: Handler
    route_b: bool = True
    """It is refused in a mode without Route B."""


class Commands:
    """Executes everything but the reset."""

    def __init__(self, module: Module, settings: Settings, on_air: OnAir) -> None:
        """Prepare the table."""
        self._module = module
        self._table = _of_settings(settings) | _of_radio(on_air)

    def knows(self, code: int) -> bool:
        """Return whether there is such a command."""
        return code in self._table

    async def execute(self, code: int, data: bytes) -> Reply:
        """Execute a command; raise RefusedError."""
        row = self._table[code]
        if len(data) not in row.sizes:
            raise RefusedError(numbers.BAD_LENGTH)
        state = self._module.state
        if state not in row.states:
            raise RefusedError(_REFUSALS[state])
        if row.route_b and self._module.started and self._module.mode != DUAL:
            raise RefusedError(numbers.WRONG_MODE)
        return await row.execute(data)


def _of_settings(settings: Settings) -> dict[int, Row]:
    return {
        0x0001: Row(_NOTHING, _ALWAYS, settings.status, route_b=False),
        0x0005: Row((2,), _JOINED, settings.open_port),
        0x0006: Row((2,), _JOINED, settings.close_port),
        0x0007: Row(_NOTHING, _JOINED, settings.ports),
        0x0009: Row(_NOTHING, _ALWAYS, settings.own_ip, route_b=False),
        0x000E: Row(_NOTHING, _ALWAYS, settings.own_mac, route_b=False),
        0x0011: Row(_NOTHING, _ALWAYS, settings.connections, route_b=False),
        0x0054: Row((44,), _IDLE | _OPERATING, settings.set_credentials),
        0x0059: Row(_NOTHING, _AUTHENTICATED, settings.key),
        0x005E: Row(_NOTHING, _JOINED, settings.pan_id),
        0x005F: Row((4,), _NOT_JOINED, settings.set_up, route_b=False),
        0x006B: Row(_NOTHING, _ALWAYS, settings.version, route_b=False),
        0x00F0: Row(range(1350), _NOT_STARTED, settings.rewrite, route_b=False),
        0x0100: Row(_NOTHING, _ALWAYS, settings.terminals, route_b=False),
        0x0101: Row((1,), _NOT_JOINED, settings.solicit, route_b=False),
        0x0102: Row(_NOTHING, _ALWAYS, settings.solicits, route_b=False),
        0x0107: Row(_NOTHING, _ALWAYS, settings.settings, route_b=False),
        0x010A: Row((1,), _NOT_JOINED, settings.flow, route_b=False),
        0x010B: Row(_NOTHING, _ALWAYS, settings.flow_control, route_b=False),
    }


def _of_radio(on_air: OnAir) -> dict[int, Row]:
    return {
        0x0008: Row(range(_SEND_HEAD, _SEND_HEAD + LARGEST + 1), _JOINED, on_air.transmit),
        0x0051: Row((6, 14), _STARTED, on_air.scan),
        0x0053: Row(_NOTHING, _IDLE, on_air.start),
        0x0056: Row(_NOTHING, _OPERATING, on_air.start_pana),
        0x0057: Row(_NOTHING, _AUTHENTICATED, on_air.end_pana),
        0x0058: Row(_NOTHING, _OPERATING, on_air.end),
        0x00D1: Row(range(_PING_HEAD, _PING_HEAD + LARGEST + 1), _JOINED, on_air.ping),
        0x00D2: Row(_NOTHING, _AUTHENTICATED, on_air.reauthenticate),
        0x00DB: Row((4,), _STARTED, on_air.energy_scan),
    }
