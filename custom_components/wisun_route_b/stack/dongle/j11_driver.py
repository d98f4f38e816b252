"""A dongle that speaks J11: RATOC RS-WSUHA-J11, ROHM BP35C0-J11, BP35C1-J11 and BP35C2-J11.

Theory of operation. The dongle has three states of Route B (V12 p14-17): idle, operating (joined to the
meter's network, MAC only) and authenticated (PANA has succeeded, everything is encrypted). Commands
are refused in the wrong state, and results or notifications may be lost on the line. So the driver
asks for the state (0001, 0011) wherever it matters, and does not conclude it from what was heard:

- right before each datagram and each repetition, because 0008 sends in plain text while the dongle is
  not authenticated (V12 p56), and a notification that the session is over may have been lost;
- before a sign-in: what is left of the last one is used if it is our meter's network, else reset;
- while PANA goes on, because its result 6028 may have been lost.

The only way out of a scan or of PANA is the reset (00D9), which is taken at any time. 0057 is sent only
to end a session on purpose: it wipes the credentials, and the meter wants a pause after it. What is
unsafe is never sent: 00F0, 0059 and plain text.

V12 = ROHM, J11 UART IF command specification v1.2, 2026-01-14.
"""

import asyncio
import contextlib
import logging
from typing import Final, override

from ..credentials import Credentials
from ..errors import (
    CommandFailedError,
    CommandTimeoutError,
    DongleError,
    EncodeError,
    FirmwareNotDualError,
    HanInUseError,
    JoinFailedError,
    LinkError,
    NotConnectedError,
    PortError,
    PortLostError,
    SessionLostError,
)
from ..j11 import Command, ResultCode, commands, link_local
from ..j11.channels import from_logical, logical_channel
from ..j11.messages import (
    DUAL_FIRMWARE,
    Answer,
    ConnectionChanged,
    Connections,
    Datagram,
    Network as JoinedNetwork,
    PanaResult,
    ScanResult,
    Settings,
    StartedUp,
    Status,
    Version,
)
from ..j11.results import ConnectionChange
from ..route_b import ECHONET_PORT
from ..trace.trace import Trace
from .dongle import (
    PAN_IDS,
    DatagramReceived,
    Dongle,
    DongleIdentity,
    DongleLost,
    EventHandler,
    FoundNetwork,
    FractionCallback,
    Network,
    ignore_fraction,
)
from .j11_commander import J11Commander, Unsolicited
from .j11_session import J11Session, SessionState
from .j11_trace import J11Trace
from .j11_transmitter import J11Transmitter, NotJoinedError
from .port import Port, PortEvent
from .scan_passes import METER_CHANNELS, ScanPass

_LOGGER = logging.getLogger(__name__)

#: States of Route B and of the HAN in 2001 (V12 p40).
_OPERATING, _AUTHENTICATED = 2, 3
#: State of the dongle in 2001 before its set-up (V12 p40).
_NOT_STARTED = 2
_SIDE_ROUTE_B = 1
#: Authenticated, in a row of 2011 (V12 p45).
_PEER_AUTHENTICATED = 2

#: Seconds from a reset to 6019. Not documented; clients allow 5 to 15, here for each of three tries.
_RESET_TIMEOUT_S: Final = 5.0
_RESET_TRIES: Final = 3
#: The set-up needs a channel although the one of the meter is not known yet.
_ANY_CHANNEL: Final = 4
#: 0053 often fails at first; each try takes 2.6 s (V12 p155).
_START_TRIES: Final = 3
#: Seconds for PANA. It takes a few; the dongle itself gives up after 492 to 706 s (V12 p155), and
#: nothing shows meanwhile whether the meter takes part.
_PANA_TIMEOUT_S: Final = 45.0
#: Seconds between two looks whether PANA has succeeded and only its 6028 was lost.
_PANA_POLL_S: Final = 5.0
#: Seconds for the answer to a question, of which the dongle knows the answer: 0.03 (capture 31).
_QUESTION_TIMEOUT_S: Final = 1.5
#: Seconds for any response to the question whether the dongle still answers.
_PING_TIMEOUT_S: Final = 0.75
#: Ending a session must not delay the closing of the link; a response may take 2 s (V12 p155).
_DISCONNECT_TIMEOUT_S: Final = 1.5
#: PANs that one scan keeps; a neighbour cannot fill our memory.
_MAX_PANS: Final = 64
_HAN_IN_USE: Final = frozenset(
    (
        ResultCode.HAN_OPERATING,
        ResultCode.HAN_AUTHENTICATED,
        ResultCode.HAN_ACCEPTS_20,
        ResultCode.HAN_ACCEPTS_21,
    )
)


