"""State of the reconfiguration dialog from one submission to the next."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import CONF_PASSWORD
from homeassistant.core import HomeAssistant

from ..const import CONF_ROUTE_B_ID
from ..entry_data import RouteBConfigEntry, stored
from ..serial_port.names import async_stable_path


class Reconfiguration:
    """Another port, ID or password for one entry; what is left blank stays."""

    def __init__(self, entry: RouteBConfigEntry) -> None:
        """Begin with what is stored."""
        self.entry = entry
        self._new_password = ""
        """One that was typed and not refused: it need not be typed again after a failure."""
        self._own_ports: set[str | None] = set()
        """Paths that mean the dongle that the entry knows, wherever it is."""
        self._is_replaced = False

    def shown(self) -> str | None:
        """Return the port that the form suggests."""
        device = stored(self.entry).device
        self._own_ports.add(device)
        return device

    def take(self, answers: Mapping[str, Any], last_error: str | None) -> tuple[str, str]:
        """Return the Route-B ID and the password to be tried, in whatever form they are.

        ``last_error`` is what the form was shown with: who submits once more after the message
        about another device means what is at the port now.
        """
        if last_error == "credentials_refused":
            self._new_password = ""
        self._is_replaced = self._is_replaced or last_error == "other_device"
        before = stored(self.entry)
        route_b_id = answers.get(CONF_ROUTE_B_ID, "").strip() or before.route_b_id or ""
        return route_b_id, self._password(answers) or before.password or ""

    def accept(self, answers: Mapping[str, Any]) -> None:
        """Keep a password that has the right form."""
        self._new_password = self._password(answers)

    def _password(self, answers: Mapping[str, Any]) -> str:
        typed: str = answers.get(CONF_PASSWORD, "").strip()
        return typed or self._new_password

    async def async_port(self, hass: HomeAssistant, typed: str) -> str | None:
        """Return a port as it is to be stored; None for that of the dongle that the entry knows."""
        device = await async_stable_path(hass, typed)
        is_own = not self._own_ports.isdisjoint((typed, device))
        return None if is_own and not self._is_replaced else device
