"""Ends a session that an earlier program left alive in its dongle."""

import asyncio
from typing import Final

from ..dongle.dongle import Network
from ..dongle.port import Connector
from ..redact import Redactor
from ..trace.trace import Trace
from .survey import opened

#: Seconds for all of it: nobody should have to wait for a good-bye.
_TIMEOUT: Final = 2.0


async def end_session(connector: Connector, network: Network) -> bool:
    """End the session with the meter in ``network``; False if the dongle has none with it.

    Nothing is signed in to for that. Raises a PortError, a DongleError or TimeoutError, and
    leaves the port free.
    """
    async with opened(connector, Trace(Redactor())) as dongle:
        async with asyncio.timeout(_TIMEOUT):
            await dongle.identify()
            return await dongle.resume(network) and await dongle.leave()
