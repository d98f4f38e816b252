"""The sign-in of a J11 dongle: join the meter's network (0053), then authenticate (PANA, 0056)."""

import asyncio
import contextlib
from typing import Final

from ..errors import CommandFailedError, CommandTimeoutError, HanInUseError, JoinFailedError
from ..j11 import ResultCode, commands
from ..j11.messages import Network as JoinedNetwork
from ..j11.results import HAN_IN_USE
from .dongle import Network
from .j11_commander import J11Commander
from .j11_module import OPERATING, J11Module, channel_of
from .j11_session import J11Session, SessionState

#: 0053 often fails at first; each try takes 2.6 s (V12 p155).
_START_TRIES: Final = 3
#: Seconds for PANA. It takes a few; the dongle itself gives up after 492 to 706 s (V12 p155), and
#: nothing shows meanwhile whether the meter takes part.
_PANA_TIMEOUT_S: Final = 45.0
#: Seconds between two checks whether PANA has succeeded and only its 6028 was lost.
_PANA_POLL_S: Final = 5.0


class J11SignIn:
    """Signs in to one meter after another, over one dongle."""

    def __init__(self, commander: J11Commander, module: J11Module, session: J11Session) -> None:
        """Take the commander, the dongle, and the session that is to begin."""
        self._commander = commander
        self._module = module
        self._session = session

    async def join(self, network: Network, first_sign: float | None) -> None:
        """Sign in to a meter.

        There is no sign of the meter before the end of PANA; ``first_sign`` seconds replace the usual
        timeout of 45 for that. Raises JoinFailedError, CredentialsRefusedError, HanInUseError,
        CommandTimeoutError or a PortError.
        """
        try:
            await self._associate(network)
            # Before PANA, or the first notification of the meter is lost (V12 p191).
            await self._module.open_port()
            await self._authenticate(network, first_sign or _PANA_TIMEOUT_S)
        except CommandFailedError as err:
            raise _join_error(err) from err

    async def _associate(self, network: Network) -> None:
        """Join the meter's network, or use the place that the dongle still has in it."""
        channel = channel_of(network)
        if channel is None:
            raise JoinFailedError("The dongle cannot use this channel")
        state = (await self._module.status()).route_b
        if state == OPERATING and await self._module.is_joined(network):
            await self._module.give_credentials()  # the end of a session may have wiped them
            return
        if state >= OPERATING:
            await self._module.start_over(channel)
        else:
            await self._module.set_up(channel)
        await self._start(network)

    async def _start(self, network: Network) -> None:
        for left in reversed(range(_START_TRIES)):
            try:
                joined = (await self._commander.execute(commands.start())).answer
            except CommandTimeoutError:
                continue  # the next one shows whether it was executed
            except CommandFailedError as err:
                if err.code == ResultCode.MAC_JOIN_FAILED and left:
                    continue
                if err.code == ResultCode.OPERATING and await self._module.is_joined(network):
                    return  # an earlier one was executed, and its response lost
                raise
            if isinstance(joined, JoinedNetwork) and _is_same(joined, network):
                return
            await self._commander.execute_with_retries(commands.end())
            raise JoinFailedError("Another meter has answered")
        raise CommandTimeoutError("No response to the Route-B start")

    async def _authenticate(self, network: Network, timeout_s: float) -> None:
        decided = self._session.begin()
        try:
            await self._start_pana()
            async with asyncio.timeout(timeout_s):
                await self._await_pana(decided, network)
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            await self._module.start_over()  # it would go on for minutes
            raise JoinFailedError("The meter did not finish the sign-in in time") from err
        finally:
            if self._session.state is SessionState.JOINING:
                self._session.drop()

    async def _start_pana(self) -> None:
        """Start PANA, unless it is running or has succeeded: a repetition finds it so."""
        try:
            await self._commander.execute_with_retries(commands.start_pana())
        except CommandFailedError as err:
            match err.code:
                case ResultCode.PANA_RUNNING | ResultCode.AUTHENTICATED:
                    pass
                case ResultCode.NO_CREDENTIALS:
                    await self._module.give_credentials()
                    await self._commander.execute_with_retries(commands.start_pana())
                case _:
                    raise

    async def _await_pana(self, decided: asyncio.Future[None], network: Network) -> None:
        """Wait for the end of PANA (6028), and look whether only that was lost."""
        while True:
            await asyncio.wait((decided,), timeout=_PANA_POLL_S)
            if decided.done():
                decided.result()
                return
            with contextlib.suppress(CommandFailedError):  # it may be too busy to answer that
                if await self._module.is_joined(network, authenticated=True):
                    self._session.take_over()
                elif not decided.done():
                    # If it has failed, it begins again, and what it ends with is heard this time.
                    await self._start_pana()


def _is_same(joined: JoinedNetwork, network: Network) -> bool:
    return (joined.pan_id, joined.mac) == (network.pan_id, network.address)


def _join_error(err: CommandFailedError) -> JoinFailedError | HanInUseError:
    if err.code in HAN_IN_USE:
        return HanInUseError("The dongle is in use in a home area network")
    return JoinFailedError("The meter has not been reached")
