"""Driver for SKSTACK IP dongles: BP35A1, BP35C0, BP35C2, RS-WSUHA-P, RL7023, MB-RL7023-11."""

import asyncio
from dataclasses import asdict
import logging
from typing import override

from ..credentials import Credentials
from ..errors import (
    CommandFailedError,
    CommandTimeoutError,
    DongleError,
    JoinFailedError,
    LinkError,
    NotAWiSunDongleError,
    PortError,
    PortLostError,
    TransmitLimitError,
)
from ..route_b import ECHONET_PORT, PANA_PORT
from ..skstack import (
    AppVersion,
    Datagram,
    Dialect,
    Event,
    EventNumber,
    FailCode,
    Info,
    PanDescription,
    SendResult,
    commands,
    link_local,
    rssi_dbm,
)
from ..trace.trace import Trace
from .dongle import (
    PAN_IDS,
    DatagramReceived,
    DongleIdentity,
    EventHandler,
    FoundNetwork,
    FractionCallback,
    Network,
    ignore_fraction,
)
from .futures import fail, resolve
from .port import Port
from .port_driver import PortDriver
from .scan_passes import CHANNELS, ScanPass
from .skstack_commander import Answer, Commander, Unsolicited
from .skstack_probe import SkstackProbe
from .skstack_session import PanaSession, SessionState
from .skstack_trace import SkstackTrace
from .skstack_transmitter import Transmitter

_LOGGER = logging.getLogger(__name__)

#: Seconds a scan dwells on a channel: 0.0096 * (2**d + 1) (BP35A1 manual, page 20).
_DWELL_S = 0.0096
#: A scan without its end for this many seconds beyond its time will not end.
_SCAN_GRACE_S = 8.0
#: A join that fails reports so after 38 to 41 s (PANA retransmissions, field measurements).
_JOIN_TIMEOUT_S = 60.0
#: SKJOIN is sent this often if it is refused or not answered at all: noise damages one line.
_JOIN_TRIES = 3
#: Seconds for an answer to the question whether the dongle still answers.
_PING_TIMEOUT_S = 0.75
#: Ending a session must not delay the closing of the link.
_DISCONNECT_TIMEOUT_S = 0.8
#: The side of events of the HAN (C2 manual, page 66).
_SIDE_HAN = 1
#: PANs that one scan keeps; a street has fewer, and other networks cannot fill the memory.
_MAX_PANS = 64


