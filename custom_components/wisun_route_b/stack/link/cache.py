"""Cached facts about a meter and its dongle, from one connection to the next."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from ..dongle.dongle import DongleIdentity, Network
from ..meter.description import MeterDescription
from ..meter.properties import GET_PROPERTY_MAP
from ..meter.report import ReadReport
from ..meter.scale import Scale

#: Seconds for which a meter must refuse a property of its own list before it is taken to lack it.
_MISSING_AFTER_S: Final = 600.0
#: The limit is on the transmission time of any hour (ARIB STD-T108).
_LIMIT_LASTS_S: Final = 3600.0

#: dBm from which on a reception is called good, and fair; weaker ones are weak. Below about -95 dBm a
#: link does not hold (experience of owners, docs/hardware.md), and it fades by 10 dB and more with the
#: weather and with people who walk by.
_GOOD_DBM: Final = -75.0
_FAIR_DBM: Final = -87.0


@dataclass(frozen=True, slots=True)
class Signal:
    """How well the meter was received last."""

    dbm: float
    """Received signal strength in dBm."""
    lqi: int | None = None
    """Link quality, 0 to 0xFF; None if the dongle reports none."""
    live: bool = False
    """Whether it came with a datagram, and not from a scan that may be long ago."""

    @property
    def reception(self) -> Literal["good", "fair", "weak"]:
        """The signal strength in a word."""
        if self.dbm >= _GOOD_DBM:
            return "good"
        return "fair" if self.dbm >= _FAIR_DBM else "weak"


class LinkCache:
    """Cached facts about a meter and its dongle, which make the next connection faster."""

    def __init__(
        self,
        network: Network | None,
        description: MeterDescription | None,
        session_ended_at: float | None,
        kind: str | None = None,
    ) -> None:
        """Start with what the caller has stored; a description of another meter is dropped.

        ``session_ended_at`` is in seconds of the running loop's clock.
        """
        self.network = network
        """Where the meter is."""
        self.description: MeterDescription | None = None
        """The meter's description of itself."""
        self.session_ended_at = session_ended_at
        """When a session with it was ended, in seconds of the running loop's clock."""
        self.dongle: DongleIdentity | None = None
        """The dongle of the last connection."""
        self._refused_since: dict[int, float] = {}
        """Since when the meter has refused what its own list has."""
        self.kind = kind
        """The protocol of that dongle; detection tries it first."""
        self.limited_at: float | None = None
        """When a dongle said last that nothing may be sent, in seconds of the running loop's clock."""
        self.signal: Signal | None = None
        """How well the meter was received in the last scan or datagram."""
        if network and description and description.address == network.address:
            self.description = description

    @property
    def scale(self) -> Scale | None:
        """How the meter's energy counts become kWh."""
        return self.description.scale if self.description else None

    def is_limited(self, now: float) -> bool:
        """Return whether the transmission time of the hour may still be used up at ``now``.

        A dongle without a session cannot tell: a sign-in looks as if the radio did not reach the meter.
        """
        return self.limited_at is not None and now - self.limited_at < _LIMIT_LASTS_S

    def found(self, network: Network, signal: Signal | None) -> None:
        """Note where the meter is; at another address it is another meter."""
        if self.description is not None and self.description.address != network.address:
            self.description = None
        self.network = network
        if signal is not None:
            self.signal = signal

    def note_description(self, answers: ReadReport, now: float) -> None:
        """Note what the meter described at ``now``, in seconds of the running loop's clock.

        A property that is, or may be, in its property map counts as missing only after ten minutes of
        refusals: a refusal of D3 stands for the coefficient 1, and a busy meter must not cause that.
        """
        if self.network is None:
            return
        before = self.description.answers if self.description else ReadReport()
        merged = before.merged(answers)
        listed = merged.value(GET_PROPERTY_MAP)
        for epc in answers.values.keys() & self._refused_since.keys():
            del self._refused_since[epc]
        doubtful = {
            epc
            for epc in answers.refused
            if (listed is None or epc in listed)
            and now - self._refused_since.setdefault(epc, now) < _MISSING_AFTER_S
        }
        reasons = {**merged.reasons, **dict.fromkeys(doubtful, "refused for now")}
        self.description = MeterDescription(
            self.network.address,
            replace(
                merged,
                refused=merged.refused - doubtful,
                absent=merged.absent | doubtful,
                reasons=MappingProxyType(reasons),
            ),
        )
