"""One lock for each meter's identity, for everything that writes its statistics.

A lock per object is not enough: a reloaded entry has new objects while an action of the old
ones is still running. The locks live as long as Home Assistant does.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

_LOCKS: Final[HassKey[dict[str, IdentityLock]]] = HassKey(f"{DOMAIN}_identity_locks")


class HistoryBusyError(HomeAssistantError):
    """Other work on the same statistics did not end in time."""

    def __init__(self, holder: str) -> None:
        """Take what was waited for."""
        super().__init__(translation_domain=DOMAIN, translation_key="history_busy")
        self.holder = holder


class IdentityLock:
    """Lets one task at a time write the statistics of a meter."""

    def __init__(self) -> None:
        """Start unlocked."""
        self._lock = asyncio.Lock()
        self.holder: str | None = None
        """Purpose of the present holder, for logs and the diagnostics."""

    @asynccontextmanager
    async def hold(self, purpose: str, timeout_s: float) -> AsyncGenerator[None]:
        """Hold it; raises HistoryBusyError if it is not free within ``timeout_s`` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._lock.acquire()
        except TimeoutError:
            raise HistoryBusyError(self.holder or "") from None
        self.holder = purpose
        try:
            yield
        finally:
            self.holder = None
            self._lock.release()


@callback
def identity_lock(hass: HomeAssistant, identity: str) -> IdentityLock:
    """Return the one lock of an identity (``entry.data[CONF_IDENTITY]``)."""
    return hass.data.setdefault(_LOCKS, {}).setdefault(identity, IdentityLock())
