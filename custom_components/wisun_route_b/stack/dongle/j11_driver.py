"""Driver for J11 dongles: RATOC RS-WSUHA-J11, ROHM BP35C0-J11, BP35C1-J11 and BP35C2-J11.

Theory of operation. The dongle has three states of Route B (V12 p14-17): idle, operating (joined to the
meter's network, MAC only) and authenticated (PANA has succeeded, everything is encrypted). Commands
are refused in the wrong state, and results or notifications may be lost on the line. So the driver
asks for the state (0001, 0011) wherever it matters, and does not infer it from what was received:

- right before each datagram and each repetition, because 0008 sends in plain text while the dongle is
  not authenticated (V12 p56), and a notification that the session is over may have been lost;
- before a sign-in: what is left of the last one is used if it is our meter's network, else reset;
- while PANA goes on, because its result 6028 may have been lost.

Only the reset (00D9) ends a scan or PANA; it is accepted at any time. 0057 is sent only
to end a session on purpose: it wipes the credentials, and the meter needs a pause after it. 00F0, 0059
and plain text are unsafe and never sent.

V12 = ROHM, J11 UART IF command specification v1.2, 2026-01-14.
"""

import asyncio
import logging
from typing import Final, override

from ..credentials import Credentials
from ..errors import (
    CommandFailedError,
    CommandTimeoutError,
    DongleError,
    HanInUseError,
    LinkError,
    PortError,
    PortLostError,
    SessionLostError,
)
from ..j11 import Command, ResultCode, commands, link_local
from ..j11.messages import (
    Answer,
    ConnectionChanged,
    Datagram,
    PanaResult,
    ScanResult,
    StartedUp,
    Status,
)
from ..j11.results import HAN_IN_USE, ConnectionChange
from ..route_b import ECHONET_PORT
from ..trace.trace import Trace
from .dongle import (
    DatagramReceived,
    DongleIdentity,
    EventHandler,
    FoundNetwork,
    FractionCallback,
    Network,
    ignore_fraction,
)
from .j11_commander import J11Commander, Unsolicited
from .j11_module import AUTHENTICATED, J11Module
from .j11_scan import J11Scan, mask_of
from .j11_session import J11Session, SessionState
from .j11_sign_in import J11SignIn
from .j11_trace import J11Trace
from .j11_transmitter import J11Transmitter, NotJoinedError
from .port import Port
from .port_driver import PortDriver
from .scan_passes import METER_CHANNELS, ScanPass

_LOGGER = logging.getLogger(__name__)

#: Seconds for any response to the question whether the dongle still answers.
_PING_TIMEOUT_S: Final = 0.75
#: Ending a session must not delay the closing of the link; a response may take 2 s (V12 p155).
_DISCONNECT_TIMEOUT_S: Final = 1.5


