"""Lasting defects of a dongle and its meter, as owners have reported them.

Each lasts until it is cleared: by its caller, or by the event that the defect names.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

#: What ends a defect of the dongle: SKRESET, or the next opening of the port. A power cycle
#: ends it in any case.
type Cure = Literal["reset", "open"]


@dataclass(slots=True)
class Defects:
    """What is defective now."""

    deaf_until: set[Cure] = field(default_factory=set)
    """The dongle takes no command, except the SKRESET that ends it."""
    unanswered_until: set[Cure] = field(default_factory=set)
    """Sign-ins succeed and datagrams are acknowledged, but no request is ever answered."""
    deaf_after_opening: float = 0.0
    """Seconds at speed 1 after each opening of the port in which the dongle takes nothing."""
    silent_about: set[int] = field(default_factory=set)
    """A request that names one of these EPCs is never answered."""
    service_time: float = 0.0
    """Seconds at speed 1 the meter takes for a request; it serves one after the other."""
    refuses: bool = False
    """The meter breaks off every sign-in after its challenge, as for a wrong password."""
    serving: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a slow meter serves a request."""

    def cured_by(self, cure: Cure) -> None:
        """End what this ends."""
        self.deaf_until.discard(cure)
        self.unanswered_until.discard(cure)

    def leaves_unanswered(self, epcs: Iterable[int]) -> bool:
        """Return whether a request that names these EPCs gets no answer."""
        return bool(self.unanswered_until) or not self.silent_about.isdisjoint(epcs)

    @property
    def none(self) -> bool:
        """Whether nothing is defective."""
        return not (
            self.deaf_until
            or self.unanswered_until
            or self.deaf_after_opening
            or self.silent_about
            or self.service_time
            or self.refuses
        )

    def repair(self) -> None:
        """End all of it."""
        self.deaf_until.clear()
        self.unanswered_until.clear()
        self.deaf_after_opening = self.service_time = 0.0
        self.silent_about.clear()
        self.refuses = False
