"""From a prepared dongle to a session: direct join, else scan and join."""

from dataclasses import dataclass
import logging

from ..errors import CredentialsRefusedError, JoinFailedError, MeterNotFoundError
from .credentials import Credentials
from .dongle import Dongle, FoundNetwork, Network
from .progress import ProgressCallback, Stage, estimated

_LOGGER = logging.getLogger(__name__)

#: Scan durations, each about twice as long as the one before: 4.6, 8.9, 17.5 and 34.7 s.
#: Meters were found with 5 (capture 02), 6 (captures 01, 09) and 7 (capture 22).
SCAN_DURATIONS = (4, 5, 6, 7)
#: PANs with our pairing ID that one search tries to join; there should be one.
_MOST_CANDIDATES = 3
#: A sign-in takes 2 to 10 s (captures 01, 22); one that fails takes 40.
_USUAL_JOIN = 8.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, and how the meter was heard when it was found."""

    network: Network
    lqi: int | None
    """Link quality of the scan; None when no scan was needed."""


async def sign_in(
    dongle: Dongle,
    credentials: Credentials,
    remembered: Network | None,
    report: ProgressCallback,
) -> SignedIn:
    """Join the remembered network, else look for the meter and join what is found.

    Raises MeterNotFoundError, JoinFailedError, CredentialsRefusedError or TransmitLimitError.
    A meter that let us in before must turn us down twice before the credentials are blamed.
    """
    await dongle.prepare(credentials)
    refused_before = False
    if remembered is not None:
        try:
            await join(dongle, remembered, report)
        except JoinFailedError:
            _LOGGER.debug("The meter is not where it was")
        except CredentialsRefusedError:
            refused_before = True
        else:
            return SignedIn(remembered, None)
    try:
        return await search(dongle, credentials, remembered, report)
    except CredentialsRefusedError:
        if remembered is None or refused_before:
            raise
    return await search(dongle, credentials, remembered, report)


async def search(
    dongle: Dongle,
    credentials: Credentials,
    remembered: Network | None,
    report: ProgressCallback,
) -> SignedIn:
    """Scan, and join the strongest PAN of our pairing ID that lets us in.

    The pairing ID is no secret and only eight characters long: others may show the same.
    Where a meter is remembered, no other one can make us doubt the credentials.
    """
    errors: list[JoinFailedError | CredentialsRefusedError] = []
    for found in await _scan(dongle, credentials.pair_id, report):
        try:
            await join(dongle, found.network, report)
        except JoinFailedError as err:
            errors.append(err)
        except CredentialsRefusedError as err:
            if remembered is None or remembered.address == found.network.address:
                errors.insert(0, err)
            else:
                errors.append(JoinFailedError("A meter that is not ours turned us down"))
        else:
            return SignedIn(found.network, found.lqi)
    raise errors[0]


async def join(dongle: Dongle, network: Network, report: ProgressCallback) -> None:
    """Sign in where the meter is thought to be; the dongle must know the credentials."""
    with estimated(report, Stage.JOINING, 0.0, 0.95, _USUAL_JOIN):
        await dongle.join(network)


async def _scan(dongle: Dongle, pair_id: str, report: ProgressCallback) -> list[FoundNetwork]:
    """Scan longer and longer until our pairing ID is heard; return its PANs, strongest first."""
    whole = sum(map(dongle.scan_seconds, SCAN_DURATIONS))
    done = 0.0
    for duration in SCAN_DURATIONS:
        seconds = dongle.scan_seconds(duration)
        with estimated(report, Stage.SCANNING, done / whole, (done + seconds) / whole, seconds):
            found = await dongle.scan(pair_id, duration)
        if ours := [pan for pan in found if pan.ours]:
            return sorted(ours, key=lambda pan: pan.lqi, reverse=True)[:_MOST_CANDIDATES]
        done += seconds
    raise MeterNotFoundError("No meter with this ID was heard")
