"""Ends a session that an earlier program left alive in its dongle."""

import asyncio
from typing import Final

from ..dongle.dongle import Network
from ..dongle.port import Connector
from ..redact import Redactor
from ..trace.trace import Trace
from .survey import detected

#: Seconds for all of it after the opening of the port: a dialog waits for it.
_TIMEOUT_S: Final = 2.0


async def end_session(
    connector: Connector, network: Network, dongle_kind: str | None = None
) -> bool:
    """End the session with the meter in ``network``; False if the dongle has none with it.

    The remembered ``dongle_kind`` is looked for first, as there is no time for more. No sign-in takes
    place. Raises a PortError, a DongleError or TimeoutError, and leaves the port free.
    """
    async with asyncio.timeout(None) as limit:

        def start() -> None:
            limit.reschedule(asyncio.get_running_loop().time() + _TIMEOUT_S)

        async with detected(connector, Trace(Redactor()), start, dongle_kind) as dongle:
            await dongle.identify()
            return await dongle.resume(network) and await dongle.disconnect()