class _Scan:
    """What one scan has found."""

    def __init__(self, channels: int, on_fraction: FractionCallback) -> None:
        self.found: list[FoundNetwork] = []
        self._channels = channels
        self._visited: set[int] = set()
        self._on_fraction = on_fraction

    def add(self, result: ScanResult) -> None:
        """Take what was received on one channel."""
        for beacon in result.beacons:
            if len(self.found) < _MAX_PANS and beacon.pan_id in PAN_IDS:
                network = Network(logical_channel(result.channel), beacon.pan_id, beacon.mac)
                self.found.append(FoundNetwork(network, beacon.rssi, ours=True))
        self._visited.add(result.channel)
        self._on_fraction(min(1.0, len(self._visited) / self._channels))


class J11Dongle(Dongle):
    """Drives one dongle over one port, until it is closed."""

    kind = "j11"

    def __init__(self, port: Port, on_event: EventHandler, trace: Trace) -> None:
        """Take the port, whose events must be passed to :meth:`take`."""
        self._port = port
        self._on_event = on_event
        self._trace = trace
        self._commander = J11Commander(port, self._dispatch, J11Trace(trace))
        self._session = J11Session(on_event)
        self._transmitter = J11Transmitter(self._commander, on_event)
        self._sending = asyncio.Lock()
        self._credentials: Credentials | None = None
        self._version: str | None = None
        self._network: Network | None = None
        """The network that is joined, or being joined."""
        self._scan: _Scan | None = None
        """The scan that is running."""
        self._strays = 0

    @property
    @override
    def line_statistics(self) -> dict[str, int]:
        return {**self._commander.statistics, "stray_datagrams": self._strays}

    # --- Identifying -----------------------------------------------------------------------

    @override
    async def version(self) -> str:
        if self._version is None:
            answer = await self._ask(commands.version())
            assert isinstance(answer, Version)  # noqa: S101 - the parser returns nothing else
            if answer.firmware != DUAL_FIRMWARE:
                raise FirmwareNotDualError("The firmware of the dongle has no Route B")
            self._version = answer.text
        return self._version

    @override
    async def identify(self) -> DongleIdentity:
        """Find out which dongle it is; a live session goes on, a scan that was left running does not.

        Raises HanInUseError and FirmwareNotDualError beside what every method raises.
        """
        try:
            version = await self.version()
        except CommandFailedError as err:
            if err.code != ResultCode.BUSY:
                raise
            await self._reset()
            version = await self.version()
        if (await self._status()).han >= _OPERATING:
            raise HanInUseError("The dongle is in use in a home area network")
        return DongleIdentity("J11", version, None)

    async def _status(self) -> Status:
        answer = await self._ask(commands.status())
        assert isinstance(answer, Status)  # noqa: S101 - the parser returns nothing else
        return answer

    async def _ask(self, question: Command) -> Answer | None:
        return (await self._commander.execute_with_retries(question, _QUESTION_TIMEOUT_S)).answer

    # --- Preparing -------------------------------------------------------------------------

    @override
    async def is_on_network(self, network: Network) -> bool:
        if self._credentials is None:
            return False
        answer = await self._ask(commands.settings())
        return (
            isinstance(answer, Settings)
            and answer.mode == commands.MODE_DUAL
            and answer.channel == _channel_of(network)
        )

    @override
    async def resume(self, network: Network) -> bool:
        try:
            if not await self._is_joined(network, authenticated=True):
                return False
            await self._commander.execute_with_retries(commands.open_port())
        except CommandFailedError:
            return False  # it has ended in this moment
        self._network = network
        self._session.adopt()
        return True

    @override
    async def prepare(self, credentials: Credentials) -> None:
        self._session.drop()
        self._credentials = credentials
        await self._start_over(_ANY_CHANNEL)

    async def _start_over(self, channel: int) -> None:
        """Reset the dongle, and set it up on a channel."""
        await self._reset()
        await self._set_up(channel)

    async def _reset(self) -> None:
        for _ in range(_RESET_TRIES):
            # A 6019 that was lost shows in the state.
            if await self._commander.reset(_RESET_TIMEOUT_S) or await self._is_fresh():
                return
        raise CommandTimeoutError("The dongle does not start")

    async def _is_fresh(self) -> bool:
        try:
            return (await self._status()).dongle == _NOT_STARTED
        except DongleError:
            return False

    async def _set_up(self, channel: int) -> None:
        """Set mode, channel and credentials; legal unless a network is joined."""
        await self._commander.execute_with_retries(commands.set_up(channel))
        await self._give_credentials()

    async def _give_credentials(self) -> None:
        credentials = self._credentials
        if credentials is None:
            raise NotConnectedError("The dongle has not been prepared")
        command = commands.set_credentials(credentials.route_b_id, credentials.password)
        await self._commander.execute_with_retries(command)

    # --- Scanning --------------------------------------------------------------------------

    @property
    @override
    def channels(self) -> range:
        return METER_CHANNELS

    @override
    def scan_seconds(self, listening: ScanPass) -> float:
        return commands.scan_time(listening.duration, _mask(listening.channels))

    @override
    async def scan(
        self,
        pair_id: str,
        listening: ScanPass,
        on_fraction: FractionCallback = ignore_fraction,
    ) -> tuple[FoundNetwork, ...]:
        """Listen once; the dongle reports networks with this pairing ID only."""
        mask = _mask(listening.channels)
        command = commands.scan(listening.duration, pairing_id=pair_id, channels=mask)
        scan = self._scan = _Scan(mask.bit_count(), on_fraction)
        try:
            await self._commander.execute(command)
        except CommandFailedError as err:
            if err.code != ResultCode.NOT_STARTED:
                raise
            await self._set_up(_ANY_CHANNEL)  # the dongle has restarted meanwhile
            await self._commander.execute(command)
        except CommandTimeoutError:
            if not await self.ping():
                raise
            # Only its end was lost.
        finally:
            self._scan = None
        return tuple(scan.found)

    # --- Session ---------------------------------------------------------------------------

    @override
    async def join(self, network: Network, *, first_sign: float | None = None) -> None:
        self._session.drop()
        self._network = network
        try:
            await self._associate(network)
            # Before PANA, or the first notification of the meter is lost (V12 p191).
            await self._commander.execute_with_retries(commands.open_port())
            await self._authenticate(network, first_sign or _PANA_TIMEOUT_S)
        except CommandFailedError as err:
            raise _join_error(err) from err
        except LinkError:
            self._transmitter.require_no_limit()  # or that is the reason
            raise

    async def _associate(self, network: Network) -> None:
        """Join the meter's network, or use the place that the dongle still has in it."""
        channel = _channel_of(network)
        if channel is None:
            raise JoinFailedError("The dongle cannot use this channel")
        state = (await self._status()).route_b
        if state == _OPERATING and await self._is_joined(network):
            await self._give_credentials()  # the end of a session may have wiped them
            return
        if state >= _OPERATING:
            await self._start_over(channel)
        else:
            await self._set_up(channel)
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
                if err.code == ResultCode.OPERATING and await self._is_joined(network):
                    return  # an earlier one was executed, and its response lost
                raise
            if isinstance(joined, JoinedNetwork) and _is_same(joined, network):
                return
            await self._commander.execute_with_retries(commands.end())
            raise JoinFailedError("Another meter has answered")
        raise CommandTimeoutError("No response to the Route-B start")

    async def _is_joined(self, network: Network, *, authenticated: bool = False) -> bool:
        """Return whether the dongle is joined to this meter, or even signed in to it."""
        answer = await self._ask(commands.connections())
        return isinstance(answer, Connections) and any(
            (peer.side, peer.mac, peer.pan_id) == (_SIDE_ROUTE_B, network.address, network.pan_id)
            and (not authenticated or peer.state == _PEER_AUTHENTICATED)
            for peer in answer.peers
        )

    async def _authenticate(self, network: Network, patience: float) -> None:
        decided = self._session.begin()
        try:
            await self._start_pana(decided)
            async with asyncio.timeout(patience):
                await self._await_pana(decided, network)
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            await self._start_over(_ANY_CHANNEL)  # it would go on for minutes
            raise JoinFailedError("The meter did not finish the sign-in in time") from err
        finally:
            if self._session.state is SessionState.JOINING:
                self._session.drop()

    async def _start_pana(self, decided: asyncio.Future[None]) -> None:
        """Start PANA; of a repetition it may be said that it is running, or has ended already."""
        try:
            await self._commander.execute(commands.start_pana())
        except CommandTimeoutError:
            try:
                await self._commander.execute_with_retries(commands.start_pana())
            except CommandFailedError as err:
                if err.code != ResultCode.PANA_RUNNING and not decided.done():
                    raise

    async def _await_pana(self, decided: asyncio.Future[None], network: Network) -> None:
        while True:
            await asyncio.wait((decided,), timeout=_PANA_POLL_S)
            if decided.done():
                decided.result()
                return
            with contextlib.suppress(CommandFailedError):  # it may be too busy to answer that
                if await self._is_joined(network, authenticated=True):
                    self._session.adopt()  # only its 6028 was lost

    @override
    async def disconnect(self) -> bool:
        if self._session.state is SessionState.NONE:
            return False
        self._session.drop()
        try:
            async with asyncio.timeout(_DISCONNECT_TIMEOUT_S):
                await self._commander.execute(commands.end_pana())
        except DongleError, PortError, TimeoutError:
            _LOGGER.debug("The session could not be ended in an orderly way")
        return True

    @property
    @override
    def is_renewing(self) -> bool:
        return False

    @property
    @override
    def transmit_limited(self) -> bool:
        return self._transmitter.transmit_limited

    @override
    async def require_transmission(self) -> None:
        self._transmitter.require_no_limit()

    @override
    async def ping(self) -> bool:
        try:
            return await self._commander.responds(_PING_TIMEOUT_S)
        except PortError:
            return False

    @override
    async def send(self, payload: bytes) -> None:
        async with self._sending:
            self._session.require()
            self._transmitter.require_no_limit()
            assert self._network is not None  # noqa: S101 - there is no session without
            address = link_local(self._network.address)
            try:
                await self._transmitter.send(address, payload, self._require_authenticated)
            except NotJoinedError as err:
                raise self._lost("the dongle does not know the meter any more") from err

    def _require_authenticated(self, status: Answer | None) -> None:
        """Raise unless the dongle has a session, and has not reported its end since it said so."""
        self._session.require()
        if not isinstance(status, Status) or status.route_b != _AUTHENTICATED:
            raise self._lost("the dongle is not signed in any more")

    def _lost(self, reason: str) -> SessionLostError:
        self._session.ended(reason)
        return SessionLostError(f"The session with the meter is gone: {reason}")

    @override
    async def close(self) -> None:
        self._fail_all(PortLostError("The port was closed"))
        if self._port.is_open:
            self._trace.note("Closing the port")
        await self._port.close()
        await self._commander.drain()

    # --- Notifications -----------------------------------------------------------------------

    def _dispatch(self, message: Unsolicited) -> None:
        """Give what the dongle says by itself to what it concerns."""
        match message:
            case ScanResult() if self._scan is not None:
                self._scan.add(message)
            case Datagram():
                self._datagram(message)
            case StartedUp():
                self._session.ended("the dongle has restarted (6019)")
            case PanaResult(mac=mac) | ConnectionChanged(mac=mac) if not self._is_meter(mac):
                pass  # of the HAN side, or of a meter that is left
            case PanaResult(outcome=outcome):
                self._session.pana_ended(outcome)
            case ConnectionChanged(change=ConnectionChange.MAC_LOST):
                self._session.ended("the radio connection is lost (601A 03)")
            case ConnectionChanged(change=ConnectionChange.AUTHENTICATION_LOST):
                self._session.ended("the meter ended it (601A 04)")
            case _:
                pass  # a connection that came

    def _is_meter(self, mac: str) -> bool:
        return self._network is not None and self._network.address == mac

    def _datagram(self, datagram: Datagram) -> None:
        """Pass on what is certain to come from our meter: encrypted, from its address and its PAN."""
        network = self._network
        if (
            self._session.state is SessionState.UP
            and network is not None
            and datagram.secured
            and datagram.source == link_local(network.address)
            and datagram.pan_id == network.pan_id
            and datagram.local_port == ECHONET_PORT
        ):
            self._on_event(DatagramReceived(datagram.payload, datagram.rssi))
        else:
            self._strays += 1

    # --- What the port reports ---------------------------------------------------------------

    def take(self, event: PortEvent) -> None:
        """Take bytes from the port, or fail whatever waits because it is lost."""
        match event:
            case bytes():
                self._commander.receive(event)
            case PortLostError():
                self._trace.note("The port is lost")
                self._fail_all(event)
                self._on_event(DongleLost(event))

    def _fail_all(self, error: PortLostError) -> None:
        self._session.drop(error)
        self._commander.fail(error)


def _mask(channels: range) -> int:
    """Return the mask of the command 0051 for logical channels; J11 has those of the meters."""
    return sum(1 << from_logical(channel) for channel in channels if channel in METER_CHANNELS)


def _channel_of(network: Network) -> int | None:
    """Return the number that J11 has for a network's channel, None if it has none."""
    try:
        return from_logical(network.channel)
    except EncodeError:
        return None


def _is_same(joined: JoinedNetwork, network: Network) -> bool:
    return (joined.pan_id, joined.mac) == (network.pan_id, network.address)


def _join_error(err: CommandFailedError) -> JoinFailedError | HanInUseError:
    if err.code in _HAN_IN_USE:
        return HanInUseError("The dongle is in use in a home area network")
    return JoinFailedError("The meter has not been reached")
