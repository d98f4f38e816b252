"""Listening for meters, one pass after the other."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
import logging

from ..dongle.dongle import Dongle, FoundNetwork
from ..dongle.scan_passes import ScanPass
from ..errors import CommandFailedError
from .progress import Progress, ProgressCallback, Stage, estimated

_LOGGER = logging.getLogger(__name__)


async def listen(
    dongle: Dongle, pair_id: str, passes: Sequence[ScanPass], report: ProgressCallback
) -> AsyncIterator[tuple[FoundNetwork, ...]]:
    """Yield what each pass has found; the progress is that of all passes together.

    If a dongle refuses some channels, nothing was found on them; in the last pass, that is an error.
    Raises a PortError or a DongleError.
    """
    whole = sum(map(dongle.scan_seconds, passes))
    done = 0.0
    for number, listening in enumerate(passes, 1):
        seconds = dongle.scan_seconds(listening)
        on_fraction = partial(_report_part, report, done / whole, seconds / whole)
        with estimated(report, Stage.SCANNING, done / whole, (done + seconds) / whole, seconds):
            try:
                found = await dongle.scan(pair_id, listening, on_fraction)
            except CommandFailedError:
                if number == len(passes):
                    raise
                _LOGGER.debug("The dongle does not listen on these channels alone")
                found = ()
        done += seconds
        yield found


def _report_part(report: ProgressCallback, start: float, share: float, fraction: float) -> None:
    report(Progress(Stage.SCANNING, min(1.0, start + share * fraction)))