class J11Dongle(PortDriver):
    """Drives one J11 dongle over one port, until it is closed."""

    kind = "j11"

    def __init__(self, port: Port, on_event: EventHandler, trace: Trace) -> None:
        """Take the port, whose events must be passed to :meth:`take`."""
        super().__init__(port, on_event, trace)
        self._commander = J11Commander(port, self._dispatch, J11Trace(trace))
        self._module = J11Module(self._commander)
        self._session = J11Session(on_event)
        self._sign_in = J11SignIn(self._commander, self._module, self._session)
        self._transmitter = J11Transmitter(self._commander, on_event)
        self._sending = asyncio.Lock()
        self._network: Network | None = None
        """The network that is joined, or being joined."""
        self._scan: J11Scan | None = None
        """The scan that is running."""
        self._strays = self._ignored = 0

    @property
    @override
    def line_statistics(self) -> dict[str, int]:
        return {
            **self._commander.statistics,
            "stray_datagrams": self._strays,
            "stray_notifications": self._ignored,
        }

    # --- Identifying -----------------------------------------------------------------------

    @override
    async def version(self) -> str:
        return await self._module.version()

    @override
    async def identify(self) -> DongleIdentity:
        """Find out which dongle it is; a live session goes on, a scan that was left running does not.

        Raises HanInUseError and FirmwareNotDualError beside what every method raises.
        """
        return DongleIdentity("J11", await self._module.identify(), None)

    # --- Preparing -------------------------------------------------------------------------

    @override
    async def is_on_network(self, network: Network) -> bool:
        prepared = self._module.credentials is not None
        return prepared and await self._module.is_set_up_for(network)

    @override
    async def resume(self, network: Network) -> bool:
        try:
            if not await self._module.is_joined(network, authenticated=True):
                return False
            await self._module.open_port()
        except CommandFailedError:
            return False  # it has ended in this moment
        self._network = network
        self._session.take_over()
        return True

    @override
    async def prepare(self, credentials: Credentials) -> None:
        self._session.drop()
        self._module.credentials = credentials
        await self._module.start_over()

    # --- Scanning --------------------------------------------------------------------------

    @property
    @override
    def channels(self) -> range:
        return METER_CHANNELS

    @override
    def scan_seconds(self, listening: ScanPass) -> float:
        return commands.scan_time(listening.duration, mask_of(listening.channels))

    @override
    async def scan(
        self,
        pair_id: str,
        listening: ScanPass,
        on_fraction: FractionCallback = ignore_fraction,
    ) -> tuple[FoundNetwork, ...]:
        """Listen once; the dongle reports networks with this pairing ID only."""
        mask = mask_of(listening.channels)
        command = commands.scan(listening.duration, pairing_id=pair_id, channels=mask)
        scan = self._scan = J11Scan(mask.bit_count(), on_fraction)
        try:
            await self._commander.execute(command)
        except CommandFailedError as err:
            if err.code in HAN_IN_USE:
                raise HanInUseError("The dongle is in use in a home area network") from err
            if err.code != ResultCode.NOT_STARTED:
                raise
            await self._scan_again(command)
        except CommandTimeoutError:
            if not await self.ping():
                raise
            if not (scan.found or scan.is_complete):
                await self._scan_again(command)
            # Else only its end was lost.
        finally:
            self._scan = None
        return tuple(scan.found)

    async def _scan_again(self, command: Command) -> None:
        """Set the dongle up, which has restarted meanwhile, and begin the scan again."""
        await self._module.set_up()
        await self._commander.execute(command)

    # --- Session ---------------------------------------------------------------------------

    @override
    async def join(self, network: Network, *, first_sign: float | None = None) -> None:
        self._session.drop()
        self._network = network
        try:
            await self._sign_in.join(network, first_sign)
        except LinkError:
            self._transmitter.require_no_limit()  # or that is the reason
            raise

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
        """Raise unless ``status`` shows a session whose end has not been reported since."""
        self._session.require()
        if not isinstance(status, Status) or status.route_b != AUTHENTICATED:
            raise self._lost("the dongle is not signed in any more")

    def _lost(self, reason: str) -> SessionLostError:
        self._session.ended(reason)
        return SessionLostError(f"The session with the meter is gone: {reason}")

    # --- Notifications -----------------------------------------------------------------------

    def _dispatch(self, message: Unsolicited) -> None:
        """Dispatch the dongle's notifications."""
        match message:
            case ScanResult() if self._scan is not None:
                self._scan.add(message)
            case Datagram():
                self._datagram(message)
            case StartedUp():
                self._session.ended("the dongle has restarted (6019)")
            case PanaResult(mac=mac) | ConnectionChanged(mac=mac) if not self._is_meter(mac):
                self._ignored += 1  # of the HAN side, or of a meter that is left
            case PanaResult(outcome=outcome):
                self._session.pana_ended(outcome)
            case ConnectionChanged(change=ConnectionChange.MAC_LOST):
                self._session.ended("the radio connection is lost (601A 03)")
            case ConnectionChanged(change=ConnectionChange.AUTHENTICATION_LOST):
                self._session.ended("the meter ended it (601A 04)")
            case ConnectionChanged():
                pass  # a connection that came
            case ScanResult():
                self._ignored += 1  # of a scan that was given up

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

    @override
    def _receive(self, data: bytes) -> None:
        self._commander.receive(data)

    @override
    async def _drain(self) -> None:
        await self._commander.drain()

    @override
    def _fail_all(self, error: PortLostError) -> None:
        self._session.drop(error)
        self._commander.fail(error)
