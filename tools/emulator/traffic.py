"""Counters of the datagrams on the air."""

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Traffic:
    """Datagrams and bytes of payload on UDP port 3610, and PANA packets, since the last reset.

    What was transmitted counts, whether it arrived or not.
    """

    requests: int = 0
    """Datagrams to the meter."""
    request_bytes: int = 0
    answers: int = 0
    """Datagrams of the meter, announcements included."""
    answer_bytes: int = 0
    pana: int = 0
    """PANA packets in both directions."""

    def sent(self, payload: bytes) -> None:
        """Count a datagram to the meter."""
        self.requests += 1
        self.request_bytes += len(payload)

    def received(self, payload: bytes) -> None:
        """Count a datagram of the meter."""
        self.answers += 1
        self.answer_bytes += len(payload)

    def reset(self) -> None:
        """Count from zero."""
        for field in fields(self):
            setattr(self, field.name, 0)

    def as_dict(self) -> dict[str, int]:
        """Return the counters by name."""
        return asdict(self)
