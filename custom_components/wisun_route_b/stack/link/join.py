"""From a prepared dongle to a session: direct join, else scan and join."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import logging

from ..credentials import Credentials
from ..dongle.dongle import Dongle, FoundNetwork, Network, strength
from ..errors import (
    CredentialsRefusedError,
    JoinFailedError,
    MeterNotFoundError,
    SessionLostError,
)
from .cache import Signal
from .progress import Progress, ProgressCallback, Stage, estimated

_LOGGER = logging.getLogger(__name__)

#: Scan durations, each about twice as long as the one before: 4.6, 8.9, 17.5 and 34.7 s.
#: Meters were found with 5 (capture 02), 6 (captures 01, 09) and 7 (capture 22).
SCAN_DURATIONS = (4, 5, 6, 7)
#: PANs with our pairing ID that one search tries to join; there should be one.
_MOST_CANDIDATES = 3
#: A sign-in takes 2 to 10 s (captures 01, 22); one that fails takes 40.
_USUAL_JOIN = 8.0


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
        TransmitLimitError. A meter that let us in before must turn us down twice before the
        credentials are blamed.
        """
        await self._dongle.prepare(self._credentials)
        refused_before = False
        if remembered is not None:
            try:
                return await self.join(remembered)
            except JoinFailedError, SessionLostError:
                _LOGGER.debug("The meter is not where it was")
            except CredentialsRefusedError:
                refused_before = True
        try:
            return await self.search(remembered)
        except CredentialsRefusedError:
            if remembered is None or refused_before:
                raise
        return await self.search(remembered)

    async def search(self, remembered: Network | None) -> SignedIn:
        """Scan, and join the best PAN of our pairing ID that lets us in and answers.

        The pairing ID is no secret and only eight characters long: others may show the same.
        Where a meter is remembered, it comes first, and no other one can make us doubt the
        credentials. Raises as :meth:`anywhere`.
        """
        errors: list[JoinFailedError | CredentialsRefusedError | SessionLostError] = []
        own = remembered.address if remembered else None
        for found in await self._scan(own):
            try:
                signed_in = await self.join(found.network)
            except (JoinFailedError, SessionLostError) as err:
                errors.append(err)
            except CredentialsRefusedError as err:
                if own is None or own == found.network.address:
                    errors.insert(0, err)
                else:
                    errors.append(JoinFailedError("A meter that is not ours turned us down"))
            else:
                signal = None if found.dbm is None else Signal(found.dbm, found.lqi)
                return SignedIn(signed_in.network, signal)
        raise errors[0]

    async def join(self, network: Network) -> SignedIn:
        """Sign in where the meter is thought to be; the dongle must know the credentials."""
        with estimated(self._report, Stage.JOINING, 0.0, 0.95, _USUAL_JOIN):
            await self._dongle.join(network)
        self._report(Progress(Stage.DESCRIBING))
        await self._require_answer()
        return SignedIn(network)

    async def _scan(self, own: str | None) -> list[FoundNetwork]:
        """Scan longer and longer until our pairing ID is found; return its PANs, best first.

        ``own`` is the address of the meter if it is known: the loudest PANs must not keep it out.
        """
        dongle = self._dongle
        whole = sum(map(dongle.scan_seconds, SCAN_DURATIONS))
        done = 0.0
        for duration in SCAN_DURATIONS:
            seconds = dongle.scan_seconds(duration)
            with estimated(
                self._report, Stage.SCANNING, done / whole, (done + seconds) / whole, seconds
            ):
                found = await dongle.scan(self._credentials.pair_id, duration)
            if ours := [pan for pan in found if pan.ours]:
                ours.sort(key=lambda pan: (pan.network.address == own, strength(pan)), reverse=True)
                return ours[:_MOST_CANDIDATES]
            done += seconds
        raise MeterNotFoundError("No meter with this ID was found")
