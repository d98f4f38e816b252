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

    Raises MeterNotFoundError, JoinFailedError or CredentialsRefusedError. A meter that let
    us in before must turn us down twice before the credentials are blamed.
    """
    await dongle.prepare(credentials)
    refused_before = False
    if remembered is not None:
        try:
            await _join(dongle, remembered, report)
        except JoinFailedError:
            _LOGGER.debug("The meter is not where it was")
        except CredentialsRefusedError:
            refused_before = True
        else:
            return SignedIn(remembered, None)
    found = await _scan(dongle, credentials.pair_id, report)
    try:
        await _join(dongle, found.network, report)
    except CredentialsRefusedError:
        if remembered is None or refused_before:
            raise
        await _join(dongle, found.network, report)
    return SignedIn(found.network, found.lqi)


async def _join(dongle: Dongle, network: Network, report: ProgressCallback) -> None:
    with estimated(report, Stage.JOINING, 0.0, 0.95, _USUAL_JOIN):
        await dongle.join(network)


async def _scan(dongle: Dongle, pair_id: str, report: ProgressCallback) -> FoundNetwork:
    """Scan longer and longer until our meter is heard; the strongest of its PANs wins."""
    whole = sum(map(dongle.scan_seconds, SCAN_DURATIONS))
    done = 0.0
    for duration in SCAN_DURATIONS:
        seconds = dongle.scan_seconds(duration)
        with estimated(report, Stage.SCANNING, done / whole, (done + seconds) / whole, seconds):
            found = await dongle.scan(pair_id, duration)
        if ours := [pan for pan in found if pan.ours]:
            return max(ours, key=lambda pan: pan.lqi)
        done += seconds
    raise MeterNotFoundError("No meter with this ID was heard")
