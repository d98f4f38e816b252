"""From a port to a session, and back to one: each step bounded, each falling to the next.

A living session is used; else the remembered network is joined; else the meter is looked
for. The steps for a lost session are the same steps, one by one. A step has succeeded when
the meter has answered a request: dongles have been seen to sign in again and again while no
answer ever came, until they were reset or their port was opened again.
"""

import asyncio
import logging
from typing import Final

from ..credentials import Credentials
from ..dongle.detect import Detector
from ..dongle.port import Connector
from ..errors import (
    LinkError,
    MeterSilentError,
    NotConnectedError,
    ResponseTimeoutError,
    SendFailedError,
)
from ..meter.description import (
    DESCRIPTION_PROPERTIES,
    ESSENTIAL_PROPERTIES,
    NAME_PLATE_PROPERTIES,
)
from ..meter.properties import (
    INSTANTANEOUS_POWER,
    OPERATION_STATUS,
    STANDARD_VERSION,
    AnyProperty,
)
from ..meter.report import ReadReport
from .cache import LinkCache
from .connection import Connection
from .join import SignedIn, SignIn
from .link_status import RecoveryStep
from .progress import Progress, ProgressCallback, Stage, ignore_progress

_LOGGER = logging.getLogger(__name__)

#: Seconds to wait for a sign of life from a session that an earlier program left behind.
_ALIVE_TIMEOUT_S: Final = 4.0
#: Seconds for each answer to the first requests, in which they are sent four times.
_FIRST_TIMEOUT_S: Final = 20.0
#: Seconds for the meter's description, in which it is sent twice. It is several properties at once, and a
#: meter that does not answer one of them must not delay the rest.
_DESCRIPTION_TIMEOUT_S: Final = 10.0
#: What the meter is asked for to prove that a session carries answers, and the timeout of each in
#: seconds. The others are for a meter that is silent about the first.
_PROOFS: Final[tuple[tuple[int, float], ...]] = (
    (INSTANTANEOUS_POWER.epc, _FIRST_TIMEOUT_S),
    (OPERATION_STATUS.epc, 6.0),
    (STANDARD_VERSION.epc, 6.0),
)
#: The same, where all of what is wanted first was asked for already.
_FURTHER_PROOFS: Final[tuple[tuple[int, float], ...]] = tuple((epc, 6.0) for epc, _ in _PROOFS)
#: Seconds after the end of a session before the meter takes part in another sign-in (field
#: report of broute-mqtt: sooner, it ends with EVENT 24).
_PAUSE_AFTER_SESSION_S: Final = 10.0