class SkstackDongle(PortDriver):
    """Drives one SKSTACK IP dongle over one port, until it is closed."""

    kind = "skstack"
    channels = CHANNELS

    def __init__(self, port: Port, on_event: EventHandler, trace: Trace) -> None:
        """Take the port, whose events must be passed to :meth:`take`."""
        super().__init__(port, on_event, trace)
        self._commander = Commander(port, self._dispatch, SkstackTrace(trace))
        self.probe = SkstackProbe(self._commander, port, trace)
        """For detection: the question whether this is an SKSTACK dongle at all."""
        self._session = PanaSession(on_event)
        self._transmitter = Transmitter(self._commander, on_event)
        self._meter_address = ""
        self._found: list[PanDescription] = []
        self._scan_ended: asyncio.Future[None] | None = None
        self._session_ended: asyncio.Future[None] | None = None
        self._strays = 0

    @property
    @override
    def line_statistics(self) -> dict[str, int]:
        return {
            **asdict(self._commander.receiver.statistics),
            "stray_answers": self._commander.stray_answers,
            "stray_datagrams": self._strays,
        }

    # --- Identifying -------------------------------------------------------------------

    @override
    async def version(self) -> str:
        return self.probe.version

    @override
    async def identify(self) -> DongleIdentity:
        dialect = await self._learn_dialect()
        await self._commander.execute_with_retries(commands.sksreg("SFE", "0"))
        return DongleIdentity(
            f"SKSTACK {dialect.name.lower()}", self.probe.version, await self._app_version()
        )

    async def _learn_dialect(self) -> Dialect:
        info = await self._ask(commands.skinfo(), Info)
        self._commander.dialect = Dialect.from_info(info)
        return self._commander.dialect

    async def _app_version(self) -> str | None:
        try:
            return (await self._ask(commands.skappver(), AppVersion)).text
        except CommandFailedError, CommandTimeoutError:
            return None  # RL7023 does not know the question

    # --- Preparing ---------------------------------------------------------------------

    @override
    async def is_on_network(self, network: Network) -> bool:
        info = await self._ask(commands.skinfo(), Info)
        self._commander.dialect = Dialect.from_info(info)
        return (info.channel, info.pan_id) == (network.channel, network.pan_id)

    @override
    async def resume(self, network: Network) -> bool:
        if not await self.is_on_network(network):
            return False
        self._meter_address = link_local(network.address)
        self._session.take_over()
        return True

    @override
    async def prepare(self, credentials: Credentials) -> None:
        self._session.drop()
        await self._set_up(commands.skreset())
        await self._set_up(commands.sksreg("SFE", "0"))
        if self._commander.dialect is Dialect.DUAL:
            await self._want_signal_strength()
        await self._set_up(commands.sksetpwd(credentials.password))
        await self._set_up(commands.sksetrbid(credentials.route_b_id))

    async def _set_up(self, command: commands.Command) -> None:
        """Send a command that sets something, and may set it twice."""
        await self._commander.execute_with_retries(command)

    async def _want_signal_strength(self) -> None:
        """Have every ERXUDP carry its RSSI (register SA2, BP35C2 manual)."""
        try:
            await self._set_up(commands.sksreg("SA2", "1"))
        except CommandFailedError:
            _LOGGER.debug("This dongle does not report the signal strength of datagrams")

    # --- Scanning ----------------------------------------------------------------------

    @override
    def scan_seconds(self, listening: ScanPass) -> float:
        return len(listening.channels) * _DWELL_S * (2.0**listening.duration + 1.0)

    @override
    async def scan(
        self,
        pair_id: str,
        listening: ScanPass,
        on_fraction: FractionCallback = ignore_fraction,
    ) -> tuple[FoundNetwork, ...]:
        self._found.clear()
        self._scan_ended = asyncio.get_running_loop().create_future()
        try:
            await self._start_scan(listening)
            async with asyncio.timeout(self.scan_seconds(listening) + _SCAN_GRACE_S):
                await self._scan_ended
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            if not await self.ping():
                raise CommandTimeoutError("The scan did not end") from err
            # Only its EVENT 22 was lost.
        finally:
            self._scan_ended = None
        return tuple(
            FoundNetwork(
                Network(pan.channel, pan.pan_id, pan.address),
                rssi_dbm(pan.lqi),
                ours=pan.pair_id == pair_id,
                lqi=pan.lqi,
            )
            for pan in self._found
        )

    async def _start_scan(self, listening: ScanPass) -> None:
        """Start a scan; a form that the dongle refuses (ER05) is kept only until it takes the other.

        EINFO has shown the dialect, but a damaged line may show the wrong one.
        """
        dialect = self._commander.dialect
        channels, duration = listening.channels, listening.duration
        try:
            await self._set_up(commands.skscan(dialect, duration, channels))
        except CommandFailedError as err:
            if err.code != FailCode.ER05:
                raise
            await self._set_up(commands.skscan(dialect.other, duration, channels))
            self._commander.dialect = dialect.other

    # --- Session -----------------------------------------------------------------------

    @override
    async def join(self, network: Network, *, first_sign: float | None = None) -> None:
        await self._set_up(commands.sksreg("S2", f"{network.channel:02X}"))
        await self._set_up(commands.sksreg("S3", f"{network.pan_id:04X}"))
        self._meter_address = link_local(network.address)
        try:
            await self._join(first_sign)
        except LinkError:
            await self.require_transmission()  # or that is the reason
            raise

    async def _join(self, first_sign: float | None) -> None:
        decided = self._session.begin()
        try:
            await self._start_join(decided)
            self._session.expect_sign(first_sign)
            async with asyncio.timeout(_JOIN_TIMEOUT_S):
                await decided
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            raise JoinFailedError("The sign-in did not end") from err
        except CommandFailedError as err:
            raise JoinFailedError("The dongle did not start the sign-in") from err
        finally:
            if self._session.state is SessionState.JOINING:
                self._session.drop()

    async def _start_join(self, decided: asyncio.Future[None]) -> None:
        """Send SKJOIN until it is accepted, or until something shows that it was."""
        command = commands.skjoin(self._meter_address)
        for left in reversed(range(_JOIN_TRIES)):
            try:
                await self._commander.execute(command)
            except CommandFailedError, CommandTimeoutError:
                if decided.done() or self._session.has_packets:
                    return  # only its OK was lost
                if not left:
                    raise
                await self._commander.resynchronize()
            else:
                return

    @override
    async def disconnect(self) -> bool:
        if self._session.state is SessionState.NONE:
            return False
        self._session.drop()
        self._session_ended = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_DISCONNECT_TIMEOUT_S):
                # SKTERM is sent once: the first bytes to a suspended USB device are lost.
                await self._commander.resynchronize()
                await self._commander.execute(commands.skterm(), _DISCONNECT_TIMEOUT_S)
                await self._session_ended
        except DongleError, PortError, TimeoutError:
            _LOGGER.debug("The session could not be ended in an orderly way")
        finally:
            self._session_ended = None
        return True

    @property
    @override
    def is_renewing(self) -> bool:
        return self._session.state is SessionState.RENEWING

    @property
    @override
    def transmit_limited(self) -> bool:
        return self._transmitter.transmit_limited

    @override
    async def require_transmission(self) -> None:
        if await self._transmitter.limit_holds():
            raise TransmitLimitError("Nothing may be transmitted now")

    @override
    async def ping(self) -> bool:
        try:
            await self._commander.execute_with_retries(commands.skver(), _PING_TIMEOUT_S)
        except DongleError, PortError:
            return False
        return True

    @override
    async def send(self, payload: bytes) -> None:
        await self._session.ready()
        await self._transmitter.send(self._meter_address, payload)

    async def retire(self) -> None:
        """Stop without closing the port, as another driver has taken it over."""
        await self._commander.drain()

    async def _ask[A: Answer](self, command: commands.Command, kind: type[A]) -> A:
        """Send a command that must answer a line of this kind."""
        for answer in await self._commander.execute_with_retries(command):
            if isinstance(answer, kind):
                return answer
        raise NotAWiSunDongleError(f"The answer to {command.name} is missing")

    # --- Unsolicited messages --------------------------------------------------------------

    def _dispatch(self, message: Unsolicited) -> None:
        """Dispatch events, PAN descriptions and datagrams."""
        match message:
            case PanDescription(channel=channel, pan_id=pan_id):
                possible = channel in CHANNELS and pan_id in PAN_IDS
                if self._scan_ended is not None and possible and len(self._found) < _MAX_PANS:
                    self._found.append(message)
            case Datagram():
                self._datagram(message)
            case Event(side=side) if side != _SIDE_HAN:
                self._event(message)
            case Event():
                pass  # of the HAN side of dual firmware

    def _datagram(self, datagram: Datagram) -> None:
        ours = datagram.source == self._meter_address
        if datagram.local_port == PANA_PORT and ours:
            self._session.packet_received(datagram.payload)
        elif ours and datagram.secured and datagram.local_port == ECHONET_PORT:
            lqi = datagram.rssi
            dbm = None if lqi is None else rssi_dbm(lqi)
            self._on_event(DatagramReceived(datagram.payload, dbm, lqi))
        else:
            self._strays += datagram.local_port != PANA_PORT

    def _event(self, event: Event) -> None:
        number, parameter = event.number, event.parameter
        if event.address == self._meter_address and event.shows_peer:
            self._session.sign_received()
        match number:
            case EventNumber.SCAN_FINISHED:
                resolve(self._scan_ended, None)
            case EventNumber.UDP_SENT:
                if parameter == SendResult.FAILED:
                    self._session.transmission_failed()
                self._transmitter.result(parameter)
            case EventNumber.TRANSMIT_LIMIT_ON | EventNumber.TRANSMIT_LIMIT_OFF:
                self._transmitter.limit(active=number == EventNumber.TRANSMIT_LIMIT_ON)
            case _:
                if number in (EventNumber.TERMINATED, EventNumber.TERMINATION_TIMED_OUT):
                    resolve(self._session_ended, None)
                self._session.event(number)

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
        self._transmitter.fail(error)
        fail(self._scan_ended, error)
        fail(self._session_ended, error)
