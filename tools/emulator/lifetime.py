"""How long a session lasts: renewed at 80 % of its lifetime, and expired if that fails."""

import asyncio
from collections.abc import Awaitable, Callable

from .pace import Pace
from .transceiver import Transceiver

#: The share of its lifetime after which the dongle renews a session (A1 p14, C2 p24, J11 V12 p115).
_RENEWED_AT = 0.8


class Lifetime:
    """The lifetimes of consecutive sessions."""

    def __init__(
        self,
        transceiver: Transceiver,
        pace: Pace,
        seconds: float,
        *,
        renew: Callable[[], Awaitable[bool]],
        expire: Callable[[], None],
    ) -> None:
        """Take the lifetime in seconds, and how a session is renewed and how it ends."""
        self._transceiver = transceiver
        self._pace = pace
        self._seconds = seconds
        self._renew = renew
        self._expire = expire
        self._expires = 0.0
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin with a new session."""
        self.end()
        self._prolong()
        self._running = self._transceiver.begin(self._run())

    def renew_now(self) -> None:
        """Renew the session before it is time."""
        self.end()
        self._running = self._transceiver.begin(self._run(renew_now=True))

    def end(self) -> None:
        """End it; what has ended it by itself goes on."""
        running, self._running = self._running, None
        if running is not None and running is not asyncio.current_task():
            running.cancel()

    def _prolong(self) -> None:
        now = asyncio.get_running_loop().time()
        self._expires = now + self._pace.scaled(self._seconds)

    async def _run(self, *, renew_now: bool = False) -> None:
        """Renew the session as long as that works, then expire. The old keys stay valid meanwhile."""
        if not renew_now:
            await self._pace.hold(self._seconds * _RENEWED_AT)
        while await self._renew():
            self._prolong()
            await self._pace.hold(self._seconds * _RENEWED_AT)
        await asyncio.sleep(self._expires - asyncio.get_running_loop().time())
        self._expire()
