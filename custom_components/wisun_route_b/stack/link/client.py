"""The smart meter, as a program sees it: connect, read, listen, close."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
import logging
from types import MappingProxyType
from typing import assert_never

from ..controller.counters import LinkStatistics
from ..controller.history_reader import write
from ..controller.property_reader import decode_into
from ..controller.requester import transaction_ids
from ..controller.sent_requests import SentRequests
from ..credentials import Credentials
from ..dongle.detect import IDENTIFY_TIMEOUT_S, Detector, detect
from ..dongle.dongle import DongleIdentity, Network
from ..dongle.port import Connector
from ..echonet import Property
from ..errors import (
    NotConnectedError,
    ResponseTimeoutError,
    RouteBError,
    SendFailedError,
)
from ..meter.description import SCALE_PROPERTIES, MeterDescription
from ..meter.half_hours import Slot
from ..meter.properties import (
    CUMULATIVE_ENERGY_UNIT,
    GET_PROPERTY_MAP,
    HISTORY1_REVERSE,
    PROPERTIES,
    AnyProperty,
    MeterProperty,
)
from ..meter.report import ReadReport
from ..meter.scale import Scale, require
from ..redact import Redactor
from ..tasks import await_uncancelled
from ..trace.line_log import LineLog
from ..trace.trace import Trace
from .cache import LinkCache, Signal
from .callbacks import Callbacks
from .connection import (
    Condition,
    ConditionChanged,
    Connection,
    ConnectionEvent,
    ConnectionLost,
    Notified,
)
from .establish import SessionEstablisher
from .link_status import RecoveryStep
from .progress import ProgressCallback, ignore_progress

_LOGGER = logging.getLogger(__name__)

#: Seconds that a dongle may be silent after its port was opened again, while no user waits for
#: the result: opening resets some dongles, and opening once more would do that again.
_REOPENED_TIMEOUT_S = 30.0
_NO_UNIT = "the energy unit (E1, D3) is not known"


class SmartMeter:
    """One meter behind one dongle on one port.

    ``connect()`` may be called again after the link was lost; every connection starts from a
    freshly opened port. Callbacks run in the event loop and must not block.
    """

    def __init__(  # noqa: PLR0913 - what a caller may remember of an earlier connection
        self,
        connector: Connector,
        credentials: Credentials,
        *,
        network: Network | None = None,
        description: MeterDescription | None = None,
        session_ended_at: float | None = None,
        require_sign_in: bool = False,
        line_log: LineLog | None = None,
        dongle_kind: str | None = None,
        detector: Detector = detect,
    ) -> None:
        """Prepare; what is known from an earlier connection makes the next one faster.

        ``network`` is where the meter was found, which saves the scan; ``description`` is what it
        answered there, which saves asking again; ``session_ended_at`` when a session was ended, in seconds
        of the running loop's clock, because the meter needs a pause after that. With
        ``require_sign_in`` no session that an earlier program left alive is used: only a sign-in shows
        that new credentials are right. Another ``line_log`` than its own lets a conversation
        outlive this object. ``dongle_kind`` is what was found at the port last, to look for it first;
        ``detector`` opens the port and returns the driver of what is there.
        """
        self.redactor = Redactor(
            credentials.route_b_id, credentials.password, network.address if network else ""
        )
        """Hides every secret that is known by now."""
        self.line_log = line_log or LineLog()
        """The last lines of the serial conversation, over all connections, masked."""
        self._trace = Trace(self.redactor, self.line_log)
        self._cache = LinkCache(network, description, session_ended_at, dongle_kind)
        self._establisher = SessionEstablisher(
            connector, credentials, self._cache, require_sign_in=require_sign_in, detect=detector
        )
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._statistics = LinkStatistics()
        self._tids = transaction_ids()
        self._sent_requests = SentRequests()
        self._on_report = Callbacks[ReadReport]()
        self._on_lost = Callbacks[RouteBError]()
        self._on_condition = Callbacks[Condition]()

    # --- State ------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether there is a session with the meter, as far as is known."""
        connection = self._connection
        return connection is not None and connection.established and connection.alive

    @property
    def has_port(self) -> bool:
        """Whether there is a connection, with or without a session, that can be recovered."""
        return self._connection is not None

    @property
    def answered_at(self) -> float | None:
        """When the meter answered a request last, in seconds of the running loop's clock."""
        return self._sent_requests.response_time.answered_at

    @property
    def network(self) -> Network | None:
        """Where the meter is: store this for the next start."""
        return self._cache.network

    @property
    def dongle(self) -> DongleIdentity | None:
        """The dongle of the last connection."""
        return self._cache.dongle

    @property
    def dongle_kind(self) -> str | None:
        """The kind of dongle that was found last: store this for the next start."""
        return self._cache.kind

    @property
    def condition(self) -> Condition:
        """What the session is able to do now."""
        return self._connection.condition if self._connection else Condition.UP

    @property
    def is_limited(self) -> bool:
        """Whether a dongle said within the last hour that nothing may be sent, and not the opposite since."""
        return self._cache.is_limited(asyncio.get_running_loop().time())

    @property
    def description(self) -> MeterDescription | None:
        """The meter's description: store this for the next start. None before the first."""
        return self._cache.description

    @property
    def scale(self) -> Scale | None:
        """How the meter's energy counts become kWh; None while the meter has not answered it."""
        return self._cache.scale

    @property
    def session_ended_at(self) -> float | None:
        """When we ended a session last, in seconds of the running loop's clock."""
        return self._cache.session_ended_at

    @property
    def signal(self) -> Signal | None:
        """Signal strength of the last scan or datagram; None while nothing reported one."""
        return self._cache.signal

    @property
    def statistics(self) -> LinkStatistics:
        """Counters since this object was made."""
        return self._statistics

    @property
    def line_statistics(self) -> Mapping[str, int]:
        """Counters of what was received over the serial line; empty without a dongle."""
        return self._connection.line_statistics if self._connection else {}

    # --- Connecting --------------------------------------------------------------------

    async def connect(
        self,
        progress: ProgressCallback | None = None,
        first: Iterable[AnyProperty] = (),
        identify_timeout_s: float = IDENTIFY_TIMEOUT_S,
    ) -> ReadReport:
        """Open the port, sign in, read the meter's description, and read ``first``.

        A session that is still alive is used; else the remembered network is joined; else
        the meter is looked for. The port is free again after any failure or cancellation.
        ``identify_timeout_s`` is how many seconds the dongle may be silent after the opening.

        Raises a PortError, a DongleError, or one of MeterNotFoundError, JoinFailedError,
        CredentialsRefusedError, TransmitLimitError, SessionLostError, ResponseTimeoutError,
        SendFailedError.
        """
        report = progress or ignore_progress
        async with self._connecting:
            await self._drop()
            connection = Connection(
                self._handle,
                self._trace,
                self._cache,
                self._statistics,
                self._tids,
                sent_requests=self._sent_requests,
            )
            self._connection = connection
            try:
                reading = await self._establisher.establish(
                    connection, report, tuple(first), identify_timeout_s
                )
            except BaseException:
                await self._drop()
                raise
            self._statistics.connects += 1
            return reading

    async def recover(
        self,
        step: RecoveryStep,
        first: Iterable[AnyProperty] = (),
        progress: ProgressCallback | None = None,
    ) -> None:
        """Make a new session after the old one was lost, by one recovery step.

        All but the last step need the port and the dongle to be alive; the last one reports
        how far it is, and what the meter says about ``first`` to those who have subscribed.
        Raises as connect() does; the next step can be tried on what is left.
        """
        if step is RecoveryStep.REOPEN:
            reading = await self.connect(progress, first, _REOPENED_TIMEOUT_S)
            if reading.values:
                self._on_report.notify(reading)
            return
        async with self._connecting:
            connection = self._connection
            if connection is None:
                raise NotConnectedError("There is nothing to recover")
            await self._establisher.recover(connection, step)
            self._statistics.connects += 1

    async def describe(self) -> None:
        """Read the meter's description again; raise as :meth:`read`."""
        await self._establisher.describe(self._alive())

    # --- Reading -----------------------------------------------------------------------

    async def read(
        self, properties: Iterable[AnyProperty], timeout_s: float | None = None
    ) -> ReadReport:
        """Read properties of the meter, in as few datagrams as it allows.

        ``timeout_s`` is how many seconds to wait for each answer, and to ask again meanwhile;
        without it, as long as the specification gives the meter. Partial success is a report: see
        ReadReport. Raises a LinkError, DongleError or PortError only when nothing was answered or
        the link is gone.
        """
        connection = self._alive()
        wanted = tuple(properties)
        if self.scale is not None or not any(row.scaled for row in wanted):
            return await connection.reader.read(wanted, self.scale, timeout_s)
        plain = [row for row in wanted if not row.scaled]
        report = await connection.reader.read(plain, None, timeout_s)
        # What can be decoded already does not wait for the energy unit.
        await self._learn_scale(connection, timeout_s)
        scaled = [row for row in wanted if row.scaled]
        scale = self._cache.scale
        if scale is None:
            return report.merged(_not_understood(scaled, connection.reader.refuses))
        try:
            return report.merged(await connection.reader.read(scaled, scale, timeout_s))
        except (ResponseTimeoutError, SendFailedError) as err:
            if not plain:
                raise
            _LOGGER.debug("The energies were not answered: %s", err)
            return report

    async def _learn_scale(self, connection: Connection, timeout_s: float | None) -> None:
        """Ask for what is missing of the scale; the reader leaves out what it is silent about."""
        description = self._cache.description
        answers = description.answers if description else ReadReport()
        missing = [
            row
            for row in (GET_PROPERTY_MAP, *SCALE_PROPERTIES)
            if row.epc not in answers.values
            and (row is CUMULATIVE_ENERGY_UNIT or row.epc not in answers.refused)
        ]
        if not missing or connection.reader.refuses(CUMULATIVE_ENERGY_UNIT):
            return
        try:
            answers = await connection.reader.read(missing, None, timeout_s)
            self._cache.note_description(answers, asyncio.get_running_loop().time())
        except ResponseTimeoutError, SendFailedError:
            _LOGGER.debug("The meter did not answer its energy unit this time")

    async def write[T](self, definition: MeterProperty[T], value: T) -> None:
        """Set a property (SetC); raise RequestRefusedError if the meter does not accept it."""
        await write(self._alive().requester, definition, value)

    async def clock(self) -> datetime:
        """Return the meter's own date and time, aware, JST, to the minute."""
        return await self._alive().history.clock()

    async def day_history(self, days_ago: int) -> tuple[Slot, ...]:
        """Return the 48 half-hourly registers of a day (E2, E4), 0 = today to 99."""
        connection = self._alive()
        both = self.description is not None and self.description.offers(HISTORY1_REVERSE)
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
        if self.scale is None:
            await self._learn_scale(self._alive(), None)
        return require(self.scale)

    # --- Listening ---------------------------------------------------------------------

    def subscribe(self, callback: Callable[[ReadReport], None]) -> Callable[[], None]:
        """Subscribe to the meter's own notifications; return the function that unsubscribes."""
        return self._on_report.add(callback)

    def on_lost(self, callback: Callable[[RouteBError], None]) -> Callable[[], None]:
        """Subscribe to losses of a connection, once each; return the function that unsubscribes."""
        return self._on_lost.add(callback)

    def on_condition(self, callback: Callable[[Condition], None]) -> Callable[[], None]:
        """Subscribe to changes of the session's condition; return the function that unsubscribes."""
        return self._on_condition.add(callback)

    # --- Closing -----------------------------------------------------------------------

    async def end_session(self) -> None:
        """End the session but keep the port: the next one is for :meth:`recover` to make.

        Subscribers get the loss. Takes a second or two; does nothing if the session is
        being ended already. Raises TransmitLimitError while nothing may be sent, not even
        this, and the error of the link if it was lost.
        """
        connection = self._alive()
        await connection.dongle.require_transmission()
        if await connection.end_session():
            connection.give_up_session("a new one was asked for")

    async def close(self, *, end_session: bool = False) -> None:
        """Free the port within two seconds; safe to call at any time, any number of times.

        The session stays alive in the dongle for the next program unless ``end_session``.
        """
        connection = self._connection
        try:
            if connection is not None and end_session:
                await connection.end_session()
        finally:
            await self._drop()

    async def _drop(self) -> None:
        """Close the connection, established or not, and be done when the port is free."""
        connection = self._connection
        if connection is None:
            return
        await await_uncancelled(connection.close())
        if self._connection is connection:
            self._connection = None

    # --- What a connection reports -------------------------------------------------------

    def _handle(self, event: ConnectionEvent) -> None:
        match event:
            case Notified(properties):
                self._report_notification(properties)
            case ConditionChanged(condition):
                self._on_condition.notify(condition)
            case ConnectionLost(error):
                self._on_lost.notify(error)
            case _:
                assert_never(event)

    def _report_notification(self, properties: tuple[Property, ...]) -> None:
        """Decode a notification of the meter and pass it on."""
        values: dict[int, object] = {}
        reasons: dict[int, str] = {}
        for item in properties:
            row = PROPERTIES.get(item.epc)
            if row is not None:
                decode_into(values, reasons, row, item.edt, self.scale)
        if values:
            report = ReadReport(values=MappingProxyType(values))
            self._on_report.notify(report)


def _not_understood(
    rows: Collection[AnyProperty], refuses: Callable[[AnyProperty], bool]
) -> ReadReport:
    """Return a report that these energies cannot be decoded, or are not offered at all."""
    refused = {row.epc for row in rows if refuses(row)}
    reasons = {row.epc: _NO_UNIT for row in rows if row.epc not in refused}
    return ReadReport(
        refused=frozenset(refused), absent=frozenset(reasons), reasons=MappingProxyType(reasons)
    )
