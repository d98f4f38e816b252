"""The one thing that talks to the meter: polls what is wanted, takes what is pushed."""

from collections.abc import Iterable
from datetime import datetime
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import CONF_NETWORK, CONF_ROUTE_B_ID, DOMAIN, POLL_INTERVAL
from .failures import PORT_UNREACHABLE, failure_key
from .stack import (
    CUMULATIVE_ENERGY_NORMAL,
    CUMULATIVE_ENERGY_REVERSE,
    INSTANTANEOUS_CURRENT,
    INSTANTANEOUS_POWER,
    AnyProperty,
    Credentials,
    CredentialsRefusedError,
    Network,
    ReadReport,
    RouteBError,
    SmartMeter,
    plan,
    serial_connector,
)

_LOGGER = logging.getLogger(__name__)

#: What the first reading asks for, before there are entities to want anything.
_FIRST_READING = frozenset(
    row.epc
    for row in (
        INSTANTANEOUS_POWER,
        INSTANTANEOUS_CURRENT,
        CUMULATIVE_ENERGY_NORMAL,
        CUMULATIVE_ENERGY_REVERSE,
    )
)

type RouteBConfigEntry = ConfigEntry[RouteBCoordinator]


class RouteBCoordinator(DataUpdateCoordinator[ReadReport]):
    """Keeps the newest report of one meter.

    Entities pass the EPCs they show as their context; what no enabled entity shows is not
    asked for, and costs no time on the air.
    """

    config_entry: RouteBConfigEntry

    def __init__(self, hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
        """Prepare; the first refresh opens the port."""
        super().__init__(
            hass, _LOGGER, config_entry=entry, name=entry.title, update_interval=POLL_INTERVAL
        )
        self.data = ReadReport()
        self.meter = SmartMeter(
            serial_connector(entry.data[CONF_DEVICE]),
            Credentials(entry.data[CONF_ROUTE_B_ID], entry.data[CONF_PASSWORD]),
            network=Network.from_dict(entry.data.get(CONF_NETWORK) or {}),
        )
        self._last_read: dict[int, datetime] = {}
        self._has_polled = False
        entry.async_on_unload(self.meter.subscribe(self._pushed))

    async def async_close(self) -> None:
        """Give the port back. Only a disabled entry ends its session with the meter."""
        await self.meter.close(end_session=self.config_entry.disabled_by is not None)

    def offers(self, properties: Iterable[AnyProperty]) -> bool:
        """Tell whether the meter has these properties, by its own list or by its answers."""
        description = self.meter.description
        if description is not None and description.readable:
            return description.offers(*properties)
        return self.data.has(*(row.epc for row in properties))

    @override
    async def _async_update_data(self) -> ReadReport:
        try:
            if not self.meter.connected:
                await self._connect()
            now = dt_util.utcnow()
            report = await self._read(plan.due(now, self._last_read, self._wanted()))
        except CredentialsRefusedError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key=failure_key(err)
            ) from err
        except RouteBError as err:
            raise UpdateFailed(translation_domain=DOMAIN, translation_key=failure_key(err)) from err
        except HomeAssistantError as err:  # a port of another integration that is not ready
            raise UpdateFailed(translation_domain=DOMAIN, translation_key=PORT_UNREACHABLE) from err
        self._note(report, now)
        self._has_polled = True
        # Not what `data` was when the read began: a push may have come since.
        return self.data.merged(report)

    async def _connect(self) -> None:
        # A task of the entry: unloading cancels it, which frees the port, whoever asked for
        # this refresh.
        await self.config_entry.async_create_background_task(
            self.hass, self.meter.connect(), f"{self.name} - connect"
        )
        network = self.meter.network
        if network and (found := network.as_dict()) != self.config_entry.data.get(CONF_NETWORK):
            self.hass.config_entries.async_update_entry(
                self.config_entry, data={**self.config_entry.data, CONF_NETWORK: found}
            )

    async def _read(self, properties: tuple[AnyProperty, ...]) -> ReadReport:
        try:
            return await self.meter.read(properties)
        except RouteBError:
            # Nothing at all was answered. The next poll starts over with a fresh port; a
            # session that is alive after all is found again in a second.
            await self.meter.close()
            raise

    def _wanted(self) -> frozenset[int]:
        """Return the EPCs that enabled entities show."""
        if not self._has_polled:
            return _FIRST_READING
        contexts: set[frozenset[int]] = set(self.async_contexts())
        return frozenset().union(*contexts)

    @callback
    def _pushed(self, report: ReadReport) -> None:
        """Take the meter's own notification, without disturbing the poll timer."""
        self._note(report, dt_util.utcnow())
        self.data = self.data.merged(report)
        self.async_update_listeners()

    def _note(self, report: ReadReport, now: datetime) -> None:
        self._last_read.update(dict.fromkeys(report.values.keys() | report.refused, now))