class SessionEstablisher:
    """Takes a connection to a session with the meter."""

    def __init__(
        self,
        connector: Connector,
        credentials: Credentials,
        cache: LinkCache,
        *,
        require_sign_in: bool,
        detect: Detector,
    ) -> None:
        """Take what every attempt needs, and what is kept from one to the next.

        With ``require_sign_in`` credentials count as right only after a sign-in with them.
        """
        self._connector = connector
        self._detect = detect
        self._credentials = credentials
        self._cache = cache
        self._require_sign_in = require_sign_in

    async def establish(
        self,
        connection: Connection,
        report: ProgressCallback,
        first: tuple[AnyProperty, ...],
        identify_timeout_s: float,
    ) -> ReadReport:
        """Open the port and sign in; return the values of ``first``.

        ``identify_timeout_s`` is how many seconds the dongle may be silent after the opening.
        """
        report(Progress(Stage.OPENING))
        await connection.open(
            self._detect,
            self._connector,
            identify_timeout_s,
            lambda: report(Progress(Stage.IDENTIFYING)),
        )
        self._cache.dongle = await connection.dongle.identify()
        await connection.dongle.require_transmission()
        name_plate: tuple[AnyProperty, ...] = ()
        reading = None if self._require_sign_in else await self._resume(connection, first)
        if reading is None:
            await self._rest()
            proof = _FirstAnswer(connection, self._cache, first)
            sign_in = self._sign_in(connection, report, proof)
            self._settle(await sign_in.anywhere(self._cache.network), proof)
            name_plate = self._note(connection, proof)
            reading = proof.reading
            self._require_sign_in = False
        if self._cache.description is None:
            report(Progress(Stage.DESCRIBING))
        await self._try_to_describe(connection)
        self._restrict(connection)
        reading = await self._complete(connection, reading or ReadReport(), first, name_plate)
        report(Progress(Stage.DESCRIBING, 1.0))
        connection.establish()
        return reading

    async def _resume(
        self, connection: Connection, first: tuple[AnyProperty, ...]
    ) -> ReadReport | None:
        """Use the session that an earlier program may have left alive in the dongle.

        What is wanted first is a good sign of life, if its numbers can be understood.
        Returns None if there is no session, and an empty report if all is still to be read.
        """
        network = self._cache.network
        if network is None or not await connection.dongle.resume(network):
            return None
        understood = self._cache.description is not None and bool(first)
        self._restrict(connection)
        try:
            reading = await connection.reader.read(
                first if understood else (STANDARD_VERSION,),
                self._cache.scale,
                _ALIVE_TIMEOUT_S,
                isolate=False,
            )
        except LinkError:
            _LOGGER.debug("The dongle has no live session")
            connection.revive()
            return None
        return reading if understood else ReadReport()

    def _note(self, connection: Connection, proof: _FirstAnswer) -> tuple[AnyProperty, ...]:
        """Note the description that was read as the proof; return what was not asked for yet."""
        if proof.description is None:
            return ()
        plate = {row.epc for row in NAME_PLATE_PROPERTIES}
        self._note_description(
            connection, proof.description.merged(ReadReport(absent=frozenset(plate)))
        )
        return NAME_PLATE_PROPERTIES

    async def _complete(
        self,
        connection: Connection,
        reading: ReadReport,
        first: tuple[AnyProperty, ...],
        name_plate: tuple[AnyProperty, ...],
    ) -> ReadReport:
        """Read what is missing of what is wanted first, and the name plate along with it."""
        answered = reading.values.keys() | reading.refused
        missing = [row for row in first if row.epc not in answered]
        try:
            read = await connection.reader.read(
                (*missing, *name_plate), self._cache.scale, _FIRST_TIMEOUT_S
            )
        except ResponseTimeoutError, SendFailedError:
            _LOGGER.debug("The session has carried an answer, but not the first reading")
            return reading
        if name_plate:
            self._note_description(connection, read.part({row.epc for row in name_plate}))
        return reading.merged(read.part({row.epc for row in first}))

    async def recover(self, connection: Connection, step: RecoveryStep) -> None:
        """Apply a step other than REOPEN.

        A dongle that has lost its settings is prepared again, whatever the step.
        """
        connection.revive()
        network = self._cache.network
        if network is None:
            raise NotConnectedError("It is not known where the meter is")
        await connection.dongle.require_transmission()
        lost_settings = not await connection.dongle.is_on_network(network)
        await self._rest()
        if lost_settings or step is RecoveryStep.RESET:
            await connection.dongle.prepare(self._credentials)
        proof = _FirstAnswer(connection, self._cache)
        sign_in = self._sign_in(connection, ignore_progress, proof)
        if step is RecoveryStep.RESCAN:
            self._settle(await sign_in.search(network), proof)
        else:
            await sign_in.join(network)
        await self._complete(connection, ReadReport(), (), self._note(connection, proof))
        await self._try_to_describe(connection)
        self._restrict(connection)
        connection.establish()

    def _sign_in(
        self, connection: Connection, report: ProgressCallback, proof: _FirstAnswer
    ) -> SignIn:
        return SignIn(connection.dongle, self._credentials, report, proof.require)

    async def describe(self, connection: Connection) -> None:
        """Read the meter's description."""
        answers = await connection.reader.read(DESCRIPTION_PROPERTIES, None, _FIRST_TIMEOUT_S)
        self._note_description(connection, answers)

    def _note_description(self, connection: Connection, answers: ReadReport | None) -> None:
        if answers is not None:
            self._cache.note_description(answers, asyncio.get_running_loop().time())
            self._restrict(connection)

    async def _try_to_describe(self, connection: Connection) -> None:
        """Read the meter's description; a session that has carried an answer is kept without it."""
        if self._cache.description is None:
            try:
                await self.describe(connection)
            except ResponseTimeoutError, SendFailedError:
                _LOGGER.debug("The meter did not answer its description")

    def _settle(self, signed_in: SignedIn, proof: _FirstAnswer) -> None:
        """Note the network, and the signal of the scan unless an answer has brought a newer one."""
        signal = None if proof.has_shown_signal else signed_in.signal
        self._cache.found(signed_in.network, signal)

    def _restrict(self, connection: Connection) -> None:
        description = self._cache.description
        if description is not None and description.readable:
            connection.reader.restrict(description.readable)

    async def _rest(self) -> None:
        """Wait until the meter is ready for a new session after the end of the last."""
        session_ended_at = self._cache.session_ended_at
        if session_ended_at is not None:
            await asyncio.sleep(
                session_ended_at + _PAUSE_AFTER_SESSION_S - asyncio.get_running_loop().time()
            )
            self._cache.session_ended_at = (
                None  # not before: an attempt that is cancelled has not waited
            )


class _FirstAnswer:
    """Requires the meter to answer a request in a session that has just begun.

    What is to be read anyway is proof enough, and then no other request is needed: the description,
    as long as that is not known, or else what is wanted first.
    """

    def __init__(
        self, connection: Connection, cache: LinkCache, first: tuple[AnyProperty, ...] = ()
    ) -> None:
        """Take what is wanted first, if anything is."""
        self._connection = connection
        self._cache = cache
        self._first = first
        self.reading: ReadReport | None = None
        """The meter's answer to that."""
        self.description: ReadReport | None = None
        """Its description."""
        self._signal_before = cache.signal

    @property
    def has_shown_signal(self) -> bool:
        """Whether the answer came with its signal strength."""
        return self._cache.signal is not self._signal_before

    async def require(self) -> None:
        """Return once the meter has answered in this session, even if late.

        Raises MeterSilentError, or the error that ended the link meanwhile.
        """
        connection = self._connection
        connection.revive()
        self._signal_before = self._cache.signal
        begun = asyncio.get_running_loop().time()
        wanted, timeout_s, further = ESSENTIAL_PROPERTIES, _DESCRIPTION_TIMEOUT_S, _PROOFS
        if self._cache.description is not None:
            wanted, timeout_s = self._first, _FIRST_TIMEOUT_S
            further = _FURTHER_PROOFS if wanted else _PROOFS
        reader, scale = connection.reader, self._cache.scale
        try:
            if wanted:
                self._note(await reader.read(wanted, scale, timeout_s, isolate=False))
                return
        except ResponseTimeoutError, SendFailedError:
            _LOGGER.debug("The first reading of this session was not answered")
        requester = connection.requester
        for epc, timeout_s in further:
            if requester.late_since(begun) or await requester.probe(epc, timeout_s):
                return
        if not requester.late_since(begun):
            raise MeterSilentError("The meter does not answer after the sign-in")

    def _note(self, answers: ReadReport) -> None:
        if self._cache.description is None:
            self.description = answers
        else:
            self.reading = answers
