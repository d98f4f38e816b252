"""The smart meter, as a program sees it: connect, read, listen, close."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
import logging
from types import MappingProxyType

from ..echonet import Property
from ..errors import (
    LinkError,
    NotConnectedError,
    ResponseTimeoutError,
    RouteBError,
    SendFailedError,
)
from ..meter.history import Slot
from ..meter.properties import (
    CUMULATIVE_ENERGY_UNIT,
    HISTORY1_REVERSE,
    PROPERTIES,
    STANDARD_VERSION,
    AnyProperty,
    MeterProperty,
)
from ..meter.scale import Scale, require
from ..redact import Redactor
from ..skstack import rssi_dbm
from .connection import Connection
from .credentials import Credentials
from .description import (
    DESCRIPTION_PROPERTIES,
    SCALE_PROPERTIES,
    MeterDescription,
    describe,
    scale_from,
)
from .dongle import DongleIdentity, Network
from .finish import finish
from .history import write
from .port import Connector
from .progress import Progress, ProgressCallback, Stage, ignore_progress
from .reader import decode_into
from .report import ReadReport
from .requester import transaction_ids
from .sign_in import sign_in
from .statistics import LinkStatistics

_LOGGER = logging.getLogger(__name__)

#: Seconds to wait for a sign of life from a session that an earlier program left behind.
_ALIVE_TIMEOUT = 4.0
#: Seconds that the orderly end of the session may take.
_LEAVE_TIMEOUT = 0.8


@dataclass(frozen=True, slots=True)
class Signal:
    """How well the meter was heard last."""

    lqi: int
    """Link quality as the dongle reports it, 0 to 0xFF."""

    @property
    def dbm(self) -> float:
        """Received signal strength in dBm."""
        return rssi_dbm(self.lqi)


class SmartMeter:
    """One meter behind one dongle on one port.

    ``connect()`` may be called again after the link was lost; every connection starts from a
    freshly opened port. Callbacks run in the event loop and must not block.
    """

    def __init__(
        self,
        connector: Connector,
        credentials: Credentials,
        *,
        network: Network | None = None,
    ) -> None:
        """Prepare; ``network`` is where the meter was found before, to spare the scan."""
        self._connector = connector
        self._credentials = credentials
        self._redactor = Redactor(credentials.route_b_id, credentials.password)
        self._network = network
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._description: MeterDescription | None = None
        self._scale: Scale | None = None
        self._identity: DongleIdentity | None = None
        self._signal: Signal | None = None
        self._statistics = LinkStatistics()
        self._tids = transaction_ids()
        self._on_report: list[Callable[[ReadReport], None]] = []
        self._on_lost: list[Callable[[RouteBError], None]] = []

    # --- What is known -----------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether there is a session with the meter, as far as anybody knows."""
        connection = self._connection
        return connection is not None and connection.established and connection.alive

    @property
    def network(self) -> Network | None:
        """Where the meter is: remember this for the next start."""
        return self._network

    @property
    def dongle(self) -> DongleIdentity | None:
        """The dongle of the last connection."""
        return self._identity

    @property
    def description(self) -> MeterDescription | None:
        """The meter's name plate; None before the first connection."""
        return self._description

    @property
    def scale(self) -> Scale | None:
        """How the meter's energy counts become kWh; None while the meter has not told."""
        return self._scale

    @property
    def signal(self) -> Signal | None:
        """Link quality of the last scan or datagram; None while nothing reported one."""
        return self._signal

    @property
    def statistics(self) -> LinkStatistics:
        """Counters since this object was made."""
        return self._statistics

    # --- Connecting --------------------------------------------------------------------

    async def connect(self, progress: ProgressCallback | None = None) -> None:
        """Open the port, sign in, and learn what the meter is.

        A session that is still alive is used; else the remembered network is joined; else
        the meter is looked for. The port is free again after any failure or cancellation.

        Raises a PortError, a DongleError, or one of MeterNotFoundError, JoinFailedError,
        CredentialsRefusedError, SessionLostError, ResponseTimeoutError, SendFailedError.
        """
        report = progress or ignore_progress
        async with self._connecting:
            await self._drop()
            connection = Connection(self, self._redactor, self._statistics, self._tids)
            self._connection = connection
            try:
                await self._establish(connection, report)
                report(Progress(Stage.DESCRIBING, 1.0))
            except BaseException:
                await self._drop()
                raise
            connection.established = True
            self._statistics.connects += 1

    async def _establish(self, connection: Connection, report: ProgressCallback) -> None:
        report(Progress(Stage.OPENING))
        await connection.dongle.open(self._connector)
        report(Progress(Stage.IDENTIFYING))
        self._identity = await connection.dongle.identify()
        if not await self._resume(connection):
            await self._sign_in(connection, report)
        report(Progress(Stage.DESCRIBING))
        described = await connection.reader.read(DESCRIPTION_PROPERTIES, None)
        self._description = describe(described)
        self._scale = scale_from(described)
        if self._description.readable:
            connection.reader.restrict(self._description.readable)
        connection.require_alive()

    async def _resume(self, connection: Connection) -> bool:
        """Use the session that an earlier program may have left alive in the dongle."""
        if self._network is None or not await connection.dongle.resume(self._network):
            return False
        try:
            await connection.reader.read((STANDARD_VERSION,), None, _ALIVE_TIMEOUT)
        except LinkError:
            _LOGGER.debug("The dongle has no live session")
            connection.revive()
            return False
        return True

    async def _sign_in(self, connection: Connection, report: ProgressCallback) -> None:
        signed_in = await sign_in(connection.dongle, self._credentials, self._network, report)
        self._network = signed_in.network
        if signed_in.lqi is not None:
            self._signal = Signal(signed_in.lqi)

    # --- Reading -----------------------------------------------------------------------

    async def read(self, properties: Iterable[AnyProperty]) -> ReadReport:
        """Read properties of the meter, in as few datagrams as it allows.

        Partial success is a report: see ReadReport. Raises a LinkError, DongleError or
        PortError only when nothing was answered or the link is gone.
        """
        connection = self._alive()
        wanted = tuple(properties)
        if self._scale is None and any(row.scaled for row in wanted):
            await self._read_scale(connection)
        return await connection.reader.read(wanted, self._scale)

    async def _read_scale(self, connection: Connection) -> None:
        """Try again to learn the scale, unless the meter has refused to tell."""
        if connection.reader.refuses(CUMULATIVE_ENERGY_UNIT):
            return
        try:
            self._scale = scale_from(await connection.reader.read(SCALE_PROPERTIES, None))
        except ResponseTimeoutError, SendFailedError:
            _LOGGER.debug("The meter did not tell its energy unit this time")

    async def write[T](self, definition: MeterProperty[T], value: T) -> None:
        """Set a property (SetC); raise RequestRefusedError if the meter does not accept it."""
        await write(self._alive().requester, definition, value)

    async def clock(self) -> datetime:
        """Return the meter's own date and time, aware, JST, to the minute."""
        return await self._alive().history.clock()

    async def day_history(self, days_ago: int) -> tuple[Slot, ...]:
        """Return the 48 half-hourly registers of a day (E2, E4), 0 = today to 99."""
        connection = self._alive()
        both = self._description is not None and self._description.offers(HISTORY1_REVERSE)
        return await connection.history.day(days_ago, await self._require_scale(), reverse=both)

    async def half_hour_history(self, newest: datetime, count: int) -> tuple[Slot, ...]:
        """Return up to 12 half-hourly registers up to ``newest`` (EC), oldest first."""
        return await self._alive().history.half_hours(newest, count, await self._require_scale())

    async def minute_history(self, newest: datetime, count: int) -> tuple[Slot, ...]:
        """Return up to 10 registers a minute apart up to ``newest`` (EE), oldest first."""
        return await self._alive().history.minutes(newest, count, await self._require_scale())

    def _alive(self) -> Connection:
        connection = self._connection
        if connection is None or not connection.established:
            raise NotConnectedError("There is no session with the meter")
        connection.require_alive()
        return connection

    async def _require_scale(self) -> Scale:
        if self._scale is None:
            await self._read_scale(self._alive())
        return require(self._scale)

    # --- Listening ---------------------------------------------------------------------

    def subscribe(self, callback: Callable[[ReadReport], None]) -> Callable[[], None]:
        """Have the meter's own notifications reported; return how to stop that."""
        return _listen(self._on_report, callback)

    def on_lost(self, callback: Callable[[RouteBError], None]) -> Callable[[], None]:
        """Have the loss of a connection reported, once each; return how to stop that."""
        return _listen(self._on_lost, callback)

    # --- Closing -----------------------------------------------------------------------

    async def close(self, *, end_session: bool = False) -> None:
        """Free the port within two seconds; safe to call at any time, any number of times.

        The session stays alive in the dongle for the next program unless ``end_session``.
        """
        connection = self._connection
        try:
            if connection is not None and end_session:
                async with asyncio.timeout(_LEAVE_TIMEOUT):
                    await connection.dongle.leave()
        except TimeoutError:
            _LOGGER.debug("The session did not end in time")
        finally:
            await self._drop()

    async def _drop(self) -> None:
        """Close the connection, established or not, and be done when the port is free."""
        connection = self._connection
        if connection is None:
            return
        await finish(connection.close())
        if self._connection is connection:
            self._connection = None

    # --- What a connection tells its owner ----------------------------------------------

    def signal_heard(self, lqi: int | None) -> None:
        """Note the link quality that came with a datagram."""
        if lqi is not None:
            self._signal = Signal(lqi)

    def notified(self, properties: tuple[Property, ...]) -> None:
        """Decode a notification of the meter and pass it on."""
        values: dict[int, object] = {}
        reasons: dict[int, str] = {}
        for item in properties:
            row = PROPERTIES.get(item.epc)
            if row is not None:
                decode_into(values, reasons, row, item.edt, self._scale)
        if values:
            report = ReadReport(values=MappingProxyType(values))
            _tell(self._on_report, report)

    def connection_lost(self, connection: Connection, error: RouteBError) -> None:
        """Tell the world, unless the connection was given up already."""
        if connection is self._connection and connection.established:
            self._statistics.disconnects += 1
            _tell(self._on_lost, error)


def _listen[T](
    listeners: list[Callable[[T], None]], callback: Callable[[T], None]
) -> Callable[[], None]:
    listeners.append(callback)

    def stop() -> None:
        with suppress(ValueError):  # stopped before
            listeners.remove(callback)

    return stop


def _tell[T](listeners: list[Callable[[T], None]], news: T) -> None:
    """Tell all; one that fails must not stop the bytes that are still to be read."""
    for callback in tuple(listeners):
        try:
            callback(news)
        except Exception:
            _LOGGER.exception("A listener failed")
