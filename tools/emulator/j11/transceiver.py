"""Received datagrams of a J11 dongle: data notifications, and dropped packets."""

from collections.abc import Callable
from random import Random
from typing import override

from ..defects import Defects
from ..pace import Pace
from ..radio_environment import ALL_NODES, Datagram, Pan, RadioEnvironment
from ..rates import Chance
from ..transceiver import Transceiver
from .channels import rssi
from .module import Module
from .numbers import DATA, DROPPED, NO_PORT
from .one_shot_faults import OneShotFaults

_PLAIN, _ENCRYPTED = 1, 2
_UNICAST, _MULTICAST = 0, 1
#: How much of a packet a notification shows.
_HEAD = 5

#: Prints a notification.
type Notify = Callable[[int, bytes], None]


def packed(address: str) -> bytes:
    """Return the sixteen bytes of an IPv6 address."""
    return bytes.fromhex(address.replace(":", ""))


class J11Transceiver(Transceiver):
    """The receiver and transmitter of a J11 dongle."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        air: RadioEnvironment,
        pace: Pace,
        chance: Chance,
        defects: Defects,
        *,
        module: Module,
        one_shot_faults: OneShotFaults,
        notify: Notify,
    ) -> None:
        """Prepare."""
        super().__init__(air, pace, chance, defects)
        self.module = module
        self.one_shot_faults = one_shot_faults
        self.notify = notify
        self._random = Random("j11 sequence numbers")

    @override
    def reached(self, address: str) -> Pan | None:
        joined = self.module.joined
        if joined is None or self.module.limited:
            return None
        return self.air.at(joined.channel, joined.pan_id, address)

    @property
    def peer(self) -> Pan | None:
        """The meter of the network that was joined, if it can be reached now."""
        joined = self.module.joined
        return None if joined is None else self.reached(joined.address)

    @override
    def show(self, datagram: Datagram) -> None:
        if datagram.port not in self.module.ports:
            self.drop(NO_PORT, datagram)
            return
        self.print_datagram(datagram, source=datagram.source, pan_id=self.pan_id)

    @property
    def pan_id(self) -> int:
        """The PAN that was joined."""
        joined = self.module.joined
        return 0xFFFF if joined is None else joined.pan_id

    def print_datagram(self, datagram: Datagram, *, source: str, pan_id: int) -> None:
        """Print a data notification, perhaps with a sender that is not the true one."""
        kind = _MULTICAST if datagram.destination == ALL_NODES else _UNICAST
        encryption = _ENCRYPTED if datagram.secured else _PLAIN
        self.notify(
            DATA,
            packed(source)
            + datagram.port.to_bytes(2) * 2
            + pan_id.to_bytes(2)
            + bytes((kind, encryption))
            + rssi(self.air.pan)
            + len(datagram.payload).to_bytes(2)
            + datagram.payload,
        )

    def drop(self, reason: int, datagram: Datagram) -> None:
        """Notify that a packet was dropped."""
        sequence = self._random.randbytes(1)
        source, head = packed(datagram.source), datagram.payload[:_HEAD]
        self.notify(DROPPED, bytes((reason,)) + source + sequence + b"\0\0\0" + head)
