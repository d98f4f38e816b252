"""From a prepared dongle to a session: direct join, else scan and join."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import logging

from ..credentials import Credentials
from ..dongle.dongle import Dongle, FoundNetwork, Network, strength
from ..dongle.scan_passes import scan_passes
from ..errors import (
    CredentialsRefusedError,
    JoinFailedError,
    MeterNotFoundError,
    SessionLostError,
)
from .cache import Signal
from .listen import listen
from .progress import Progress, ProgressCallback, Stage, estimated

_LOGGER = logging.getLogger(__name__)

#: PANs with our pairing ID that one search tries to join; there should be one.
_MAX_CANDIDATES = 3
#: A sign-in takes 2 to 10 s (captures 01, 22); one that fails takes 40.
_USUAL_JOIN = 8.0
#: Seconds for a first sign of the meter where it was before. A module asks for the meter's first
#: packet after 0, 2, 6 and 14 s (PANA retransmission, field measurements), and in all captures it
#: came within 2; the module itself gives up after 38 to 41 s.
_FIRST_SIGN = 15.0

#: Raises SessionLostError unless the meter answers a request in the session that has begun.
type RequireAnswer = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, and how well the meter was received when it was found."""

    network: Network
    signal: Signal | None = None
    """From the scan; None when no scan was needed."""


class SignIn:
    """Signs in with one dongle; a session counts only once the meter has answered in it."""

    def __init__(
        self,
        dongle: Dongle,
        credentials: Credentials,
        report: ProgressCallback,
        require_answer: RequireAnswer,
    ) -> None:
        """Take what every attempt needs; ``require_answer`` has the meter answer a request."""
        self._dongle = dongle
        self._credentials = credentials
        self._report = report
        self._require_answer = require_answer

    async def anywhere(self, remembered: Network | None) -> SignedIn:
        """Prepare the dongle, join the remembered network, else look for the meter.

        Raises MeterNotFoundError, JoinFailedError, SessionLostError, CredentialsRefusedError or
        TransmitLimitError. A meter that accepted a sign-in before must refuse twice before
        CredentialsRefusedError is raised.
        """
        await self._dongle.prepare(self._credentials)
        absent = refused_before = False
        if remembered is not None:
            try:
                return await self.join(remembered)
            except JoinFailedError, SessionLostError:
                _LOGGER.debug("The meter is not in the remembered network")
                absent = True
            except CredentialsRefusedError:
                refused_before = True
        try:
            return await self.search(remembered, shortened=absent)
        except CredentialsRefusedError:
            if remembered is None or refused_before:
                raise
        return await self.search(remembered)

    async def search(self, remembered: Network | None, *, shortened: bool = False) -> SignedIn:
        """Scan, and join the best PAN of our pairing ID that accepts the sign-in and answers.

        The pairing ID is no secret and only eight characters long: others may show the same.
        A remembered meter comes first, and a refusal by another one does not count against the
        credentials. ``shortened`` leaves out what is not indispensable. Raises as :meth:`anywhere`.
        """
        errors: list[JoinFailedError | CredentialsRefusedError | SessionLostError] = []
        own = remembered.address if remembered else None
        for found in await self._scan(own, shortened=shortened):
            try:
                signed_in = await self._join(found.network, first_sign=None)
            except (JoinFailedError, SessionLostError) as err:
                errors.append(err)
            except CredentialsRefusedError as err:
                if own is None or own == found.network.address:
                    errors.insert(0, err)
                else:
                    errors.append(JoinFailedError("Another meter refused the sign-in"))
            else:
                signal = None if found.dbm is None else Signal(found.dbm, found.lqi)
                return SignedIn(signed_in.network, signal)
        raise errors[0]

    async def join(self, network: Network) -> SignedIn:
        """Sign in where the meter was before; the dongle must know the credentials.

        Raises as :meth:`anywhere`, JoinFailedError after 15 s without any sign of the meter.
        """
        return await self._join(network, first_sign=_FIRST_SIGN)

    async def _join(self, network: Network, *, first_sign: float | None) -> SignedIn:
        with estimated(self._report, Stage.JOINING, 0.0, 0.95, _USUAL_JOIN):
            try:
                await self._dongle.join(network, first_sign=first_sign)
            except JoinFailedError:
                # The dongle may still be signing in, which would disturb the next step.
                await self._dongle.prepare(self._credentials)
                raise
        self._report(Progress(Stage.DESCRIBING))
        await self._require_answer()
        return SignedIn(network)

    async def _scan(self, own: str | None, *, shortened: bool) -> list[FoundNetwork]:
        """Listen pass by pass until our pairing ID is found; return its PANs, best first.

        ``own`` is the address of the meter if it is known: it comes first, even if others are stronger.
        """
        passes = scan_passes(self._dongle.channels, shortened=shortened)
        async for found in listen(self._dongle, self._credentials.pair_id, passes, self._report):
            if ours := [pan for pan in found if pan.ours]:
                ours.sort(key=lambda pan: (pan.network.address == own, strength(pan)), reverse=True)
                return ours[:_MAX_CANDIDATES]
        raise MeterNotFoundError("No meter with this ID was found")
