"""What the PANA sessions of all dongles share: the meter's settings, and the lifetime."""

from abc import ABC, abstractmethod
from random import Random

from .config import EmulatorConfig
from .lifetime import Lifetime
from .meter.notifications import Notifications
from .transceiver import Receive, Transceiver


class DongleSession[T: Transceiver](ABC):
    """The dongle's end of a session. The meter's end is in RadioEnvironment."""

    def __init__(
        self, config: EmulatorConfig, transceiver: T, pushes: Notifications, heard: Receive
    ) -> None:
        """Prepare; there is no session yet. ``heard`` takes datagrams of the meter."""
        self._transceiver = transceiver
        self._air = transceiver.air
        self._pace = transceiver.pace
        self._pushes = pushes
        self._heard = heard
        self._meter_id = config.route_b_id
        self._lifetime = config.session_lifetime
        self._delay = config.sign_in_delay
        self._random = Random(f"session/{config.seed}")
        self._life = Lifetime(
            transceiver,
            transceiver.pace,
            config.session_lifetime,
            renew=self._renew_by_itself,
            expire=self._expire,
        )

    @abstractmethod
    async def _renew_by_itself(self) -> bool:
        """Renew the session without a command of the host; return whether that succeeded."""

    @abstractmethod
    def _expire(self) -> None:
        """End a session that was not renewed in time."""
