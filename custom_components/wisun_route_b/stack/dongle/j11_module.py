"""State and set-up of a J11 dongle: questions that change nothing, reset, mode, credentials.

The answers describe the dongle at that moment; nothing is inferred from earlier messages.
Each method raises DongleError or PortError when the dongle fails; CommandFailedError has the result as
``code``.
"""

import asyncio
from typing import Final

from ..credentials import Credentials
from ..errors import (
    CommandFailedError,
    CommandTimeoutError,
    DongleError,
    EncodeError,
    FirmwareNotDualError,
    HanInUseError,
    NotConnectedError,
)
from ..j11 import Command, ResultCode, commands
from ..j11.channels import from_logical
from ..j11.messages import DUAL_FIRMWARE, Answer, Connections, Settings, Status, Version
from ..j11.results import HAN_IN_USE
from .dongle import Network
from .j11_commander import J11Commander

#: States of Route B and of the HAN in 2001 (V12 p40).
OPERATING: Final = 2
AUTHENTICATED: Final = 3
#: The set-up needs a channel although the one of the meter is not known yet.
ANY_CHANNEL: Final = 4
#: State of the dongle in 2001 before its set-up (V12 p40).
_NOT_STARTED: Final = 2
_SIDE_ROUTE_B: Final = 1
#: Authenticated, in a row of 2011 (V12 p45).
_PEER_AUTHENTICATED: Final = 2
#: Seconds from a reset to 6019. Not documented; clients allow 5 to 15, and another reset would begin
#: the start-up again. After the first five, the state is asked for too: a 6019 may be lost.
_RESET_TIMEOUT_S: Final = 5.0
_START_TIMEOUT_S: Final = 20.0
_RESET_TRIES: Final = 3
#: The same for a dongle that has not answered anything after the first reset.
_SILENT_TRIES: Final = 2
#: Seconds for the answer to a question, which the dongle answers by itself: 0.03 (capture 31), 2 at most
#: (V12 p155).
_QUESTION_TIMEOUT_S: Final = 2.5


class J11Module:
    """The dongle without its radio."""

    def __init__(self, commander: J11Commander) -> None:
        """Take the commander."""
        self._commander = commander
        self._version: str | None = None
        self.credentials: Credentials | None = None
        """What a set-up gives to the dongle; None before the driver has been prepared."""

    # --- Questions -------------------------------------------------------------------------

    async def version(self) -> str:
        """Return the firmware version; raise FirmwareNotDualError if it has no Route B."""
        if self._version is None:
            answer = await self._ask(commands.version())
            assert isinstance(answer, Version)  # noqa: S101 - the parser returns nothing else
            if answer.firmware != DUAL_FIRMWARE:
                raise FirmwareNotDualError("The firmware of the dongle has no Route B")
            self._version = answer.text
        return self._version

    async def identify(self) -> str:
        """Return the version, and end a scan that was left running; raise HanInUseError too."""
        try:
            version = await self.version()
        except CommandFailedError as err:
            if err.code != ResultCode.BUSY:
                raise
            await self.reset()
            version = await self.version()
        if (await self.status()).han >= OPERATING:
            raise HanInUseError("The dongle is in use in a home area network")
        return version

    async def status(self) -> Status:
        """Return the states of the dongle, Route B and HAN."""
        answer = await self._ask(commands.status())
        assert isinstance(answer, Status)  # noqa: S101 - the parser returns nothing else
        return answer

    async def is_set_up_for(self, network: Network) -> bool:
        """Return whether mode and channel are those of a network."""
        answer = await self._ask(commands.settings())
        return (
            isinstance(answer, Settings)
            and answer.mode == commands.MODE_DUAL
            and answer.channel == channel_of(network)
        )

    async def is_joined(self, network: Network, *, authenticated: bool = False) -> bool:
        """Return whether the dongle is joined to this meter, or even signed in to it."""
        answer = await self._ask(commands.connections())
        return isinstance(answer, Connections) and any(
            (peer.side, peer.mac, peer.pan_id) == (_SIDE_ROUTE_B, network.address, network.pan_id)
            and (not authenticated or peer.state == _PEER_AUTHENTICATED)
            for peer in answer.peers
        )

    async def _ask(self, question: Command) -> Answer | None:
        return (await self._commander.execute_with_retries(question, _QUESTION_TIMEOUT_S)).answer

    # --- Set-up ----------------------------------------------------------------------------

    async def start_over(self, channel: int = ANY_CHANNEL) -> None:
        """Reset the dongle, and set it up on a channel of J11, 4 to 17."""
        await self.reset()
        await self.set_up(channel)

    async def reset(self) -> None:
        """Reset the dongle: legal at any time, and the only end of a scan or of PANA."""
        silent = 0
        for _ in range(_RESET_TRIES):
            if await self._commander.reset(_RESET_TIMEOUT_S):
                return
            match await self._starts():
                case True:
                    return
                case None if (silent := silent + 1) == _SILENT_TRIES:
                    break
                case _:
                    pass  # the reset was lost
        raise CommandTimeoutError("The dongle does not start")

    async def _starts(self) -> bool | None:
        """Wait for the start of a dongle that was reset five seconds ago.

        Returns False if it has not been reset, and None if it does not answer.
        """
        try:
            async with asyncio.timeout(_START_TIMEOUT_S - _RESET_TIMEOUT_S):
                while True:
                    try:
                        return (await self.status()).dongle == _NOT_STARTED
                    except CommandTimeoutError:
                        continue
                    except DongleError:
                        return False
        except TimeoutError:
            return None

    async def set_up(self, channel: int = ANY_CHANNEL) -> None:
        """Set mode, channel and credentials; legal unless a network is joined.

        Raises HanInUseError as well.
        """
        try:
            await self._commander.execute_with_retries(commands.set_up(channel))
            await self.give_credentials()
        except CommandFailedError as err:
            if err.code in HAN_IN_USE:
                raise HanInUseError("The dongle is in use in a home area network") from err
            if err.code != ResultCode.NOT_STARTED:
                raise
            # It has restarted between the two.
            await self._commander.execute_with_retries(commands.set_up(channel))
            await self.give_credentials()

    async def give_credentials(self) -> None:
        """Set the credentials; not while authenticated. NotConnectedError if there are none."""
        if self.credentials is None:
            raise NotConnectedError("The dongle has not been prepared")
        command = commands.set_credentials(self.credentials.route_b_id, self.credentials.password)
        await self._commander.execute_with_retries(command)

    async def open_port(self) -> None:
        """Open the ECHONET Lite port; only while joined."""
        await self._commander.execute_with_retries(commands.open_port())


def channel_of(network: Network) -> int | None:
    """Return the number that J11 has for a network's channel, None if it has none."""
    try:
        return from_logical(network.channel)
    except EncodeError:
        return None
